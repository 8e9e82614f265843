//! Flags over environment over file over defaults: for each setting the strongest value, read.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::error::{Problem, Source};
use super::file;
use super::table::{self, ENVIRONMENT_ALIASES, Kind, Setting, Standing, environment_name};
use super::value::{self, Value};
use super::{Changed, Ignored, Notes};

/// Reads a file for the settings; handed in, so that tests need no disk.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&Path) -> std::io::Result<String>;

/// A setting's strongest value.
#[derive(Debug, Clone)]
struct Chosen {
    text: String,
    source: Source,
    value: Value,
}

/// A value for every setting of the table.
#[derive(Debug)]
pub(crate) struct Values {
    chosen: BTreeMap<&'static str, Chosen>,
    pub(crate) environment: BTreeMap<String, String>,
}

impl Values {
    /// Puts the layers together. What cannot be read becomes a problem, and its default is taken
    /// so that the rest can be judged too.
    pub(crate) fn gather(
        flags: &BTreeMap<&'static str, String>,
        environment: BTreeMap<String, String>,
        read_file: ReadFile<'_>,
        problems: &mut Vec<Problem>,
    ) -> Values {
        let file = from_file(flags, &environment, read_file, problems);
        let mut values = Values { chosen: BTreeMap::new(), environment };
        for setting in table::all() {
            let written = match flags.get(setting.name) {
                Some(text) => Some((text.clone(), Source::Flag)),
                None => from_environment(setting, &values.environment).or_else(|| file.get(setting.name).cloned()),
            };
            let chosen = choose(setting, written, problems);
            values.chosen.insert(setting.name, chosen);
        }
        values
    }

    /// Takes a command for the setting that it implies, if that was not set.
    pub(crate) fn imply(&mut self, name: &'static str, text: &str) {
        if let Some(setting) = table::find(name).filter(|_| !self.is_set(name)) {
            self.chosen.insert(name, choose(setting, Some((text.into(), Source::Flag)), &mut Vec::new()));
        }
    }

    /// Whether it was set, be it to its default.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.chosen(name).source != Source::Default
    }

    /// Whether it was set to something other than its default.
    pub(crate) fn is_changed(&self, setting: &Setting) -> bool {
        let chosen = self.chosen(setting.name);
        chosen.source != Source::Default && Ok(&chosen.value) != default(setting).as_ref()
    }

    pub(crate) fn problem(&self, name: &str, mend: impl Into<String>) -> Problem {
        let chosen = self.chosen(name);
        match table::find(name) {
            Some(setting) => Problem::of(setting, &chosen.source, &chosen.text, mend),
            None => Problem::of_line(name, mend),
        }
    }

    pub(crate) fn source(&self, name: &str) -> &Source {
        &self.chosen(name).source
    }

    /// As it was written.
    pub(crate) fn written(&self, name: &str) -> &str {
        &self.chosen(name).text
    }

    pub(crate) fn switch(&self, name: &str) -> bool {
        matches!(self.chosen(name).value, Value::Switch(true))
    }

    pub(crate) fn whole(&self, name: &str) -> u64 {
        match self.chosen(name).value {
            Value::Whole(number) => number,
            _ => 0,
        }
    }

    /// A whole number that the machine can count to.
    pub(crate) fn count(&self, name: &str) -> usize {
        usize::try_from(self.whole(name)).unwrap_or(usize::MAX)
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        match self.chosen(name).value {
            Value::Number(number) => number,
            _ => 0.0,
        }
    }

    pub(crate) fn time(&self, name: &str) -> Duration {
        match self.chosen(name).value {
            Value::Time(duration) => duration,
            _ => Duration::ZERO,
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        match &self.chosen(name).value {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The parts of a comma list, trimmed, without empty ones.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.text(name).split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_string).collect()
    }

    /// What to say at start: what has no effect, and what is not default.
    pub(crate) fn notes(&self) -> Notes {
        let mut notes = Notes::default();
        for setting in table::all().filter(|setting| self.is_changed(setting)) {
            let (name, source) = (setting.name, self.source(setting.name).clone());
            match self.without_effect(setting) {
                Some(reason) => notes.ignored.push(Ignored { name, source, reason: reason.into() }),
                None => {
                    let value = super::error::shown(setting.kind, self.written(name));
                    notes.changed.push(Changed { name, value, source });
                }
            }
        }
        notes
    }

    /// Durations that were probably meant in seconds: a bare number is nanoseconds, as in Jaeger.
    pub(crate) fn nanoseconds(&self) -> Vec<String> {
        let times = table::all().filter(|setting| setting.kind == Kind::Time && self.is_changed(setting));
        let bare = times.filter(|setting| self.written(setting.name).bytes().all(|byte| byte.is_ascii_digit()));
        let short = bare.filter(|setting| (1..1_000_000).contains(&self.time(setting.name).as_nanos()));
        short
            .map(|setting| {
                let (name, text) = (setting.name, self.written(setting.name));
                format!("{name} is {text} nanoseconds, as in jaeger-collector: write {text}s for seconds")
            })
            .collect()
    }

    fn without_effect(&self, setting: &Setting) -> Option<&'static str> {
        let embedded = self.text("span-storage.type") == "embedded";
        match setting.standing {
            Standing::Ignored(reason) => Some(reason),
            _ if setting.name.starts_with("embedded.") && !embedded => Some("the store is not the embedded one"),
            _ if setting.name == "sampling.strategies-reload-interval"
                && self.text("sampling.strategies-file").is_empty() =>
            {
                Some("there is no `--sampling.strategies-file`")
            }
            _ => None,
        }
    }

    #[expect(clippy::expect_used, reason = "names are literals; the test of the defaults asks for each of them")]
    fn chosen(&self, name: &str) -> &Chosen {
        self.chosen.get(name).expect("a setting that the table has")
    }
}

fn default(setting: &Setting) -> Result<Value, String> {
    value::read(setting, setting.default, &Source::Default)
}

fn choose(setting: &Setting, written: Option<(String, Source)>, problems: &mut Vec<Problem>) -> Chosen {
    let (text, source) = written.unwrap_or_else(|| (setting.default.into(), Source::Default));
    let value = value::read(setting, &text, &source).unwrap_or_else(|mend| {
        problems.push(Problem::of(setting, &source, &text, mend));
        default(setting).unwrap_or_else(|_| Value::Text(String::new()))
    });
    Chosen { text, source, value }
}

/// An empty variable is not set. A variable of that very name wins over an alias.
fn from_environment(setting: &Setting, environment: &BTreeMap<String, String>) -> Option<(String, Source)> {
    let aliases = ENVIRONMENT_ALIASES.iter().filter(|(_, name)| *name == setting.name);
    let names = std::iter::once(environment_name(setting.name)).chain(aliases.map(|(alias, _)| (*alias).to_string()));
    let mut set = names.filter_map(|name| {
        let text = environment.get(&name).filter(|text| !text.is_empty() && !is_service_link(text))?;
        Some((text.clone(), Source::Environment(name)))
    });
    set.next()
}

/// Kubernetes sets `QUERY_PORT=tcp://10.0.0.1:80` for a service named `query`: no setting of ours.
fn is_service_link(text: &str) -> bool {
    text.starts_with("tcp://") || text.starts_with("udp://")
}

fn from_file(
    flags: &BTreeMap<&'static str, String>,
    environment: &BTreeMap<String, String>,
    read_file: ReadFile<'_>,
    problems: &mut Vec<Problem>,
) -> file::Given {
    let path = flags.get("config-file").or_else(|| environment.get("CONFIG_FILE")).filter(|path| !path.is_empty());
    let Some(path) = path else { return file::Given::new() };
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if matches!(extension, "toml" | "hcl" | "properties" | "props" | "prop") {
        let mend = "settings files are YAML or JSON: the keys stay the same, write them as YAML";
        problems.push(Problem::of_line(format!("--config-file={path}"), mend));
        return file::Given::new();
    }
    match read_file(Path::new(path)) {
        Ok(text) => file::read(path, &text, problems),
        // That the file cannot be read is said where all files are checked.
        Err(_) => file::Given::new(),
    }
}
