//! Endpoints: a service name, an address, a port.

use std::net::IpAddr;

use crate::span::{Text, Value};

/// What an endpoint says, as far as it can be used.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::decode) struct Endpoint<'a> {
    /// Empty: none. That of the local endpoint is the process's and not kept here.
    pub(in crate::decode) service: Text<'a>,
    pub(in crate::decode) ipv4: Option<Value<'a>>,
    pub(in crate::decode) ipv6: Option<Value<'a>>,
    /// 0: none.
    pub(in crate::decode) port: u16,
}

impl<'a> Endpoint<'a> {
    /// The address; the one under `ipv6` goes before the one under `ipv4`, as in Jaeger.
    #[inline]
    pub(in crate::decode) fn address(&self) -> Option<Value<'a>> {
        self.ipv6.or(self.ipv4)
    }
}

impl Endpoint<'_> {
    /// True if it says nothing at all.
    pub(super) fn is_nothing(&self) -> bool {
        self.service.is_empty() && self.ipv4.is_none() && self.ipv6.is_none() && self.port == 0
    }

    /// True if both are of one service, whatever its case, or of none.
    pub(super) fn has_service_of(&self, other: &Endpoint<'_>) -> bool {
        match (self.service, other.service) {
            (Text::Clean(one), Text::Clean(other)) => one.eq_ignore_ascii_case(other),
            (one, other) => one.decoded().eq_ignore_ascii_case(&other.decoded()),
        }
    }

    pub(super) fn is_same(&self, other: &Endpoint<'_>) -> bool {
        let address = |one, other| match (one, other) {
            (Some(one), Some(other)) => same_value(&one, &other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.has_service_of(other)
            && self.port == other.port
            && address(self.ipv4, other.ipv4)
            && address(self.ipv6, other.ipv6)
    }
}

/// True if both are the same text in the same form, or the same address.
pub(super) fn same_value(one: &Value<'_>, other: &Value<'_>) -> bool {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => same_text(one, other),
        (Value::Address(one), Value::Address(other)) => one == other,
        _ => false,
    }
}

/// True if both are the same bytes in the same form.
pub(super) fn same_text(one: &Text<'_>, other: &Text<'_>) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other) && one.raw() == other.raw()
}

/// Four numbers up to 255 with dots between; leading zeros stay, as with Zipkin.
#[inline]
pub(in crate::decode) fn is_ipv4(text: &[u8]) -> bool {
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
pub(in crate::decode) fn odd_address(text: &str) -> Option<Value<'static>> {
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
