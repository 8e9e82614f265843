//! The settings file: YAML, which JSON is too. Keys are names of flags, flat or nested at the
//! dots, in any mixture. Whatever is not understood is a problem with its line and column.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::error::{Problem, Source};
use super::table::{self, Kind, Setting};

/// What a file says, by the setting's name.
pub(crate) type Given = BTreeMap<&'static str, (String, Source)>;

/// A node of the file, with the places of its parts.
#[derive(Debug)]
enum Node {
    Nothing,
    Scalar(String),
    /// A boolean or number for YAML. What stands in the file is what counts: `0123` may be a
    /// password.
    Typed(String),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Spanned<Node>)>),
}

/// Reads `text`, the content of the file at `path`.
pub(crate) fn read(path: &str, text: &str, problems: &mut Vec<Problem>) -> Given {
    let mut given = Given::new();
    let mut lines = text.lines().map(str::trim);
    if lines.all(|line| line.is_empty() || line.starts_with('#') || line == "---") {
        return given;
    }
    match serde_saphyr::from_str::<Node>(text) {
        Ok(node) => Reader { path, text, given: &mut given, problems }.map("", &node),
        Err(error) => {
            let place = error.location().map_or((0, 0), |location| (location.line(), location.column()));
            problems.push(Problem::of_file(path, place, "not YAML", error.without_snippet().to_string()));
        }
    }
    given
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    given: &'a mut Given,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// Enters what stands under `prefix`, the keys above joined by dots.
    fn map(&mut self, prefix: &str, node: &Node) {
        let Node::Map(entries) = node else {
            let mend = "a settings file is a map: write for example `log-level: debug`";
            self.problems.push(Problem::of_file(self.path, (1, 1), "no keys", mend));
            return;
        };
        for (key, value) in entries {
            let lower = key.value.to_ascii_lowercase();
            let name = if prefix.is_empty() { lower } else { format!("{prefix}.{lower}") };
            let place = (key.referenced.line(), key.referenced.column());
            self.entry(&name, place, value);
        }
    }

    fn entry(&mut self, name: &str, place: (u64, u64), value: &Spanned<Node>) {
        let setting = table::find(name).filter(|setting| !setting.environment_only && setting.name != "config-file");
        match (setting, &value.value) {
            (Some(setting), Node::Scalar(_) | Node::Typed(_) | Node::List(_)) => self.value(setting, place, value),
            (_, Node::Map(_)) if table::all().any(|setting| setting.name.starts_with(&format!("{name}."))) => {
                self.map(name, &value.value);
            }
            (Some(setting), Node::Map(_)) => self.problem(place, setting.name, "a value stands here, not a map"),
            (Some(_), Node::Nothing) => {}
            (None, Node::Nothing) if table::all().any(|setting| setting.name.starts_with(&format!("{name}."))) => {}
            (None, _) => {
                let mend = format!("unknown key: {}", table::unknown(name, ""));
                self.problem(place, name, mend);
            }
        }
    }

    fn value(&mut self, setting: &'static Setting, place: (u64, u64), value: &Spanned<Node>) {
        let Some(text) = flat(setting.kind, value, self.text) else {
            return self.problem(place, setting.name, "one value stands here, not a list");
        };
        let source = Source::File { path: self.path.into(), line: place.0, column: place.1 };
        if self.given.insert(setting.name, (text, source)).is_some() {
            self.problem(place, setting.name, "set twice in this file: keep one");
        }
    }

    fn problem(&mut self, place: (u64, u64), what: &str, mend: impl Into<String>) {
        self.problems.push(Problem::of_file(self.path, place, what, mend));
    }
}

/// The value as a flag would have it; lists are joined by commas where a list is allowed.
fn flat(kind: Kind, value: &Spanned<Node>, text: &str) -> Option<String> {
    match &value.value {
        Node::List(items) if matches!(kind, Kind::List | Kind::Urls) => {
            let items = items.iter().map(|item| scalar(item, text));
            Some(items.collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => scalar(value, text),
    }
}

fn scalar(value: &Spanned<Node>, text: &str) -> Option<String> {
    match &value.value {
        Node::Scalar(scalar) => Some(scalar.clone()),
        Node::Typed(typed) => {
            let span = value.defined.span();
            let start = usize::try_from(span.byte_offset()?).ok()?;
            let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
            Some(text.get(start..end).map_or_else(|| typed.clone(), |written| written.trim().to_string()))
        }
        Node::Nothing | Node::List(_) | Node::Map(_) => None,
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value, a list or a map")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}
