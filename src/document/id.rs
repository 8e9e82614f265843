//! Names of documents: the content is the name, so that sending again changes nothing.
//!
//! A span's document is named by 4 bytes of its start second, so that the look-up of a name stays
//! in recent segments, and 12 bytes of XXH3-128 over the span as received, seeded with the process
//! it came under. No setting, repair or release changes it: the vectors below are for ever.
//!
//! A service's document is named as Jaeger names it, so that both write the same one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128_with_seed};

use crate::item::{Id, Kind};

/// The seed for the names of the spans of a process, from the bytes that it came in; 0 for none.
pub fn process_seed(wire: &[u8]) -> u64 {
    if wire.is_empty() { 0 } else { xxh3_64(wire) }
}

/// The same for spans under an instrumentation scope of that process (OTLP).
pub fn scope_seed(wire: &[u8], scope: &[u8]) -> u64 {
    let seed = process_seed(wire);
    if scope.is_empty() { seed } else { xxh3_64_with_seed(scope, seed) }
}

/// The name of a span's document: `start_micros` since 1970, the bytes that it came in, and the
/// seed of its process. The hash gives its first 12 bytes, most significant first.
pub fn span_id(start_micros: u64, wire: &[u8], seed: u64) -> Id {
    let second = u32::try_from(start_micros / 1_000_000).unwrap_or(u32::MAX);
    let hash = xxh3_128_with_seed(wire, seed);
    Id((u128::from(second) << 96 | hash >> 32).to_be_bytes())
}

/// The name of a service's document: FNV-1a over service and operation, nothing between them.
pub fn service_id(service: impl AsRef<[u8]>, operation: impl AsRef<[u8]>) -> Id {
    const OFFSET: u64 = 14_695_981_039_346_656_037;
    const PRIME: u64 = 1_099_511_628_211;
    let bytes = service.as_ref().iter().chain(operation.as_ref());
    let hash = bytes.fold(OFFSET, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    Id(u128::from(hash).to_be_bytes())
}

/// Appends a name as text: for spans 22 characters of base64url without padding, for services
/// hexadecimal digits without leading zeros.
pub fn write_id(out: &mut Vec<u8>, kind: Kind, id: &Id) {
    match kind {
        Kind::Span => {
            let mut text = [0; 22];
            let length = URL_SAFE_NO_PAD.encode_slice(id.0, &mut text).unwrap_or(0);
            out.extend_from_slice(text.get(..length).unwrap_or_default());
        }
        Kind::Service => {
            let number = u128::from_be_bytes(id.0) as u64;
            let digits = super::number::hex_u64(number);
            let zeros = (number.leading_zeros() as usize / 4).min(15);
            out.extend_from_slice(digits.get(zeros..).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, id: Id) -> String {
        let mut out = Vec::new();
        write_id(&mut out, kind, &id);
        String::from_utf8(out).unwrap()
    }

    /// Computed with the reference implementation of XXH3 (python-xxhash) by the rule above.
    #[test]
    fn names_of_spans_are_fixed() {
        let long = (0..768).map(|index| index as u8).collect::<Vec<_>>();
        let json = br#"{"traceId":"31b13a8640d0e9cd"}"#;
        let cases: [(u64, &[u8], &[u8], &str); 4] = [
            (0, b"", b"", "AAAAAJmqBtMBR5jYYAHDJA"),
            (1_795_237_377_926_637, json, b"", "awEmAVmdYGTaiFS82bDLcA"),
            (1_795_237_377_926_637, json, b"service", "awEmAaeIz6axIPIO6yTeVQ"),
            (u64::MAX, &long, &long, "_____7hrenpNWMbZFaB5LQ"),
        ];
        for (start, wire, process, expected) in cases {
            let id = span_id(start, wire, process_seed(process));
            assert_eq!(text(Kind::Span, id), expected);
        }
    }

    #[test]
    fn a_scope_is_part_of_the_name() {
        assert_eq!(scope_seed(b"", b""), 0);
        assert_eq!(scope_seed(b"service", b""), process_seed(b"service"));
        // By the reference implementation, as above.
        let seeds = [scope_seed(b"service", b"scope"), scope_seed(b"", b"scope")];
        assert_eq!(seeds, [0xbd60_c6e5_7fe4_1a49, 0x021c_4ad8_9a0c_d840]);
    }

    #[test]
    fn names_of_services_are_jaegers() {
        let cases = [
            ("test-service", "test-operation", "cb42af354c445afb"),
            ("frontend", "HTTP GET /dispatch", "15441fb455e8c7b6"),
            ("frontend", "GET /dispatch", "9a99c6b3c51a7bf0"),
            ("car", "GET /car/{id}", "1851d92ca6a07ec2"),
            ("", "", "cbf29ce484222325"),
            ("a", "b", "89c4407b545986a"),
            ("svc", "op3900", "d4c6eb266247b3e"),
            // Golden bodies service-empty.thrift and operation-empty.thrift.
            ("empty-service-name", "", "4a84123c6f474fc"),
            ("Кабинет", "", "d35f0e4f5223a657"),
        ];
        for (service, operation, expected) in cases {
            assert_eq!(text(Kind::Service, service_id(service, operation)), expected);
        }
        assert_eq!(text(Kind::Service, Id([0; 16])), "0");
    }
}
