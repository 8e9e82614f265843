//! Annotations.

use super::{Decoder, OTHER_DIALECT};
use crate::decode::fault::{Fault, Read};
use crate::span::{Reason, Text};

const NO_LIST: &Fault = &Fault::new(Reason::Structure, "annotations are no list of objects");
const NO_TIME: &Fault = &Fault::new(Reason::Time, "an annotation has no timestamp");

impl<'a> Decoder<'a> {
    #[inline]
    pub(super) fn annotations(&mut self) -> Read<()> {
        match self.reader.peek() {
            Some(b'[') => {}
            Some(b'n') => return self.reader.word().map(|_| ()),
            _ => return Err(NO_LIST),
        }
        let mut more = self.reader.open(b'[', b']')?;
        while more {
            match self.reader.peek() {
                Some(b'{') => self.annotation()?,
                Some(b'n') => self.reader.word().map(|_| ())?,
                _ => return Err(NO_LIST),
            }
            more = self.reader.more(b']')?;
        }
        Ok(())
    }

    #[inline]
    fn annotation(&mut self) -> Read<()> {
        let mut timestamp = None;
        let mut value = "";
        let mut odd_value = None;
        let mut more = self.reader.open(b'{', b'}')?;
        while more {
            match self.reader.plain_key() {
                Some("value") => match self.reader.plain_string() {
                    Some(text) => value = text,
                    None => odd_value = Some(self.odd_scalar()?),
                },
                Some("timestamp") => timestamp = self.moment()?,
                Some(name) => self.odd_annotation_member(name, &mut timestamp, &mut odd_value)?,
                None => {
                    let name = self.reader.key()?.decoded();
                    self.odd_annotation_member(&name, &mut timestamp, &mut odd_value)?;
                }
            }
            more = self.reader.more(b'}')?;
        }
        self.draft.log(timestamp.ok_or(NO_TIME)?, value, odd_value)
    }

    #[cold]
    fn odd_annotation_member(
        &mut self,
        name: &str,
        timestamp: &mut Option<u64>,
        value: &mut Option<Text<'a>>,
    ) -> Read<()> {
        if name.eq_ignore_ascii_case("value") {
            *value = Some(self.odd_scalar()?);
        } else if name.eq_ignore_ascii_case("timestamp") {
            *timestamp = self.moment()?;
        } else if name.eq_ignore_ascii_case("endpoint") && !self.is_mixed && self.reader.peek() == Some(b'{') {
            return Err(OTHER_DIALECT);
        } else {
            self.reader.skip(self.draft.limits.depth)?;
        }
        Ok(())
    }

    /// When an annotation happened; before 1970 becomes 1970.
    #[inline]
    fn moment(&mut self) -> Read<Option<u64>> {
        if self.reader.peek() == Some(b'n') {
            return self.reader.word().map(|_| None);
        }
        Ok(Some(self.time()?.unsigned_abs()))
    }
}
