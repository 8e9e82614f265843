//! JSON as Go's `encoding/json` reads it, with the place of everything that is wrong.
//!
//! It takes and refuses what Go takes and refuses: blanks, numbers and escapes of RFC 8259, no
//! control characters in strings, ten thousand levels at most, nothing behind the value. Bytes that
//! are not UTF-8, and escapes of half a character, become U+FFFD. Nothing recurses.

mod fault;
mod number;
mod skip;
mod text;

use std::borrow::Cow;

pub use fault::Fault;
pub(super) use fault::Read;

/// Levels of nesting, as in Go.
const DEPTH: usize = 10_000;

/// A step from a value to one in it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Member(&'static str),
    Element(usize),
}

/// What a value is, told from its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    List,
    Text,
    Number,
    Word,
    Null,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::List => "a list",
            Kind::Text => "a text",
            Kind::Number => "a number",
            Kind::Word => "true or false",
            Kind::Null => "null",
        }
    }
}

/// Reads a document from front to back.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<Step>,
    /// Objects and lists that are open.
    depth: usize,
    /// A line that was counted, and where: lines are asked for in the order of the document.
    counted: (usize, u32),
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, at: 0, path: Vec::new(), depth: 0, counted: (0, 1) }
    }

    /// Where the next value begins.
    pub(super) fn offset(&mut self) -> usize {
        self.skip_blanks();
        self.at
    }

    /// The line of the next value.
    pub(super) fn line(&mut self) -> u32 {
        self.skip_blanks();
        let (from, line) = self.counted;
        let line =
            if from <= self.at { line + lines(self.bytes, from, self.at) } else { 1 + lines(self.bytes, 0, self.at) };
        self.counted = (self.at, line);
        line
    }

    /// The way from the document to here.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) if path.is_empty() => path.push_str(name),
                Step::Member(name) => path.extend([".", name]),
                Step::Element(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    /// The fault at `offset`.
    pub(super) fn fault_at(&self, offset: usize, what: impl Into<String>) -> Fault {
        let before = self.bytes.get(..offset).unwrap_or(self.bytes);
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let column = u32::try_from(before.len() - start + 1).unwrap_or(u32::MAX);
        Fault { path: self.path(), line: 1 + lines(self.bytes, 0, offset), column, what: what.into() }
    }

    fn fault(&self, what: impl Into<String>) -> Fault {
        self.fault_at(self.at, what)
    }

    /// What the next value is.
    pub(super) fn kind(&mut self) -> Read<Kind> {
        self.skip_blanks();
        match self.bytes.get(self.at) {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::List),
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Word),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => Err(self.fault(self.unexpected("a value was expected"))),
            None => Err(self.fault("the document ends before its value does")),
        }
    }

    /// What stands here instead of what was expected.
    fn unexpected(&self, expected: &str) -> String {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(b"\xef\xbb\xbf") {
            return "a byte order mark is no JSON: save the document without it".into();
        }
        match String::from_utf8_lossy(rest.get(..rest.len().min(4)).unwrap_or_default()).chars().next() {
            Some(letter) => format!("{expected}, here is {letter:?}"),
            None => format!("{expected}, here the document ends"),
        }
    }

    /// Takes a null, if the next value is one.
    pub(super) fn null(&mut self) -> Read<bool> {
        if self.kind()? != Kind::Null {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    fn expect(&mut self, kind: Kind) -> Read<()> {
        match self.kind()? {
            found if found == kind => Ok(()),
            found => Err(self.fault(format!("{} was expected, here is {}", kind.name(), found.name()))),
        }
    }

    /// Reads an object; `member` is called with each key and has to take its value.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Read<()>) -> Read<()> {
        self.expect(Kind::Object)?;
        self.at += 1;
        if self.take(b'}') {
            return Ok(());
        }
        self.depth += 1;
        loop {
            let key = self.key()?;
            member(self, &key)?;
            if self.take(b'}') {
                self.depth -= 1;
                return Ok(());
            }
            self.must_take(b',', "a comma or a } was expected")?;
        }
    }

    fn key(&mut self) -> Read<Cow<'a, str>> {
        self.skip_blanks();
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.fault(self.unexpected("a member's name was expected")));
        }
        let key = self.text()?;
        self.must_take(b':', "a colon was expected")?;
        Ok(key)
    }

    /// Reads a list; `element` is called at each element with its index and has to take it.
    pub(super) fn list(&mut self, mut element: impl FnMut(&mut Self, usize) -> Read<()>) -> Read<()> {
        self.expect(Kind::List)?;
        self.at += 1;
        if self.take(b']') {
            return Ok(());
        }
        self.depth += 1;
        for index in 0.. {
            self.path.push(Step::Element(index));
            element(self, index)?;
            self.path.pop();
            if self.take(b']') {
                break;
            }
            self.must_take(b',', "a comma or a ] was expected")?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// Does `read` a step deeper. What is wrong there bears its path.
    pub(super) fn within<T>(&mut self, name: &'static str, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.path.push(Step::Member(name));
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    fn word(&mut self, word: &'static str) -> Read<()> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(self.fault(format!("{word} was expected")));
        }
        self.at += word.len();
        Ok(())
    }

    /// Nothing may follow.
    pub(super) fn end(&mut self) -> Read<()> {
        self.skip_blanks();
        match self.bytes.get(self.at) {
            None => Ok(()),
            Some(_) => Err(self.fault(self.unexpected("the document ended"))),
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn must_take(&mut self, byte: u8, expected: &str) -> Read<()> {
        if self.take(byte) { Ok(()) } else { Err(self.fault(self.unexpected(expected))) }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }
}

/// Line feeds between two places.
fn lines(bytes: &[u8], from: usize, to: usize) -> u32 {
    let between = bytes.get(from..to.min(bytes.len())).unwrap_or_default();
    u32::try_from(between.iter().filter(|&&byte| byte == b'\n').count()).unwrap_or(u32::MAX)
}
