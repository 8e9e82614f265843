//! This process as Linux sees it: what Prometheus' process collector shows. Read from `/proc` at
//! each scrape; what cannot be read is `None`.

use std::fs;

/// Ticks of a second in `/proc/self/stat`: Linux shows every user this number, whatever its own
/// clock does.
const TICKS: f64 = 100.0;

/// Numbers of the process.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process {
    /// User and system time.
    pub cpu_seconds: Option<f64>,
    pub open_fds: Option<u64>,
    pub max_fds: Option<u64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    /// Seconds since 1970.
    pub start_seconds: Option<u64>,
    pub threads: Option<u64>,
}

impl Process {
    /// The numbers now.
    pub fn read() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let (stat, status) = (text("/proc/self/stat"), text("/proc/self/status"));
        let kibibytes = |name| field(&status, name).map(|value| value * 1024);
        Process {
            cpu_seconds: ticks(&stat, 11).zip(ticks(&stat, 12)).map(|(user, system)| (user + system) / TICKS),
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            max_fds: field(&text("/proc/self/limits"), "Max open files"),
            resident_bytes: kibibytes("VmRSS:"),
            virtual_bytes: kibibytes("VmSize:"),
            start_seconds: start(&stat, &text("/proc/stat")),
            threads: field(&status, "Threads:"),
        }
    }
}

/// The number after `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A field of `/proc/self/stat`, counted from the state, which follows the name in parentheses.
fn ticks(stat: &str, index: usize) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(index)?.parse().ok()
}

fn start(stat: &str, machine: &str) -> Option<u64> {
    let since_boot = ticks(stat, 19)? / TICKS;
    Some(field(machine, "btime")? + since_boot as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_this_process() {
        let process = Process::read();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(process.resident_bytes.unwrap() > 1 << 20);
        assert!(process.virtual_bytes >= process.resident_bytes);
        assert!(process.open_fds.unwrap() >= 3 && process.open_fds < process.max_fds);
        let age = now as i64 - process.start_seconds.unwrap() as i64;
        assert!((-2..3600).contains(&age), "started {age} s ago");
        assert!(process.cpu_seconds.unwrap() >= 0.0 && process.threads.unwrap() >= 1);
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "1 (a) b) (c) S 1 1 1 0 -1 0 0 0 0 0 150 50 0 0 20 0 8 0 1234 0";
        assert_eq!((ticks(stat, 11), ticks(stat, 12)), (Some(150.0), Some(50.0)));
        assert_eq!(start(stat, "cpu 1\nbtime 1000\n"), Some(1012));
    }
}
