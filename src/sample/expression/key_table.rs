//! Finds, in one walk over a span's tags, those that somebody asks for (`benches/verdict.rs`).
//!
//! Most tags are asked for by nobody: one look at the length and the last four bytes of their keys
//! tells. What is left is compared in words, without a call or a loop.

use crate::span::{Tag, Text, Value};

/// Slots, one bit each; those from 62 on share one.
pub(super) type Slots = u64;

/// What asks for no tag is told by this, which is there in every span.
pub(super) const ALWAYS: Slots = 1 << 63;

#[inline]
pub(super) const fn bit(slot: usize) -> Slots {
    1 << if slot < SHARED { slot } else { SHARED }
}

/// The bit of all slots from there on.
const SHARED: usize = 62;

/// Where among a span's tags those of the slots are.
#[derive(Debug, Default)]
pub struct Places {
    places: Vec<u32>,
    /// The slots that have one: nobody looks at the place of another.
    found: Slots,
}

impl Places {
    #[inline]
    pub(super) fn get(&self, slot: usize) -> Option<u32> {
        if self.found & bit(slot) == 0 { None } else { self.places.get(slot).copied() }
    }

    /// Whether one of these is there.
    #[inline]
    pub(super) fn have(&self, slots: Slots) -> bool {
        (self.found | ALWAYS) & slots != 0
    }

    /// The tag at `place` is that of this slot.
    #[inline]
    pub(in crate::sample) fn put(&mut self, slot: usize, place: u32) {
        self.found |= bit(slot);
        if let Some(known) = self.places.get_mut(slot) {
            *known = place;
        }
    }

    #[inline]
    fn clear(&mut self) {
        self.found = 0;
        // Whose bit does not tell.
        for place in self.places.iter_mut().skip(SHARED) {
            *place = NONE;
        }
    }
}

/// The keys that are asked for, each with its slot.
#[derive(Debug)]
pub struct KeyTable {
    keys: Vec<Key>,
    /// By mark: whether a key has it, and the first that does.
    is_asked: [bool; MARKS],
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
/// Of those that were tried the one by which the fewest keys of Envoy and of OpenTelemetry's conventions
/// have the mark of another that is always asked for.
const MIX: u32 = 0xc386_bbc5;
/// Instead of a key, or of a tag.
const NONE: u32 = u32::MAX;

impl KeyTable {
    /// `asked`: the slots whose keys are looked for.
    pub(super) fn new(keys: &[Box<str>], asked: Slots) -> Self {
        let (is_asked, first) = ([false; MARKS], Box::new([NONE; MARKS]));
        let mut table = KeyTable { keys: Vec::with_capacity(keys.len()), is_asked, first };
        for (slot, key) in (0..).zip(keys) {
            let mut next = NONE;
            if asked & bit(slot as usize) != 0 {
                next = std::mem::replace(&mut table.first[mark(key)], slot);
                table.is_asked[mark(key)] = true;
            }
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
        self.each(tags, |slot, place| {
            if let Some(found) = slots.get_mut(slot) {
                *found = tags.get(place).map(|tag| tag.value);
            }
        });
    }

    /// Empty places for each key.
    pub fn places(&self) -> Places {
        Places { places: vec![NONE; self.keys.len()], found: 0 }
    }

    /// The same as `fill` for tags that stay where they are: says where the values are, which is less
    /// to write than the values.
    #[inline]
    pub fn locate(&self, tags: &[Tag<'_>], places: &mut Places) {
        places.clear();
        self.each(tags, |slot, place| places.put(slot, place as u32));
    }

    #[inline]
    fn each(&self, tags: &[Tag<'_>], mut put: impl FnMut(usize, usize)) {
        let mut rest = tags.iter();
        while let Some(tag) = rest.next() {
            let found = match tag.key {
                Text::Clean(key) | Text::Plain(key) => self.find(key),
                key => self.find_escaped(key),
            };
            if let Some(slot) = found {
                put(slot, tags.len() - rest.len() - 1);
            }
        }
    }

    /// What is inlined is what most tags come to: nobody asks for them.
    #[inline(always)]
    fn find(&self, key: &str) -> Option<usize> {
        let mark = mark(key);
        if self.is_asked[mark] { self.compare(self.first[mark], key) } else { None }
    }

    #[cold]
    #[inline(never)]
    fn find_escaped(&self, key: Text<'_>) -> Option<usize> {
        self.find(&key.decoded())
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

/// By the last four bytes and the length.
#[inline(always)]
fn mark(key: &str) -> usize {
    let ends = key.as_bytes().last_chunk().map_or(0, |last| u32::from_le_bytes(*last));
    // The upper nine bits of the product depend on all of them.
    (ends.wrapping_add(key.len() as u32).wrapping_mul(MIX) >> 23) as usize
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
            asked in prop::collection::vec("[ab.]{0,30}", 0..80),
            unasked in any::<Slots>(),
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
            let table = KeyTable::new(&keys, unasked ^ Slots::MAX);
            let mut places = table.places();
            // What was found in another span is forgotten.
            table.locate(&tags[tags.len() / 2..], &mut places);
            table.locate(&tags, &mut places);
            for (slot, key) in keys.iter().enumerate() {
                let last = sent.iter().rposition(|sent| sent.as_str() == &**key);
                let found = places.get(slot).map(|place| place as usize).filter(|place| *place < sent.len());
                prop_assert_eq!(last.filter(|_| unasked & bit(slot) == 0), found, "{}", key);
            }
        }
    }
}
