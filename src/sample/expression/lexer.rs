//! From the text of an expression to its words.

use super::parser::Fault;

/// A word, and the byte at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind<'t> {
    Word(&'t str),
    /// Between quotes, which are no part of it.
    Text(&'t str),
    Number(f64),
    /// Microseconds.
    Duration(i64),
    /// `(`, `)`, `[`, `]`, `,`, `==`, `!=`, `<`, `<=`, `>`, `>=`.
    Sign(&'static str),
    End,
}

/// Longer ones before those that they begin with.
const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ","];

/// Microseconds of a unit.
const UNITS: [(&str, f64); 5] = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6), ("h", 3600e6)];

/// Gives the words of a text, one after the other.
#[derive(Debug)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Lexer { text, at: 0 }
    }

    /// The next word; after the last always [`Kind::End`].
    pub(super) fn next(&mut self) -> Result<Token<'t>, Fault> {
        self.at += self.rest().len() - self.rest().trim_start().len();
        let (at, rest) = (self.at, self.rest());
        let Some(first) = rest.chars().next() else { return Ok(Token { at, kind: Kind::End }) };
        let (kind, length) = match first {
            '\'' | '"' => self.quoted(first)?,
            '0'..='9' | '.' | '-' => self.number()?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                let word = &rest[..end.unwrap_or(rest.len())];
                (Kind::Word(word), word.len())
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (Kind::Sign(sign), sign.len()),
                None => return Err(Fault::new(at, format!("`{first}` is no part of an expression{}", hint(first)))),
            },
        };
        self.at += length;
        Ok(Token { at, kind })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn quoted(&self, quote: char) -> Result<(Kind<'t>, usize), Fault> {
        let body = &self.rest()[1..];
        match body.find(quote) {
            Some(end) => Ok((Kind::Text(&body[..end]), end + 2)),
            None => Err(Fault::new(self.at, format!("the text is not ended: write {quote} after it"))),
        }
    }

    /// A number, or one with a unit of time behind it.
    fn number(&self) -> Result<(Kind<'t>, usize), Fault> {
        let rest = self.rest();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '+' | '_');
        let written = &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())];
        let digits = written.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = UNITS.iter().find(|(unit, _)| *unit == &written[digits.len()..]);
        let wrong = || Fault::new(self.at, format!("`{written}` is no number: write for example 500, 0.5, 50ms, 2s"));
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(wrong);
        let kind = match unit {
            Some((_, micros)) => {
                let micros = number(digits)? * micros;
                if !(0.0..=9e15).contains(&micros) {
                    return Err(wrong());
                }
                Kind::Duration(micros.round() as i64)
            }
            None => Kind::Number(number(written)?),
        };
        Ok((kind, written.len()))
    }
}

/// What is meant by signs of other languages.
fn hint(sign: char) -> &'static str {
    match sign {
        '=' => ": compare with `==`",
        '!' => ": write `not`",
        '&' => ": write `and`",
        '|' => ": write `or`",
        '~' => ": write `matches`",
        _ => "",
    }
}
