//! Endpoints: a service name, an address, a port.

use super::Decoder;
use crate::decode::fault::{Fault, Read};
use crate::decode::json::Number;
use crate::decode::zipkin::{Endpoint, Members, is_ipv4, odd_address};
use crate::span::{Reason, Text, Value};

const NO_OBJECT: &Fault = &Fault::new(Reason::Structure, "an endpoint is no object");

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

impl<'a> Decoder<'a> {
    /// An endpoint, into the member of the span that it is; null is one that says nothing.
    #[inline]
    pub(super) fn endpoint(&mut self, which: Which) -> Read<()> {
        *which.of(&mut self.draft.members) = Endpoint::default();
        self.draft.process.service = self.draft.process.service.filter(|_| which == Which::Remote);
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
            "port" => which.of(&mut self.draft.members).port = self.port()?,
            "ipv4" => which.of(&mut self.draft.members).ipv4 = self.address()?,
            "ipv6" => which.of(&mut self.draft.members).ipv6 = self.address()?,
            "serviceName" => match (self.reader.plain_string(), which) {
                (Some(""), _) => self.name_service(which, Text::Clean("")),
                (Some(name), Which::Local) => self.draft.process.service = Some(Text::Clean(name)),
                (Some(name), Which::Remote) => self.draft.members.remote.service = Text::Clean(name),
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
            Which::Local => self.draft.process.service = Some(name).filter(|name| !name.is_empty()),
            Which::Remote => self.draft.members.remote.service = name,
        }
    }

    /// The address as the document shows it; `None` for what is no address.
    #[inline]
    pub(super) fn address(&mut self) -> Read<Option<Value<'a>>> {
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
            None => self.reader.skip(self.draft.limits.depth),
        }
    }

    /// A port; whatever is none is 0.
    #[inline]
    pub(super) fn port(&mut self) -> Read<u16> {
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
        self.reader.skip(self.draft.limits.depth).map(|()| 0)
    }
}
