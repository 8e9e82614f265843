//! Gives the bare distributions of Elasticsearch 8 and 9 what they lack: `GET /` and the settings
//! of index life cycles, as a module of one class, compiled against the distribution itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::fetch::run;
use super::java;
use super::releases::Release;

const SOURCE: &str = include_str!("fill/FillPlugin.java");

/// The arguments of `getRestHandlers`, which differ between 8 and 9.
const ARGUMENTS_8: &str = "Settings settings, NamedWriteableRegistry names, RestController controller, \
    ClusterSettings cluster, IndexScopedSettings scoped, SettingsFilter filter, \
    IndexNameExpressionResolver resolver, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features";
const ARGUMENTS_9: &str =
    "RestHandlersServices services, Supplier<DiscoveryNodes> nodes, Predicate<NodeFeature> features";

/// Adds the module to a distribution that needs it and lacks it.
pub fn fill(release: &Release, distribution: &Path) -> Result<(), String> {
    let module = distribution.join("modules/fill");
    if release.is_opensearch() || release.major() < 8 || module.is_dir() {
        return Ok(());
    }
    let beside = tempfile::tempdir_in(distribution).map_err(|error| error.to_string())?;
    let built = beside.path().join("fill");
    build(release, distribution, beside.path(), &built)?;
    match fs::rename(&built, &module) {
        Err(_) if module.is_dir() => Ok(()),
        renamed => renamed.map_err(|error| format!("cannot move {}: {error}", built.display())),
    }
}

fn build(release: &Release, distribution: &Path, folder: &Path, built: &Path) -> Result<(), String> {
    let (arguments, language) = if release.major() == 8 { (ARGUMENTS_8, "17") } else { (ARGUMENTS_9, "21") };
    let descriptor = format!(
        "description=what tests need\nname=fill\nversion={version}\nclassname=fill.FillPlugin\n\
         java.version={language}\nelasticsearch.version={version}\nhas.native.controller=false\n",
        version = release.version
    );
    let (source, classes) = (folder.join("FillPlugin.java"), folder.join("classes"));
    let written = fs::create_dir(built)
        .and_then(|()| fs::write(built.join("plugin-descriptor.properties"), descriptor))
        .and_then(|()| fs::write(&source, SOURCE.replace("ARGUMENTS", arguments)));
    written.map_err(|error| format!("cannot write the module: {error}"))?;
    let home = java::home(release.java)?;
    let libraries = distribution.join("lib").join("*");
    let mut compiler = Command::new(home.join("bin/javac"));
    compiler.args(["--release", language, "-nowarn", "-cp"]).arg(libraries).arg("-d").arg(&classes).arg(&source);
    run(&mut compiler)?;
    let mut archiver = Command::new(home.join("bin/jar"));
    run(archiver.arg("cf").arg(built.join("fill.jar")).arg("-C").arg(&classes).arg("."))
}
