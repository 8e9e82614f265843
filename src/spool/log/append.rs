//! The writer: a commit is one write and one sync.
//!
//! Heads, notes and items are laid into one scratch space that is used again; documents are
//! written from where they lie. A file in which a write or a sync failed is given up, see
//! [`super`].

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use super::files::{file_name, new_head, write_head};
use super::head::{DATA_START, FileHead};
use super::packed::Packed;
use super::record::{ITEM, RECORD_HEAD, RecordHead, Seal, align, encode_item, end_mark};
use super::segments::{FreeFile, Segment};
use super::{AppendError, Log, Place, Record};
use crate::item::Kind;
use crate::spool::disk::DiskFile;

/// Scratch space beyond this is given back after a commit.
pub(super) const KEPT_SCRATCH: usize = 4 << 20;

/// What an append needs, under a lock of its own.
#[derive(Debug)]
pub(super) struct Writer {
    active: Option<Active>,
    /// The generation of the next segment.
    next: u64,
    /// Generation and end of the last segment that holds records.
    before: Option<(u64, u64)>,
    /// Heads, notes, items and what fills up to the next record, in the order of the file.
    scratch: Vec<u8>,
    /// Where in `scratch` the documents of each record come in.
    cuts: Vec<usize>,
    packed: Packed,
}

/// The segment that is being written.
#[derive(Debug)]
struct Active {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    seal: Seal,
    bytes: u64,
    end: u64,
}

impl Log {
    /// Makes records safe, all or none, with one write and one sync. Returns where they stand.
    pub fn append(&self, records: &[Record<'_>]) -> Result<Vec<Place>, AppendError> {
        if let Some(wrong) = records.iter().position(|record| !is_storable(record)) {
            return Err(AppendError::Record(wrong));
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut writer = self.writer();
        writer.packed.fill(records, self.options.compress);
        let bytes = writer.bytes_of(records);
        self.make_active(&mut writer, bytes, true)?;
        match self.commit(&mut writer, records) {
            Ok(places) => Ok(places),
            Err(_) => {
                self.make_active(&mut writer, bytes, false)?;
                self.commit(&mut writer, records)
            }
        }
    }

    /// True if the segment that is being written has room for this record as it is.
    pub fn has_room(&self, record: &Record<'_>) -> bool {
        let bytes = bytes_of(record, record.documents.len()) + RECORD_HEAD as u64;
        self.writer().active.as_ref().is_some_and(|active| active.end + bytes <= active.bytes)
    }

    /// How many of these records, the first at least, the next append should take: as many as fill
    /// the segment that is being written, or if it has no room for the first, a new one.
    pub fn fitting<'r>(&self, records: impl Iterator<Item = Record<'r>>) -> usize {
        let mut room = self.writer().active.as_ref().map_or(0, |active| active.bytes.saturating_sub(active.end));
        let (mut bytes, mut count) = (RECORD_HEAD as u64, 0);
        for record in records {
            bytes += bytes_of(&record, record.documents.len());
            if count == 0 && bytes > room {
                room = self.options.segment_bytes.saturating_sub(DATA_START);
            } else if bytes > room {
                break;
            }
            count += 1;
        }
        count
    }

    /// Ends the segment that is being written, if it holds records; the next append begins another.
    /// Waits for an append that is under way.
    pub fn seal(&self) {
        self.close_active(&mut self.writer());
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // Each commit lays out its scratch anew, and its end moves last.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_active(&self, writer: &mut Writer) {
        if let Some(active) = writer.active.take_if(|active| active.end > DATA_START) {
            writer.before = Some((active.seal.generation, active.end));
            self.segments().active = None;
        }
    }

    /// Sees to a segment in which `bytes` have room. `may_reuse`: a free file will do.
    fn make_active(&self, writer: &mut Writer, bytes: u64, may_reuse: bool) -> Result<(), AppendError> {
        if let Some(active) = &writer.active {
            if active.end + bytes <= active.bytes {
                return Ok(());
            }
            self.close_active(writer);
            self.abandon(writer);
        }
        let size = self.options.segment_bytes.max(DATA_START + bytes);
        if may_reuse && self.reuse(writer, size) {
            return Ok(());
        }
        self.begin(writer, size)
    }

    /// Begins a segment in a free file. False: there is none that can be used.
    fn reuse(&self, writer: &mut Writer, size: u64) -> bool {
        let free = self.segments().take_free(size);
        let Some(free) = free else { return false };
        let head = writer.next_head(free.bytes);
        let prepared = self.disk.open(&free.path).and_then(|file| {
            if free.is_confirmed {
                // As long as no commit is synced the file may be what it was: free. With the first, which
                // is for the same file, this is.
                write_head(file.as_ref(), &head)?;
            } else {
                // What it held may come back, and would look damaged beside records of ours.
                self.prepare(file.as_ref(), &head)?;
            }
            Ok(file)
        });
        match prepared {
            Ok(file) => self.activate(writer, file, free.path, head),
            Err(_) => self.discard(free),
        }
        writer.active.is_some()
    }

    /// Begins a segment in a new file.
    fn begin(&self, writer: &mut Writer, size: u64) -> Result<(), AppendError> {
        if !self.take_budget(size) {
            return Err(AppendError::Full { limit: self.options.max_bytes });
        }
        let head = writer.next_head(size);
        let path = self.directory.join(file_name(head.generation));
        match self.create(&path, &head) {
            Ok(file) => {
                self.activate(writer, file, path, head);
                Ok(())
            }
            Err(source) => {
                if source.kind() == io::ErrorKind::AlreadyExists {
                    // Somebody else's: it is not ours to remove.
                    self.segments().total -= size;
                } else {
                    self.discard(FreeFile::new(path.clone(), size, 0));
                }
                Err(AppendError::Disk { path, source })
            }
        }
    }

    fn create(&self, path: &Path, head: &FileHead) -> io::Result<Box<dyn DiskFile>> {
        let file = loop {
            match self.disk.create(path, head.length) {
                // Free files of too small a size may make the room.
                Err(error) if error.kind() == io::ErrorKind::StorageFull && self.give_up_free() => {}
                outcome => break outcome?,
            }
        };
        self.prepare(file.as_ref(), head)?;
        if self.options.sync {
            self.disk.sync_directory(&self.directory)?;
        }
        Ok(file)
    }

    fn prepare(&self, file: &dyn DiskFile, head: &FileHead) -> io::Result<()> {
        write_head(file, head)?;
        if self.options.sync { file.sync() } else { Ok(()) }
    }

    fn activate(&self, writer: &mut Writer, file: Box<dyn DiskFile>, path: PathBuf, head: FileHead) {
        let seal = Seal::new(head.generation, head.salt);
        let mut segments = self.segments();
        segments.insert(Segment::new(path.clone(), head, head.length, Some(DATA_START)));
        segments.active = Some(head.generation);
        drop(segments);
        writer.active = Some(Active { file, path, seal, bytes: head.length, end: DATA_START });
    }

    /// Writes one commit to the active segment. If that fails the segment is given up.
    fn commit(&self, writer: &mut Writer, records: &[Record<'_>]) -> Result<Vec<Place>, AppendError> {
        let Some(places) = writer.lay_out(records) else { return Ok(Vec::new()) };
        let outcome = writer.write(records, self.options.sync);
        writer.tidy();
        match outcome {
            Ok(end) => {
                let segment = places.first().map_or(0, |place| place.segment);
                let is_first = self.segments().acknowledge(segment, end);
                if is_first {
                    self.trim();
                }
                Ok(places)
            }
            Err(source) => {
                let path = writer.active.as_ref().map(|active| active.path.clone()).unwrap_or_default();
                tracing::warn!(path = %path.display(), error = %source, "a write failed; its segment is closed");
                self.abandon(writer);
                Err(AppendError::Disk { path, source })
            }
        }
    }

    /// Gives up the active segment: it ends where the acknowledged records end, and is cut back to
    /// there if that works. One without records is of no use to anybody.
    fn abandon(&self, writer: &mut Writer) {
        let Some(Active { file, seal, end, .. }) = writer.active.take() else { return };
        let mut segments = self.segments();
        segments.active = None;
        let Some(segment) = segments.get_mut(seal.generation) else { return };
        segment.is_doubtful = true;
        if end > DATA_START {
            drop(segments);
            writer.before = Some((seal.generation, end));
            if file.set_length(end).is_ok() {
                self.shortened(seal.generation, end);
            }
        } else if let Some(empty) = segments.take(seal.generation) {
            drop(segments);
            self.discard(FreeFile::new(empty.path, empty.bytes, seal.generation));
        }
    }

    /// The file of a segment has this length now.
    pub(super) fn shortened(&self, segment: u64, length: u64) {
        let mut segments = self.segments();
        if let Some(segment) = segments.get_mut(segment) {
            let gone = segment.bytes.saturating_sub(length);
            segment.bytes -= gone;
            segments.total -= gone;
        }
    }
}

/// Bytes of a record whose documents take `stored`.
fn bytes_of(record: &Record<'_>, stored: usize) -> u64 {
    align((RECORD_HEAD + record.note.len() + record.items.len() * ITEM + stored) as u64)
}

/// A record that can be read back: lengths that fit, items within its documents.
fn is_storable(record: &Record<'_>) -> bool {
    let longest = u32::MAX as usize;
    record.documents.len() < longest
        && record.note.len() < longest
        && record.items.len() < longest
        && record.items.iter().all(|item| item.start <= item.end && item.end as usize <= record.documents.len())
}

impl Writer {
    pub(super) fn new(next: u64) -> Self {
        let (scratch, cuts, packed) = (Vec::new(), Vec::new(), Packed::default());
        Writer { active: None, next, before: None, scratch, cuts, packed }
    }

    fn next_head(&mut self, length: u64) -> FileHead {
        let generation = self.next;
        self.next += 1;
        new_head(generation, length, self.before)
    }

    /// Bytes of a commit, its end mark too.
    fn bytes_of(&self, records: &[Record<'_>]) -> u64 {
        let stored = |index, record| self.packed.stored(index, record).0.len();
        let all = records.iter().enumerate().map(|(index, record)| bytes_of(record, stored(index, record)));
        all.sum::<u64>() + RECORD_HEAD as u64
    }

    /// Lays a commit out in the scratch space, with its checksums. `None`: no segment is active.
    fn lay_out(&mut self, records: &[Record<'_>]) -> Option<Vec<Place>> {
        let Writer { active, scratch, cuts, packed, .. } = self;
        let active = active.as_ref()?;
        scratch.clear();
        cuts.clear();
        let mut places = Vec::with_capacity(records.len());
        let mut offset = active.end;
        for (index, record) in records.iter().enumerate() {
            let (documents, is_compressed) = packed.stored(index, record);
            let start = scratch.len();
            scratch.resize(start + RECORD_HEAD, 0);
            scratch.extend_from_slice(record.note);
            record.items.iter().for_each(|item| encode_item(item, scratch));
            let mut head = head_of(record, offset, active.end);
            (head.stored, head.is_compressed) = (documents.len() as u32, is_compressed);
            head.payload_crc = active.seal.checksum(&scratch[start + RECORD_HEAD..]);
            head.payload_crc = super::checksum::append(head.payload_crc, documents);
            scratch[start..start + RECORD_HEAD].copy_from_slice(&head.encode(&active.seal));
            cuts.push(scratch.len());
            let unpadded = offset + RECORD_HEAD as u64 + head.payload();
            scratch.resize(scratch.len() + (head.end() - unpadded) as usize, 0);
            places.push(Place { segment: active.seal.generation, offset, length: head.end() - offset });
            offset = head.end();
        }
        scratch.extend_from_slice(&end_mark(&active.seal, offset, active.end));
        Some(places)
    }

    /// Writes what was laid out; returns where the records now end.
    fn write(&mut self, records: &[Record<'_>], sync: bool) -> io::Result<u64> {
        let Writer { active, scratch, cuts, packed, .. } = self;
        let Some(active) = active.as_mut() else { return Err(io::Error::other("no segment is active")) };
        let mut slices = Vec::with_capacity(2 * records.len() + 1);
        let (mut begin, mut bytes) = (0, scratch.len());
        for (index, (record, &cut)) in records.iter().zip(cuts.iter()).enumerate() {
            let documents = packed.stored(index, record).0;
            slices.push(IoSlice::new(&scratch[begin..cut]));
            slices.push(IoSlice::new(documents));
            begin = cut;
            bytes += documents.len();
        }
        slices.push(IoSlice::new(&scratch[begin..]));
        active.file.write_at(&slices, active.end)?;
        if sync {
            active.file.sync()?;
        }
        active.end += bytes as u64 - RECORD_HEAD as u64;
        Ok(active.end)
    }

    /// Gives back what a very large commit needed.
    fn tidy(&mut self) {
        self.scratch.clear();
        self.scratch.shrink_to(KEPT_SCRATCH);
    }
}

/// The head of a record, but for what depends on its stored bytes.
fn head_of(record: &Record<'_>, offset: u64, commit: u64) -> RecordHead {
    let spans = record.items.iter().filter(|item| item.kind == Kind::Span).count();
    RecordHead {
        offset,
        commit,
        payload_crc: 0,
        stored: 0,
        documents: record.documents.len() as u32,
        note: record.note.len() as u32,
        spans: spans as u32,
        others: (record.items.len() - spans) as u32,
        label: record.label,
        is_compressed: false,
    }
}
