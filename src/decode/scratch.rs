//! Room for the rare text that does not stand in the body as the span needs it.
//!
//! Nearly every string of a span is a slice of the request's body. The few that must be built
//! (the compact form of an object given as a tag, the fields of an OpenTelemetry event inside a
//! Zipkin annotation, bytes that came as base64) live here as long as the body does. It is a list
//! that only grows, so that what was once kept never moves; an empty one costs nothing.
//!
//! What is built is charged to the memory limit before there is room for it.

use std::cell::{Cell, OnceCell, RefCell};

use crate::memory::Reservation;

/// Text built while a body is decoded. Made beside the body, dropped with it.
#[derive(Debug, Default)]
pub struct Scratch {
    first: OnceCell<Box<Kept>>,
    charge: Option<RefCell<Reservation>>,
    is_starved: Cell<bool>,
}

#[derive(Debug)]
struct Kept {
    text: String,
    bytes: Vec<u8>,
    next: OnceCell<Box<Kept>>,
}

impl Scratch {
    /// One that charges nobody.
    pub fn new() -> Self {
        Scratch::default()
    }

    /// One that charges `reservation`, which is empty.
    pub fn charged(reservation: Reservation) -> Self {
        let (first, is_starved) = (OnceCell::new(), Cell::new(false));
        Scratch { first, charge: Some(RefCell::new(reservation)), is_starved }
    }

    /// True if there was no memory for something that had to be built: what was decoded is not all.
    pub fn is_starved(&self) -> bool {
        self.is_starved.get()
    }

    /// A writer that keeps at most `room` bytes.
    pub(super) fn writer(&self, room: usize) -> Writer<'_> {
        Writer { scratch: self, end: &self.first, room }
    }

    /// Charges bytes that will be built; false if there is no memory for them.
    pub(super) fn charge(&self, bytes: usize) -> bool {
        let is_charged = self.charge.as_ref().is_none_or(|charge| charge.borrow_mut().grow(bytes).is_ok());
        self.is_starved.set(self.is_starved.get() || !is_charged);
        is_charged
    }

    /// Gives back what was charged for bytes that are gone.
    pub(super) fn release(&self, bytes: usize) {
        if let Some(charge) = &self.charge {
            let mut charge = charge.borrow_mut();
            let left = charge.bytes().saturating_sub(bytes);
            // Less is always granted.
            let _ = charge.resize(left);
        }
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
    scratch: &'a Scratch,
    end: &'a OnceCell<Box<Kept>>,
    room: usize,
}

impl<'a> Writer<'a> {
    /// Bytes that can still be kept.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Where it writes.
    pub(super) fn scratch(&self) -> &'a Scratch {
        self.scratch
    }

    /// Keeps `text`, or says `None` when the room is used up or there is no memory.
    pub(super) fn keep(&mut self, text: String) -> Option<&'a str> {
        Some(&self.add(text, Vec::new())?.text)
    }

    /// The same for bytes.
    pub(super) fn keep_bytes(&mut self, bytes: Vec<u8>) -> Option<&'a [u8]> {
        Some(&self.add(String::new(), bytes)?.bytes)
    }

    fn add(&mut self, text: String, bytes: Vec<u8>) -> Option<&'a Kept> {
        let room = self.room.checked_sub(text.len() + bytes.len())?;
        let is_charged = self.scratch.charge(text.capacity() + bytes.capacity() + size_of::<Kept>());
        self.room = is_charged.then_some(room)?;
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
    use crate::memory::Budget;

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
    fn what_is_kept_is_charged() {
        let budget = Budget::new(1600);
        let scratch = Scratch::charged(budget.reserve());
        let mut writer = scratch.writer(10_000);
        assert!(writer.keep("a".repeat(700)).is_some());
        assert_eq!(budget.used(), 700 + size_of::<Kept>());
        assert!(writer.keep("a".repeat(900)).is_none());
        assert!(scratch.is_starved());
        assert_eq!(writer.room(), 9300);
        drop(scratch);
        assert_eq!(budget.used(), 0);
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
