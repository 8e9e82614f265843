//! What the table looks like on paper: the reference page, the list of variables, and the settings
//! in force.

use std::fmt::Write as _;

use super::error::{Source, shown};
use super::layers::Values;
use super::table::{self, ENVIRONMENT_ALIASES, GROUPS, Group, Kind, Setting, Standing, environment_name};
use super::{urls, value};

const HEAD: &str = "# Settings

This page is made from the table in `src/settings/table` by `spaniel docs`; a test fails when it is not current.

A setting is written as a flag (`--es.bulk.size=2000000`), as a variable (`ES_BULK_SIZE=2000000`) or in a YAML or JSON file
named by `--config-file`, whose keys are the flags' names, flat or nested at the dots:

```yaml
span-storage.type: elasticsearch
es:
  server-urls: [http://elasticsearch:9200]
  bulk:
    size: 2000000
```

A flag wins over the environment, the environment over the file, the file over the default. An empty variable is not set.
Unknown variables are ignored; unknown flags and keys stop the start, and so does every bad value, all of them at once.

- *Durations* are Go's: `200ms`, `5s`, `1h30m`. A number without unit is refused on the command line; from the environment
  and the file it means nanoseconds, as in Jaeger.
- *Sizes* are bytes, plain or with a unit: `512MiB`, `2GB`.
- *host:port* may leave out the host (`:9411`: every address) or be a port alone; `off` closes the port.
- A boolean flag takes its value after `=`: `--es.use-aliases` or `--es.use-aliases=true`, and `--es.use-aliases=false`.

Names and defaults are those of jaeger-collector 1.76 where it has the setting, and every one of its settings is here.
*Ignored* settings are accepted, and one line of the log says why they do nothing. *Refused* ones stop the start unless they
ask for nothing, that is, have their default.
";

/// The reference page, `docs/settings.md`.
pub(crate) fn reference() -> String {
    let mut page = HEAD.to_string();
    for group in GROUPS {
        section(&mut page, group);
    }
    page.push_str("\n## Other names of variables\n\n| variable | means |\n| --- | --- |\n");
    for (alias, name) in ENVIRONMENT_ALIASES {
        line(&mut page, format_args!("| `{alias}` | `{}` |", environment_name(name)));
    }
    page
}

fn section(page: &mut String, group: &Group) {
    line(
        page,
        format_args!("\n## {}\n\n| setting | default | values | meaning |\n| --- | --- | --- | --- |", group.title),
    );
    for setting in group.rows {
        let name = if setting.environment_only { environment_name(setting.name) } else { setting.name.to_string() };
        let default = if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        let standing = match setting.standing {
            Standing::Used => String::new(),
            Standing::Ignored(reason) => format!(" *Ignored: {reason}.*"),
            Standing::Refused(mend) => format!(" *Refused: {mend}.*"),
        };
        let form = value::form(setting.kind);
        line(page, format_args!("| `{name}` | {default} | {form} | {}{standing} |", setting.help));
    }
}

/// The variables, for `env`.
pub(crate) fn environment() -> String {
    let mut text = String::from("Variables that are read, with their defaults; an empty one is not set.\n\n");
    for setting in table::all().filter(|setting| setting.standing == Standing::Used) {
        let name = environment_name(setting.name);
        line(&mut text, format_args!("{name}={}\n    {}", setting.default, setting.help.replace('`', "")));
    }
    text
}

/// The settings in force, for `print-config`: a file that gives the same again, but for secrets.
/// Defaults and secrets are comments.
pub(crate) fn in_force(values: &Values) -> String {
    let mut text = String::new();
    for setting in table::all().filter(|setting| setting.standing == Standing::Used && !setting.environment_only) {
        let (name, value, source) = (setting.name, written(setting, values), values.source(setting.name));
        match (source, setting.kind) {
            (Source::Default, _) => line(&mut text, format_args!("# {name}: {value}")),
            (_, Kind::Secret) => line(&mut text, format_args!("# {name}: {value} # {source}")),
            _ if name == "config-file" => line(&mut text, format_args!("# {name}: {value} # {source}")),
            _ => line(&mut text, format_args!("{name}: {value} # {source}")),
        }
    }
    text
}

fn written(setting: &Setting, values: &Values) -> String {
    let text = values.written(setting.name);
    match setting.kind {
        Kind::Switch => values.switch(setting.name).to_string(),
        Kind::Whole { .. } | Kind::Number { .. } => text.into(),
        Kind::Urls => quoted(&urls::read(text).unwrap_or_default().urls.join(",")),
        kind => quoted(&shown(kind, text)),
    }
}

/// A JSON string is a YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{what}");
}
