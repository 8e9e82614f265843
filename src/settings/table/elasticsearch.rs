//! `--es.*` of jaeger-collector 1.76, and ours of the same prefix.

use super::Kind::{File, List, Secret, Size, Switch, Text, Time, Urls, Whole, Words};
use super::{Setting, from, row};

const FROM_REQUEST: &str = "credentials of a sender's request are not handed on: remove the setting and give the \
     collector its own by `--es.token-file` or `--es.api-key-file`";

pub(super) const CONNECTION: &[Setting] = &[
    row("es.server-urls", Urls, "http://127.0.0.1:9200", "URLs of the nodes, taken in turn."),
    row("es.username", Text, "", "User of basic authentication."),
    row("es.password", Secret, "", "Its password; not together with `--es.password-file`."),
    row("es.password-file", File, "", "File that holds the password."),
    row("es.password-reload-interval", Time, "10s", "How often that file is read again; 0: only at start."),
    row("es.token-file", File, "", "File that holds a bearer token."),
    row("es.bearer-token-reload-interval", Time, "10s", "How often that file is read again; 0: only at start."),
    row("es.bearer-token-propagation", Switch, "false", "Hands on the token of a request.").refused(FROM_REQUEST),
    row("es.api-key-file", File, "", "File that holds an API key."),
    row("es.api-key-reload-interval", Time, "10s", "How often that file is read again; 0: only at start."),
    row("es.api-key-allow-from-context", Switch, "false", "Hands on the API key of a request.").refused(FROM_REQUEST),
    row(
        "es.timeout",
        Time,
        "0s",
        "Time for one request, bulk requests too. 0 means 30s here: Jaeger waits for ever, and a server that never \
         answers then stops a worker for ever.",
    ),
    row(
        "es.version",
        Whole { least: 0, most: 9 },
        "0",
        "Major version of Elasticsearch (6 to 9; 7 for OpenSearch). 0: asked of the server, again when it comes back.",
    ),
    row("es.sniffer", Switch, "false", "Finds nodes that are not named.").ignored("only the nodes named are used"),
    row("es.sniffer-tls-enabled", Switch, "false", "TLS to nodes found so.").ignored("only the nodes named are used"),
    row("es.disable-health-check", Switch, "false", "No probes of nodes.")
        .ignored("a node's health is judged by its answers"),
    row("es.log-level", Words(&["debug", "info", "error"]), "error", "Log level of the client.")
        .ignored("`--log-level` holds for the client too"),
    row("es.send-get-body-as", Text, "", "Method of searches.")
        .ignored("searches go out as POST, which every proxy lets pass"),
];

pub(super) const TLS: &[Setting] = &[
    row(
        "es.tls.enabled",
        Switch,
        "false",
        "Uses the settings below. Certificates of `https` URLs are verified in any case; Jaeger does so only with this.",
    ),
    row("es.tls.ca", File, "", "File of the CA; empty: the usual public ones."),
    row("es.tls.cert", File, "", "File of the client certificate; needs `--es.tls.key`."),
    row("es.tls.key", File, "", "File of its key."),
    row("es.tls.server-name", Text, "", "Name that the server's certificate must show instead of the URL's."),
    row("es.tls.skip-host-verify", Switch, "false", "Takes any certificate. Only for tests."),
];

const ROTATION: super::Kind = Words(&["day", "hour"]);

pub(super) const WRITING: &[Setting] = &[
    row("es.bulk.size", Size, "5000000", "Bytes of a bulk request at which it is sent; 0: the default, as in Jaeger."),
    row("es.bulk.actions", from(0), "1000", "Documents at which it is sent; 0: the default, as in Jaeger."),
    row("es.bulk.flush-interval", Time, "200ms", "Time after which it is sent; 0: the default, as in Jaeger."),
    row(
        "es.bulk.workers",
        Whole { least: 0, most: 1024 },
        "1",
        "Bulk requests under way at once, to begin with; 0: the default.",
    ),
    row(
        "es.bulk.max-workers",
        Whole { least: 0, most: 1024 },
        "4",
        "Most of them, while answers are quick and more is waiting. Fewer, down to one, when the store is overloaded.",
    ),
    row(
        "es.http-compression",
        Switch,
        "false",
        "Sends requests with gzip. Jaeger's default is true; inside a cluster it costs more than all else together.",
    ),
    row(
        "es.document-ids",
        Words(&["content", "none"]),
        "content",
        "`content`: a span's id is made from its content, so that sending it again changes nothing. `none`: \
         Elasticsearch chooses, as with Jaeger, and a repeated request makes doubles.",
    ),
];

pub(super) const INDICES: &[Setting] = &[
    row("es.index-prefix", Text, "", "Put before the names of indices, with a dash between."),
    row("es.index-date-separator", Text, "-", "Between year, month and day in those names; may be empty."),
    row("es.index-rollover-frequency-spans", ROTATION, "day", "How often a new index of spans begins."),
    row("es.index-rollover-frequency-services", ROTATION, "day", "How often a new index of services begins."),
    row("es.index-rollover-frequency-adaptive-sampling", ROTATION, "day", "The same for adaptive sampling.")
        .ignored("adaptive sampling is not built yet"),
    row("es.use-aliases", Switch, "false", "Writes to `jaeger-span-write` and `jaeger-service-write`."),
    row(
        "es.use-ilm",
        Switch,
        "false",
        "Index lifecycle management; needs `--es.use-aliases=true` and `--es.create-index-templates=false`.",
    ),
    row("es.create-index-templates", Switch, "true", "Puts the templates of the indices before the first write."),
    row("es.num-shards", Whole { least: 0, most: 1024 }, "5", "Shards of an index; 0: the default."),
    row("es.num-replicas", Whole { least: 0, most: 1024 }, "1", "Replicas of an index."),
    row("es.prioirity-span-template", from(0), "0", "Priority of the span template (Elasticsearch 8 and 9)."),
    row("es.prioirity-service-template", from(0), "0", "Priority of the service template (Elasticsearch 8 and 9)."),
    row("es.prioirity-dependencies-template", from(0), "0", "Priority of the dependencies template.")
        .ignored("a collector writes no dependencies"),
    row("es.tags-as-fields.all", Switch, "false", "Writes every tag as a field, not as a nested document."),
    row(
        "es.tags-as-fields.include",
        Text,
        "",
        "Keys of tags that are written as fields, separated by commas, not trimmed.",
    ),
    row("es.tags-as-fields.config-file", File, "", "File with more of them, one a line."),
    row("es.tags-as-fields.dot-replacement", Text, "@", "Stands for dots in the names of such fields."),
    row(
        "es.trace-id-digits",
        Words(&["16", "32"]),
        "16",
        "Digits of a 64-bit trace id: 16 as Jaeger 1 writes it, 32 as Jaeger 2 does.",
    ),
    row("es.service-cache-ttl", Time, "0s", "How long a service and operation is known to be stored; 0: 12h."),
];

pub(super) const READING: &[Setting] = &[
    row("es.max-doc-count", Whole { least: 1, most: u32::MAX as u64 }, "10000", "Most results of one search."),
    row("es.max-span-age", Time, "72h", "How far back a trace is looked for."),
    row("es.remote-read-clusters", List, "", "Clusters that are searched too."),
    row("es.adaptive-sampling.lookback", Time, "72h", "How far back probabilities are looked for.")
        .ignored("adaptive sampling is not built yet"),
];
