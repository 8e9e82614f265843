//! Passing over values that nobody asked for.

use super::{MALFORMED, Reader, scan};
use crate::decode::fault::{Fault, Read};
use crate::span::Limit;

const TOO_DEEP: &Fault = &Fault::limit(Limit::Depth, "nested too deep");

impl Reader<'_> {
    /// Passes over one value, its grammar checked, at most `depth` lists and objects deep.
    pub(in crate::decode) fn skip(&mut self, depth: usize) -> Read<()> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{') => self.skip_object(depth.checked_sub(1).ok_or(TOO_DEEP)?),
            Some(b'[') => self.skip_list(depth.checked_sub(1).ok_or(TOO_DEEP)?),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(_) => self.word().map(|_| ()),
            None => Err(MALFORMED),
        }
    }

    fn skip_object(&mut self, depth: usize) -> Read<()> {
        let mut more = self.open(b'{', b'}')?;
        while more {
            self.key()?;
            self.skip(depth)?;
            more = self.more(b'}')?;
        }
        Ok(())
    }

    fn skip_list(&mut self, depth: usize) -> Read<()> {
        let mut more = self.open(b'[', b']')?;
        while more {
            self.skip(depth)?;
            more = self.more(b']')?;
        }
        Ok(())
    }

    /// Passes over what stands here without understanding it: up to the bracket that closes the
    /// one here, or to the next comma or closing bracket. How a span that makes no sense is left
    /// behind. False if the body ends first.
    pub(in crate::decode) fn skip_blindly(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' if !self.skip_string_blindly() => return false,
                b'{' | b'[' => depth += 1,
                b',' if depth == 0 => return true,
                b'}' | b']' if depth == 0 => return true,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return true;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        false
    }

    /// From the opening quote of a string to its closing one.
    fn skip_string_blindly(&mut self) -> bool {
        let mut at = self.at + 1;
        loop {
            at = scan::plain_run(self.body, at);
            match self.body.get(at) {
                None => {
                    self.at = self.body.len();
                    return false;
                }
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(_) => at += 1,
            }
        }
        self.at = at;
        true
    }
}
