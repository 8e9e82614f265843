//! The table.

use crate::sink::Counts;
use ::spaniel::command::load::generator::Offered;

pub(crate) const HEADER: &str =
    "spans/POST |  offered spans |  spans/s wall | spans/CPU-s | idle MiB | peak MiB | p50 ms | p99 ms | answers";

/// Anonymous plus shared memory, in bytes.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) idle: u64,
    pub(crate) peak: u64,
}

pub(crate) fn line(spans: usize, offered: &Offered, stored: &Counts, cpu: f64, memory: &Memory) -> String {
    let memory = format!("{:8.1} | {:8.1}", mebibytes(memory.idle), mebibytes(memory.peak));
    row(spans, offered, &format!("{:11.0}", stored.spans as f64 / cpu), &memory)
}

pub(crate) fn line_of_target(spans: usize, offered: &Offered, cpu: Option<f64>) -> String {
    let rate = cpu.map_or("          -".into(), |cpu| format!("{:11.0}", offered.accepted as f64 / cpu));
    row(spans, offered, &rate, "       - |        -")
}

fn row(spans: usize, offered: &Offered, rate: &str, memory: &str) -> String {
    let wall = offered.spans() as f64 / offered.wall.as_secs_f64();
    let answer = |quantile| offered.answer.value_at_quantile(quantile) as f64 / 1000.0;
    let answers: Vec<_> = offered.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
    format!(
        "{spans:10} | {:14} | {wall:13.0} | {rate} | {memory} | {:6.2} | {:6.2} | {}",
        offered.spans(),
        answer(0.5),
        answer(0.99),
        answers.join(", ")
    )
}

/// True if every span offered was stored once or refused, and the books say the same.
pub(crate) fn check(offered: &Offered, stored: &Counts, books: &serde_json::Value) -> bool {
    let good = offered.accepted == stored.spans && stored.doubled == 0 && stored.unreadable == 0 && balanced(books);
    if !good {
        eprintln!("offered {} = accepted {} + refused {}", offered.spans(), offered.accepted, offered.refused);
        eprintln!("sink: {stored:?}");
        eprintln!("books: {books}");
    }
    good
}

/// Spans that a rule left out.
pub(crate) fn sampled_out(books: &serde_json::Value) -> u64 {
    let pages = books["spans"].as_object().into_iter().flat_map(|pages| pages.values());
    let counts = pages.flat_map(|page| page["sampled_out"].as_object().into_iter().flat_map(|counts| counts.values()));
    counts.filter_map(serde_json::Value::as_u64).sum()
}

pub(crate) fn balanced(books: &serde_json::Value) -> bool {
    books["balanced"] == serde_json::Value::Bool(true)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
