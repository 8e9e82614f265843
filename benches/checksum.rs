//! What does the checksum of a commit cost? The documents of 5 and of 100 spans, by the crate that
//! the spool uses and by one that is twice as fast, but 0.7 MB large: it has the tables of every checksum there is.

use std::hint::black_box;

use crc_fast::{CrcAlgorithm, checksum};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn checksums(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checksum");
    for bytes in [4_500, 90_000] {
        let documents: Vec<u8> = (0..bytes).map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        group.throughput(Throughput::Bytes(u64::from(bytes)));
        group.bench_with_input(BenchmarkId::new("crc-fast", bytes), &documents, |bencher, documents| {
            bencher.iter(|| checksum(CrcAlgorithm::Crc32Iscsi, black_box(documents)));
        });
        group.bench_with_input(BenchmarkId::new("crc32c", bytes), &documents, |bencher, documents| {
            bencher.iter(|| crc32c::crc32c(black_box(documents)));
        });
    }
    group.finish();
}

criterion_group!(benches, checksums);
criterion_main!(benches);
