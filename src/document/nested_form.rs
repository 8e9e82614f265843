//! A document with other nested parts: its fields back in the nested lists, or fewer of them.
//!
//! [`with_nested_tags`] is for an index that takes no more fields, or not these: every tag in `tag`
//! and `process.tag` becomes an element of `tags` and `process.tags`, with the key and the type that
//! a reader gives it anyway. [`with_fewer_nested`] is for a span with more tags, references and logs
//! than an index takes nested documents: what comes last is left out, log fields first, and the tag
//! [`LEFT_OUT`] tells how many.
//!
//! Both take the document apart into its raw members and copy what they do not change.

use serde_json::value::RawValue;

use super::json::write_plain;
use super::number::write_integer;
use super::stored_tag::{Fields, dotted, type_of_field};

/// The key of the tag that tells how many nested documents were left out.
pub const LEFT_OUT: &str = "spaniel.left-out";

/// The document with all its tags in nested lists; `None` if it is not one, or has no fields.
pub fn with_nested_tags(document: &[u8], dot_replacement: &str) -> Option<Vec<u8>> {
    let members: Fields<'_> = serde_json::from_slice(document).ok()?;
    let process = members.get("process").and_then(|raw| nested_process(raw, dot_replacement));
    if process.is_none() && members.get("tag").is_none() {
        return None;
    }
    let mut out = Vec::with_capacity(document.len() * 2);
    write_members(&mut out, &members, |out, key, value| match (key, &process) {
        ("tag", _) if members.get("tags").is_none() => write_joined(out, None, Some(value), dot_replacement),
        ("tag", _) => false,
        ("tags", _) => write_joined(out, Some(value), members.get("tag"), dot_replacement),
        ("process", Some(process)) => write_member(out, key, process),
        _ => write_member(out, key, value.get().as_bytes()),
    });
    Some(out)
}

/// The value of `process` with its fields in its list; `None` if it has none.
fn nested_process(raw: &RawValue, dot_replacement: &str) -> Option<Vec<u8>> {
    let members: Fields<'_> = serde_json::from_str(raw.get()).ok()?;
    members.get("tag")?;
    let mut out = Vec::new();
    write_members(&mut out, &members, |out, key, value| match key {
        "tag" if members.get("tags").is_none() => write_joined(out, None, Some(value), dot_replacement),
        "tag" => false,
        "tags" => write_joined(out, Some(value), members.get("tag"), dot_replacement),
        _ => write_member(out, key, value.get().as_bytes()),
    });
    Some(out)
}

/// Writes an object of those of `members` that `write` writes.
fn write_members(out: &mut Vec<u8>, members: &Fields<'_>, write: impl Fn(&mut Vec<u8>, &str, &RawValue) -> bool) {
    let start = out.len();
    for (key, value) in members.iter() {
        out.push(if out.len() == start { b'{' } else { b',' });
        if !write(out, key, value) {
            out.pop();
        }
    }
    if out.len() == start {
        out.push(b'{');
    }
    out.push(b'}');
}

fn write_member(out: &mut Vec<u8>, key: &str, value: &[u8]) -> bool {
    out.push(b'"');
    write_plain(out, key.as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(value);
    true
}

/// Writes the member `tags`: the elements of `list`, and those that were fields.
fn write_joined(out: &mut Vec<u8>, list: Option<&RawValue>, fields: Option<&RawValue>, dots: &str) -> bool {
    let listed = list.and_then(|list| serde_json::from_str::<Vec<&RawValue>>(list.get()).ok()).unwrap_or_default();
    let fields = fields.and_then(|fields| serde_json::from_str::<Fields<'_>>(fields.get()).ok()).unwrap_or_default();
    let listed = listed.into_iter().map(|element| element.get().as_bytes().to_vec());
    let elements: Vec<_> = listed.chain(fields.iter().map(|(key, value)| element(key, value, dots))).collect();
    write_list(out, "tags", &elements)
}

fn write_list(out: &mut Vec<u8>, key: &str, elements: &[impl AsRef<[u8]>]) -> bool {
    write_member(out, key, b"[");
    for (index, element) in elements.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b"," } else { b"" });
        out.extend_from_slice(element.as_ref());
    }
    out.push(b']');
    true
}

/// A field as an element of a list.
fn element(key: &str, value: &RawValue, dot_replacement: &str) -> Vec<u8> {
    let mut out = b"{\"key\":\"".to_vec();
    write_plain(&mut out, dotted(key, dot_replacement).as_bytes());
    let kind = type_of_field(value.get());
    out.extend_from_slice(format!("\",\"type\":\"{kind}\",\"value\":").as_bytes());
    match value.get() {
        // A reader that meets a null in a list gives up the whole trace.
        "null" => out.extend_from_slice(b"\"\""),
        list_or_object if list_or_object.starts_with(['[', '{']) => {
            out.push(b'"');
            write_plain(&mut out, list_or_object.as_bytes());
            out.push(b'"');
        }
        plain => out.extend_from_slice(plain.as_bytes()),
    }
    out.push(b'}');
    out
}

/// The document with at most `most` nested documents, the mark included; `None` if it is no span, or
/// has not so many.
pub fn with_fewer_nested(document: &[u8], most: usize) -> Option<Vec<u8>> {
    let members: Fields<'_> = serde_json::from_slice(document).ok()?;
    let mut room = Room { left: most.saturating_sub(1), left_out: 0 };
    let process: Fields<'_> = serde_json::from_str(members.get("process")?.get()).ok()?;
    // What is wanted most comes first.
    let references = room.take(members.get("references"));
    let process_tags = room.take(process.get("tags"));
    let mut tags = room.take(members.get("tags"));
    let logs = room.take_logs(members.get("logs"));
    if room.left_out == 0 {
        return None;
    }
    tags.insert(0, mark(room.left_out));
    let mut out = Vec::with_capacity(document.len());
    write_members(&mut out, &members, |out, key, value| match key {
        "references" => write_list(out, key, &references),
        "tags" => write_list(out, key, &tags),
        "logs" => write_list(out, key, &logs),
        "process" => {
            write_member(out, key, b"");
            write_members(out, &process, |out, key, value| match key {
                "tags" => write_list(out, key, &process_tags),
                _ => write_member(out, key, value.get().as_bytes()),
            });
            true
        }
        _ => write_member(out, key, value.get().as_bytes()),
    });
    Some(out)
}

fn mark(left_out: usize) -> Vec<u8> {
    let mut out = format!("{{\"key\":\"{LEFT_OUT}\",\"type\":\"int64\",\"value\":").into_bytes();
    write_integer(&mut out, left_out);
    out.push(b'}');
    out
}

/// How many nested documents still fit.
struct Room {
    left: usize,
    left_out: usize,
}

impl Room {
    /// The first elements of a list, as many as fit.
    fn take(&mut self, list: Option<&RawValue>) -> Vec<Vec<u8>> {
        let mut elements = elements(list);
        let kept = elements.len().min(self.left);
        self.left -= kept;
        self.left_out += elements.len() - kept;
        elements.truncate(kept);
        elements.into_iter().map(|element| element.get().as_bytes().to_vec()).collect()
    }

    /// The first logs, and of the last of them the first fields.
    fn take_logs(&mut self, list: Option<&RawValue>) -> Vec<Vec<u8>> {
        let mut kept = Vec::new();
        for log in elements(list) {
            let members = serde_json::from_str::<Fields<'_>>(log.get()).unwrap_or_default();
            if self.left == 0 {
                self.left_out += 1 + elements(members.get("fields")).len();
                continue;
            }
            self.left -= 1;
            let (fields, mut out) = (self.take(members.get("fields")), Vec::new());
            write_members(&mut out, &members, |out, key, value| match key {
                "fields" => write_list(out, key, &fields),
                _ => write_member(out, key, value.get().as_bytes()),
            });
            kept.push(out);
        }
        kept
    }
}

fn elements(list: Option<&RawValue>) -> Vec<&RawValue> {
    list.and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::tests::golden;
    use crate::document::{StoredSpan, StoredTag, StoredValue};

    fn sorted(mut span: StoredSpan) -> StoredSpan {
        let by_key = |one: &StoredTag, other: &StoredTag| one.key.cmp(&other.key);
        span.tags.sort_by(by_key);
        span.process.tags.sort_by(by_key);
        span
    }

    /// A document of Jaeger's with its tags made fields, as `--es.tags-as-fields.all` has it.
    fn as_fields(document: &str) -> Vec<u8> {
        let mut document: serde_json::Value = serde_json::from_str(document).unwrap();
        let move_tags = |object: &mut serde_json::Value| {
            let tags = object["tags"].take();
            let mut fields = serde_json::Map::new();
            let mut left = Vec::new();
            for tag in tags.as_array().into_iter().flatten() {
                let key = tag["key"].as_str().unwrap().replace('.', "@");
                match tag["type"].as_str() {
                    Some("binary") => left.push(tag.clone()),
                    _ => drop(fields.insert(key, tag["value"].clone())),
                }
            }
            object["tags"] = left.into();
            object["tag"] = fields.into();
        };
        move_tags(&mut document);
        move_tags(&mut document["process"]);
        document.to_string().into_bytes()
    }

    #[test]
    fn fields_come_back_into_the_lists_as_they_are_read() {
        let mut count = 0;
        for golden in golden() {
            let fields = as_fields(golden.source.get());
            let nested = with_nested_tags(&fields, "@").unwrap();
            let raw: serde_json::Value = serde_json::from_slice(&nested).unwrap();
            assert!(raw.get("tag").is_none() && raw["process"].get("tag").is_none(), "{raw}");
            assert_eq!(sorted(StoredSpan::parse(&nested).unwrap()), sorted(StoredSpan::parse(&fields).unwrap()));
            assert_eq!(with_nested_tags(&nested, "@"), None);
            count += raw["tags"].as_array().unwrap().len();
        }
        assert!(count > 1000, "{count}");
    }

    #[test]
    fn a_null_and_a_list_become_texts() {
        let document = br#"{"traceID":"1","spanID":"2","startTime":1,"tags":[],"tag":{"n":null,"l":["a\"b"],"f":1.5,"w":1},"process":{"serviceName":"s","tags":[]}}"#;
        let nested = with_nested_tags(document, "@").unwrap();
        let text = std::str::from_utf8(&nested).unwrap();
        assert!(text.contains(r#"{"key":"n","type":"string","value":""}"#), "{text}");
        let read = StoredSpan::parse(&nested).unwrap();
        assert_eq!(read.tags, StoredSpan::parse(document).unwrap().tags);
        assert_eq!(read.tags[1].value, StoredValue::String(r#"["a\"b"]"#.into()));
    }

    fn nested_documents(span: &StoredSpan) -> usize {
        let logs: usize = span.logs.iter().map(|log| 1 + log.fields.len()).sum();
        span.references.len() + span.tags.len() + span.process.tags.len() + logs
    }

    #[test]
    fn what_comes_last_is_left_out_and_counted() {
        let mut cut = 0;
        for golden in golden() {
            let document = golden.source.get().as_bytes();
            let before = StoredSpan::parse(document).unwrap();
            let all = nested_documents(&before);
            for most in [1, 2, 5, 10, all.saturating_sub(1)].into_iter().filter(|&most| most > 0) {
                let Some(fewer) = with_fewer_nested(document, most) else { continue };
                let mut after = StoredSpan::parse(&fewer).unwrap();
                assert_eq!(nested_documents(&after), most, "{after:?}");
                let mark = after.tags.remove(0);
                let left_out = StoredValue::Int64((all + 1 - most) as i64);
                assert_eq!(mark, StoredTag { key: LEFT_OUT.into(), value: left_out });
                assert!(before.tags.starts_with(&after.tags) && before.process.tags.starts_with(&after.process.tags));
                assert_eq!((&after.operation, after.span_id), (&before.operation, before.span_id));
                cut += 1;
            }
            assert_eq!(with_fewer_nested(document, all + 1), None);
        }
        assert!(cut > 100, "{cut}");
        assert_eq!(with_fewer_nested(br#"{"serviceName":"s","operationName":"o"}"#, 1), None);
    }
}
