//! A disk in memory that loses what was not synced. For tests.
//!
//! It keeps every file twice: as the process sees it, and as the platter has it. A write changes
//! the first and makes sectors dirty; a few of them reach the platter at any time, all of them
//! with a sync. Names of files are changed in the same two steps, a rename as one. At a crash each
//! dirty sector and each change of a name is lost or kept by chance, independent of the others and
//! of their order; a sector is whole.
//!
//! Calls fail as they are told to. A failed write may have written some of it. A failed sync does
//! as Linux does: the dirty sectors are forgotten, some written, some not, and the next sync
//! reports success. After [`SimulatedDisk::cut_power`] has struck, every call fails and changes
//! nothing.
//!
//! All chance comes from one seed, so that a single thread's history can be played again.

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, Entry};
use names::{Change, Names, Node};

mod chance;
mod inode;
mod names;

pub use chance::Chance;
use inode::Inode;

/// The calls that a disk can be asked, to name those that are to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    CreateDirectory,
    List,
    Create,
    Open,
    Rename,
    Remove,
    SyncDirectory,
    Read,
    Write,
    Sync,
    SetLength,
}

/// A call that fails: the one after so many others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub after: u64,
    /// Only calls of this kind count; `None`: all.
    pub call: Option<Call>,
    pub kind: io::ErrorKind,
}

/// A disk in memory. Its clones are the same disk.
#[derive(Debug, Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    names: Names,
    inodes: Vec<Inode>,
    chance: Chance,
    calls: u64,
    faults: Vec<Fault>,
    power_left: Option<u64>,
    is_off: bool,
    capacity: u64,
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    inode: usize,
    may_write: bool,
}

/// Whether a call is carried out.
enum Verdict {
    Do,
    /// The power goes in the middle of it.
    Last,
    Fail(io::Error),
}

impl SimulatedDisk {
    /// An empty disk with a root directory.
    pub fn new(seed: u64) -> Self {
        Self::with(Names::new(), Vec::new(), Chance::new(seed), u64::MAX)
    }

    fn with(names: Names, inodes: Vec<Inode>, chance: Chance, capacity: u64) -> Self {
        let (calls, faults, power_left, is_off) = (0, Vec::new(), None, false);
        SimulatedDisk(Arc::new(Mutex::new(State {
            names,
            inodes,
            chance,
            calls,
            faults,
            power_left,
            is_off,
            capacity,
        })))
    }

    /// What is on the platter after a power loss now.
    pub fn crash(&self, seed: u64) -> SimulatedDisk {
        let state = self.state();
        let mut chance = Chance::new(seed);
        // Some crashes lose all, some nothing, most some.
        let kept = [0, 10, 50, 90, 100][chance.below(5) as usize];
        let names = state.names.crash(&mut |_| chance.percent(kept));
        let inodes = state.inodes.iter().map(|inode| inode.crash(&mut || chance.percent(kept))).collect();
        Self::with(names, inodes, chance, state.capacity)
    }

    /// Calls asked so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Has a call fail. Several may be planned.
    pub fn plan(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Takes back all plans for failures.
    pub fn mend(&self) {
        self.state().faults.clear();
    }

    /// The power goes in the middle of the call after so many others.
    pub fn cut_power(&self, after: u64) {
        self.state().power_left = Some(after);
    }

    /// True when the power is gone.
    pub fn is_off(&self) -> bool {
        self.state().is_off
    }

    /// The process was killed, or power never went: the disk works on, and nothing is planned.
    pub fn work_on(&self) {
        let mut state = self.state();
        (state.is_off, state.power_left, state.capacity) = (false, None, u64::MAX);
        state.faults.clear();
    }

    /// True if a call is planned to fail.
    pub fn has_faults(&self) -> bool {
        !self.state().faults.is_empty()
    }

    /// Files get no more room than this in all.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// Lengths of the files in a directory.
    pub fn lengths(&self, directory: &Path) -> Vec<u64> {
        let state = self.state();
        let length = |(_, node): (&PathBuf, Node)| match node {
            Node::File(inode) => Some(state.inodes[inode].seen().len() as u64),
            Node::Directory => None,
        };
        state.names.below(directory).filter_map(length).collect()
    }

    /// Changes a file's bytes behind the back of everybody. False: there is no such file.
    pub fn corrupt(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut state = self.state();
        let Some(Node::File(inode)) = state.names.get(path) else { return false };
        state.inodes[inode].corrupt(change);
        true
    }

    /// The bytes of a file as the process sees them.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        match state.names.get(path) {
            Some(Node::File(inode)) => Some(state.inodes[inode].seen().to_vec()),
            _ => None,
        }
    }

    /// Puts a file there, synced, in a directory that is made.
    pub fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        if let Some(above) = path.parent() {
            state.names.create_directory(above);
        }
        let inode = state.add(Inode::synced(bytes));
        state.names.put(path, inode);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, inode: usize, may_write: bool) -> Box<dyn DiskFile> {
        Box::new(SimulatedFile { disk: self.clone(), inode, may_write })
    }

    fn open_as(&self, path: &Path, may_write: bool) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.ask(Call::Open)?;
        match state.names.get(path) {
            Some(Node::File(inode)) => Ok(self.file(inode, may_write)),
            Some(Node::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl State {
    fn add(&mut self, inode: Inode) -> usize {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    fn used(&self) -> u64 {
        let files: BTreeSet<usize> = self.names.files().collect();
        files.iter().map(|&inode| self.inodes[inode].seen().len() as u64).sum()
    }

    /// Counts a call and says what becomes of it.
    fn judge(&mut self, call: Call) -> Verdict {
        if self.is_off {
            return Verdict::Fail(io::Error::other("the power is off"));
        }
        self.calls += 1;
        if let Some(left) = &mut self.power_left {
            if *left == 0 {
                self.is_off = true;
                return Verdict::Last;
            }
            *left -= 1;
        }
        let mut fault = None;
        self.faults.retain_mut(|planned| {
            if planned.call.is_some_and(|only| only != call) {
                return true;
            }
            let is_due = planned.after == 0;
            if is_due {
                fault = Some(planned.kind);
            }
            planned.after = planned.after.saturating_sub(1);
            !is_due
        });
        fault.map_or(Verdict::Do, |kind| Verdict::Fail(kind.into()))
    }

    /// For calls that happen or do not. The last one happens, and nobody hears of it.
    fn ask(&mut self, call: Call) -> io::Result<()> {
        match self.judge(call) {
            Verdict::Do | Verdict::Last => Ok(()),
            Verdict::Fail(error) => Err(error),
        }
    }

    fn answer(&self) -> io::Result<()> {
        if self.is_off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }
}

impl Disk for SimulatedDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.ask(Call::CreateDirectory)?;
        if matches!(state.names.get(path), Some(Node::File(_))) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.names.create_directory(path);
        state.answer()
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let mut state = self.state();
        state.ask(Call::List)?;
        if !matches!(state.names.get(directory), Some(Node::Directory)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entry = |(path, node): (&PathBuf, Node)| Entry {
            name: path.file_name().unwrap_or_default().to_owned(),
            bytes: if let Node::File(inode) = node { state.inodes[inode].seen().len() as u64 } else { 0 },
            is_directory: node == Node::Directory,
        };
        let entries = state.names.below(directory).map(entry).collect();
        state.answer().map(|()| entries)
    }

    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.ask(Call::Create)?;
        if state.names.get(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !matches!(path.parent().and_then(|above| state.names.get(above)), Some(Node::Directory)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        if state.used().saturating_add(reserve) > state.capacity {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let inode = state.add(Inode::new(reserve));
        state.names.change(Change::Create { path: path.to_path_buf(), inode });
        state.answer().map(|()| self.file(inode, true))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open_as(path, true)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open_as(path, false)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.ask(Call::Rename)?;
        if !matches!(state.names.get(from), Some(Node::File(_))) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.names.change(Change::Rename { from: from.to_path_buf(), to: to.to_path_buf() });
        state.answer()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.ask(Call::Remove)?;
        if !matches!(state.names.get(path), Some(Node::File(_))) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.names.change(Change::Remove { path: path.to_path_buf() });
        state.answer()
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        match state.judge(Call::SyncDirectory) {
            Verdict::Do => {
                state.names.sync(path);
                Ok(())
            }
            Verdict::Last => state.answer(),
            Verdict::Fail(error) => Err(error),
        }
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.ask(Call::Read)?;
        Ok(state.inodes[self.inode].read(buffer, offset))
    }

    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        if !self.may_write {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let mut guard = self.disk.state();
        let state = &mut *guard;
        let verdict = state.judge(Call::Write);
        if state.is_off && matches!(verdict, Verdict::Fail(_)) {
            return state.answer();
        }
        let inode = &mut state.inodes[self.inode];
        let written = match verdict {
            Verdict::Do => bytes.len(),
            _ => state.chance.below(bytes.len() as u64 + 1) as usize,
        };
        inode.write(&bytes[..written], offset);
        if state.chance.percent(30) {
            let part = state.chance.below(101);
            inode.write_back(&mut || state.chance.percent(part));
        }
        match verdict {
            Verdict::Fail(error) => Err(error),
            _ => state.answer(),
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut guard = self.disk.state();
        let state = &mut *guard;
        match state.judge(Call::Sync) {
            Verdict::Do => {
                state.inodes[self.inode].sync();
                Ok(())
            }
            Verdict::Last => state.answer(),
            Verdict::Fail(error) => {
                if !state.is_off {
                    let (part, is_seen) = (state.chance.below(101), state.chance.percent(50));
                    state.inodes[self.inode].fail_to_sync(&mut || state.chance.percent(part), is_seen);
                }
                Err(error)
            }
        }
    }

    fn length(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.ask(Call::Read)?;
        Ok(state.inodes[self.inode].seen().len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        if !self.may_write {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let mut state = self.disk.state();
        state.ask(Call::SetLength)?;
        state.inodes[self.inode].set_length(length);
        state.answer()
    }
}

#[cfg(test)]
mod tests;
