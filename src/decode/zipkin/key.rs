//! Tag keys: which of them mean something, and which may have come before.

/// Keys of OpenTelemetry's resource attributes (semantic conventions 1.6.1, and three older
/// ones). jaeger-collector 1.76 moves such tags from one span to its process.
const RESOURCE: [&str; 84] = [
    "aws.ecs.cluster.arn",
    "aws.ecs.container.arn",
    "aws.ecs.launchtype",
    "aws.ecs.task.arn",
    "aws.ecs.task.family",
    "aws.ecs.task.revision",
    "aws.eks.cluster.arn",
    "aws.log.group.arns",
    "aws.log.group.names",
    "aws.log.stream.arns",
    "aws.log.stream.names",
    "cloud.account.id",
    "cloud.availability_zone",
    "cloud.platform",
    "cloud.provider",
    "cloud.region",
    "container.id",
    "container.image.name",
    "container.image.tag",
    "container.name",
    "container.runtime",
    "deployment.environment",
    "device.id",
    "device.model.identifier",
    "device.model.name",
    "faas.id",
    "faas.instance",
    "faas.max_memory",
    "faas.name",
    "faas.version",
    "host.arch",
    "host.id",
    "host.image.id",
    "host.image.name",
    "host.image.version",
    "host.name",
    "host.type",
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.cronjob.name",
    "k8s.cronjob.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.deployment.name",
    "k8s.deployment.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "opencensus.exporterversion",
    "opencensus.resourcetype",
    "opencensus.starttime",
    "os.description",
    "os.name",
    "os.type",
    "os.version",
    "process.command",
    "process.command_args",
    "process.command_line",
    "process.executable.name",
    "process.executable.path",
    "process.owner",
    "process.pid",
    "process.runtime.description",
    "process.runtime.name",
    "process.runtime.version",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "telemetry.auto.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "webengine.description",
    "webengine.name",
    "webengine.version",
];

/// What a tag's key means to OpenTelemetry's Zipkin translator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) enum Meaning {
    /// Belongs to the process.
    Resource,
    /// The service's name, once more; it goes before the endpoint's.
    ServiceName,
    /// The key under which the endpoint's service name belongs to the process.
    ServiceNameSource,
    ScopeName,
    ScopeVersion,
    StatusCode,
    StatusDescription,
    Error,
    SpanKind,
    TraceState,
    /// A reference to another span, by its number.
    Link(u8),
    /// A key that the endpoints or an absent start set, too.
    Endpoint,
}

/// The keys that are no resource's.
const OTHERS: [(&str, Meaning); 16] = [
    ("error", Meaning::Error),
    ("net.host.ip", Meaning::Endpoint),
    ("net.host.port", Meaning::Endpoint),
    ("net.peer.ip", Meaning::Endpoint),
    ("net.peer.port", Meaning::Endpoint),
    ("otel.library.name", Meaning::ScopeName),
    ("otel.library.version", Meaning::ScopeVersion),
    ("otel.status_code", Meaning::StatusCode),
    ("otel.status_description", Meaning::StatusDescription),
    ("otel.zipkin.absentField.startTime", Meaning::Endpoint),
    ("otlp.link.0", Meaning::Link(0)),
    ("otlp.service.name.source", Meaning::ServiceNameSource),
    ("peer.service", Meaning::Endpoint),
    ("service.name", Meaning::ServiceName),
    ("span.kind", Meaning::SpanKind),
    ("w3c.tracestate", Meaning::TraceState),
];

/// What `key` means, if anything.
pub(in crate::decode) fn meaning(key: &str) -> Option<Meaning> {
    if let Some((_, meaning)) = OTHERS.iter().find(|(other, _)| *other == key) {
        return Some(*meaning);
    }
    if let Some(number) = key.strip_prefix("otlp.link.") {
        let number = number.parse().ok().filter(|&parsed: &u8| parsed < 128 && parsed.to_string() == number)?;
        return Some(Meaning::Link(number));
    }
    RESOURCE.binary_search(&key).ok().map(|_| Meaning::Resource)
}

/// A number for a key, out of its length, its first and its last eight bytes.
#[inline]
const fn mix(key: &[u8]) -> u64 {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64),
            _ => match key {
                [first, .., last] => (*first as u64, *last as u64),
                [only] => (*only as u64, 0),
                [] => (0, 0),
            },
        },
    };
    (first ^ last.rotate_left(29) ^ (key.len() as u64) << 17).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A bit for each key that [`meaning`] knows, by the top 12 bits of its number. (Of the links
/// only the first: without it there are none.)
static MEANINGFUL: [u64; 64] = {
    let mut bits = [0; 64];
    let mut index = 0;
    while index < RESOURCE.len() + OTHERS.len() {
        let key = if index < RESOURCE.len() { RESOURCE[index] } else { OTHERS[index - RESOURCE.len()].0 };
        let number = mix(key.as_bytes()) >> 52;
        bits[(number >> 6) as usize] |= 1 << (number & 63);
        index += 1;
    }
    bits
};

/// The keys of one span, as bits: enough to say *this one is new* for nearly every key.
#[derive(Debug, Default)]
pub(in crate::decode) struct Keys {
    seen: [u64; 16],
}

/// What one look at a key tells.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Noted {
    /// It may have been there before.
    pub(in crate::decode) seen: bool,
    /// It means something.
    pub(in crate::decode) meaningful: bool,
}

impl Keys {
    pub(in crate::decode) fn clear(&mut self) {
        self.seen = [0; 16];
    }

    /// Looks at a key and remembers it.
    #[inline]
    pub(in crate::decode) fn note(&mut self, key: &str) -> Noted {
        let number = mix(key.as_bytes());
        let known = (number >> 52) as usize;
        let place = (number >> 54) as usize;
        let meaningful = MEANINGFUL[known >> 6] >> (known & 63) & 1 != 0 && meaning(key).is_some();
        let seen = self.seen[place >> 6] >> (place & 63) & 1 != 0;
        self.seen[place >> 6] |= 1 << (place & 63);
        Noted { seen, meaningful }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_key_is_found() {
        assert!(RESOURCE.is_sorted());
        let others = OTHERS.iter().map(|(key, _)| *key);
        for key in RESOURCE.into_iter().chain(others) {
            assert!(Keys::default().note(key).meaningful, "{key}");
        }
        assert_eq!(meaning("service.name"), Some(Meaning::ServiceName));
        assert_eq!(meaning("host.name"), Some(Meaning::Resource));
        assert_eq!(meaning("otlp.link.127"), Some(Meaning::Link(127)));
        for key in ["", "http.method", "otlp.link.128", "otlp.link.01", "otlp.link.", "component", "errors"] {
            assert_eq!(meaning(key), None, "{key}");
        }
    }

    #[test]
    fn a_key_is_seen_the_second_time() {
        let mut keys = Keys::default();
        for key in ["", "a", "ab", "abcd", "component", "upstream_cluster"] {
            assert!(!keys.note(key).seen, "{key}");
            assert!(keys.note(key).seen, "{key}");
        }
        keys.clear();
        assert!(!keys.note("component").seen);
    }
}
