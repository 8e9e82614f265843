//! Giving back the room behind the records of a segment of an earlier life.
//!
//! A segment that was hardly begun when its process died must take no more room than it holds: lives
//! that end one after the other would fill the budget. What a crash left of a commit is cut off
//! where nothing good stands behind it, not even its end mark, and every byte of it could be read: so
//! nothing goes that may have been acknowledged and could ever be read. The records before it get
//! their end mark again, for the torn commit was written over it; it is safe before anything is cut
//! off, so that a crash in between leaves a tear or a whole segment.

use std::io::{self, IoSlice};

use super::record::{ALIGN, Seal, end_mark};
use super::segments::Segment;
use super::walk::{Tear, Walked};
use super::{Log, head::FileHead};

impl Walked {
    /// Where the records end, if what stands behind them is of no use to anybody.
    fn end(&self) -> Option<u64> {
        if self.damages == 0 { Some(self.next) } else { self.tear.map(|tear| tear.offset) }
    }
}

impl Log {
    /// Cuts back a segment of an earlier life that was walked over whole, so; the mark of its end
    /// stays.
    pub fn cut_back(&self, segment: u64, walked: &Walked) {
        let Some(end) = walked.end() else { return };
        let found = self.segments().get_mut(segment).filter(|found| found.end.is_none()).cloned();
        let Some(found) = found else { return };
        if let Err(error) = self.cut(&found, end + ALIGN, walked.tear) {
            tracing::debug!(path = %found.path.display(), %error, "a segment keeps its length");
        }
    }

    fn cut(&self, found: &Segment, length: u64, tear: Option<Tear>) -> io::Result<()> {
        let FileHead { generation, salt, .. } = found.head;
        let is_longer = found.bytes > length;
        if tear.is_none() {
            self.ends(generation, length - ALIGN);
        }
        if !is_longer {
            return Ok(());
        }
        let file = self.disk.open(&found.path)?;
        if let Some(Tear { offset, commit }) = tear {
            file.write_at(&[IoSlice::new(&end_mark(&Seal::new(generation, salt), offset, commit))], offset)?;
            if self.options.sync {
                file.sync()?;
            }
            self.ends(generation, offset);
        }
        file.set_length(length)?;
        self.shortened(generation, length);
        Ok(())
    }

    /// It is known where the records of a segment end.
    fn ends(&self, segment: u64, end: u64) {
        if let Some(found) = self.segments().get_mut(segment) {
            found.end = Some(end);
        }
    }
}
