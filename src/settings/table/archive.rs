//! `--es-archive.*` of jaeger-collector 1.76: the names of `--es.*` once more.

use super::Kind::{Secret, Switch, Text};
use super::{Setting, row};

const WHY: &str = "a collector never writes the archive, jaeger-query does; archiving from the page of port 16686 is not \
     built yet";

/// A row for each name: switches, secrets, and the rest.
macro_rules! archive {
    ($($kind:ident $default:literal { $($name:literal)* })*) => {
        &[$($(row(concat!("es-archive.", $name), $kind, $default, "The archive's own; unset: as in `--es.*`.")
            .ignored(WHY),)*)*]
    };
}

pub(super) const ARCHIVE: &[Setting] = archive! {
    Switch "false" {
        "enabled" "bearer-token-propagation" "api-key-allow-from-context" "tls.enabled" "tls.skip-host-verify" "sniffer"
        "sniffer-tls-enabled" "disable-health-check" "use-aliases" "use-ilm" "create-index-templates"
        "tags-as-fields.all" "http-compression"
    }
    Secret "" { "password" "server-urls" }
    Text "" {
        "username" "password-file" "password-reload-interval" "token-file" "bearer-token-reload-interval" "api-key-file"
        "api-key-reload-interval" "tls.ca" "tls.cert" "tls.key" "tls.server-name" "timeout" "version" "bulk.size"
        "bulk.workers" "bulk.actions" "bulk.flush-interval" "num-shards" "num-replicas" "prioirity-span-template"
        "prioirity-service-template" "prioirity-dependencies-template" "index-prefix" "index-date-separator"
        "index-rollover-frequency-spans" "index-rollover-frequency-services"
        "index-rollover-frequency-adaptive-sampling" "service-cache-ttl" "tags-as-fields.include"
        "tags-as-fields.config-file" "tags-as-fields.dot-replacement" "send-get-body-as" "log-level" "max-doc-count"
        "remote-read-clusters" "adaptive-sampling.lookback"
    }
};
