//! JSON as Go's `encoding/json` reads it, with the place of everything that is wrong.
//!
//! It takes and refuses what Go takes and refuses: blanks, numbers and escapes of RFC 8259, no
//! control characters in strings, ten thousand levels at most, nothing behind the value. Bytes that
//! are not UTF-8, and escapes of half a character, become U+FFFD. Nothing recurses.

use std::borrow::Cow;

/// Levels of nesting, as in Go.
const DEPTH: usize = 10_000;

/// What stopped the reading of a document, and where: its line and column, from 1 on, and its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}{at}: {what}", at = in_words(.path))]
pub struct Fault {
    /// `service_strategies[2].param`; empty for the document itself.
    pub path: String,
    pub line: u32,
    /// In bytes.
    pub column: u32,
    pub what: String,
}

fn in_words(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(", {path}") }
}

/// The outcome of reading a part.
pub(super) type Read<T> = Result<T, Fault>;

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

    /// A text, its escapes undone.
    pub(super) fn text(&mut self) -> Read<Cow<'a, str>> {
        self.expect(Kind::Text)?;
        let start = self.at + 1;
        let mut is_plain = true;
        self.at = start;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    self.escape()?;
                }
                Some(0..0x20) => return Err(self.fault("a control character in a text: write it as an escape")),
                Some(_) => self.at += 1,
                None => return Err(self.fault("the document ends within a text")),
            }
        }
        let body = self.bytes.get(start..self.at).unwrap_or_default();
        self.at += 1;
        Ok(match std::str::from_utf8(body) {
            Ok(text) if is_plain => Cow::Borrowed(text),
            _ => Cow::Owned(decoded(body)),
        })
    }

    /// Steps over the escape that stands here.
    fn escape(&mut self) -> Read<()> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', digits @ ..] if hex(digits).is_some() => 6,
            _ => return Err(self.fault("this is no escape of JSON")),
        };
        Ok(())
    }

    /// A number of 64 bits.
    pub(super) fn number(&mut self) -> Read<f64> {
        self.expect(Kind::Number)?;
        let start = self.at;
        self.skip_number()?;
        let text = std::str::from_utf8(self.bytes.get(start..self.at).unwrap_or_default()).unwrap_or_default();
        // Rust reads what is too large as infinity, Go refuses it.
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.fault_at(start, format!("{text} is beyond the numbers of 64 bits")))
    }

    fn skip_number(&mut self) -> Read<()> {
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

    fn word(&mut self, word: &'static str) -> Read<()> {
        if !self.bytes.get(self.at..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(self.fault(format!("{word} was expected")));
        }
        self.at += word.len();
        Ok(())
    }

    /// Steps over a value, whatever it is.
    pub(super) fn skip(&mut self) -> Read<()> {
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

/// The number of four hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = digits.first_chunk()?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

/// The text of a body whose escapes were checked.
fn decoded(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        push_lossy(&mut text, plain);
        let (letter, length) = character(escape);
        text.push(letter);
        rest = escape.get(length..).unwrap_or_default();
    }
    push_lossy(&mut text, rest);
    text
}

/// U+FFFD for each byte that is no UTF-8, as in Go.
fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
}

/// The character that an escape stands for, and how long the escape is.
fn character(escape: &[u8]) -> (char, usize) {
    let unit = |at: usize| escape.get(at..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(hex);
    match escape.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => match (unit(0).unwrap_or_default(), unit(6)) {
            (high @ 0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10 | (low - 0xdc00));
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (code, _) => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
        },
        // A quote, a backslash, a slash.
        Some(&byte) => (char::from(byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}
