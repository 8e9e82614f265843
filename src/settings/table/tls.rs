//! The TLS settings of the listeners (jaeger-collector 1.76), the same for each of them.

use super::Kind::{File, List, Switch, Time, Words};
use super::{Setting, row};

const VERSIONS: super::Kind = Words(&["", "1.3", "1.2", "1.1", "1.0"]);

/// The settings of one listener.
macro_rules! server {
    ($prefix:literal) => {
        &[
            row(concat!($prefix, ".tls.enabled"), Switch, "false", "Serves TLS, and nothing else."),
            row(concat!($prefix, ".tls.cert"), File, "", "File of the certificate and those that lead to its CA, PEM."),
            row(concat!($prefix, ".tls.key"), File, "", "File of its key, PEM."),
            row(
                concat!($prefix, ".tls.client-ca"),
                File,
                "",
                "File of the CAs of clients, PEM. If it is set, a client without a certificate of theirs is turned away.",
            ),
            row(
                concat!($prefix, ".tls.cipher-suites"),
                List,
                "",
                "Cipher suites of TLS 1.2 by their Go names; empty: all that are safe. Those of TLS 1.3 are always on.",
            ),
            row(
                concat!($prefix, ".tls.min-version"),
                VERSIONS,
                "",
                "Lowest version; empty: 1.2. Lower ones are not spoken and mean 1.2.",
            ),
            row(concat!($prefix, ".tls.max-version"), VERSIONS, "", "Highest version, 1.2 or 1.3; empty: 1.3."),
            row(
                concat!($prefix, ".tls.reload-interval"),
                Time,
                "10s",
                "How often the three files are looked at for a change; 0: only at start, which is Jaeger's default.",
            ),
        ]
    };
}

pub(super) const ADMIN: &[Setting] = server!("admin.http");
pub(super) const ZIPKIN: &[Setting] = server!("collector.zipkin");
pub(super) const HTTP: &[Setting] = server!("collector.http");
pub(super) const GRPC: &[Setting] = server!("collector.grpc");
pub(super) const OTLP_GRPC: &[Setting] = server!("collector.otlp.grpc");
pub(super) const OTLP_HTTP: &[Setting] = server!("collector.otlp.http");
/// jaeger-query's names.
pub(super) const QUERY: &[Setting] = server!("query.http");
