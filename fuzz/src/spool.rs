//! The spool's log and its disks, without the commit loop above them.

#[path = "../../src/spool/disk/mod.rs"]
pub mod disk;
#[path = "../../src/spool/log/mod.rs"]
pub mod log;
