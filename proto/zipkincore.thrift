// Zipkin v1, as posted to /api/v1/spans: a list of Span in binary protocol, without any envelope.

struct Endpoint {
  1: i32 ipv4           // big endian; 0: none
  2: i16 port           // to be read as unsigned
  3: string service_name
  4: optional binary ipv6   // 16 bytes
}

struct Annotation {
  1: i64 timestamp      // microseconds
  2: string value       // "cs", "cr", "sr", "ss", "ms", "mr", "ws", "wr", or an event
  3: optional Endpoint host
}

enum AnnotationType { BOOL, BYTES, I16, I32, I64, DOUBLE, STRING }

struct BinaryAnnotation {
  1: string key         // "sa", "ca" and "ma" are addresses: true, and the other end as host
  2: binary value       // big endian
  3: AnnotationType annotation_type
  4: optional Endpoint host
}

struct Span {
  1: i64 trace_id       // the low half
  3: string name
  4: i64 id
  5: optional i64 parent_id
  6: list<Annotation> annotations
  8: list<BinaryAnnotation> binary_annotations
  9: optional bool debug = 0
  10: optional i64 timestamp    // microseconds
  11: optional i64 duration     // microseconds
  12: optional i64 trace_id_high
}
