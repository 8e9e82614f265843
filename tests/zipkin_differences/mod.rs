//! Where Spaniel does otherwise than Zipkin's own decoders.
#![allow(unreachable_pub, reason = "used by a test")]

/// What Spaniel makes of a vector.
pub enum Ours {
    /// Nothing: the answer is 400.
    Refused,
    /// Spans, each without its ids: the answer is 202.
    Taken(&'static [&'static str]),
}

use Ours::{Refused, Taken};

/// The name of a vector, what becomes of it, and why.
type Difference = (&'static str, Ours, &'static str);

/// Where Spaniel does otherwise than Zipkin, and why. It takes what either Zipkin or Jaeger takes,
/// and refuses a span alone.
pub fn differences() -> impl Iterator<Item = &'static Difference> {
    [NEW_JSON, OLD_JSON, THRIFT, PROTO].into_iter().flatten()
}

/// v2 JSON.
const NEW_JSON: &[Difference] = &[
    ("id/trace-upper", Taken(&[r#"{}"#]), "Jaeger takes ids of any case"),
    ("id/id-zero1", Refused, "no span has the id 0; Zipkin takes it by accident"),
    ("id/id-upper", Taken(&[r#"{}"#]), "Jaeger takes ids of any case"),
    ("field/parent-empty", Taken(&[r#"{}"#]), "Jaeger takes it for none"),
    ("field/parent-upper", Taken(&[r#"{"parentId":"00000000000000ab"}"#]), "Jaeger takes ids of any case"),
    ("field/kind-lower", Taken(&[r#"{"kind":"CLIENT"}"#]), "Jaeger takes any kind; in any case it is clear"),
    ("field/kind-mixed", Taken(&[r#"{"kind":"SERVER"}"#]), "Jaeger takes any kind; in any case it is clear"),
    ("field/kind-empty", Taken(&[r#"{}"#]), "Jaeger takes an unknown kind for none"),
    ("field/kind-unknown", Taken(&[r#"{}"#]), "Jaeger takes an unknown kind for none"),
    ("field/kind-number", Taken(&[r#"{}"#]), "an unknown kind is none"),
    ("field/name-bool", Taken(&[r#"{"name":"true"}"#]), "a scalar is the text that it is written as"),
    ("field/name-lone-surrogate", Taken(&[r#"{"name":"�"}"#]), "U+FFFD, as Jaeger writes it"),
    ("field/ts-fraction", Taken(&[r#"{"timestamp":1472470996199000}"#]), "fractions are rounded down"),
    ("field/dur-fraction", Taken(&[r#"{}"#]), "fractions are rounded down"),
    ("field/debug-string", Taken(&[r#"{}"#]), "debug is not kept, so it cannot be wrong"),
    ("field/debug-number", Taken(&[r#"{}"#]), "debug is not kept, so it cannot be wrong"),
    ("field/ip6-mapped-hex", Taken(&[r#"{"localEndpoint":{"ip":"1.2.3.4"}}"#]), "as Jaeger writes it"),
    ("field/ip6-compat", Taken(&[r#"{"localEndpoint":{"ip":"::102:304"}}"#]), "as Jaeger writes it"),
    ("field/ip6-mapped-zero", Taken(&[r#"{"localEndpoint":{"ip":"::102:304"}}"#]), "as Jaeger writes it"),
    (
        "field/ip6-single-zero",
        Taken(&[r#"{"localEndpoint":{"ip":"2001:db8:0:1:1:1:1:1"}}"#]),
        "as Jaeger writes it (RFC 5952)",
    ),
    ("field/port-over", Taken(&[r#"{}"#]), "what is no port is left out"),
    ("field/port-fraction", Taken(&[r#"{"localEndpoint":{"port":"80"}}"#]), "fractions are rounded down"),
    ("field/port-word", Taken(&[r#"{}"#]), "what is no port is left out"),
    ("field/ann-no-value", Taken(&[r#"{"annotations":[{"timestamp":1,"value":""}]}"#]), "Jaeger takes it as empty"),
    ("field/ann-null-value", Taken(&[r#"{"annotations":[{"timestamp":1,"value":""}]}"#]), "Jaeger takes it as empty"),
    ("field/ann-ts-neg", Taken(&[r#"{"annotations":[{"timestamp":0,"value":"a"}]}"#]), "before 1970 becomes 1970"),
    ("field/ann-null-item", Taken(&[r#"{}"#]), "it says nothing"),
    ("field/tags-bool", Taken(&[r#"{"tags":{"a":"true"}}"#]), "a scalar is the text that it is written as"),
    ("field/tags-null-value", Taken(&[r#"{"tags":{"a":""}}"#]), "Jaeger takes it as empty"),
    ("field/tags-object", Taken(&[r#"{"tags":{"a":"{\"b\":\"c\"}"}}"#]), "compact JSON is text, too"),
    ("field/tags-list", Taken(&[r#"{"tags":{"a":"[\"b\"]"}}"#]), "compact JSON is text, too"),
    ("field/v1-binary", Taken(&[r#"{}"#]), "the members say that it is v1"),
    (
        "field/ann-extra",
        Taken(&[r#"{"timestamp":1,"localEndpoint":{"serviceName":"x"},"annotations":[{"timestamp":1,"value":"a"}]}"#]),
        "the members say that it is v1",
    ),
    (
        "field/v1-annotations-only",
        Taken(&[r#"{"name":"get","kind":"SERVER","timestamp":1,"localEndpoint":{"serviceName":"a"}}"#]),
        "the members say that it is v1",
    ),
    ("list/space-list", Taken(&[]), "blanks may stand before the list"),
    ("list/object", Taken(&[r#"{}"#]), "one span is a list of one"),
    ("list/null", Taken(&[]), "Jaeger takes it for an empty list"),
    ("list/list-null", Taken(&[]), "Jaeger takes it for an empty list"),
    ("list/trailing-comma", Taken(&[r#"{}"#]), "the span before the fault stands"),
    ("list/double-comma", Taken(&[r#"{}"#, r#"{}"#]), "the spans around the fault stand"),
    ("list/truncated", Taken(&[r#"{}"#]), "the span before the fault stands"),
    ("list/semicolon", Taken(&[r#"{}"#]), "the span before the fault stands"),
    ("list/second-bad", Taken(&[r#"{}"#]), "a bad span is refused alone"),
    ("list/bom", Taken(&[r#"{}"#]), "a byte order mark may stand before the list"),
];

/// v1 JSON.
const OLD_JSON: &[Difference] = &[
    (
        "v1/cr-only",
        Taken(&[
            r#"{"annotations":[{"timestamp":100,"value":"cr"}],"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger takes the time of the annotation",
    ),
    (
        "v1/ss-only",
        Taken(&[
            r#"{"annotations":[{"timestamp":100,"value":"ss"}],"kind":"SERVER","name":"get","timestamp":100,"localEndpoint":{"serviceName":"app","ip":"5.6.7.8","port":"8080"}}"#,
        ]),
        "Jaeger takes the time of the annotation",
    ),
    (
        "v1/cs-noendpoint",
        Taken(&[r#"{"duration":200,"kind":"CLIENT","name":"get","timestamp":100}"#]),
        "Jaeger knows the kind without an endpoint",
    ),
    (
        "v1/ann-other-service",
        Taken(&[
            r#"{"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
            r#"{"annotations":[{"timestamp":120,"value":"foo"}],"name":"get","timestamp":120,"localEndpoint":{"serviceName":"app","ip":"5.6.7.8","port":"8080"}}"#,
        ]),
        "the time of the annotation is the only one",
    ),
    (
        "v1/lc",
        Taken(&[
            r#"{"duration":5,"name":"get","timestamp":100,"tags":{"component":"finatra"},"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger's name for it",
    ),
    (
        "v1/lc-empty",
        Taken(&[
            r#"{"duration":5,"name":"get","timestamp":100,"tags":{"component":""},"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "as Jaeger has it",
    ),
    (
        "v1/local-notimestamp",
        Taken(&[
            r#"{"name":"get","tags":{"component":"x"},"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger's name for it",
    ),
    (
        "v1/error-tag",
        Taken(&[
            r#"{"tags":{"error":"true","otel.status_code":"ERROR"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger's status; the text stands beside it",
    ),
    (
        "v1/sa-false",
        Taken(&[
            r#"{"tags":{"sa":"false"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "a tag that is no address is a tag, as in Jaeger",
    ),
    (
        "v1/sa-noendpoint",
        Taken(&[
            r#"{"tags":{"sa":"true"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "a tag that is no address is a tag, as in Jaeger",
    ),
    (
        "v1/sa-nocore",
        Taken(&[
            r#"{"name":"get","tags":{"component":"x"},"remoteEndpoint":{"serviceName":"db","ip":"9.9.9.9","port":"3306"},"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger's name for lc",
    ),
    (
        "v1/bin-number",
        Taken(&[
            r#"{"tags":{"n":"5"},"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "a scalar is the text that it is written as",
    ),
    (
        "v1/bin-bool",
        Taken(&[
            r#"{"tags":{"b":"true"},"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "a scalar is the text that it is written as",
    ),
    (
        "v1/bin-null",
        Taken(&[
            r#"{"tags":{"b":""},"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger takes it as empty",
    ),
    (
        "v1/bin-object",
        Taken(&[
            r#"{"tags":{"b":"{\"x\":1}"},"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "compact JSON is text, too",
    ),
    (
        "v1/bin-nokey",
        Taken(&[
            r#"{"tags":{"":"x"},"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger takes it as empty",
    ),
    (
        "v1/bin-novalue",
        Taken(&[
            r#"{"tags":{"x":""},"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger takes it as empty",
    ),
    ("v1/ann-nots", Taken(&[r#"{"annotations":[{"timestamp":0,"value":"x"}],"name":"get"}"#]), "Jaeger takes it"),
    ("v1/ann-ts-null", Taken(&[r#"{"annotations":[{"timestamp":0,"value":"x"}],"name":"get"}"#]), "Jaeger takes it"),
    (
        "v1/ann-endpoint-null",
        Taken(&[r#"{"kind":"CLIENT","name":"get","timestamp":1}"#]),
        "Jaeger knows the kind without an endpoint",
    ),
    (
        "v1/ann-endpoint-empty",
        Taken(&[r#"{"kind":"CLIENT","name":"get","timestamp":1}"#]),
        "Jaeger knows the kind without an endpoint",
    ),
    (
        "v1/trace-20",
        Taken(&[
            r#"{"kind":"CLIENT","name":"x","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "no digit is cut off, as in v2",
    ),
    (
        "v1/trace-upper",
        Taken(&[
            r#"{"kind":"CLIENT","name":"x","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "ids of any case, as in v2",
    ),
    (
        "v1/ts-neg",
        Taken(&[
            r#"{"kind":"CLIENT","name":"x","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "what is no time is none, and the annotation has one",
    ),
    ("v1/v2-body", Taken(&[r#"{"localEndpoint":{"serviceName":"x"}}"#]), "the members say that it is v2"),
    ("v1/v2-tags", Taken(&[r#"{}"#]), "the members say that it is v2"),
    ("v1/v2-plain", Taken(&[r#"{"kind":"CLIENT","timestamp":1}"#]), "the members say that it is v2"),
    ("v1/object", Taken(&[r#"{}"#]), "one span is a list of one"),
];

/// v1 Thrift.
const THRIFT: &[Difference] = &[
    (
        "thrift/bool-tag",
        Taken(&[
            r#"{"tags":{"b":"true"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger keeps tags of any type",
    ),
    (
        "thrift/bytes-tag",
        Taken(&[
            r#"{"tags":{"b":"YWJj"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger keeps tags of any type",
    ),
    (
        "thrift/i16-tag",
        Taken(&[
            r#"{"tags":{"b":"5"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger keeps tags of any type",
    ),
    (
        "thrift/i32-tag",
        Taken(&[
            r#"{"tags":{"b":"5"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger keeps tags of any type",
    ),
    (
        "thrift/i64-tag",
        Taken(&[
            r#"{"tags":{"b":"5"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger keeps tags of any type",
    ),
    (
        "thrift/double-tag",
        Taken(&[
            r#"{"tags":{"b":"1.5"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "Jaeger keeps tags of any type",
    ),
    (
        "thrift/sa-zero",
        Taken(&[
            r#"{"tags":{"sa":"false"},"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "a tag that is no address is a tag, as in Jaeger",
    ),
    (
        "thrift/ann-ts-zero",
        Taken(&[r#"{"kind":"CLIENT","name":"get","localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#]),
        "kind and service are known, as in Jaeger",
    ),
    (
        "thrift/length-too-big",
        Taken(&[
            r#"{"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "the span before the end stands",
    ),
    (
        "thrift/length-huge",
        Taken(&[
            r#"{"duration":200,"kind":"CLIENT","name":"get","timestamp":100,"localEndpoint":{"serviceName":"web","ip":"1.2.3.4","port":"80"}}"#,
        ]),
        "the span before the end stands",
    ),
];

/// Protobuf.
const PROTO: &[Difference] = &[
    ("proto/kind-negative", Taken(&[r#"{}"#]), "Jaeger takes an unknown kind for none"),
    ("proto/ann-no-ts", Taken(&[r#"{"annotations":[{"timestamp":0,"value":"x"}]}"#]), "Jaeger takes it"),
    ("proto/ann-no-value", Taken(&[r#"{"annotations":[{"timestamp":5,"value":""}]}"#]), "Jaeger takes it as empty"),
    ("proto/ann-empty", Taken(&[r#"{"annotations":[{"timestamp":0,"value":""}]}"#]), "Jaeger takes it as empty"),
    ("proto/tag-no-key", Taken(&[r#"{"tags":{"":"v"}}"#]), "Jaeger takes it as empty"),
    ("proto/tag-empty-key", Taken(&[r#"{"tags":{"":"v"}}"#]), "Jaeger takes it as empty"),
    ("proto/ep-mapped", Taken(&[r#"{"localEndpoint":{"ip":"1.2.3.4"}}"#]), "as Jaeger writes it"),
    ("proto/ep-port-over", Taken(&[r#"{}"#]), "what is no port is left out"),
    ("proto/ep-port-neg", Taken(&[r#"{"localEndpoint":{"serviceName":"a"}}"#]), "what is no port is left out"),
    ("proto/unknown-list-field", Taken(&[r#"{}"#]), "Jaeger skips fields that it does not know"),
    ("proto/bool-2", Taken(&[r#"{}"#]), "debug is not kept, so it cannot be wrong"),
    ("proto/empty-span-then-good", Taken(&[r#"{}"#]), "a bad span is refused alone"),
    ("proto/thrift-body", Refused, "it is no protobuf; Zipkin takes it for an empty list"),
    ("proto/one-byte", Refused, "the sender's fault, not ours"),
    ("proto/trailing", Taken(&[r#"{}"#]), "the span before the fault stands"),
];
