//! Fetches a release by Maven, once, into a cache outside the repository.
//!
//! The cache is `$SPANIEL_SERVER_CACHE`, else `/var/cache/spaniel-servers` for root (servers run
//! as another user then, who must be able to read it), else `~/.cache/spaniel-servers`. What is in
//! it is the vendors': to be run for tests, never to be committed or passed on.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::fill::fill;
use super::releases::Release;

/// The unpacked distribution, read-only by custom.
pub fn distribution(release: &Release) -> Result<PathBuf, String> {
    let cache = cache()?;
    let unpacked = cache.join(release.folder());
    if !unpacked.join("bin").is_dir() {
        unpack(release, &cache, &unpacked)?;
    }
    fill(release, &unpacked)?;
    Ok(unpacked)
}

fn unpack(release: &Release, cache: &Path, unpacked: &Path) -> Result<(), String> {
    std::fs::create_dir_all(cache).map_err(|error| format!("cannot make {}: {error}", cache.display()))?;
    // Made beside and moved: another run may do the same at this moment.
    let beside = tempfile::tempdir_in(cache).map_err(|error| error.to_string())?;
    let zip = cache.join(format!("{}.zip", release.folder()));
    if !zip.exists() {
        download(release, beside.path(), &zip)?;
    }
    run(Command::new("unzip").arg("-q").arg(&zip).arg("-d").arg(beside.path()))?;
    match std::fs::rename(beside.path().join(release.folder()), unpacked) {
        Err(_) if unpacked.join("bin").is_dir() => Ok(()),
        renamed => renamed.map_err(|error| format!("cannot move {}: {error}", unpacked.display())),
    }
}

pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

fn cache() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("SPANIEL_SERVER_CACHE") {
        return Ok(folder.into());
    }
    if is_root() {
        return Ok("/var/cache/spaniel-servers".into());
    }
    let home = std::env::var_os("HOME").ok_or("neither SPANIEL_SERVER_CACHE nor HOME is set")?;
    Ok(Path::new(&home).join(".cache/spaniel-servers"))
}

fn download(release: &Release, beside: &Path, zip: &Path) -> Result<(), String> {
    let Release { product, version, group, .. } = release;
    let mut maven = Command::new("mvn");
    maven.args(["-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"]);
    maven.arg(format!("-Dartifact={group}:{product}:{version}:zip"));
    maven.arg(format!("-DoutputDirectory={}", beside.display()));
    maven.arg("-Dmdep.useBaseVersion=true");
    run(&mut maven)?;
    let fetched = beside.join(format!("{}.zip", release.folder()));
    std::fs::rename(&fetched, zip).map_err(|error| format!("cannot move {}: {error}", fetched.display()))
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{program} failed with {}: {out}{err}", output.status))
}
