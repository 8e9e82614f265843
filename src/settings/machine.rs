//! How much memory this process may have: the least of what its control groups and the machine
//! have. Spaniel takes three quarters of that as its limit, and leaves the rest to the allocator,
//! to stacks and to the kernel's socket buffers, which count against the control group too.

use std::path::Path;

use super::Memory;
use super::layers::ReadFile;

/// Taken when nothing can be found out.
const UNKNOWN: u64 = 1 << 30;

impl Memory {
    /// `--memory.limit` in bytes, found out if it is 0.
    pub fn bytes(&self) -> usize {
        match self.limit {
            0 => default_limit(&|path| std::fs::read_to_string(path)),
            limit => limit,
        }
    }
}

/// Three quarters of the control group's or the machine's memory.
fn default_limit(read_file: ReadFile<'_>) -> usize {
    let found = [of_machine(read_file), of_group(read_file)].into_iter().flatten().min();
    usize::try_from(found.unwrap_or(UNKNOWN) / 4 * 3).unwrap_or(usize::MAX)
}

fn of_machine(read_file: ReadFile<'_>) -> Option<u64> {
    let text = read_file(Path::new("/proc/meminfo")).ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The least limit on the way from this process's group to the root, version 2 or 1.
fn of_group(read_file: ReadFile<'_>) -> Option<u64> {
    let groups = read_file(Path::new("/proc/self/cgroup")).ok()?;
    groups
        .lines()
        .filter_map(|line| line.split_once(':')?.1.split_once(':'))
        .filter_map(|(kinds, group)| {
            let (root, file) = match kinds {
                "" => ("/sys/fs/cgroup", "memory.max"),
                kinds if kinds.split(',').any(|kind| kind == "memory") => {
                    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
                }
                _ => return None,
            };
            least(root, group, file, read_file)
        })
        .min()
}

/// In a container the group's path is often that of the host while the root is its own: a file
/// that is missing is passed over.
fn least(root: &str, group: &str, file: &str, read_file: ReadFile<'_>) -> Option<u64> {
    let folders = Path::new(group.trim_start_matches('/')).ancestors();
    let limits = folders.filter_map(|folder| {
        let text = read_file(&Path::new(root).join(folder).join(file)).ok()?;
        // `max`, and version 1's 2^63 less a page, are no limit.
        text.trim().parse::<u64>().ok().filter(|limit| *limit < 1 << 60)
    });
    limits.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree:         1 kB\n");

    fn limit(files: &[(&str, &str)]) -> usize {
        let files: Vec<_> = files.to_vec();
        default_limit(&move |path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_string()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
        })
    }

    #[test]
    fn three_quarters_of_the_machine_without_a_group() {
        assert_eq!(limit(&[MACHINE]), 16_384_000 * 1024 / 4 * 3);
        assert_eq!(limit(&[]), 768 << 20);
    }

    #[test]
    fn three_quarters_of_the_group_in_a_container() {
        let group = ("/proc/self/cgroup", "0::/\n");
        let max = ("/sys/fs/cgroup/memory.max", "536870912\n");
        assert_eq!(limit(&[MACHINE, group, max]), 384 << 20);
    }

    #[test]
    fn a_group_above_that_is_tighter_counts() {
        let group = ("/proc/self/cgroup", "0::/kubepods/pod1/abc\n");
        let own = ("/sys/fs/cgroup/kubepods/pod1/abc/memory.max", "max\n");
        let pod = ("/sys/fs/cgroup/kubepods/pod1/memory.max", "1073741824\n");
        assert_eq!(limit(&[MACHINE, group, own, pod]), 768 << 20);
    }

    #[test]
    fn groups_of_version_one() {
        let group = ("/proc/self/cgroup", "3:cpu,cpuacct:/x\n2:memory:/docker/abc\n");
        let own = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "268435456\n");
        assert_eq!(limit(&[MACHINE, group, own]), 192 << 20);
        let none = ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(limit(&[MACHINE, group, none]), 16_384_000 * 1024 / 4 * 3);
    }
}
