//! Tags: of equal keys the last one counts.

use std::borrow::Cow;

use super::{Draft, key};
use crate::decode::fault::{Fault, Read};
use crate::span::{Limit, Tag, Text, Value};

pub(in crate::decode) const TOO_MANY: &Fault = &Fault::limit(Limit::Tags, "too many tags on a span");
pub(in crate::decode) const TOO_LONG: &Fault = &Fault::limit(Limit::Built, "too much text that must be rewritten");

/// Up to this many tags, looking at all of them for an equal key is cheaper than sorting.
const FEW: usize = 64;

impl<'a> Draft<'a> {
    /// Adds a tag whose key is `name`, as it stands in a request or as plain text.
    #[inline(always)]
    pub(in crate::decode) fn add(&mut self, name: &'a str, key: Text<'a>, value: Value<'a>) -> Read<()> {
        let noted = self.keys.note(name);
        self.members.has_special |= noted.meaningful;
        if noted.seen && self.replaced(name, value) {
            return Ok(());
        }
        self.push(key, value)
    }

    /// Adds a tag whose key must be looked at closely.
    #[cold]
    pub(in crate::decode) fn add_odd(&mut self, key: Text<'a>, value: Value<'a>) -> Read<()> {
        self.members.has_odd_keys = true;
        self.push(key, value)
    }

    #[inline(always)]
    fn push(&mut self, key: Text<'a>, value: Value<'a>) -> Read<()> {
        if self.span.tags.len() >= self.limits.tags {
            return Err(TOO_MANY);
        }
        self.span.tags.push(Tag { key, value });
        Ok(())
    }

    /// Of tags with one key the last counts, in the place of the first.
    #[cold]
    fn replaced(&mut self, key: &str, value: Value<'a>) -> bool {
        if self.span.tags.len() > FEW {
            self.members.has_odd_keys = true;
            return false;
        }
        let same = |tag: &&mut Tag<'a>| matches!(tag.key, Text::Clean(other) | Text::Plain(other) if other == key);
        match self.span.tags.iter_mut().find(same) {
            Some(tag) => tag.value = value,
            None => return false,
        }
        true
    }

    /// The same for keys that are many or not written plainly: sorts them.
    #[cold]
    pub(super) fn tidy_keys(&mut self) {
        let tags = &mut self.span.tags;
        let mut keys: Vec<(Cow<'a, str>, usize)> =
            tags.iter().enumerate().map(|(index, tag)| (tag.key.decoded(), index)).collect();
        keys.sort_unstable();
        self.members.has_special |= keys.iter().any(|(key, _)| key::meaning(key).is_some());
        let mut keep = vec![true; tags.len()];
        for equal in keys.chunk_by(|one, other| one.0 == other.0) {
            if let [(_, first), .., (_, last)] = equal {
                tags[*first].value = tags[*last].value;
                equal.iter().skip(1).for_each(|(_, index)| keep[*index] = false);
            }
        }
        let mut keep = keep.into_iter();
        tags.retain(|_| keep.next().unwrap_or(true));
    }
}
