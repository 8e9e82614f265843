//! Logs: one line per event on standard error, as JSON like jaeger-collector 1.76 writes it or as
//! text for people.
//!
//! A line has `level`, `ts` (seconds since 1970), `caller`, `msg`, and then the event's fields. The
//! level can be changed while the process runs. Libraries are heard from one level above ours, so
//! that `info` is about Spaniel and `debug` is not drowned. What may repeat goes through
//! [`RateLimited`]. Nothing is logged per span or request.

mod large_heads;

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, MakeWriter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt as layer, reload};

use crate::clock::Clock;
use crate::settings::{Log, LogEncoding};
pub use large_heads::take_large_heads;

/// Why logs could not be set up or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("unknown log level `{0}`: write one of debug, info, warn, error")]
    UnknownLevel(String),
    #[error("logs are already set up in this process")]
    Twice,
}

/// The level of the log of a running process.
#[derive(Debug, Clone)]
pub struct LogLevel {
    handle: reload::Handle<Targets, Registry>,
}

impl LogLevel {
    /// The word of the level.
    pub fn get(&self) -> &'static str {
        let ours = |targets: &Targets| targets.iter().find(|(target, _)| *target == OURS).map(|(_, level)| level);
        match self.handle.with_current(ours).ok().flatten().and_then(|filter| filter.into_level()) {
            Some(level) => word(level),
            None => "off",
        }
    }

    /// Changes the level; `word` is one of zap's, as in `--log-level`.
    pub fn set(&self, word: &str) -> Result<(), LogError> {
        let targets = targets(level(word)?);
        self.handle.reload(targets).map_err(|_| LogError::Twice)
    }
}

/// The target of all events of this crate.
const OURS: &str = "spaniel";

/// Sets up logs for the whole process, on standard error.
pub fn install(settings: &Log, clock: Clock) -> Result<LogLevel, LogError> {
    let (subscriber, level) = subscriber(settings, clock, std::io::stderr)?;
    subscriber.try_init().map_err(|_| LogError::Twice)?;
    Ok(level)
}

/// What [`install`] installs, writing to `writer`.
pub fn subscriber<W>(
    settings: &Log,
    clock: Clock,
    writer: W,
) -> Result<(impl Subscriber + Send + Sync, LogLevel), LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(targets(level(&settings.level)?));
    let lines = layer::layer().event_format(Lines { encoding: settings.encoding, clock }).with_writer(writer);
    let large_heads = large_heads::LargeHeads.with_filter(large_heads::filter());
    Ok((Registry::default().with(lines.with_filter(filter)).with(large_heads), LogLevel { handle }))
}

/// zap's words; those above `error` end the process in Jaeger and mean `error` here.
fn level(word: &str) -> Result<Level, LogError> {
    match word.to_ascii_lowercase().as_str() {
        "debug" => Ok(Level::DEBUG),
        "info" => Ok(Level::INFO),
        "warn" => Ok(Level::WARN),
        "error" | "dpanic" | "panic" | "fatal" => Ok(Level::ERROR),
        _ => Err(LogError::UnknownLevel(word.into())),
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

fn targets(level: Level) -> Targets {
    let libraries = match level {
        Level::DEBUG | Level::TRACE => LevelFilter::INFO,
        Level::INFO => LevelFilter::WARN,
        Level::WARN | Level::ERROR => LevelFilter::ERROR,
    };
    Targets::new().with_default(libraries).with_target(OURS, level)
}

/// Writes an event as a line.
struct Lines {
    encoding: LogEncoding,
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let micros = self.clock.micros();
        let level = word(*event.metadata().level());
        let caller = fields.origin.take().unwrap_or_else(|| caller(event));
        match self.encoding {
            LogEncoding::Json => {
                let message = Value::String(fields.message);
                write!(writer, r#"{{"level":"{level}","ts":{}.{:06}"#, micros / 1_000_000, micros % 1_000_000)?;
                write!(writer, r#","caller":{},"msg":{message}"#, Value::String(caller))?;
                for (name, value) in &fields.others {
                    write!(writer, ",{}:{value}", Value::String(name.clone()))?;
                }
                writeln!(writer, "}}")
            }
            LogEncoding::Console => {
                write!(writer, "{}\t{}\t{caller}\t{}", date(micros), level.to_ascii_uppercase(), fields.message)?;
                if !fields.others.is_empty() {
                    write!(writer, "\t{}", Value::Object(fields.others))?;
                }
                writeln!(writer)
            }
        }
    }
}

/// File and line, below `src`; of libraries the module, for their paths say where they were built.
fn caller(event: &Event<'_>) -> String {
    let metadata = event.metadata();
    match (metadata.file().and_then(|file| file.strip_prefix("src/")), metadata.line()) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => metadata.target().to_string(),
    }
}

/// ISO 8601 to the millisecond, as zap's console.
fn date(micros: u64) -> String {
    let seconds = i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX);
    let time = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{:03}Z", micros % 1_000_000 / 1000)
}

/// The message and the other fields of an event. A field named like a part of the line gets a
/// trailing `_`; those that the bridge from the crate `log` adds are left out.
#[derive(Default)]
struct Fields {
    message: String,
    /// Who logged, if it came over that bridge.
    origin: Option<String>,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("log.target", Value::String(target)) => self.origin = Some(target),
            (name, _) if name.starts_with("log.") => {}
            (name @ ("level" | "ts" | "caller" | "msg" | "message"), value) => {
                self.others.insert(format!("{name}_"), value);
            }
            (name, value) => {
                self.others.insert(name.into(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, text.into());
    }
}

/// Most keys that are remembered at once: a key may come from a server's answer.
const KEYS: usize = 1024;

/// Lets one line per key and interval through and counts the others.
#[derive(Debug)]
pub struct RateLimited<K> {
    interval: Duration,
    clock: Clock,
    keys: Mutex<HashMap<K, Line>>,
}

/// When a key's last line went out, in microseconds, and how many were held back since.
#[derive(Debug, Clone, Copy)]
struct Line {
    micros: u64,
    suppressed: u64,
}

impl<K: Hash + Eq> RateLimited<K> {
    /// One line per key every `interval`.
    pub fn new(interval: Duration, clock: Clock) -> Self {
        RateLimited { interval, clock, keys: Mutex::default() }
    }

    /// `Some` if a line may go out now, with the number held back since the last one. A key is
    /// held back too while there are too many to remember.
    pub fn permit(&self, key: K) -> Option<u64> {
        let now = self.clock.micros();
        let is_over = |line: &Line| u128::from(now.saturating_sub(line.micros)) >= self.interval.as_micros();
        let mut keys = self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(line) = keys.get_mut(&key) {
            if is_over(line) {
                return Some(std::mem::replace(line, Line { micros: now, suppressed: 0 }).suppressed);
            }
            line.suppressed += 1;
            return None;
        }
        if keys.len() >= KEYS {
            keys.retain(|_, line| !is_over(line));
        }
        (keys.len() < KEYS).then(|| {
            keys.insert(key, Line { micros: now, suppressed: 0 });
            0
        })
    }
}

#[cfg(test)]
mod tests;
