//! From words to a tree: recursive descent, whose depth is counted.
//!
//! ```text
//! any   = all { "or" all }
//! all   = one { "and" one }
//! one   = "not" one | "(" any ")" | field [ test ]
//! field = name | "tag" "(" text ")" | "resource" "(" text ")"
//! test  = ("==" | "!=" | "<" | "<=" | ">" | ">=") literal | "in" "[" literal { "," literal } "]"
//!       | ("contains" | "starts_with" | "matches") text
//! ```

use regex::RegexBuilder;

use super::facts::Keys;
use super::lexer::{Kind, Lexer, Token};
use super::{Comparison, Expression, Field, Key, Literal, Nature, Test};

/// The longest expression, in bytes.
pub const LONGEST: usize = 4096;
/// Parentheses and `not` inside each other.
const DEEPEST: usize = 32;
/// Bytes of a compiled regular expression.
const PATTERN_BYTES: usize = 1 << 18;

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The byte at which it is.
    pub at: usize,
    pub what: String,
}

impl Fault {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Fault { at, what: what.into() }
    }
}

/// Reads an expression; the keys of tags that it asks for are entered in `keys`.
pub fn parse(text: &str, keys: &mut Keys) -> Result<Expression, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new(LONGEST, format!("an expression has {LONGEST} bytes at most: make two rules of it")));
    }
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { lexer, token, depth: 0, keys };
    let expression = parser.any()?;
    match parser.token.kind {
        Kind::End => Ok(expression),
        _ => Err(parser.fault("`and`, `or`, or the end is expected here")),
    }
}

struct Parser<'t, 'k> {
    lexer: Lexer<'t>,
    /// The next word.
    token: Token<'t>,
    depth: usize,
    keys: &'k mut Keys,
}

impl<'t> Parser<'t, '_> {
    fn any(&mut self) -> Result<Expression, Fault> {
        let parts = self.parts("or", Self::all)?;
        Ok(join(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, Fault> {
        let parts = self.parts("and", Self::one)?;
        Ok(join(parts, Expression::All))
    }

    fn parts(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expression, Fault>,
    ) -> Result<Vec<Expression>, Fault> {
        let mut parts = vec![part(self)?];
        while self.token.kind == Kind::Word(word) {
            self.step()?;
            parts.push(part(self)?);
        }
        Ok(parts)
    }

    fn one(&mut self) -> Result<Expression, Fault> {
        match self.token.kind {
            Kind::Word("not") => self.deeper(|parser| Ok(Expression::Not(Box::new(parser.one()?)))),
            Kind::Sign("(") => self.deeper(|parser| {
                let inner = parser.any()?;
                parser.expect(")")?;
                Ok(inner)
            }),
            _ => self.test(),
        }
    }

    fn deeper(&mut self, inner: impl FnOnce(&mut Self) -> Result<Expression, Fault>) -> Result<Expression, Fault> {
        if self.depth == DEEPEST {
            return Err(self.fault(format!("more than {DEEPEST} parentheses or `not` inside each other")));
        }
        self.depth += 1;
        self.step()?;
        let expression = inner(self)?;
        self.depth -= 1;
        Ok(expression)
    }

    fn test(&mut self) -> Result<Expression, Fault> {
        let at = self.token.at;
        let field = self.field()?;
        let nature = field.nature();
        let test = match self.token.kind {
            Kind::Sign("==") => self.compare(Comparison::Equal, nature)?,
            Kind::Sign("!=") => self.compare(Comparison::NotEqual, nature)?,
            Kind::Sign("<") => self.compare(Comparison::Less, nature)?,
            Kind::Sign("<=") => self.compare(Comparison::LessOrEqual, nature)?,
            Kind::Sign(">") => self.compare(Comparison::Greater, nature)?,
            Kind::Sign(">=") => self.compare(Comparison::GreaterOrEqual, nature)?,
            Kind::Word("in") => self.list(nature)?,
            Kind::Word("contains") => Test::Contains(Box::new(self.text(nature)?.into())),
            Kind::Word("starts_with") => Test::StartsWith(self.text(nature)?),
            Kind::Word("matches") => self.pattern(nature)?,
            _ if nature == Nature::Bool => Test::True,
            _ => {
                let what = "compare it: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `contains`, `starts_with` or `matches`";
                return Err(Fault::new(at, format!("a condition needs more than this field: {what}")));
            }
        };
        Ok(Expression::Test(field, test))
    }

    fn field(&mut self) -> Result<Field, Fault> {
        let Kind::Word(name) = self.token.kind else { return Err(self.fault("a field is expected here")) };
        let at = self.token.at;
        self.step()?;
        match name {
            "tag" => {
                let name = self.key()?;
                Ok(Field::Tag(Key { slot: self.keys.tag(&name), name }))
            }
            "resource" => {
                let name = self.key()?;
                Ok(Field::Resource(Key { slot: self.keys.resource(&name), name }))
            }
            _ => match Field::NAMES.iter().find(|(known, _)| *known == name) {
                Some((_, field)) => {
                    self.keys.field(field);
                    Ok(field.clone())
                }
                None => Err(Fault::new(at, unknown(name))),
            },
        }
    }

    /// `('key')`
    fn key(&mut self) -> Result<Box<str>, Fault> {
        self.expect("(")?;
        let key = self.quoted("the key of a tag, in quotes, is expected here")?;
        self.expect(")")?;
        Ok(key)
    }

    fn compare(&mut self, comparison: Comparison, nature: Nature) -> Result<Test, Fault> {
        self.step()?;
        let at = self.token.at;
        let literal = self.literal(nature)?;
        let ordered = matches!(literal, Literal::Number(_) | Literal::Duration(_));
        if !ordered && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            return Err(Fault::new(at, "only numbers and durations are less or greater: write == or !="));
        }
        Ok(Test::Compare(comparison, literal))
    }

    fn list(&mut self, nature: Nature) -> Result<Test, Fault> {
        self.step()?;
        self.expect("[")?;
        let mut list = vec![self.literal(nature)?];
        while self.token.kind == Kind::Sign(",") {
            self.step()?;
            list.push(self.literal(nature)?);
        }
        self.expect("]")?;
        Ok(Test::In(list))
    }

    /// A literal that fits a field of this nature.
    fn literal(&mut self, nature: Nature) -> Result<Literal, Fault> {
        let literal = match (self.token.kind, nature) {
            (Kind::Text(text), Nature::Text | Nature::Any) => Literal::Text(text.into()),
            (Kind::Text(text), Nature::Number) if text.parse::<f64>().is_ok_and(f64::is_finite) => {
                Literal::Number(text.parse().unwrap_or_default())
            }
            (Kind::Number(number), Nature::Number | Nature::Any) => Literal::Number(number),
            (Kind::Duration(micros), Nature::Duration) => Literal::Duration(micros),
            (Kind::Word("true"), Nature::Bool | Nature::Any) => Literal::Bool(true),
            (Kind::Word("false"), Nature::Bool | Nature::Any) => Literal::Bool(false),
            _ => return Err(self.fault(wanted(nature))),
        };
        self.step()?;
        Ok(literal)
    }

    fn text(&mut self, nature: Nature) -> Result<Box<str>, Fault> {
        if !matches!(nature, Nature::Text | Nature::Any) {
            return Err(self.fault("this field is no text: compare it with ==, !=, <, <=, >, >= or in"));
        }
        self.step()?;
        self.quoted("a text in quotes is expected here")
    }

    fn pattern(&mut self, nature: Nature) -> Result<Test, Fault> {
        let (at, pattern) = (self.token.at, self.text(nature)?);
        let built = RegexBuilder::new(&pattern).size_limit(PATTERN_BYTES).nest_limit(DEEPEST as u32).build();
        // What the library says has many lines; the last tells.
        let told = |error: regex::Error| error.to_string().lines().last().unwrap_or_default().to_string();
        built.map(Test::Matches).map_err(|error| Fault::new(at, format!("no regular expression: {}", told(error))))
    }

    fn quoted(&mut self, expected: &str) -> Result<Box<str>, Fault> {
        let Kind::Text(text) = self.token.kind else { return Err(self.fault(expected)) };
        self.step()?;
        Ok(text.into())
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        match self.token.kind {
            Kind::Sign(found) if found == sign => self.step(),
            _ => Err(self.fault(format!("`{sign}` is expected here"))),
        }
    }

    fn step(&mut self) -> Result<(), Fault> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    /// At the next word.
    fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(self.token.at, what)
    }
}

fn join(mut parts: Vec<Expression>, by: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => by(parts),
    }
}

fn wanted(nature: Nature) -> &'static str {
    match nature {
        Nature::Text => "a text in quotes is expected here",
        Nature::Number => "a number is expected here",
        Nature::Duration => "a duration is expected here: write it with its unit, such as 50ms, 2s, 1m",
        Nature::Bool => "true or false is expected here",
        Nature::Any => "a text in quotes, a number, true or false is expected here",
    }
}

/// What to say of a word that is no field.
fn unknown(name: &str) -> String {
    if matches!(name, "p50" | "p90" | "p95" | "p99" | "any" | "root") {
        return format!("`{name}` needs more than one span: in mode `hash` each is judged alone");
    }
    let names: Vec<_> = Field::NAMES.iter().map(|(name, _)| *name).collect();
    format!("unknown field `{name}`: write {}, tag('…') or resource('…')", names.join(", "))
}
