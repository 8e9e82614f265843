//! Finds, in one walk over a span's tags, those that somebody asks for (`benches/verdict.rs`).
//!
//! Most tags are asked for by nobody: one look at the length and the first four bytes of their keys
//! tells. What is left is compared in words, without a call or a loop.

use crate::span::{Tag, Text, Value};

/// The keys that are asked for, each with its slot.
#[derive(Debug)]
pub struct KeyTable {
    keys: Vec<Key>,
    /// By mark: the first key that has it.
    first: Box<[u32; MARKS]>,
}

#[derive(Debug)]
struct Key {
    text: Box<str>,
    /// See [`words`]; zeros if it has none.
    words: [u64; 3],
    /// The next that has the same mark.
    next: u32,
}

const MARKS: usize = 512;
/// Instead of a key, or of a tag.
const NONE: u32 = u32::MAX;

impl KeyTable {
    pub(super) fn new(keys: &[Box<str>]) -> Self {
        let mut table = KeyTable { keys: Vec::with_capacity(keys.len()), first: Box::new([NONE; MARKS]) };
        for (slot, key) in (0..).zip(keys) {
            let next = std::mem::replace(&mut table.first[mark(key)], slot);
            table.keys.push(Key { text: key.clone(), words: words(key).unwrap_or_default(), next });
        }
        table
    }

    /// Empty slots for each key.
    pub fn slots<'a>(&self) -> Vec<Option<Value<'a>>> {
        vec![None; self.keys.len()]
    }

    /// Puts the values of the keys into their slots; the last of a key counts, as in Jaeger's page.
    pub fn fill<'a>(&self, tags: &[Tag<'a>], slots: &mut [Option<Value<'a>>]) {
        slots.fill(None);
        self.each(tags, slots, |slot, place| *slot = Some(tags[place].value));
    }

    /// Empty places for each key.
    pub fn places(&self) -> Vec<u32> {
        vec![NONE; self.keys.len()]
    }

    /// The same as `fill` for tags that stay where they are: says where the values are, which is less
    /// to write than the values.
    #[inline]
    pub fn locate(&self, tags: &[Tag<'_>], places: &mut [u32]) {
        places.fill(NONE);
        self.each(tags, places, |found, place| *found = place as u32);
    }

    #[inline]
    fn each<T>(&self, tags: &[Tag<'_>], slots: &mut [T], mut put: impl FnMut(&mut T, usize)) {
        for (place, tag) in tags.iter().enumerate() {
            let found = match tag.key {
                Text::Clean(key) | Text::Plain(key) => self.find(key),
                key => self.find(&key.decoded()),
            };
            if let Some(slot) = found.and_then(|slot| slots.get_mut(slot)) {
                put(slot, place);
            }
        }
    }

    /// What is inlined is what most tags come to: nobody asks for them.
    #[inline(always)]
    fn find(&self, key: &str) -> Option<usize> {
        let place = self.first[mark(key)];
        if place == NONE { None } else { self.compare(place, key) }
    }

    #[inline(never)]
    fn compare(&self, mut place: u32, key: &str) -> Option<usize> {
        let Some(words) = words(key) else { return self.compare_bytes(place, key) };
        loop {
            let asked = self.keys.get(place as usize)?;
            // Not as arrays: they would be written to the stack, and read from there before they are.
            let [a, b, c] = asked.words;
            let differs = (a ^ words[0]) | (b ^ words[1]) | (c ^ words[2]);
            if differs == 0 && asked.text.len() == key.len() {
                return Some(place as usize);
            }
            place = asked.next;
        }
    }

    #[inline(never)]
    fn compare_bytes(&self, mut place: u32, key: &str) -> Option<usize> {
        loop {
            let asked = self.keys.get(place as usize)?;
            if *asked.text == *key {
                return Some(place as usize);
            }
            place = asked.next;
        }
    }
}

/// By the first four bytes and the length. Hardly a key of Envoy's or of OpenTelemetry's conventions
/// has that of another that is always asked for (`peer.address` has that of `peer.service`).
#[inline(always)]
fn mark(key: &str) -> usize {
    let begins = key.as_bytes().first_chunk().map_or(0, |first| u32::from_le_bytes(*first));
    // The upper nine bits of the product depend on all of them.
    (begins.wrapping_mul(0x85eb_ca6b) >> 23) as usize ^ (key.len() % MARKS)
}

/// Three words that are all of a key of eight to 24 bytes: they overlap if it is shorter. `None` for
/// any other, which is compared byte by byte.
#[inline]
fn words(key: &str) -> Option<[u64; 3]> {
    let bytes = key.as_bytes();
    if bytes.len() > 24 {
        return None;
    }
    let end = bytes.len().checked_sub(8)?;
    let word = |start: usize| Some(u64::from_le_bytes(*bytes.get(start..)?.first_chunk()?));
    Some([word(0)?, word(end.min(8))?, word(end)?])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// As a reader would look them up who has time.
        #[test]
        fn what_is_asked_for_is_found(
            asked in prop::collection::vec("[ab.]{0,30}", 0..20),
            sent in prop::collection::vec(("[ab.]{0,30}", prop::option::of(any::<prop::sample::Index>())), 0..150),
        ) {
            let mut keys: Vec<Box<str>> = asked.iter().map(|key| key.as_str().into()).collect();
            keys.sort();
            keys.dedup();
            let of = |(text, index): &(String, Option<prop::sample::Index>)| match index {
                Some(index) if !keys.is_empty() => index.get(&keys).to_string(),
                _ => text.clone(),
            };
            let sent: Vec<String> = sent.iter().map(of).collect();
            // Every third lies in the request as JSON, where a text without escapes is the same.
            let key = |place, key| if place % 3 == 0 { Text::Json(key) } else { Text::Plain(key) };
            let keys_sent = sent.iter().enumerate().map(|(place, text)| key(place, text.as_str()));
            let tags: Vec<_> = keys_sent.map(|key| Tag { key, value: Value::Int64(0) }).collect();
            let table = KeyTable::new(&keys);
            let mut places = table.places();
            table.locate(&tags, &mut places);
            for (key, place) in keys.iter().zip(places) {
                let last = sent.iter().rposition(|sent| sent.as_str() == &**key);
                prop_assert_eq!(last, (place != NONE).then_some(place as usize), "{}", key);
            }
        }
    }
}
