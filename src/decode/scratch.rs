//! Room for the rare text that does not stand in the body as the span needs it.
//!
//! Nearly every string of a span is a slice of the request's body. The few that must be built
//! (the compact form of an object given as a tag, the fields of an OpenTelemetry event inside a
//! Zipkin annotation, bytes that came as base64) live here as long as the body does. It is a list
//! that only grows, so that what was once kept never moves; an empty one costs nothing.

use std::cell::OnceCell;

/// Text built while a body is decoded. Made beside the body, dropped with it.
#[derive(Debug, Default)]
pub struct Scratch {
    first: OnceCell<Box<Kept>>,
}

#[derive(Debug)]
struct Kept {
    text: String,
    bytes: Vec<u8>,
    next: OnceCell<Box<Kept>>,
}

impl Scratch {
    pub fn new() -> Self {
        Scratch::default()
    }

    /// A writer that keeps at most `room` bytes.
    pub(super) fn writer(&self, room: usize) -> Writer<'_> {
        Writer { end: &self.first, room }
    }
}

/// Without recursion, however long the list is.
impl Drop for Scratch {
    fn drop(&mut self) {
        let mut rest = self.first.take();
        while let Some(mut kept) = rest {
            rest = kept.next.take();
        }
    }
}

/// Adds text at the end of a [`Scratch`].
#[derive(Debug)]
pub(super) struct Writer<'a> {
    end: &'a OnceCell<Box<Kept>>,
    room: usize,
}

impl<'a> Writer<'a> {
    /// Bytes that can still be kept.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Keeps `text`, or says `None` when the room is used up.
    pub(super) fn keep(&mut self, text: String) -> Option<&'a str> {
        Some(&self.add(text, Vec::new())?.text)
    }

    /// The same for bytes.
    pub(super) fn keep_bytes(&mut self, bytes: Vec<u8>) -> Option<&'a [u8]> {
        Some(&self.add(String::new(), bytes)?.bytes)
    }

    fn add(&mut self, text: String, bytes: Vec<u8>) -> Option<&'a Kept> {
        self.room = self.room.checked_sub(text.len() + bytes.len())?;
        while let Some(kept) = self.end.get() {
            self.end = &kept.next;
        }
        let kept = self.end.get_or_init(|| Box::new(Kept { text, bytes, next: OnceCell::new() }));
        self.end = &kept.next;
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_where_they_are() {
        let scratch = Scratch::new();
        let mut writer = scratch.writer(100);
        let first = writer.keep("first".to_owned());
        let more: Vec<_> = (0..20).map(|number| writer.keep(format!("{number}"))).collect();
        assert_eq!(first, Some("first"));
        assert_eq!(more[13], Some("13"));
        assert_eq!(scratch.writer(9).keep("another".to_owned()), Some("another"));
    }

    #[test]
    fn room_is_bounded() {
        let scratch = Scratch::new();
        let mut writer = scratch.writer(4);
        assert_eq!(writer.keep("abc".to_owned()), Some("abc"));
        assert_eq!(writer.keep("de".to_owned()), None);
        assert_eq!(writer.keep_bytes(vec![1, 2]), None);
        assert_eq!(writer.keep_bytes(vec![7]), Some(&[7][..]));
        assert_eq!(writer.keep("f".to_owned()), None);
    }

    #[test]
    fn a_long_list_is_dropped_without_recursion() {
        let scratch = Scratch::new();
        let mut writer = scratch.writer(usize::MAX);
        for _ in 0..200_000 {
            assert!(writer.keep(String::new()).is_some());
        }
    }
}
