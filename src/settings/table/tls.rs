//! The TLS settings of the listeners (jaeger-collector 1.76), the same for each of them.

use super::Kind::{List, Switch, Text, Time, Words};
use super::{Setting, row};

const LATER: &str = "TLS on listeners is not built yet: remove the setting and end TLS before Spaniel (a sidecar, an \
     ingress or a mesh does it)";
const VERSIONS: super::Kind = Words(&["", "1.0", "1.1", "1.2", "1.3"]);

/// The settings of one listener.
macro_rules! server {
    ($prefix:literal) => {
        &[
            row(concat!($prefix, ".tls.enabled"), Switch, "false", "Serves TLS.").refused(LATER),
            row(concat!($prefix, ".tls.cert"), Text, "", "File of the certificate.").refused(LATER),
            row(concat!($prefix, ".tls.key"), Text, "", "File of its key.").refused(LATER),
            row(concat!($prefix, ".tls.client-ca"), Text, "", "File of the CA that clients must show.").refused(LATER),
            row(concat!($prefix, ".tls.cipher-suites"), List, "", "Cipher suites by their Go names.").refused(LATER),
            row(concat!($prefix, ".tls.min-version"), VERSIONS, "", "Lowest version.").refused(LATER),
            row(concat!($prefix, ".tls.max-version"), VERSIONS, "", "Highest version.").refused(LATER),
            row(concat!($prefix, ".tls.reload-interval"), Time, "0s", "How often the files are read again.")
                .refused(LATER),
        ]
    };
}

pub(super) const ADMIN: &[Setting] = server!("admin.http");
pub(super) const ZIPKIN: &[Setting] = server!("collector.zipkin");
pub(super) const HTTP: &[Setting] = server!("collector.http");
pub(super) const GRPC: &[Setting] = server!("collector.grpc");
pub(super) const OTLP_GRPC: &[Setting] = server!("collector.otlp.grpc");
pub(super) const OTLP_HTTP: &[Setting] = server!("collector.otlp.http");
