//! The one table of every setting. Flags, environment names, file keys, `--help` and the reference
//! page are made from it, so that a setting cannot exist in one of them and be missing in another.
//!
//! It holds every flag of jaeger-collector 1.76 under its name, misspelt ones too, with what
//! becomes of it here: it is *used*, or *ignored* (accepted, and said once in the log), or
//! *refused* (the start stops and says what to do instead). A refused setting whose value asks for
//! nothing, because it is the default, is accepted.

mod agent;
mod archive;
mod collector;
mod elasticsearch;
mod forward;
mod general;
mod names;
mod own;
mod tls;

pub(crate) use names::{ENVIRONMENT_ALIASES, environment_name, find, unknown};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The flag without its dashes, and the key in the file: `es.bulk.size`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// As one would write it.
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
    pub(crate) standing: Standing,
    /// `SAMPLING_CONFIG_TYPE` and its like exist neither as flag nor in the file.
    pub(crate) environment_only: bool,
}

/// What may be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Switch,
    Whole {
        least: u64,
        most: u64,
    },
    Number {
        least: f64,
        most: f64,
    },
    /// Go's duration syntax.
    Time,
    /// Bytes, plain or with a unit.
    Size,
    Text,
    /// Text that is never printed.
    Secret,
    /// Separated by commas.
    List,
    Words(&'static [&'static str]),
    /// Host and port; empty or `off` closes the port.
    Address,
    /// A file that must be readable at start.
    File,
    Folder,
    /// Separated by commas; credentials in them are never printed.
    Urls,
    /// One of them, of which nothing is secret; empty: none.
    Url,
    /// A file, or the URL of one; credentials and the query of a URL are never printed.
    FileOrUrl,
}

/// What becomes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Used,
    /// Accepted without effect, for this reason.
    Ignored(&'static str),
    /// Stops the start unless it asks for nothing; this is what to do instead.
    Refused(&'static str),
}

/// Settings that belong together on the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) rows: &'static [Setting],
}

/// The whole table, in the order of the page.
pub(crate) const GROUPS: &[Group] = &[
    Group { title: "General", rows: general::GENERAL },
    Group { title: "Zipkin, port 9411", rows: collector::ZIPKIN },
    Group { title: "Jaeger over HTTP, port 14268", rows: collector::HTTP },
    Group { title: "Jaeger over UDP, compact, port 6831", rows: agent::COMPACT },
    Group { title: "Jaeger over UDP, binary, port 6832", rows: agent::BINARY },
    Group { title: "Zipkin's Thrift over UDP, port 5775", rows: agent::ZIPKIN },
    Group { title: "For clients of a jaeger-agent, port 5778", rows: agent::HTTP },
    Group { title: "Query, port 16686", rows: own::QUERY },
    Group { title: "Elasticsearch and OpenSearch: connection", rows: elasticsearch::CONNECTION },
    Group { title: "Elasticsearch and OpenSearch: TLS", rows: elasticsearch::TLS },
    Group { title: "Elasticsearch and OpenSearch: writing", rows: elasticsearch::WRITING },
    Group { title: "Elasticsearch and OpenSearch: indices and documents", rows: elasticsearch::INDICES },
    Group { title: "Elasticsearch and OpenSearch: reading", rows: elasticsearch::READING },
    Group { title: "Embedded store", rows: own::EMBEDDED },
    Group { title: "Spans and sampling", rows: own::SPANS },
    Group { title: "Limits of sampling", rows: own::SAMPLING_LIMITS },
    Group { title: "Metrics of spans", rows: own::SPAN_SERIES },
    Group { title: "Limits and memory", rows: own::LIMITS },
    Group { title: "Spool and dead letters", rows: own::SPOOL },
    Group { title: "Stopping", rows: own::SHUTDOWN },
    Group { title: "Copies for a second collector", rows: forward::FORWARD },
    Group { title: "Queue of jaeger-collector", rows: collector::QUEUE },
    Group { title: "Jaeger over gRPC, port 14250", rows: collector::GRPC },
    Group { title: "OTLP, ports 4317 and 4318", rows: collector::OTLP },
    Group { title: "Strategies for SDKs", rows: general::SAMPLING },
    Group { title: "Who may send", rows: own::AUTH },
    Group { title: "Tenancy", rows: general::TENANCY },
    Group { title: "TLS of the admin port", rows: tls::ADMIN },
    Group { title: "TLS of Zipkin", rows: tls::ZIPKIN },
    Group { title: "TLS of Jaeger over HTTP", rows: tls::HTTP },
    Group { title: "TLS of Jaeger over gRPC", rows: tls::GRPC },
    Group { title: "TLS of OTLP over gRPC", rows: tls::OTLP_GRPC },
    Group { title: "TLS of OTLP over HTTP", rows: tls::OTLP_HTTP },
    Group { title: "TLS of the query", rows: tls::QUERY },
    Group { title: "Archive", rows: archive::ARCHIVE },
    Group { title: "Only in the environment", rows: general::ENVIRONMENT },
];

/// Every setting.
pub(crate) fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.rows)
}

const fn row(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default, help, standing: Standing::Used, environment_only: false }
}

/// A whole number from `least`.
const fn from(least: u64) -> Kind {
    Kind::Whole { least, most: i64::MAX as u64 }
}

impl Setting {
    const fn ignored(self, reason: &'static str) -> Setting {
        Setting { standing: Standing::Ignored(reason), ..self }
    }

    const fn refused(self, mend: &'static str) -> Setting {
        Setting { standing: Standing::Refused(mend), ..self }
    }

    const fn environment_only(self) -> Setting {
        Setting { environment_only: true, ..self }
    }
}
