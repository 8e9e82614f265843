//! Settings that jaeger-collector does not have. They follow its pattern of names.

use super::Kind::{Address, File, Folder, List, Number, Size, Switch, Text, Time, Whole, Words};
use super::{Setting, from, row};

pub(super) const QUERY: &[Setting] = &[row(
    "query.http-server.host-port",
    Address,
    ":16686",
    "Jaeger's query API, under jaeger-query's own name. Empty on the command line or in the file, or `off`, closes it.",
)];

pub(super) const AUTH: &[Setting] = &[
    row(
        "collector.auth.bearer-token-file",
        File,
        "",
        "File of the tokens that senders must show one of (`Authorization: Bearer TOKEN`), one a line. Set, it holds for \
         every TCP port that takes spans, and the UDP ports stay closed unless their addresses are set too.",
    ),
    row(
        "collector.auth.bearer-token-reload-interval",
        Time,
        "10s",
        "How often that file is looked at for a change; 0: only at start.",
    ),
];

pub(super) const EMBEDDED: &[Setting] = &[
    row("embedded.directory", Folder, "spaniel-data", "Where the embedded store lies."),
    row("embedded.max-age", Time, "168h", "Days older than this are deleted; 0: never."),
    row("embedded.max-bytes", Size, "10GiB", "The oldest days are deleted while the store is larger; 0: never."),
    row("embedded.commit-interval", Time, "1s", "Spans are found and safe on disk after at most this."),
];

pub(super) const SPANS: &[Setting] = &[
    row(
        "collector.tags",
        List,
        "",
        "Tags for the process of every span: `k1=v1,k2=${VARIABLE:default},k3=${VARIABLE}`.",
    ),
    row(
        "downsampling.ratio",
        Number { least: 0.0, most: 1.0 },
        "1",
        "Share of traces that is kept, by hash of the trace id.",
    ),
    row("downsampling.hashsalt", Text, "", "Salt of that hash; empty: Jaeger's `downsampling-default-salt`."),
    row(
        "sampling.rules-file",
        File,
        "",
        "YAML or JSON: which spans are always kept, which are dropped, and at what rates the rest; see \
         [sampling.md](sampling.md).",
    ),
    row(
        "sampling.rules-reload-interval",
        Time,
        "10s",
        "How often that file is looked at for a change; 0: only at start. What cannot be used changes nothing.",
    ),
    row(
        "sampling.enforce",
        Switch,
        "false",
        "Applies the rates of `--sampling.strategies-file` to the spans that arrive, for Envoy asks nobody for strategies. \
         Only what the file says is applied, never a default.",
    ),
    row(
        "sampling.head-rate",
        Number { least: 0.0, most: 1.0 },
        "1",
        "Share of traces that the mesh itself keeps at its edge, where nothing in a span says so: Istio's percentage / 100. \
         Rates here are of all traces, and what the edge has taken is not taken twice.",
    ),
    row(
        "sampling.annotate",
        Words(&["none", "all"]),
        "none",
        "`all`: every span that is kept gets the tags `spaniel.rule`, the rule that kept it, and `spaniel.weight`, how many \
         traces it stands for (float64), if that is known.",
    ),
    row(
        "span.max-age",
        Time,
        "72h",
        "A span that started longer ago gets the time of its arrival as its start, and the tag `spaniel.start_time` \
         with the start that was sent (int64, microseconds): else a broken clock makes an index of every day that it \
         names. The default is that of `--es.max-span-age`: beyond it no trace is found by its id. 0: any start is \
         written as it was sent.",
    ),
    row(
        "span.max-future",
        Time,
        "1h",
        "The same for a span that starts later than this from now. 0: any later start is written as it was sent.",
    ),
];

const RATE: super::Kind = Number { least: 0.0, most: f64::MAX };

pub(super) const SAMPLING_LIMITS: &[Setting] = &[
    row(
        "sampling.max-spans-per-second",
        RATE,
        "0",
        "Budget of the whole mesh: above it fewer traces are kept, at one rate for all services. It falls while \
         Elasticsearch pushes back. What other rules keep (`debug`, forced traces) goes first. 0: no budget.",
    ),
    row(
        "sampling.max-spans-per-second-per-service",
        RATE,
        "0",
        "Quota of each service over the whole mesh: above it fewer of its own spans are kept, and nobody else's. 0: no \
         quota.",
    ),
    row(
        "sampling.max-spans-per-second-by-service",
        List,
        "",
        "Quotas of services by name, instead of that one: `batch=500,checkout=2000`.",
    ),
    row(
        "sampling.max-bulk-latency",
        Time,
        "0",
        "The budget falls, too, while the 95th percentile of the time that the store takes for a bulk request is over \
         this. 0: off.",
    ),
    row(
        "sampling.replicas",
        Whole { least: 1, most: 10_000 },
        "1",
        "Collectors that share the mesh's spans: each takes this part of the budget and of the quotas.",
    ),
];

pub(super) const SPAN_SERIES: &[Setting] = &[
    row(
        "metrics.spans.enabled",
        Switch,
        "true",
        "Requests, errors and durations by service, operation and kind, counted from all spans before any is sampled out, \
         in `/metrics` under the names that Jaeger's monitor page asks for.",
    ),
    row(
        "metrics.spans.max-series",
        from(1),
        "1000",
        "Most sets of labels among them, each of 20 series; a service takes a tenth of them at most. The rest are counted \
         as `other-operations` of their service, then as `other-services`.",
    ),
    row(
        "metrics.spans.expiration",
        Time,
        "768h",
        "A set of labels that no span touched for so long is forgotten at a scrape, and its place is free; should its spans \
         come again, it begins at 0. 0: never.",
    ),
];

pub(super) const LIMITS: &[Setting] = &[
    row(
        "memory.limit",
        Size,
        "0",
        "Bytes of memory that the process may hold, anonymous and shared: bodies, documents under way, connections, and \
         what cannot be charged. 0: three quarters of what the control group, or the machine, has. With the embedded \
         store write at least 128MiB: below that its index writers may pass it.",
    ),
    row(
        "limits.body-bytes",
        Size,
        "64MiB",
        "Bytes of a body as it arrives; never more than an eighth of `--memory.limit`.",
    ),
    row("limits.inflated-bytes", Size, "64MiB", "Bytes of a body after decompression; the same bound."),
    row(
        "limits.request-output-bytes",
        Size,
        "0",
        "Bytes of the documents of one request; the spans beyond are refused. 0: 16 times the body and 1 MiB.",
    ),
    row("limits.depth", Whole { least: 4, most: 512 }, "64", "Depth of nesting of a body."),
    row(
        "limits.tags-per-span",
        from(1),
        "4096",
        "Tags of a span, of a process, and fields of the logs of a span, each; further ones refuse the span.",
    ),
    row("limits.logs-per-span", from(1), "4096", "Logs of a span, and its references, each."),
    row("limits.spans-per-request", from(1), "1000000", "Spans of a request."),
    row("limits.connections", from(0), "10000", "Open connections over all listeners; 0: no limit."),
    row("limits.handshake-timeout", Time, "10s", "Time for the handshake of TLS; 0: no limit."),
    row("limits.header-timeout", Time, "10s", "Time for the head of a request; 0: no limit."),
    row(
        "limits.body-timeout",
        Time,
        "30s",
        "Time for a body to arrive, and for a large one to wait while others are decompressed; 0: no limit.",
    ),
    row("limits.idle-timeout", Time, "3m", "Time between requests on a connection; 0: no limit."),
    row(
        "limits.connection-age",
        Time,
        "2m",
        "Age at which a connection is closed with an answer, plus or minus a tenth, so that senders spread over \
         replicas; 0: never.",
    ),
    row(
        "limits.header-bytes",
        Size,
        "64KiB",
        "Bytes of a request's head, from 8KiB to 1MiB; over HTTP/2 each header counts 32 more. Eight times what gRPC's own \
         libraries allow. An idle connection of HTTP/1.1 may hold as much.",
    ),
    row(
        "limits.http2-streams",
        Whole { least: 1, most: 10_000 },
        "128",
        "Requests that are open at once on a connection of HTTP/2; further ones are refused.",
    ),
    row(
        "limits.http2-stream-window",
        Size,
        "128KiB",
        "Bytes of one stream that a sender may send ahead of what is read, from 16KiB to 16MiB. Bodies are charged to \
         `--memory.limit` as they are read; this bounds what lies in a connection before.",
    ),
    row(
        "limits.http2-connection-window",
        Size,
        "256KiB",
        "The same over all streams of a connection, from 64KiB to 64MiB.",
    ),
    row(
        "limits.http2-pending-resets",
        from(1),
        "32",
        "Requests of a connection that their sender gave up before they were looked at, at the same moment. Dozens are the \
         attack called rapid reset: the connection is ended.",
    ),
    row(
        "limits.http2-error-resets",
        from(1),
        "256",
        "Requests of a connection that ended by an error in their frames; at more the connection is ended.",
    ),
    row(
        "limits.http2-unasked-bytes",
        Size,
        "1MiB",
        "Bytes of pings, settings and other frames that may come on a connection between two requests, up to 1GiB; at \
         more it is cut. A ping is 17 bytes: the default is one each second for most of a day.",
    ),
];

pub(super) const SPOOL: &[Setting] = &[
    row(
        "spool.sync",
        Words(&["disk", "process", "off"]),
        "disk",
        "What a sender's answer promises: `disk`, that its spans are synced to disk and survive a loss of power; `process`, \
         that they are written and survive the end of the process; `off`, that they are in memory.",
    ),
    row("spool.directory", Folder, "spaniel-spool", "Where the spool lies; for one process alone."),
    row(
        "spool.max-bytes",
        Size,
        "8GiB",
        "Most bytes of it on disk. When it is full, senders are told to come again later; see `--spool.on-full`.",
    ),
    row(
        "spool.segment-bytes",
        Size,
        "8MiB",
        "Bytes of one of its files, reserved when a file is begun. Small ones are used again while their pages are warm.",
    ),
    row(
        "spool.commit-interval",
        Time,
        "1ms",
        "The least time from one write to the next: what comes meanwhile goes together. Senders wait this long at most, \
         and for the write itself. (With `process` the first two of an interval do not wait.)",
    ),
    row(
        "spool.compression",
        Words(&["none", "zstd"]),
        "none",
        "Compression of what is written. `zstd` makes it a sixth to a fifteenth as large, and costs a tenth to a sixth of \
         the spans that a core carries: for slow or small disks.",
    ),
    row(
        "spool.on-full",
        Words(&["refuse", "drop-oldest"]),
        "refuse",
        "A full spool refuses what comes, or gives up its oldest file, counted as dropped. (Not one from which something \
         is on its way to the store just now.)",
    ),
    row(
        "spool.max-age",
        Time,
        "168h",
        "What started longer ago when it is sent becomes a dead letter, so that no replay brings back what retention \
         has deleted; 0: never. Longer than `--span.max-age`.",
    ),
    row(
        "spool.carry-after",
        Time,
        "1m",
        "What an index would not take for so long, while the store took others, is held apart for that index.",
    ),
    row("spool.held-max-bytes", Size, "1GiB", "Most bytes of what is held apart, over all indices."),
    row(
        "spool.pace-bytes",
        Size,
        "8MiB",
        "While the store takes spans and more than this waits for it, answers are held back, up to half a second, so \
         that senders go at the store's pace and memory stays small. A store that is away holds nothing back. 0: never.",
    ),
    row(
        "spool.pressure",
        Number { least: 0.1, most: 1.0 },
        "0.8",
        "From this share of `--spool.max-bytes` on fewer traces are kept, down to one in 32, so that whole traces go \
         before anybody is refused. 1: off.",
    ),
    row(
        "dead-letter.max-bytes",
        Size,
        "1GiB",
        "Most bytes of documents that the store refused for good, kept under the spool's directory. Further ones are held.",
    ),
];

pub(super) const SHUTDOWN: &[Setting] = &[
    row("shutdown.delay", Time, "0s", "After SIGTERM, accepts on for this long while readiness fails."),
    row(
        "shutdown.timeout",
        Time,
        "25s",
        "Time for everything after that; what is not stored by then stays in the spool, or is counted and logged if that is off.",
    ),
];
