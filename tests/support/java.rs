//! Finds a Java that runs a release: one Java for all does not exist.

use std::path::{Path, PathBuf};

/// The home of the oldest Java on this machine within these major versions.
pub fn home((first, last): (u32, u32)) -> Result<PathBuf, String> {
    let mut homes = candidates();
    homes.retain(|(major, _)| (first..=last).contains(major));
    homes.sort();
    let found = homes.into_iter().next().map(|(_, home)| home);
    found.ok_or_else(|| format!("no Java {first} to {last} in JAVA_HOME, /usr/lib/jvm or /opt"))
}

fn candidates() -> Vec<(u32, PathBuf)> {
    let folders = ["/usr/lib/jvm", "/opt"].into_iter().filter_map(|folder| std::fs::read_dir(folder).ok());
    let found = folders.flatten().flatten().map(|entry| entry.path());
    let homes = std::env::var_os("JAVA_HOME").map(PathBuf::from).into_iter().chain(found);
    homes.filter_map(|home| Some((major(&home)?, home))).collect()
}

/// The major version that a home says it has, if there is a `java` in it.
fn major(home: &Path) -> Option<u32> {
    if !home.join("bin/java").exists() {
        return None;
    }
    let release = std::fs::read_to_string(home.join("release")).ok()?;
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    version.split(['.', '"', '-', '+']).next()?.parse().ok()
}
