//! The machine's own file system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, SeekFrom, fallocate, seek};
use rustix::io::{Errno, pwritev, retry_on_intr};

use super::{Disk, DiskFile, Entry};

/// As many slices as the system takes in one call (`IOV_MAX` of Linux, the BSDs and macOS).
const SLICES: usize = 1024;

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

#[derive(Debug)]
struct RealFile(File);

impl Disk for RealDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let above = match path.parent() {
            Some(above) if above.as_os_str().is_empty() => Path::new("."),
            Some(above) => above,
            None => return Ok(()),
        };
        self.create_directory(above)?;
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => return Err(error),
            _ => {}
        }
        self.sync_directory(above)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            entries.push(Entry { name: entry.file_name(), bytes: metadata.len(), is_directory: metadata.is_dir() });
        }
        Ok(entries)
    }

    fn create(&self, path: &Path, reserve: u64) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        if let Err(error) = take_room(&file, reserve) {
            let _ = fs::remove_file(path);
            return Err(error);
        }
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

/// Where the file system cannot reserve, the file gets its length and a full disk shows later.
fn take_room(file: &File, bytes: u64) -> io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), 0, bytes)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => file.set_len(bytes),
        outcome => Ok(outcome?),
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.0.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, slices: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        for chunk in slices.chunks(SLICES) {
            let bytes: usize = chunk.iter().map(|slice| slice.len()).sum();
            let written = retry_on_intr(|| pwritev(&self.0, chunk, offset))?;
            if written < bytes {
                self.write_rest(chunk, written, offset)?;
            }
            offset += bytes as u64;
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn next_data(&self, offset: u64) -> io::Result<u64> {
        match retry_on_intr(|| seek(&self.0, SeekFrom::Data(offset))) {
            Ok(place) => Ok(place),
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => self.length(),
            Err(_) => Ok(offset),
        }
    }
}

impl RealFile {
    /// The rest of slices of which the system took only some bytes: a full disk, a signal, or more
    /// than it writes at once.
    fn write_rest(&self, slices: &[IoSlice<'_>], mut written: usize, offset: u64) -> io::Result<()> {
        let mut at = offset;
        for slice in slices {
            let skipped = written.min(slice.len());
            written -= skipped;
            self.0.write_all_at(&slice[skipped..], at + skipped as u64)?;
            at += slice.len() as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_has_its_room_and_must_be_new() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/file");
        RealDisk.create_directory(path.parent().unwrap()).unwrap();
        RealDisk.create_directory(path.parent().unwrap()).unwrap();
        let file = RealDisk.create(&path, 100_000).unwrap();
        assert_eq!(file.length().unwrap(), 100_000);
        assert_eq!(RealDisk.create(&path, 1).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let entries = RealDisk.list(path.parent().unwrap()).unwrap();
        assert_eq!(entries, [Entry { name: "file".into(), bytes: 100_000, is_directory: false }]);
        RealDisk.sync_directory(path.parent().unwrap()).unwrap();
    }

    /// What is promised holds on every file system; that room is passed, where it can be.
    #[test]
    fn no_data_is_passed_over_as_room_that_was_never_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&directory.path().join("file"), 4 << 20).unwrap();
        file.write_at(&[IoSlice::new(b"here")], 3 << 20).unwrap();
        for offset in [0, 1 << 20, 3 << 20] {
            let next = file.next_data(offset).unwrap();
            assert!((offset..=3 << 20).contains(&next), "{next}");
        }
        let end = file.next_data((3 << 20) + 8192).unwrap();
        assert!(((3 << 20) + 8192..=4 << 20).contains(&end), "{end}");
    }

    #[test]
    fn a_disk_without_room_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        // More than any file system holds.
        RealDisk.create(&path, 1 << 62).unwrap_err();
        assert!(!path.exists());
    }

    #[test]
    fn more_slices_than_the_system_takes_are_all_written() {
        let directory = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&directory.path().join("file"), 10).unwrap();
        let bytes: Vec<u8> = (0..10_000u32).map(|byte| byte as u8).collect();
        let slices: Vec<_> = bytes.chunks(3).map(IoSlice::new).collect();
        file.write_at(&slices, 7).unwrap();
        file.sync().unwrap();
        let mut read = vec![0; 20_000];
        assert_eq!(file.read_at(&mut read, 7).unwrap(), bytes.len());
        assert_eq!(read[..bytes.len()], bytes);
    }

    #[test]
    fn what_the_system_did_not_take_is_written_after_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = RealFile(File::create_new(directory.path().join("file")).unwrap());
        let slices = [b"abc", b"def", b"ghi"].map(|slice| IoSlice::new(slice));
        file.write_rest(&slices, 4, 0).unwrap();
        assert_eq!(fs::read(directory.path().join("file")).unwrap(), b"\0\0\0\0efghi");
    }
}
