//! Reading a segment from front to back, past any damage.
//!
//! The reader expects a record at every place where the one before it ended. What it finds instead
//! is a *gap*, up to the next good head. Where a segment ends is known for one of this life, and
//! for one of an earlier life if the segment after it says so: then every gap is damage. Else a
//! gap in the last commit, or behind it where its end mark should be, is what a crash leaves of a
//! commit that was not acknowledged.

use std::io;
use std::ops::ControlFlow;

use super::head::{DATA_START, FileHead};
use super::payload::{Inflater, split, view};
use super::record::{ALIGN, Mark, RECORD_HEAD, RecordHead, Seal, align};
use super::view::RecordView;
use super::window::Window;
use super::{Log, LogError, Place, at};
use crate::item::Label;

/// What a reader comes by.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    Record(Place, RecordView<'a>),
    Damage(Damage),
}

/// Bytes that cannot be read as records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    pub offset: u64,
    /// Up to the next good record, or to the end of what may hold records.
    pub bytes: u64,
    pub kind: DamageKind,
    /// What was lost, if the head of a record could be read.
    pub lost: Option<LostItems>,
}

/// Whether acknowledged records may have been lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// They were: the disk did not keep what it had.
    Damaged,
    /// The end of the segment, as a crash before the acknowledgement leaves it.
    Torn,
}

/// What a damaged record held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LostItems {
    pub label: Label,
    pub spans: u32,
    pub services: u32,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// Where the next walk goes on.
    pub next: u64,
    /// Nothing was left to read.
    pub is_finished: bool,
    pub records: u64,
    pub damages: u64,
    /// What a crash left of a commit, if nothing good stands behind it.
    pub(super) tear: Option<Tear>,
}

/// The end of the last good record, where a commit is torn that was never acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tear {
    pub(super) offset: u64,
    /// Where the commit of that record begins.
    pub(super) commit: u64,
}

impl Log {
    /// Reads a segment from `from` (0, or the end of a [`Place`]) to the first record at or behind
    /// `to`, or to where its acknowledged records end, and hands out what it finds, in order, until
    /// told to stop. The segment is not used again while it is read.
    ///
    /// Memory: the largest record, and a buffer.
    pub fn walk(
        &self,
        segment: u64,
        from: u64,
        to: Option<u64>,
        visit: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> Result<Walked, LogError> {
        let reading = self.reading(segment)?;
        let path = &reading.segment.path;
        let file = self.disk.open_to_read(path).map_err(at(path))?;
        let window = Window::new(file).map_err(at(path))?;
        let mut walker = Walker::new(window, &reading.segment.head, reading.segment.end);
        let walked = walker.walk(from, to.unwrap_or(u64::MAX), visit).map_err(at(path))?;
        if walker.is_damaged
            && let Some(segment) = self.segments().get_mut(segment)
        {
            segment.is_damaged = true;
        }
        Ok(walked)
    }
}

/// A reader of one segment.
#[derive(Debug)]
pub(super) struct Walker {
    window: Window,
    version: u32,
    seal: Seal,
    generation: u64,
    /// The length that the file had when its head was written.
    length: u64,
    /// Where the acknowledged records end, if that is known.
    end: Option<u64>,
    /// Nothing is read behind this.
    limit: u64,
    /// Where the last commit begins that can be seen; looked for when first needed.
    last_commit: Option<u64>,
    inflater: Inflater,
    pub(super) is_damaged: bool,
}

/// What of a segment's end a walk has come by.
#[derive(Debug, Default)]
struct Ends {
    /// Where the commit of the last record begins.
    commit: Option<u64>,
    tear: Option<Tear>,
    damages: u64,
    /// There was damage before a good record, or of another kind than a tear.
    is_spoilt: bool,
}

impl Ends {
    fn record(&mut self, head: &RecordHead) {
        self.commit = Some(head.commit);
        self.is_spoilt |= self.damages > 0;
    }

    fn damage(&mut self, damage: &Damage) {
        self.damages += 1;
        self.is_spoilt |= damage.kind != DamageKind::Torn;
        let here = self.commit.map(|commit| Tear { offset: damage.offset, commit });
        self.tear = self.tear.or(here).filter(|_| !self.is_spoilt);
    }
}

/// What stands at a place.
enum Here {
    Record(RecordHead),
    /// Good bytes in the head, wrong ones behind it.
    Spoilt(RecordHead),
    End,
    Nothing,
}

impl Walker {
    pub(super) fn new(window: Window, head: &FileHead, end: Option<u64>) -> Self {
        Walker {
            version: head.version,
            seal: Seal::new(head.generation, head.salt),
            generation: head.generation,
            length: head.length,
            end,
            limit: end.unwrap_or(u64::MAX).min(window.length()),
            window,
            last_commit: None,
            inflater: Inflater::default(),
            is_damaged: false,
        }
    }

    pub(super) fn walk(
        &mut self,
        from: u64,
        to: u64,
        visit: &mut dyn FnMut(Step<'_>) -> ControlFlow<()>,
    ) -> io::Result<Walked> {
        let next = align(from.max(DATA_START));
        let mut walked = Walked { next, is_finished: false, records: 0, damages: 0, tear: None };
        let (mut is_told, mut ends) = (false, Ends::default());
        while walked.next < self.limit.min(to) {
            let flow = match self.look(walked.next)? {
                Here::Record(head) => {
                    walked.records += 1;
                    walked.next = head.end();
                    ends.record(&head);
                    visit(self.step(&head)?)
                }
                Here::End if self.end.is_none() && self.next_mark(walked.next)?.is_none() => {
                    walked.is_finished = true;
                    return Ok(walked);
                }
                here => {
                    let damage = self.gap(walked.next, &here)?;
                    walked.damages += 1;
                    walked.next = damage.offset + damage.bytes;
                    self.is_damaged |= damage.kind == DamageKind::Damaged;
                    ends.damage(&damage);
                    is_told = self.end.is_none() && walked.next >= self.limit;
                    visit(Step::Damage(damage))
                }
            };
            if flow.is_break() {
                walked.is_finished = is_told || walked.next >= self.end.unwrap_or(u64::MAX).min(to);
                return Ok(walked);
            }
        }
        if !is_told
            && walked.next < to
            && let Some(damage) = self.missing_end(walked.next)
        {
            walked.damages += 1;
            self.is_damaged |= damage.kind == DamageKind::Damaged;
            walked.next = damage.offset + damage.bytes;
            let _ = visit(Step::Damage(damage));
        }
        walked.is_finished = true;
        if is_told && !self.window.is_patchy() {
            walked.tear = ends.tear;
        }
        Ok(walked)
    }

    /// The file ends before the records do, or without an end mark.
    fn missing_end(&self, offset: u64) -> Option<Damage> {
        match self.end {
            Some(end) if offset < end => {
                Some(Damage { offset, bytes: end - offset, kind: DamageKind::Damaged, lost: None })
            }
            // We cut a file only where a commit ended.
            None if offset == self.window.length() => {
                Some(Damage { offset, bytes: 0, kind: DamageKind::Torn, lost: None })
            }
            None => Some(Damage { offset, bytes: 0, kind: DamageKind::Damaged, lost: None }),
            Some(_) => None,
        }
    }

    /// What stands at `offset`; a record's bytes are checked.
    fn look(&mut self, offset: u64) -> io::Result<Here> {
        let head = match self.mark(offset)? {
            Some(Mark::Record(head)) if head.end() <= self.limit => head,
            Some(Mark::End { .. }) => return Ok(Here::End),
            _ => return Ok(Here::Nothing),
        };
        let payload = self.window.get(offset + RECORD_HEAD as u64, head.payload())?;
        let is_good = self.seal.checksum(payload) == head.payload_crc
            && payload.len() as u64 == head.payload()
            && view(&head, payload, &mut self.inflater)?.is_some();
        Ok(if is_good { Here::Record(head) } else { Here::Spoilt(head) })
    }

    /// The record of a head that was found good.
    fn step(&mut self, head: &RecordHead) -> io::Result<Step<'_>> {
        let place = Place { segment: self.generation, offset: head.offset, length: head.end() - head.offset };
        let payload = self.window.get(head.offset + RECORD_HEAD as u64, head.payload())?;
        match split(head, payload).and_then(|parts| parts.view(head, self.inflater.last(head, &parts))) {
            Some(view) => Ok(Step::Record(place, view)),
            None => Err(io::Error::other("the file changed while it was read")),
        }
    }

    fn mark(&mut self, offset: u64) -> io::Result<Option<Mark>> {
        let bytes = self.window.get(offset, RECORD_HEAD as u64)?;
        Ok(Mark::decode(self.version, bytes, &self.seal, offset))
    }

    /// The first good mark behind `offset`, and its place.
    fn next_mark(&mut self, offset: u64) -> io::Result<Option<(u64, Mark)>> {
        let mut place = self.window.skip_zeros(offset + ALIGN, self.limit)?;
        while place < self.limit {
            if let Some(mark) = self.mark(place)? {
                return Ok(Some((place, mark)));
            }
            place = self.window.skip_zeros(place + ALIGN, self.limit)?;
        }
        Ok(None)
    }

    /// The gap at `offset`, where something else than a good record stands.
    fn gap(&mut self, offset: u64, here: &Here) -> io::Result<Damage> {
        let (end, commit, lost) = match here {
            Here::Spoilt(head) => (head.end(), Some(head.commit), Some(head.lost())),
            _ => match self.next_mark(offset)? {
                Some((place, Mark::Record(RecordHead { commit, .. }) | Mark::End { commit })) => {
                    (place, Some(commit), None)
                }
                None => (self.end.unwrap_or(self.limit), None, None),
            },
        };
        let kind = match commit {
            _ if self.end.is_some() => DamageKind::Damaged,
            // A later commit was begun, so what was before it had been acknowledged.
            Some(commit) if commit > offset || commit < self.last_commit(offset)? => DamageKind::Damaged,
            Some(_) => DamageKind::Torn,
            // We cut a file only where a commit ended.
            None if self.window.length() < self.length => DamageKind::Damaged,
            None => DamageKind::Torn,
        };
        Ok(Damage { offset, bytes: end - offset, kind, lost })
    }

    /// Where the last commit begins of which anything can be seen at or behind `offset`.
    fn last_commit(&mut self, offset: u64) -> io::Result<u64> {
        if let Some(last) = self.last_commit {
            return Ok(last);
        }
        let (mut last, mut next) = (0, offset);
        loop {
            let place = self.window.skip_zeros(next, self.limit)?;
            if place >= self.limit {
                break;
            }
            next = match self.mark(place)? {
                Some(Mark::Record(head)) => {
                    last = last.max(head.commit);
                    if head.end() <= self.limit { head.end() } else { place + ALIGN }
                }
                Some(Mark::End { commit }) => {
                    last = last.max(commit);
                    place + ALIGN
                }
                None => place + ALIGN,
            };
        }
        self.last_commit = Some(last);
        Ok(last)
    }
}

impl RecordHead {
    fn lost(&self) -> LostItems {
        LostItems { label: self.label, spans: self.spans, services: self.others }
    }
}
