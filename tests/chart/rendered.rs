//! What the chart renders, and a place on this machine that looks as its containers do.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use tempfile::TempDir;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/helm/golden");

/// The objects of one file of `ci/`.
pub(crate) struct Render {
    pub(crate) name: String,
    objects: Vec<Json>,
}

/// A container of our image, and the pod that it is in.
pub(crate) struct Container<'a> {
    render: &'a Render,
    pub(crate) object: &'a Json,
    pub(crate) pod: &'a Json,
    pub(crate) spec: &'a Json,
}

/// A folder with the files of a container's mounts.
pub(crate) struct Root {
    folder: TempDir,
    mounts: Vec<String>,
}

pub(crate) fn all() -> Vec<Render> {
    let files = fs::read_dir(GOLDEN).expect("renders").map(|entry| entry.expect("a file").path());
    let mut names: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string()).collect();
    names.sort();
    names.iter().map(|name| Render::of(name)).collect()
}

pub(crate) fn text(value: &Json) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

pub(crate) fn list(value: &Json) -> &[Json] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

impl Render {
    pub(crate) fn of(name: &str) -> Render {
        let yaml = fs::read_to_string(format!("{GOLDEN}/{name}.yaml")).expect("a render");
        let objects: Vec<Json> = serde_saphyr::from_multiple(&yaml).expect("YAML");
        Render { name: name.into(), objects: objects.into_iter().filter(Json::is_object).collect() }
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Json> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    /// Those of all workloads, Jobs and tests that run our image.
    pub(crate) fn containers(&self) -> Vec<Container<'_>> {
        let mut found = Vec::new();
        for object in &self.objects {
            let pod = if object["kind"] == "Pod" { &object["spec"] } else { &object["spec"]["template"]["spec"] };
            for spec in list(&pod["containers"]) {
                let (image, _) = text(&spec["image"]).split_once(['@', ':']).expect("a tag or digest");
                if image.rsplit('/').next() == Some("spaniel") {
                    found.push(Container { render: self, object, pod, spec });
                }
            }
        }
        found
    }

    /// The collector's.
    pub(crate) fn collector(&self) -> Container<'_> {
        let mut all = self.containers().into_iter();
        all.find(|container| container.spec["name"] == "spaniel").expect("a collector")
    }

    fn config_map(&self, name: &str) -> &Json {
        let mut maps = self.of_kind("ConfigMap");
        &maps.find(|map| map["metadata"]["name"] == name).expect("a ConfigMap that is mounted")["data"]
    }
}

impl Container<'_> {
    pub(crate) fn args(&self) -> Vec<&str> {
        list(&self.spec["args"]).iter().map(text).collect()
    }

    /// Variables with values of their own; those of Secrets are any word.
    pub(crate) fn environment(&self) -> BTreeMap<&str, &str> {
        let variables = list(&self.spec["env"]).iter();
        variables.map(|each| (text(&each["name"]), each["value"].as_str().unwrap_or("word"))).collect()
    }

    /// The volume that a mount is of.
    fn volume(&self, mount: &Json) -> &Json {
        let mut volumes = list(&self.pod["volumes"]).iter().chain(list(&self.object["spec"]["volumeClaimTemplates"]));
        let name = &mount["name"];
        volumes.find(|volume| volume["name"] == *name || volume["metadata"]["name"] == *name).expect("a mounted volume")
    }

    /// Mount paths that may be written to.
    pub(crate) fn writable(&self) -> Vec<&str> {
        let mounts = list(&self.spec["volumeMounts"]).iter();
        mounts.filter(|mount| mount["readOnly"] != true).map(|mount| text(&mount["mountPath"])).collect()
    }

    /// Its mounts as folders, ConfigMaps with their files. Files of Secrets are made when
    /// something names them, and only under a mount.
    pub(crate) fn root(&self) -> Root {
        let folder = tempfile::tempdir().expect("a folder");
        let mut mounts: Vec<String> = Vec::new();
        for mount in list(&self.spec["volumeMounts"]) {
            let path = text(&mount["mountPath"]);
            mounts.push(path.into());
            let here = within(&folder, path);
            fs::create_dir_all(if mount["subPath"].is_string() { here.parent().unwrap() } else { &here }).unwrap();
        }
        // The longest first: one may begin with another.
        mounts.sort_by_key(|path| std::cmp::Reverse(path.len()));
        let root = Root { folder, mounts };
        for mount in list(&self.spec["volumeMounts"]) {
            if let Some(name) = self.volume(mount)["configMap"]["name"].as_str() {
                for (file, content) in self.render.config_map(name).as_object().unwrap() {
                    let path = format!("{}/{file}", text(&mount["mountPath"]));
                    fs::write(within(&root.folder, &path), root.moved(text(content))).unwrap();
                }
            }
        }
        root
    }
}

impl Root {
    /// The text with all paths under a mount led here, where those that are files exist.
    pub(crate) fn moved(&self, words: &str) -> String {
        let mut lines = Vec::new();
        for line in words.lines() {
            let found = self.mounts.iter().find_map(|mount| {
                Some((
                    line.find(&format!("{mount}/"))
                        .or_else(|| line.ends_with(mount.as_str()).then(|| line.len() - mount.len()))?,
                    mount,
                ))
            });
            let Some((at, mount)) = found else {
                lines.push(line.to_string());
                continue;
            };
            let path = within(&self.folder, &line[at..]);
            let is_file = mount.starts_with("/etc/") || line[at..] == **mount;
            if is_file && !path.exists() {
                fs::write(&path, "content").unwrap();
            }
            lines.push(format!("{}{}", &line[..at], path.display()));
        }
        lines.join("\n")
    }

    pub(crate) fn spaniel(&self, args: &[&str], environment: &BTreeMap<&str, &str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spaniel"));
        command.current_dir(&self.folder).env_clear().envs(environment);
        command.args(args.iter().map(|arg| self.moved(arg)));
        command
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        within(&self.folder, path)
    }
}

fn within(folder: &TempDir, path: &str) -> PathBuf {
    folder.path().join(Path::new(path).strip_prefix("/").expect("an absolute path"))
}
