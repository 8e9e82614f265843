//! The body of a bulk request: for each item an action line, and its document as it stands.
//!
//! Spans are sent with `create` under their own name, so that sending again changes nothing; with
//! `--es.document-ids=none` they are indexed without a name, as Jaeger does. Service documents are
//! always indexed under their name. The part of an action line that neighbours share, which names
//! the index, is made once and copied until the period of the index changes.

use crate::document::{IndexNames, write_id};
use crate::item::{Item, Kind, Targets};

use super::Dialect;

/// Bytes of an action line and its line feeds, about.
const ACTION_BYTES: usize = 120;

/// Writes bulk bodies of one form.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    names: &'a IndexNames,
    dialect: Dialect,
    /// Spans have names of their own.
    span_ids: bool,
    /// What stands for the aliases.
    targets: Option<&'a Targets>,
    span: Head,
    service: Head,
}

/// The beginning of the action lines of one kind.
#[derive(Debug, Default)]
struct Head {
    /// The period of the index that `line` names.
    period: Option<u64>,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(names: &'a IndexNames, dialect: Dialect, span_ids: bool) -> Self {
        Lines { names, dialect, span_ids, targets: None, span: Head::default(), service: Head::default() }
    }

    /// All goes to these indices, whatever its time.
    pub(super) fn to(self, targets: Option<&'a Targets>) -> Self {
        Lines { targets, ..self }
    }

    /// Appends the two lines of each of `items`, whose documents have so many bytes together.
    pub(super) fn write<'d>(
        &mut self,
        out: &mut Vec<u8>,
        items: impl ExactSizeIterator<Item = (&'d Item, &'d [u8])>,
        bytes: usize,
    ) {
        out.reserve(bytes + items.len() * ACTION_BYTES);
        for (item, document) in items {
            self.write_action(out, item);
            out.extend_from_slice(document);
            out.push(b'\n');
        }
    }

    fn write_action(&mut self, out: &mut Vec<u8>, item: &Item) {
        let named = self.span_ids || item.kind == Kind::Service;
        let period = self.names.period(item.kind, item.hour);
        let head = match item.kind {
            Kind::Span => &mut self.span,
            Kind::Service => &mut self.service,
        };
        if head.period != Some(period) {
            head.line = head_line(self.names, self.targets, self.dialect, item, named);
            head.period = Some(period);
        }
        out.extend_from_slice(&head.line);
        if named {
            write_id(out, item.kind, &item.id);
            out.push(b'"');
        }
        out.extend_from_slice(b"}}\n");
    }
}

/// An action line as far as all items of one index share it.
fn head_line(names: &IndexNames, targets: Option<&Targets>, dialect: Dialect, item: &Item, named: bool) -> Vec<u8> {
    let (action, document_type) = match item.kind {
        Kind::Span if named => ("create", "span"),
        Kind::Span => ("index", "span"),
        Kind::Service => ("index", "service"),
    };
    let index = index_of(names, targets, item);
    // The prefix is the operator's: as a JSON string, whatever it holds.
    let index = serde_json::Value::from(index);
    let kind = if dialect == Dialect::Six { format!(r#","_type":"{document_type}""#) } else { String::new() };
    let id = if named { r#","_id":""# } else { "" };
    format!(r#"{{"{action}":{{"_index":{index}{kind}{id}"#).into_bytes()
}

/// The name of the index or alias that an item goes to.
pub(super) fn index_of(names: &IndexNames, targets: Option<&Targets>, item: &Item) -> String {
    if let Some(targets) = targets {
        return targets.of(item.kind).to_string();
    }
    let mut name = Vec::new();
    names.write_target(&mut name, item.kind, item.hour);
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Id;
    use crate::settings::Indices;

    /// 2026-11-21, 10 o'clock.
    const HOUR: u64 = 1_795_255_200 / 3600;

    fn item(kind: Kind, hour: u64, id: u128) -> Item {
        Item { kind, hour, id: Id(id.to_be_bytes()), start: 0, end: 2 }
    }

    fn body(dialect: Dialect, span_ids: bool, indices: &Indices, items: &[Item]) -> String {
        let names = IndexNames::new(indices);
        let mut out = Vec::new();
        let items = items.iter().map(|item| (item, b"{}".as_slice()));
        Lines::new(&names, dialect, span_ids).write(&mut out, items, 2);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_item_goes_to_the_index_of_its_own_day() {
        let items = [
            item(Kind::Service, HOUR, 0x089c_4407_b545_986a),
            item(Kind::Span, HOUR, 1),
            item(Kind::Span, HOUR + 1, u128::MAX),
            item(Kind::Span, HOUR + 24, 0),
        ];
        let wanted = [
            r#"{"index":{"_index":"jaeger-service-2026-11-21","_id":"89c4407b545986a"}}"#,
            r#"{"create":{"_index":"jaeger-span-2026-11-21","_id":"AAAAAAAAAAAAAAAAAAAAAQ"}}"#,
            r#"{"create":{"_index":"jaeger-span-2026-11-21","_id":"_____________________w"}}"#,
            r#"{"create":{"_index":"jaeger-span-2026-11-22","_id":"AAAAAAAAAAAAAAAAAAAAAA"}}"#,
        ];
        let wanted: String = wanted.iter().map(|line| format!("{line}\n{{}}\n")).collect();
        assert_eq!(body(Dialect::Eight, true, &Indices::default(), &items), wanted);
    }

    #[test]
    fn without_names_spans_are_indexed_as_jaeger_does() {
        let items = [item(Kind::Span, HOUR, 1), item(Kind::Service, HOUR, 0x15)];
        let wanted = concat!(
            r#"{"index":{"_index":"jaeger-span-2026-11-21"}}"#,
            "\n{}\n",
            r#"{"index":{"_index":"jaeger-service-2026-11-21","_id":"15"}}"#,
            "\n{}\n"
        );
        assert_eq!(body(Dialect::Seven, false, &Indices::default(), &items), wanted);
    }

    #[test]
    fn elasticsearch_6_is_told_the_type_and_an_alias_has_no_day() {
        let indices = Indices { prefix: "prod".into(), use_aliases: true, ..Indices::default() };
        let items = [item(Kind::Span, HOUR, 0), item(Kind::Service, HOUR + 24, 0x15)];
        let wanted = concat!(
            r#"{"create":{"_index":"prod-jaeger-span-write","_type":"span","_id":"AAAAAAAAAAAAAAAAAAAAAA"}}"#,
            "\n{}\n",
            r#"{"index":{"_index":"prod-jaeger-service-write","_type":"service","_id":"15"}}"#,
            "\n{}\n"
        );
        assert_eq!(body(Dialect::Six, true, &indices, &items), wanted);
    }

    #[test]
    fn what_stands_for_an_alias_is_named_in_its_place() {
        let names = IndexNames::new(&Indices { use_aliases: true, ..Indices::default() });
        let targets = Targets { spans: "s-000002".into(), services: "v-000001".into(), unclear: false };
        let items = [item(Kind::Service, HOUR, 0x15), item(Kind::Span, HOUR + 24, 0)];
        let mut out = Vec::new();
        let lines = Lines::new(&names, Dialect::Eight, true).to(Some(&targets));
        { lines }.write(&mut out, items.iter().map(|item| (item, b"{}".as_slice())), 2);
        let wanted = concat!(
            r#"{"index":{"_index":"v-000001","_id":"15"}}"#,
            "\n{}\n",
            r#"{"create":{"_index":"s-000002","_id":"AAAAAAAAAAAAAAAAAAAAAA"}}"#,
            "\n{}\n"
        );
        assert_eq!(String::from_utf8(out).expect("text"), wanted);
    }

    #[test]
    fn a_strange_prefix_stays_one_json_string() {
        let indices = Indices { prefix: "a\"},\n".into(), ..Indices::default() };
        let text = body(Dialect::Eight, true, &indices, &[item(Kind::Span, HOUR, 0)]);
        let line: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        assert_eq!(line["create"]["_index"], "a\"},\n-jaeger-span-2026-11-21");
    }
}
