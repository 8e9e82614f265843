//! The file of rules: YAML, which JSON is too. Whatever is not understood is a problem with its
//! line and column, and all problems are told at once.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use super::super::expression::{self, Keys};
use super::super::hash::{Hash, Input, JAEGERS_SALT};
use super::{Condition, Predicate, RESERVED, Rate, Rules, name};

/// Rules of one kind.
const MOST: usize = 256;
/// Bytes of a rule's name.
const LONGEST_NAME: usize = 64;
/// Bytes of a file.
const LARGEST: usize = 1 << 20;

/// Keys that stand elsewhere, or that need more than mode `hash`.
const SIGNAL: &str = "it needs mode `signal`, which is not built yet: remove it";

/// What is wrong with a file of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub line: u64,
    pub column: u64,
    pub what: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    mode: Option<Spanned<String>>,
    hash: Option<HashBlock>,
    #[serde(default)]
    keep: Vec<Keep>,
    #[serde(default)]
    drop: Vec<Drop>,
    #[serde(default)]
    rates: Vec<RateBlock>,
    head_rate: Option<Spanned<IgnoredAny>>,
    strategies: Option<Spanned<IgnoredAny>>,
    budget: Option<Spanned<IgnoredAny>>,
    annotate: Option<Spanned<IgnoredAny>>,
    forced: Option<Spanned<IgnoredAny>>,
    settle: Option<Spanned<IgnoredAny>>,
    floor: Option<Spanned<IgnoredAny>>,
    ring: Option<Spanned<IgnoredAny>>,
    peers: Option<Spanned<IgnoredAny>>,
    weights: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashBlock {
    kind: Option<Spanned<String>>,
    salt: Option<Spanned<String>>,
    input: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keep {
    name: Spanned<String>,
    when: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drop {
    name: Spanned<String>,
    when: Spanned<String>,
    #[serde(default)]
    absolute: bool,
    scope: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RateBlock {
    name: Spanned<String>,
    rate: Spanned<f64>,
    when: Option<Spanned<String>>,
}

/// Whether a text says nothing at all, as a file does of which the writing has just begun.
pub fn is_blank(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#') || line == "---")
}

/// Reads a file's text.
pub fn read(text: &str) -> Result<Rules, Vec<Problem>> {
    if text.len() > LARGEST {
        return Err(vec![Problem { line: 1, column: 1, what: format!("a file of rules has {LARGEST} bytes at most") }]);
    }
    if is_blank(text) {
        return Ok(Rules::default());
    }
    let document = serde_saphyr::from_str::<Document>(text).map_err(|error| {
        let (line, column) = error.location().map_or((1, 1), |location| (location.line(), location.column()));
        vec![Problem { line, column, what: error.without_snippet().to_string() }]
    })?;
    let mut reader = Reader { keys: Keys::default(), problems: Vec::new(), names: Vec::new() };
    let rules = reader.document(document);
    if reader.problems.is_empty() { Ok(rules) } else { Err(reader.problems) }
}

struct Reader {
    keys: Keys,
    problems: Vec<Problem>,
    names: Vec<String>,
}

impl Reader {
    fn document(&mut self, document: Document) -> Rules {
        self.foreign(&document);
        if let Some(mode) = document.mode.filter(|mode| mode.value != "hash") {
            self.problem(&mode, "mode `hash` is the one that is built: write mode: hash, or leave it out");
        }
        let hash = document.hash.map_or_else(Rules::default_hash, |block| self.hash(&block));
        for (key, count) in
            [("keep", document.keep.len()), ("drop", document.drop.len()), ("rates", document.rates.len())]
        {
            if count > MOST {
                let what = format!("{count} rules under `{key}`: {MOST} is the most");
                self.problems.push(Problem { line: 1, column: 1, what });
            }
        }
        let mut rules = Rules { hash, ..Rules::default() };
        for Keep { name, when } in document.keep {
            rules.keep.extend(self.predicate(&name, &when));
        }
        for Drop { name, when, absolute, scope } in document.drop {
            if let Some(scope) = scope.filter(|scope| scope.value != "span") {
                let what = "in mode `hash` a drop is of the spans that it matches: write scope: span, or leave it out";
                self.problem(&scope, what);
            }
            let list = if absolute { &mut rules.absolute } else { &mut rules.drop };
            list.extend(self.predicate(&name, &when));
        }
        for RateBlock { name, rate, when } in document.rates {
            rules.rates.extend(self.rate(&name, &rate, when.as_ref()));
        }
        rules.keys = std::mem::take(&mut self.keys);
        rules
    }

    /// Keys that are set elsewhere, or not at all.
    fn foreign(&mut self, document: &Document) {
        let foreign = [
            (&document.head_rate, "set it by --sampling.head-rate"),
            (&document.strategies, "set them by --sampling.strategies-file and --sampling.enforce"),
            (&document.budget, "set it by --sampling.max-spans-per-second"),
            (&document.annotate, "set it by --sampling.annotate"),
            (&document.forced, "forced traces are kept without a limit: remove it"),
            (&document.settle, SIGNAL),
            (&document.floor, SIGNAL),
            (&document.ring, SIGNAL),
            (&document.peers, SIGNAL),
            (&document.weights, SIGNAL),
        ];
        for (key, mend) in foreign {
            if let Some(key) = key {
                self.problem(key, mend);
            }
        }
    }

    fn hash(&mut self, block: &HashBlock) -> Hash {
        let input = match &block.input {
            Some(input) if input.value == "low64" => Input::Low64,
            Some(input) if input.value != "full" => {
                self.problem(input, "unknown input: write full or low64");
                Input::Full
            }
            _ => Input::Full,
        };
        let salt = block.salt.as_ref().map_or(JAEGERS_SALT, |salt| &salt.value);
        match &block.kind {
            Some(kind) if kind.value == "fnv1a64" => Hash::fnv(salt, input),
            Some(kind) if kind.value == "w3c" => {
                for unused in [&block.salt, &block.input].into_iter().flatten() {
                    self.problem(unused, "kind w3c knows neither salt nor input: remove it");
                }
                Hash::Consistent
            }
            Some(kind) if kind.value != "fnv1a64mix" => {
                self.problem(kind, "unknown hash: write fnv1a64mix, fnv1a64 or w3c");
                Rules::default_hash()
            }
            _ => Hash::fnv_mix(salt, input),
        }
    }

    fn predicate(&mut self, name: &Spanned<String>, when: &Spanned<String>) -> Option<Predicate> {
        let when = self.expression(name, when);
        let name = self.name(name);
        Some(Predicate { name: name?, when: when? })
    }

    fn rate(&mut self, name: &Spanned<String>, rate: &Spanned<f64>, when: Option<&Spanned<String>>) -> Option<Rate> {
        if !(0.0..=1.0).contains(&rate.value) {
            self.problem(rate, "a rate is a share from 0 to 1: write 0.1 for a tenth");
        }
        let when = match when {
            Some(when) => Some(self.expression(name, when)?),
            None => None,
        };
        Some(Rate { name: self.name(name)?, rate: rate.value, when })
    }

    fn expression(&mut self, name: &Spanned<String>, when: &Spanned<String>) -> Option<Condition> {
        match expression::parse(&when.value, &mut self.keys) {
            Ok(expression) => Some(Condition::new(expression)),
            Err(fault) => {
                let character = when.value.get(..fault.at).map_or(fault.at, |before| before.chars().count()) + 1;
                self.problem(when, format!("rule `{}`, character {character}: {}", name.value, fault.what));
                None
            }
        }
    }

    fn name(&mut self, written: &Spanned<String>) -> Option<&'static str> {
        let text = &written.value;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let what = if text.is_empty() || text.len() > LONGEST_NAME || !text.bytes().all(plain) {
            Some(format!("the name of a rule has letters, digits, - _ and dots, {LONGEST_NAME} at most"))
        } else if RESERVED.contains(&text.as_str()) {
            Some(format!("`{text}` is a rule of Spaniel's own: take another name"))
        } else if self.names.contains(text) {
            Some(format!("two rules have the name `{text}`: the books could not tell them apart"))
        } else {
            None
        };
        if let Some(what) = what {
            self.problem(written, what);
            return None;
        }
        self.names.push(text.clone());
        Some(name::intern(text))
    }

    fn problem<T>(&mut self, at: &Spanned<T>, what: impl Into<String>) {
        let (line, column) = (at.referenced.line(), at.referenced.column());
        self.problems.push(Problem { line, column, what: what.into() });
    }
}
