//! The grammar of Lucene's `RegExp`: union, intersection, sequence, repetition, complement, class,
//! simple.

use super::BadExpression;
use super::nodes::{NodeId, Nodes};
use super::ranges::{LAST_POINT, Ranges, class_of, others, tidy};

/// Parentheses and complements within each other: bounds the stack.
const MAX_DEPTH: usize = 100;

/// The text that `pattern` stands for, if it stands for exactly one and has no operator.
pub(in super::super) fn literal(pattern: &str) -> Option<String> {
    let mut text = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(characters.next().filter(|next| class_of(*next).is_none())?),
            _ if is_operator(character) => return None,
            _ => text.push(character),
        }
    }
    Some(text)
}

/// The plain text that `pattern` begins with, if all that matches must begin with it.
pub(super) fn prefix(pattern: &str) -> String {
    if pattern.contains(['|', '&', '~']) {
        return String::new();
    }
    let end = pattern.find(|character| is_operator(character) || character == '\\').unwrap_or(pattern.len());
    let (plain, rest) = pattern.split_at(end);
    let mut prefix = plain.to_string();
    if rest.starts_with(['?', '*', '+', '{']) {
        prefix.pop();
    }
    prefix
}

fn is_operator(character: char) -> bool {
    ".?+*|{}[]()\"\\#@&<>~".contains(character)
}

/// Reads all of `pattern`.
pub(super) fn parse(pattern: &str, nodes: &mut Nodes) -> Result<NodeId, BadExpression> {
    let characters = pattern.chars().collect::<Vec<_>>();
    let mut parser = Parser { characters, at: 0, depth: 0, nodes };
    if parser.characters.is_empty() {
        return Ok(Nodes::EMPTY);
    }
    let root = parser.union()?;
    if parser.at < parser.characters.len() {
        return Err(parser.wrong("an end that nothing began"));
    }
    Ok(root)
}

struct Parser<'a> {
    characters: Vec<char>,
    at: usize,
    depth: usize,
    nodes: &'a mut Nodes,
}

type Parsed = Result<NodeId, BadExpression>;

impl Parser<'_> {
    fn union(&mut self) -> Parsed {
        let mut node = self.intersection()?;
        while self.take('|') {
            let other = self.intersection()?;
            node = self.nodes.either(node, other)?;
        }
        Ok(node)
    }

    fn intersection(&mut self) -> Parsed {
        let mut node = self.sequence()?;
        while self.take('&') {
            let other = self.sequence()?;
            node = self.nodes.both(node, other)?;
        }
        Ok(node)
    }

    /// Built from its end, so that a derivative only ever replaces the head.
    fn sequence(&mut self) -> Parsed {
        let mut parts = vec![self.repetition()?];
        while self.peek().is_some_and(|next| !matches!(next, ')' | '|' | '&')) {
            parts.push(self.repetition()?);
        }
        let mut node = Nodes::EMPTY;
        for part in parts.into_iter().rev() {
            node = self.nodes.sequence(part, node)?;
        }
        Ok(node)
    }

    fn repetition(&mut self) -> Parsed {
        let mut node = self.complement()?;
        while let Some(operator @ ('?' | '*' | '+' | '{')) = self.peek() {
            self.at += 1;
            let (least, most) = match operator {
                '?' => (0, Some(1)),
                '*' => (0, None),
                '+' => (1, None),
                _ => self.times()?,
            };
            node = self.nodes.repeat(node, least, most)?;
        }
        Ok(node)
    }

    /// `n}`, `n,}` or `n,m}`.
    fn times(&mut self) -> Result<(usize, Option<usize>), BadExpression> {
        let least = self.number()?;
        let most = match self.take(',') {
            false => Some(least),
            true if self.peek().is_some_and(|next| next.is_ascii_digit()) => Some(self.number()?),
            true => None,
        };
        if !self.take('}') {
            return Err(self.wrong("a { without its }"));
        }
        if most.is_some_and(|most| most < least) {
            return Err(self.wrong("a { } that ends below its begin"));
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Result<usize, BadExpression> {
        let digits = self.digits();
        digits.parse().map_err(|_| self.wrong("a { without a number"))
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.at += 1;
        }
        digits
    }

    fn complement(&mut self) -> Parsed {
        if !self.take('~') {
            return self.class();
        }
        self.deeper()?;
        let inner = self.complement()?;
        self.depth -= 1;
        self.nodes.not(inner)
    }

    fn class(&mut self) -> Parsed {
        if !self.take('[') {
            return self.simple();
        }
        let negated = self.take('^');
        let mut ranges = self.class_member()?;
        while self.peek().is_some_and(|next| next != ']') {
            ranges.extend(self.class_member()?);
        }
        if !self.take(']') {
            return Err(self.wrong("a [ without its ]"));
        }
        let ranges = tidy(ranges);
        self.nodes.character(if negated { others(&ranges) } else { ranges })
    }

    fn class_member(&mut self) -> Result<Ranges, BadExpression> {
        if let Some(ranges) = self.named_class() {
            return Ok(ranges);
        }
        let first = self.character()?;
        let last = if self.take('-') { self.character()? } else { first };
        if first > last {
            return Err(self.wrong("a range that ends below its begin"));
        }
        Ok(vec![(first.into(), last.into())])
    }

    fn simple(&mut self) -> Parsed {
        if let Some(ranges) = self.named_class() {
            return self.nodes.character(ranges);
        }
        match self.peek() {
            Some('.') => self.then(|nodes| nodes.character(vec![(0, LAST_POINT)])),
            Some('@') => self.then(|_| Ok(Nodes::EVERYTHING)),
            Some('#') => self.then(|_| Ok(Nodes::NOTHING)),
            Some('"') => self.quoted(),
            Some('(') => self.group(),
            Some('<') => self.interval(),
            _ => {
                let character = self.character()?;
                self.nodes.character(vec![(character.into(), character.into())])
            }
        }
    }

    fn then(&mut self, make: impl FnOnce(&mut Nodes) -> Parsed) -> Parsed {
        self.at += 1;
        make(self.nodes)
    }

    fn quoted(&mut self) -> Parsed {
        self.at += 1;
        let rest = &self.characters[self.at..];
        let Some(length) = rest.iter().position(|&character| character == '"') else {
            return Err(self.wrong("a \" without its end"));
        };
        let text = rest[..length].iter().collect::<String>();
        self.at += length + 1;
        self.nodes.text(&text)
    }

    fn group(&mut self) -> Parsed {
        self.at += 1;
        if self.take(')') {
            return Ok(Nodes::EMPTY);
        }
        self.deeper()?;
        let node = self.union()?;
        self.depth -= 1;
        if self.take(')') { Ok(node) } else { Err(self.wrong("a ( without its )")) }
    }

    /// `<n-m>`: a decimal number between the two; of fixed width if they have the same width, else
    /// with any number of zeros before it.
    fn interval(&mut self) -> Parsed {
        self.at += 1;
        let (low, dash, high) = (self.digits(), self.take('-'), self.digits());
        if !dash || low.is_empty() || high.is_empty() || !self.take('>') {
            return Err(self.wrong("a < that is not <number-number>"));
        }
        let (Ok(one), Ok(two)) = (low.parse::<u64>(), high.parse::<u64>()) else {
            return Err(self.wrong("a number that is too large"));
        };
        let width = Some(low.len()).filter(|width| *width == high.len());
        self.nodes.decimals(one.min(two), one.max(two), width)
    }

    /// `\d`, `\s`, `\w` and their opposites.
    fn named_class(&mut self) -> Option<Ranges> {
        let (Some('\\'), Some(name)) = (self.peek(), self.characters.get(self.at + 1)) else {
            return None;
        };
        let ranges = class_of(*name)?;
        self.at += 2;
        Some(ranges)
    }

    /// Any character, with or without a backslash before it.
    fn character(&mut self) -> Result<char, BadExpression> {
        self.take('\\');
        let character = self.peek().ok_or_else(|| self.wrong("an end where something must follow"))?;
        self.at += 1;
        Ok(character)
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn deeper(&mut self) -> Result<(), BadExpression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(BadExpression::TooComplex) } else { Ok(()) }
    }

    fn wrong(&self, what: &'static str) -> BadExpression {
        BadExpression::Syntax { what, at: self.at }
    }
}
