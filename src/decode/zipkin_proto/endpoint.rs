//! Endpoints: a service name, addresses as bytes, a port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::decode::fault::Read;
use crate::decode::protobuf::{Field, Message, Wire};
use crate::decode::zipkin::Endpoint;
use crate::span::Value;

/// Reads an endpoint into `endpoint`; one that comes in pieces is put together, as protobuf asks.
#[inline]
pub(super) fn endpoint<'a>(mut message: Message<'a>, endpoint: &mut Endpoint<'a>, depth: usize) -> Read<()> {
    while let Some(field) = message.field()? {
        match field {
            Field { number: 1, wire: Wire::Bytes } => endpoint.service = message.text()?,
            Field { number: 2, wire: Wire::Bytes } => endpoint.ipv4 = address(message.bytes()?),
            Field { number: 3, wire: Wire::Bytes } => endpoint.ipv6 = address(message.bytes()?),
            Field { number: 4, wire: Wire::Varint } => {
                endpoint.port = u16::try_from(message.varint()?).unwrap_or(0);
            }
            other => message.skip(other, depth)?,
        }
    }
    Ok(())
}

/// The address as the document shows it; `None` for what is none.
#[inline]
fn address(bytes: &[u8]) -> Option<Value<'static>> {
    let address = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical(),
        _ => return None,
    };
    Some(Value::Address(address))
}
