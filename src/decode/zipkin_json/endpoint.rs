//! Endpoints: a service name, an address, a port.

use std::net::IpAddr;

use super::Decoder;
use super::members::Members;
use crate::decode::fault::{Fault, Read};
use crate::decode::json::Number;
use crate::span::{Reason, Text, Value};

const NO_OBJECT: &Fault = &Fault::new(Reason::Structure, "an endpoint is no object");

/// What an endpoint says, as far as it can be used.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Endpoint<'a> {
    /// Empty: none. That of the local endpoint is the process's and not kept here.
    pub(super) service: Text<'a>,
    ipv4: Option<Value<'a>>,
    ipv6: Option<Value<'a>>,
    /// 0: none.
    pub(super) port: u16,
}

/// Which of a span's two endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Local,
    Remote,
}

impl Which {
    #[inline(always)]
    fn of<'m, 'a>(self, members: &'m mut Members<'a>) -> &'m mut Endpoint<'a> {
        match self {
            Which::Local => &mut members.local,
            Which::Remote => &mut members.remote,
        }
    }
}

impl<'a> Endpoint<'a> {
    /// The address; the one under `ipv6` goes before the one under `ipv4`, as in Jaeger.
    #[inline]
    pub(super) fn address(&self) -> Option<Value<'a>> {
        self.ipv6.or(self.ipv4)
    }
}

impl<'a> Decoder<'a> {
    /// An endpoint, into the member of the span that it is; null is one that says nothing.
    #[inline]
    pub(super) fn endpoint(&mut self, which: Which) -> Read<()> {
        *which.of(&mut self.members) = Endpoint::default();
        self.process.service = self.process.service.filter(|_| which == Which::Remote);
        match self.reader.peek() {
            Some(b'{') => {}
            Some(b'n') => return self.reader.word().map(|_| ()),
            _ => return Err(NO_OBJECT),
        }
        let mut more = self.reader.open(b'{', b'}')?;
        while more {
            match self.reader.plain_key() {
                Some(name) => {
                    if !self.endpoint_member(which, name)? {
                        self.odd_endpoint_member(which, name)?;
                    }
                }
                None => {
                    let name = self.reader.key()?.decoded();
                    self.odd_endpoint_member(which, &name)?;
                }
            }
            more = self.reader.more(b'}')?;
        }
        Ok(())
    }

    #[inline(always)]
    fn endpoint_member(&mut self, which: Which, name: &str) -> Read<bool> {
        match name {
            "port" => which.of(&mut self.members).port = self.port()?,
            "ipv4" => which.of(&mut self.members).ipv4 = self.address()?,
            "ipv6" => which.of(&mut self.members).ipv6 = self.address()?,
            "serviceName" => match (self.reader.plain_string(), which) {
                (Some(""), _) => self.name_service(which, Text::Clean("")),
                (Some(name), Which::Local) => self.process.service = Some(Text::Clean(name)),
                (Some(name), Which::Remote) => self.members.remote.service = Text::Clean(name),
                (None, _) => {
                    let name = self.odd_scalar()?;
                    self.name_service(which, name);
                }
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    #[cold]
    fn name_service(&mut self, which: Which, name: Text<'a>) {
        match which {
            Which::Local => self.process.service = Some(name).filter(|name| !name.is_empty()),
            Which::Remote => self.members.remote.service = name,
        }
    }

    /// The address as the document shows it; `None` for what is no address.
    #[inline]
    fn address(&mut self) -> Read<Option<Value<'a>>> {
        match self.reader.plain_string() {
            Some(digits) if is_ipv4(digits.as_bytes()) => Ok(Some(Value::Text(Text::Clean(digits)))),
            Some(digits) => Ok(odd_address(digits)),
            None => Ok(odd_address(&self.odd_scalar()?.decoded())),
        }
    }

    #[cold]
    fn odd_endpoint_member(&mut self, which: Which, name: &str) -> Read<()> {
        match ["port", "ipv4", "ipv6", "serviceName"].iter().find(|known| name.eq_ignore_ascii_case(known)) {
            Some(known) => self.endpoint_member(which, known).map(|_| ()),
            None => self.reader.skip(self.limits.depth),
        }
    }

    /// A port; whatever is none is 0.
    #[inline]
    fn port(&mut self) -> Read<u16> {
        if matches!(self.reader.peek(), Some(b'0'..=b'9'))
            && let Some(value) = self.reader.plain_integer()
        {
            return Ok(u16::try_from(value).unwrap_or(0));
        }
        self.odd_port()
    }

    #[cold]
    fn odd_port(&mut self) -> Read<u16> {
        let start = self.reader.offset();
        if let Ok(Some(Number::Natural(value))) = self.odd_integer() {
            return Ok(u16::try_from(value).unwrap_or(0));
        }
        self.reader.seek(start);
        self.reader.skip(self.limits.depth).map(|()| 0)
    }
}

/// Four numbers up to 255 with dots between; leading zeros stay, as with Zipkin.
#[inline]
fn is_ipv4(text: &[u8]) -> bool {
    let (mut dots, mut digits, mut number) = (0, 0, 0_u32);
    if text.len() > 15 {
        return false;
    }
    for &byte in text {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if digit <= 9 {
            digits += 1;
            number = number * 10 + digit;
        } else if byte == b'.' && digits > 0 {
            dots += 1;
            (digits, number) = (0, 0);
        } else {
            return false;
        }
        if number > 255 || digits > 3 {
            return false;
        }
    }
    dots == 3 && digits > 0
}

/// An IPv6 address, or an IPv4 address inside one.
fn odd_address(text: &str) -> Option<Value<'static>> {
    let address: IpAddr = text.parse().ok()?;
    Some(Value::Address(address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library_on_ipv4() {
        for text in ["1.2.3.4", "255.255.255.255", "0.0.0.0", "256.1.1.1", "1.2.3", "1.2.3.4.5", "1..2.3", "", "1.2.3."]
        {
            assert_eq!(is_ipv4(text.as_bytes()), text.parse::<std::net::Ipv4Addr>().is_ok(), "{text}");
        }
        assert!(is_ipv4(b"01.002.3.4"));
        assert!(!is_ipv4(b"1111111111111.1.1.1"));
    }
}
