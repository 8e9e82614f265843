//! The spool, and documents refused for good.

use std::path::PathBuf;
use std::time::Duration;

/// `--spool.*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    pub sync: SpoolSync,
    pub directory: PathBuf,
    pub max_bytes: u64,
    pub segment_bytes: u64,
    pub commit_interval: Duration,
    /// `--spool.compression=zstd`.
    pub compress: bool,
    /// `--spool.on-full=drop-oldest`.
    pub drop_oldest: bool,
    pub max_age: Option<Duration>,
    pub carry_after: Duration,
    pub held_max_bytes: u64,
    /// `--spool.pace-bytes`: while the store takes spans and more than this waits for it, answers
    /// are held back. 0: never.
    pub pace_bytes: usize,
    /// `--dead-letter.max-bytes`.
    pub dead_letter_max_bytes: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Spool {
            sync: SpoolSync::Disk,
            directory: "spaniel-spool".into(),
            max_bytes: 8 << 30,
            segment_bytes: 8 << 20,
            commit_interval: Duration::from_millis(1),
            compress: false,
            drop_oldest: false,
            max_age: Some(Duration::from_secs(168 * 3600)),
            carry_after: Duration::from_secs(60),
            held_max_bytes: 1 << 30,
            pace_bytes: 8 << 20,
            dead_letter_max_bytes: 1 << 30,
        }
    }
}

/// What *safe* means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpoolSync {
    /// Synced to disk.
    #[default]
    Disk,
    /// Written.
    Process,
    /// In memory.
    Off,
}
