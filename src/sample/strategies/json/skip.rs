//! Values that nobody asks for: their grammar is checked, and nothing is kept.

use super::{DEPTH, Kind, Read, Reader};

impl Reader<'_> {
    /// Steps over a value, whatever it is.
    pub(in super::super) fn skip(&mut self) -> Read<()> {
        let mut open = Vec::new();
        loop {
            match self.kind()? {
                Kind::Object | Kind::List if open.len() + self.depth >= DEPTH => {
                    return Err(self.fault("nested too deeply"));
                }
                Kind::Object => {
                    self.at += 1;
                    open.push(b'}');
                    if !self.take(b'}') {
                        self.key()?;
                        continue;
                    }
                    open.pop();
                }
                Kind::List => {
                    self.at += 1;
                    open.push(b']');
                    if !self.take(b']') {
                        continue;
                    }
                    open.pop();
                }
                Kind::Text => drop(self.text()?),
                Kind::Number => self.skip_number()?,
                Kind::Word if self.bytes.get(self.at) == Some(&b't') => self.word("true")?,
                Kind::Word => self.word("false")?,
                Kind::Null => self.word("null")?,
            }
            if !self.goes_on(&mut open)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here; true if another value follows in what is open.
    fn goes_on(&mut self, open: &mut Vec<u8>) -> Read<bool> {
        while let Some(&closing) = open.last() {
            if self.take(closing) {
                open.pop();
                continue;
            }
            self.must_take(b',', "a comma or the end was expected")?;
            if closing == b'}' {
                self.key()?;
            }
            return Ok(true);
        }
        Ok(false)
    }
}
