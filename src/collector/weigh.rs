//! Weighing the process, so that what cannot be charged takes its place under the memory limit.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::memory::Budget;

/// Between two looks while memory is in use, and while hardly any is. A look costs some
/// microseconds.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(100));

/// Looks at the process's memory as long as there is a budget, in a thread of its own: a runtime
/// under full load may be late when it matters most. Where the kernel does not tell (other systems
/// than Linux) nothing is weighed.
pub(super) fn begin(budget: &Arc<Budget>) -> std::io::Result<()> {
    let budget = Arc::downgrade(budget);
    std::thread::Builder::new().name("weigh".into()).spawn(move || weigh_all(&budget))?;
    Ok(())
}

fn weigh_all(budget: &Weak<Budget>) {
    loop {
        let pause = {
            let Some(budget) = budget.upgrade() else { return };
            let Some(resident) = std::fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident) else {
                return;
            };
            budget.weigh(resident);
            if budget.used() + budget.overhead() > budget.limit() / 4 { PAUSES.0 } else { PAUSES.1 }
        };
        std::thread::sleep(pause);
    }
}

/// Anonymous and shared memory in bytes, of the kernel's text: files that are mapped are the
/// page cache's.
fn resident(status: &str) -> Option<usize> {
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse::<usize>().ok()
    };
    Some((of("RssAnon:")? + of("RssShmem:")?) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_is_read() {
        let status =
            "Name:\tspaniel\nVmRSS:\t   99999 kB\nRssAnon:\t    1000 kB\nRssFile:\t   800 kB\nRssShmem:\t      24 kB\n";
        assert_eq!(resident(status), Some(1024 * 1024));
        assert_eq!(resident("Name: none"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_weighs_something() {
        assert!(resident(&std::fs::read_to_string("/proc/self/status").unwrap()).unwrap() > 100_000);
    }
}
