//! The thread that writes: it takes batches, adds their documents to their days, and commits for
//! all that wait at once.
//!
//! A commit costs some ten files and their syncs, whatever is in it. So a little waits for more,
//! up to the commit interval; a lot is committed as soon as nobody brings more at that moment, for
//! then everybody who could is waiting for us. A day that cannot be written costs its own
//! documents another try, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tantivy::TantivyError;
use tokio::sync::oneshot;

use super::day::Day;
use super::day_writer::{DayWriter, Place};
use super::days::{Days, NoDay};
use crate::item::{Batch, Kind, Verdict};

/// Days open for writing at once; the one used longest ago is closed.
const OPEN_WRITERS: usize = 4;
/// A writer that nobody needs is closed after this; it holds threads and tables.
const WRITER_REST: Duration = Duration::from_secs(10);
/// What readers opened is let go after this.
const READER_REST: Duration = Duration::from_secs(60);
/// How often that is looked after, and retention.
const HOUSEKEEPING: Duration = Duration::from_secs(5);
/// Documents of so many bytes wait no longer than nobody brings more.
const A_LOT: usize = 256 * 1024;
/// Documents of so many bytes are committed whoever brings more.
const ENOUGH: usize = 16 << 20;
/// Nobody brings more if nothing came for so long.
const LULL: Duration = Duration::from_millis(3);

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Message {
    Write {
        batch: Batch,
        reply: oneshot::Sender<Vec<Verdict>>,
    },
    /// Commit everything, close everything, and end.
    Close {
        done: oneshot::Sender<()>,
    },
}

/// A write whose verdicts are not all known.
#[derive(Debug)]
struct Waiting {
    reply: oneshot::Sender<Vec<Verdict>>,
    verdicts: Vec<Verdict>,
    open: usize,
}

/// The thread's state.
#[derive(Debug)]
pub(super) struct Committer {
    days: Arc<Days>,
    interval: Duration,
    /// The one used last is the last.
    writers: Vec<DayWriter>,
    waiting: BTreeMap<u64, Waiting>,
    next_write: u64,
    /// When the first document that waits came, and the bytes of all that wait.
    since: Option<Instant>,
    bytes: usize,
    kept_house: Instant,
}

impl Committer {
    pub(super) fn new(days: Arc<Days>, interval: Duration) -> Self {
        let (writers, waiting) = (Vec::new(), BTreeMap::new());
        Committer { days, interval, writers, waiting, next_write: 0, since: None, bytes: 0, kept_house: Instant::now() }
    }

    /// Runs until it is closed, or nobody is left who could ask; then nothing waits.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        self.keep_house();
        loop {
            match messages.recv_timeout(self.patience()) {
                Ok(Message::Write { batch, reply }) => self.take(&batch, reply),
                Ok(Message::Close { done }) => {
                    self.commit_all();
                    self.writers.clear();
                    // Whoever closes may have stopped waiting.
                    let _ = done.send(());
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.since.is_some() {
                        self.commit_all();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.bytes >= ENOUGH || self.since.is_some_and(|since| since.elapsed() >= self.interval) {
                self.commit_all();
            }
            if self.kept_house.elapsed() >= HOUSEKEEPING {
                self.keep_house();
            }
        }
    }

    /// How long to wait for the next message.
    fn patience(&self) -> Duration {
        match self.since {
            None => HOUSEKEEPING,
            Some(_) if self.bytes >= A_LOT => LULL,
            Some(since) => self.interval.saturating_sub(since.elapsed()),
        }
    }

    /// Adds a batch's documents, day by day, so that a batch of many days opens each only once.
    fn take(&mut self, batch: &Batch, reply: oneshot::Sender<Vec<Verdict>>) {
        if batch.is_empty() {
            let _ = reply.send(Vec::new());
            return;
        }
        self.set_aside();
        let write = self.next_write;
        self.next_write += 1;
        let verdicts = vec![Verdict::Again("unsettled"); batch.len()];
        self.waiting.insert(write, Waiting { reply, verdicts, open: batch.len() });
        self.since.get_or_insert_with(Instant::now);
        let mut items = batch.iter().enumerate().collect::<Vec<_>>();
        let day_of = |kind: Kind, hour: u64| (kind == Kind::Service, self.days.first_hour(kind, hour));
        items.sort_by_cached_key(|(_, (_, item, _))| day_of(item.kind, item.hour));
        let mut days = Vec::new();
        let mut rest = items.as_slice();
        while let Some((_, (_, first, _))) = rest.first() {
            let key = day_of(first.kind, first.hour);
            let same = rest.iter().take_while(|(_, (_, item, _))| day_of(item.kind, item.hour) == key);
            let (of_day, others) = rest.split_at(same.count());
            days.push(of_day);
            rest = others;
        }
        days.into_iter().for_each(|items| self.take_day(write, items));
        self.settle_time();
    }

    /// Adds documents of one day.
    fn take_day(&mut self, write: u64, items: &[Numbered<'_>]) {
        let Some(&(_, (_, first, _))) = items.first() else { return };
        let settle_all = |this: &mut Self, verdict: Verdict, items: &[Numbered<'_>]| {
            items.iter().for_each(|&(position, _)| this.settle((write, position), verdict));
        };
        let day = match self.days.for_writing(first.kind, first.hour) {
            Ok(day) => day,
            Err(NoDay::TooManyDays) => return settle_all(self, Verdict::Refused("too-many-days"), items),
            Err(NoDay::Failed(error)) => {
                self.days.wrote(false);
                self.days.report(format!("a day cannot be made: {error}"));
                return settle_all(self, Verdict::Again("store-failed"), items);
            }
        };
        let mut writer = match self.writer(&day) {
            Ok(writer) => writer,
            Err(error) => {
                self.days.wrote(false);
                self.days.failed(&day, &error);
                return settle_all(self, Verdict::Again("store-failed"), items);
            }
        };
        for (taken, &(position, (_, item, line))) in items.iter().enumerate() {
            match writer.add((write, position), item, line) {
                Ok(None) => self.bytes += line.len(),
                Ok(Some(verdict)) => self.settle((write, position), verdict),
                Err(error) => {
                    self.lose(writer, &error);
                    return settle_all(self, Verdict::Again("store-failed"), &items[taken..]);
                }
            }
        }
        self.writers.push(writer);
    }

    /// The writer of a day, out of those that are open or anew.
    fn writer(&mut self, day: &Arc<Day>) -> Result<DayWriter, TantivyError> {
        if let Some(writer) = self.close(day) {
            return Ok(writer);
        }
        while self.writers.len() >= OPEN_WRITERS {
            let oldest = self.writers.remove(0);
            self.commit(oldest);
        }
        DayWriter::open(day.clone(), self.days.fields)
    }

    /// Commits all days, and deletes what they made too much.
    fn commit_all(&mut self) {
        for writer in std::mem::take(&mut self.writers) {
            if let Some(writer) = self.commit(writer) {
                self.writers.push(writer);
            }
        }
        self.bytes = 0;
        self.settle_time();
        self.retain();
    }

    /// Commits a day and tells those who wait for it. None if the writer is lost.
    fn commit(&mut self, mut writer: DayWriter) -> Option<DayWriter> {
        if writer.pending.is_empty() {
            return Some(writer);
        }
        if let Err(error) = writer.commit() {
            self.lose(writer, &error);
            return None;
        }
        self.days.wrote(true);
        for (place, verdict) in std::mem::take(&mut writer.pending) {
            self.settle(place, verdict);
        }
        Some(writer)
    }

    /// A day failed: what waited for it must be sent again; it is there already if the failure
    /// came after the commit.
    fn lose(&mut self, mut writer: DayWriter, error: &TantivyError) {
        self.days.wrote(false);
        self.days.failed(&writer.day, error);
        for (place, _) in std::mem::take(&mut writer.pending) {
            self.settle(place, Verdict::Again("store-failed"));
        }
    }

    fn settle(&mut self, (write, position): Place, verdict: Verdict) {
        let Some(waiting) = self.waiting.get_mut(&write) else { return };
        waiting.verdicts[position] = verdict;
        waiting.open -= 1;
        if waiting.open == 0
            && let Some(waiting) = self.waiting.remove(&write)
        {
            // Whoever asked may have gone; the documents are stored all the same.
            let _ = waiting.reply.send(waiting.verdicts);
        }
    }

    /// Nothing waits once every write has its verdicts.
    fn settle_time(&mut self) {
        if self.waiting.is_empty() {
            self.since = None;
            self.bytes = 0;
        }
    }

    /// Deletes the days whose time has come.
    fn retain(&mut self) {
        for (day, reason) in self.days.expired() {
            if let Some(writer) = self.close(&day).and_then(|writer| self.commit(writer)) {
                writer.end();
            }
            self.days.delete(&day, reason);
        }
    }

    /// Sets aside the days that could not be read.
    fn set_aside(&mut self) {
        for (day, reason) in self.days.take_damaged() {
            if let Some(mut writer) = self.close(&day) {
                let pending = std::mem::take(&mut writer.pending);
                writer.end();
                pending.into_iter().for_each(|(place, _)| self.settle(place, Verdict::Again("store-failed")));
            }
            self.days.set_aside(&day.name, &reason);
        }
    }

    /// The writer of a day, if it is open.
    fn close(&mut self, day: &Arc<Day>) -> Option<DayWriter> {
        let open = self.writers.iter().position(|writer| Arc::ptr_eq(&writer.day, day))?;
        Some(self.writers.remove(open))
    }

    fn keep_house(&mut self) {
        self.kept_house = Instant::now();
        self.set_aside();
        self.retain();
        self.writers.retain(|writer| writer.idle_for() < WRITER_REST);
        for day in self.days.all() {
            let is_written = self.writers.iter().any(|writer| Arc::ptr_eq(&writer.day, &day));
            if !is_written {
                day.rest(READER_REST);
            }
        }
    }
}

/// An item with its position in its batch.
type Numbered<'a> = (usize, (crate::item::Label, &'a crate::item::Item, &'a [u8]));
