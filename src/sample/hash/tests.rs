use proptest::prelude::*;

use super::*;

fn id(text: &str) -> TraceId {
    let id = u128::from_str_radix(text, 16).unwrap();
    TraceId { high: (id >> 64) as u64, low: id as u64 }
}

fn number(hash: Hash, text: &str) -> u64 {
    hash.number(id(text), TraceState::default())
}

/// An id, its FNV-1a by Jaeger's salt, by `jaeger`, by `default-hash-seed`, through the finaliser,
/// its low 64 bits as Zipkin counts, and its low 56.
type Vector = (&'static str, [u64; 6]);

/// Computed apart from this code.
const VECTORS: [Vector; 6] = [
    (
        "00000000000000000000000000000001",
        [0x684c74ef115cf4fc, 0x62e67477977b5da8, 0xe19535eed1bbaa8a, 0xdac85c6954fc8fe2, 1, 0x00000000000001],
    ),
    (
        "0000000000000000463ac35c9f6413ad",
        [
            0x4b8b0b9117ad207b,
            0xe90f272f2711b2cf,
            0xf0697781da4462fd,
            0xc058db7824a9c211,
            5060571933882717101,
            0x3ac35c9f6413ad,
        ],
    ),
    (
        "463ac35c9f6413ad48485a3953bb6124",
        [
            0xd8bec027718164c9,
            0xc48d9954af25ec95,
            0xd66122d757fbbe97,
            0x6375dca38947d2e0,
            5208512171318403364,
            0x485a3953bb6124,
        ],
    ),
    (
        "80f198ee56343ba864fe8b2a57d3eff7",
        [
            0x6d850cb2a73eb8b8,
            0x5428550a989341b4,
            0xe3ca30168209a196,
            0xba20b05b1eb54d09,
            7277407061855694839,
            0xfe8b2a57d3eff7,
        ],
    ),
    (
        "4bf92f3577b34da6a3ce929d0e0e4736",
        [
            0x7137c5bfae6a63af,
            0x9134277927b32943,
            0xa54533ba2e4970b5,
            0x30e718d9d97d3bee,
            6643211197081565386,
            0xce929d0e0e4736,
        ],
    ),
    (
        "ffffffffffffffffffffffffffffffff",
        [0x4765b5412d4f809f, 0xc229fda747c3974b, 0x17bec3739634fe2d, 0x1462635eb827003b, 1, 0xffffffffffffff],
    ),
];

#[test]
fn numbers_are_those_of_the_vectors() {
    for (text, [default, jaeger, tail, mix, zipkin, low]) in VECTORS {
        let full = Input::Full;
        assert_eq!(number(Hash::fnv("", full), text), default, "{text}");
        assert_eq!(number(Hash::fnv("jaeger", full), text), jaeger, "{text}");
        assert_eq!(number(Hash::fnv("default-hash-seed", full), text), tail, "{text}");
        assert_eq!(number(Hash::fnv_mix("", full), text), mix, "{text}");
        assert_eq!(number(Hash::Zipkin, text), zipkin, "{text}");
        assert_eq!(number(Hash::Consistent, text), CONSISTENT - 1 - low, "{text}");
    }
    assert_eq!(number(Hash::fnv("", Input::Full), "abc"), 0x6861_8def_116f_7b81);
    assert_eq!(number(Hash::fnv("jaeger-test", Input::Full), "1"), 0x6e88_5873_c8d7_bdf5);
    assert_eq!(number(Hash::Zipkin, "8000000000000000"), i64::MAX.cast_unsigned());
}

#[test]
fn the_low_half_alone_gives_both_lengths_of_an_id_one_number() {
    let (short, long) = ("463ac35c9f6413ad", "80f198ee56343ba8463ac35c9f6413ad");
    for hash in [Hash::fnv("", Input::Low64), Hash::fnv_mix("", Input::Low64), Hash::Zipkin] {
        assert_eq!(number(hash, short), number(hash, long));
    }
    assert_eq!(number(Hash::fnv("", Input::Low64), short), number(Hash::fnv("", Input::Full), short));
    assert_ne!(number(Hash::fnv("", Input::Full), short), number(Hash::fnv("", Input::Full), long));
}

/// A share, Jaeger's largest hash, Zipkin's boundary, OpenTelemetry's threshold.
#[test]
fn thresholds_are_those_of_the_table() {
    let cases = [
        (0.0001, 0x00068db8bac710cb, Some(922337180385280), 0xfff972474538ef),
        (0.001, 0x004189374bc6a7ef, Some(9223372474941440), 0xffbe76c8b43958),
        (0.01, 0x028f5c28f5c28f5f, Some(92233718306963456), 0xfd70a3d70a3d71),
        (0.1, 0x19999999999999ff, Some(922337217429372928), 0xe6666666666666),
        (0.25, 0x3fffffffffffffff, Some(2305843009213693952), 0xc0000000000000),
        (0.3, 0x4ccccccccccccbff, None, 0xb3333333333334),
        (0.5, 0x7fffffffffffffff, Some(4611686018427387904), 0x80000000000000),
        (0.9, 0xe6666666666667ff, Some(8301034613266972672), 0x19999999999998),
        (0.999, 0xffbe76c8b43957ff, None, 0x004189374bc6a8),
    ];
    for (share, jaeger, zipkin, consistent) in cases {
        assert_eq!(largest(share), jaeger, "{share}");
        assert_eq!(consistent_threshold(share), consistent, "{share}");
        if let Some(zipkin) = zipkin {
            assert_eq!(boundary(share), zipkin, "{share}");
        }
    }
    assert_eq!([0.0, -0.0, 5e-324].map(largest), [0; 3]);
    assert_eq!(largest(1.0f64.next_down()), 0xffff_ffff_ffff_f7ff);
    assert_eq!((boundary(0.0), boundary(1.0)), (0, i64::MAX.cast_unsigned()));
    assert_eq!((consistent_threshold(0.0), consistent_threshold(1.0)), (CONSISTENT, 0));
}

/// Which of the vectors are kept, by their numbers from 1.
#[test]
fn shares_keep_the_traces_that_the_vectors_say() {
    let kept = |hash: Hash, share: f64| {
        let kept = VECTORS.iter().enumerate().filter(|(_, (text, _))| hash.grants(number(hash, text), share));
        kept.map(|(index, _)| index + 1).collect::<Vec<_>>()
    };
    let jaeger = Hash::fnv("", Input::Full);
    assert_eq!(kept(jaeger, 0.43), [1, 2, 4, 6]);
    assert_eq!(kept(jaeger, 0.3), [2, 6]);
    assert_eq!(kept(Hash::Zipkin, 0.55), [1, 2, 6]);
    assert_eq!(kept(Hash::Consistent, 0.25), [4, 5, 6]);
    for hash in [jaeger, Hash::fnv_mix("", Input::Full), Hash::Consistent, Hash::Zipkin] {
        assert_eq!(kept(hash, 1.0).len(), 6);
    }
    assert_eq!(kept(Hash::Zipkin, 0.0), Vec::<usize>::new());
    assert_eq!(kept(Hash::Consistent, 0.0), Vec::<usize>::new());
}

/// Jaeger's way: `2^64 - 1` times the ratio, rounded to a mantissa of 64 bits (to even), cut.
fn jaegers_threshold(ratio: f64) -> u64 {
    let (bits, low) = (ratio.to_bits(), (1u64 << 52) - 1);
    let product = u128::from(u64::MAX) * u128::from(bits & low | 1 << 52);
    let power = (bits >> 52) as i32 - 1075;
    let extra = (128 - product.leading_zeros()).saturating_sub(64);
    let (kept, rest, half) = (product >> extra, product & ((1 << extra) - 1), (1u128 << extra) >> 1);
    let up = extra > 0 && (rest > half || rest == half && kept & 1 == 1);
    let power = power + extra as i32;
    let rounded = kept + u128::from(up);
    if power < -127 { 0 } else { (rounded >> -power.min(0)) as u64 }
}

/// FNV-1a 64 as another crate computes it.
fn by_another_crate(salt: &str, id: TraceId) -> u64 {
    use std::hash::Hasher;
    let mut hasher = fnv::FnvHasher::default();
    hasher.write(salt.as_bytes());
    hasher.write(&(u128::from(id.high) << 64 | u128::from(id.low)).to_be_bytes());
    hasher.finish()
}

/// SplitMix64, so that a failure can be played again.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

const RATIOS: [f64; 10] = [0.0001, 0.001, 0.01, 0.1, 0.25, 0.3, 0.5, 0.9, 0.999, 1.0];

#[test]
fn a_million_random_ids_are_kept_as_jaeger_keeps_them() {
    let (mut state, jaeger) = (1, Hash::fnv("", Input::Full));
    let thresholds = RATIOS.map(|ratio| if ratio < 1.0 { jaegers_threshold(ratio) } else { u64::MAX });
    for index in 0..1_000_000 {
        // Every fourth has 64 bits.
        let high = if index % 4 == 0 { 0 } else { random(&mut state) };
        let id = TraceId { high, low: random(&mut state) };
        let (ours, theirs) = (jaeger.number(id, TraceState::default()), by_another_crate(JAEGERS_SALT, id));
        for (ratio, threshold) in RATIOS.iter().zip(thresholds) {
            assert_eq!(jaeger.grants(ours, *ratio), theirs <= threshold, "{id:?} {ratio}");
        }
    }
}

/// Zipkin's rule in other words: with the tables' boundaries, and in 128 bits.
#[test]
fn a_million_random_ids_are_kept_as_zipkin_keeps_them() {
    let rates = [
        (0.0001f32, 922337180385280),
        (0.001, 9223372474941440),
        (0.01, 92233718306963456),
        (0.1, 922337217429372928),
        (0.25, 2305843009213693952),
        (0.5, 4611686018427387904),
        (0.9, 8301034613266972672),
        (1.0, 9223372036854775807i128),
    ];
    let mut state = 2;
    for index in 0..1_000_000 {
        let high = if index % 2 == 0 { 0 } else { random(&mut state) };
        let id = TraceId { high, low: random(&mut state) };
        let absolute = i128::from(id.low.cast_signed()).abs().min(i64::MAX.into());
        let number = Hash::Zipkin.number(id, TraceState::default());
        for (rate, boundary) in rates {
            assert_eq!(Hash::Zipkin.grants(number, rate.into()), absolute <= boundary, "{id:?} {rate}");
        }
    }
}

fn share_kept(hash: Hash, share: f64, ids: impl ExactSizeIterator<Item = TraceId>) -> f64 {
    let all = ids.len() as f64;
    ids.filter(|id| hash.grants(hash.number(*id, TraceState::default()), share)).count() as f64 / all
}

/// The trap that the finaliser is for.
#[test]
fn sequential_ids_are_kept_in_their_share() {
    let sequential = || (0..100_000u32).map(|low| TraceId { high: 0, low: low.into() });
    let (plain, mixed) = (Hash::fnv("", Input::Full), Hash::fnv_mix("", Input::Full));
    let kept = share_kept(mixed, 0.01, sequential());
    assert!((0.009..=0.011).contains(&kept), "{kept}");
    for share in [0.001, 0.1, 0.5] {
        let (kept, deviation) = (share_kept(mixed, share, sequential()), (share * (1.0 - share) / 1e5f64).sqrt());
        assert!((kept - share).abs() < 4.0 * deviation, "{share}: {kept}");
    }
    assert_eq!([0.001, 0.01, 0.1].map(|share| share_kept(plain, share, sequential())), [0.0; 3]);
    assert_eq!(share_kept(plain, 0.5, sequential()), 1.0);
}

/// Whether an SDK keeps the trace with these low 64 bits.
type Head = fn(u64) -> bool;

/// Heads of one in a thousand, as SDKs decide, and half of what they send: an unsalted hash keeps
/// all of it, or none.
#[test]
fn what_a_head_has_sampled_is_kept_in_its_share_whatever_the_head() {
    let heads: [(&str, Head); 5] = [
        ("abs(low64), OpenTelemetry for Java", |low| low.cast_signed().unsigned_abs() < (1 << 63) / 1000),
        ("low63, Jaeger's SDKs", |low| low & (u64::MAX >> 1) < (1 << 63) / 1000),
        ("low64 >> 1, OpenTelemetry for Go", |low| low >> 1 < (1 << 63) / 1000),
        ("low56 from above, consistent", |low| low & (CONSISTENT - 1) >= CONSISTENT - CONSISTENT / 1000),
        ("none, as Envoy", |_| true),
    ];
    let mixed = Hash::fnv_mix("", Input::Full);
    for (name, keeps) in heads {
        let mut state = 3;
        let ids: Vec<_> = std::iter::repeat_with(|| TraceId { high: random(&mut state), low: random(&mut state) })
            .filter(|id| keeps(id.low))
            .take(20_000)
            .collect();
        let kept = share_kept(mixed, 0.5, ids.into_iter());
        assert!((kept - 0.5).abs() < 0.02, "{name}: {kept}");
    }
}

proptest! {
    #[test]
    fn the_short_form_of_a_threshold_is_jaegers(ratio in 0.0f64..1.0, scale in 0..100) {
        let ratio = ratio * 0.5f64.powi(scale);
        prop_assume!(ratio >= f64::MIN_POSITIVE);
        prop_assert_eq!(largest(ratio), jaegers_threshold(ratio));
    }

    /// What makes verdicts on parts of a trace nest.
    #[test]
    fn a_larger_share_keeps_all_that_a_smaller_one_keeps(high: u64, low: u64, one in 0.0f64..=1.0, other in 0.0f64..=1.0) {
        let (less, more) = if one < other { (one, other) } else { (other, one) };
        for hash in [Hash::fnv("", Input::Full), Hash::fnv_mix("x", Input::Low64), Hash::Consistent, Hash::Zipkin] {
            let number = hash.number(TraceId { high, low }, TraceState::default());
            prop_assert!(!hash.grants(number, less) || hash.grants(number, more));
        }
    }
}
