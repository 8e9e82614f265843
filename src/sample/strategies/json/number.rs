//! Numbers.

use super::{Kind, Read, Reader};

impl Reader<'_> {
    /// A number of 64 bits.
    pub(in super::super) fn number(&mut self) -> Read<f64> {
        self.expect(Kind::Number)?;
        let start = self.at;
        self.skip_number()?;
        let text = std::str::from_utf8(self.bytes.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        // Rust reads what is too large as infinity, Go refuses it.
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.fault_at(start, format!("{text} is beyond the numbers of 64 bits")))
    }

    pub(super) fn skip_number(&mut self) -> Read<()> {
        self.at += usize::from(self.bytes.get(self.at) == Some(&b'-'));
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Read<()> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => Err(self.fault(self.unexpected("a digit was expected"))),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }
}
