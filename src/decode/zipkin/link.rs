//! OpenTelemetry's links, which its exporters write as tags.
//!
//! `otlp.link.N` = `trace id|span id|trace state|{attributes}|dropped`, N counted from 0.

use super::id;
use crate::decode::json::Reader;
use crate::span::{Reference, ReferenceKind};

/// The reference that a link stands for; `None` if it is not written like one.
pub(super) fn link(text: &str) -> Option<Reference> {
    let mut parts = text.splitn(4, '|');
    let (trace_id, span_id) = (parts.next()?, parts.next()?);
    let (_state, rest) = (parts.next()?, parts.next()?);
    let (attributes, dropped) = rest.rsplit_once('|')?;
    dropped.parse::<u32>().ok()?;
    if trace_id.len() != 32 || span_id.len() != 16 {
        return None;
    }
    Some(Reference {
        kind: kind(attributes)?,
        trace_id: id::trace_id(trace_id.as_bytes())?,
        span_id: id::hex(span_id.as_bytes())?,
    })
}

/// The kind that the attribute `opentracing.ref_type` names, else Jaeger's default for links.
/// `None` if the attributes are no JSON object.
fn kind(attributes: &str) -> Option<ReferenceKind> {
    let mut kind = ReferenceKind::FollowsFrom;
    if attributes == "null" {
        return Some(kind);
    }
    let mut reader = Reader::new(attributes.as_bytes());
    let mut more = reader.open(b'{', b'}').ok()?;
    while more {
        let name = reader.key().ok()?;
        let is_kind = name.decoded() == "opentracing.ref_type" && reader.peek() == Some(b'"');
        if is_kind && reader.string().ok()?.decoded() == "child_of" {
            kind = ReferenceKind::ChildOf;
        } else if !is_kind {
            reader.skip(64).ok()?;
        }
        more = reader.more(b'}').ok()?;
    }
    reader.peek().is_none().then_some(kind)
}

/// Adds a link; one to the parent, which is the first reference, changes that one's kind.
pub(super) fn add(references: &mut Vec<Reference>, has_parent: bool, link: Reference) {
    match references.first_mut() {
        Some(parent) if has_parent && parent.trace_id == link.trace_id && parent.span_id == link.span_id => {
            parent.kind = link.kind;
        }
        _ => references.push(link),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::TraceId;

    const IDS: &str = "b85068c27de0bacf0259c3cdf58d91c4|3f12cbe65625a2be";

    #[test]
    fn links_are_read() {
        let plain = link(&format!("{IDS}|a=b|{{\"k\":\"v|w\"}}|0")).unwrap();
        assert_eq!(plain.kind, ReferenceKind::FollowsFrom);
        assert_eq!(plain.trace_id, TraceId { high: 0xb850_68c2_7de0_bacf, low: 0x0259_c3cd_f58d_91c4 });
        assert_eq!(plain.span_id, 0x3f12_cbe6_5625_a2be);
        let child = link(&format!("{IDS}||{{\"n\":1,\"opentracing.ref_type\":\"child_of\"}}|0")).unwrap();
        assert_eq!(child.kind, ReferenceKind::ChildOf);
    }

    #[test]
    fn what_is_no_link() {
        for text in ["", "a|b|c|{}|0", &format!("{IDS}|a|{{|0"), &format!("{IDS}|a|{{}}"), &format!("{IDS}|a|{{}}|x")] {
            assert_eq!(link(text), None, "{text}");
        }
    }
}
