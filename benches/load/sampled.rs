//! What is saved by what is not kept: received spans for each CPU-second with everything kept, and
//! with a hundredth kept by one rate and by eight rules, by turns.

use anyhow::{Result, bail};

use crate::spaniel::Spaniel;
use crate::{Options, process, report, sink};

/// One rate for the mesh.
const RATE: &str = "rates: [{ name: mesh, rate: 0.01 }]\n";
/// The same among rules that look at tags and keep little else.
const RULES: &str = r#"
drop:
  - { name: blocked, when: "service == 'load-generator'", absolute: true }
  - { name: probes, when: "operation in ['/healthz', '/ready', '/livez'] and kind == 'server'" }
  - { name: metrics, when: "tag('http.url') contains '/metrics'" }
keep:
  - { name: errors, when: "error or status >= 500 or grpc in [2, 4, 8, 13, 14]" }
  - { name: flagged, when: "flags in ['UF', 'URX', 'UT', 'UC']" }
  - { name: slow, when: "duration > 1m" }
rates:
  - { name: mesh, rate: 0.01 }
  - { name: checkout, rate: 0.02, when: "service starts_with 'checkout' or revision == 'canary'" }
"#;

/// The way, and the content of its file of rules.
const WAYS: [(&str, &str); 3] = [("all kept", ""), ("1 %, one rate", RATE), ("1 %, eight rules", RULES)];

/// What one run came to.
struct Measured {
    received_per_cpu_second: f64,
    kept: f64,
}

/// Runs each way in each round, and prints medians.
pub(crate) fn measure(options: &Options, rounds: usize) -> Result<()> {
    println!("received spans for each CPU-second, medians of {rounds} rounds");
    for &spans in &options.spans {
        let mut runs: [Vec<Measured>; WAYS.len()] = Default::default();
        for _ in 0..rounds {
            for (way, runs) in WAYS.iter().zip(&mut runs) {
                runs.push(run(options, way.1, spans)?);
            }
        }
        let medians = runs.map(|mut runs| {
            runs.sort_by(|one, other| one.received_per_cpu_second.total_cmp(&other.received_per_cpu_second));
            runs.swap_remove(runs.len() / 2)
        });
        for ((name, _), Measured { received_per_cpu_second: rate, kept }) in WAYS.iter().zip(&medians) {
            let times = rate / medians[0].received_per_cpu_second;
            println!("{spans:4} spans a POST  {name:<17} {rate:9.0}  {times:5.2} times  kept {:6.2} %", kept * 100.0);
        }
    }
    Ok(())
}

fn run(options: &Options, rules: &str, spans: usize) -> Result<Measured> {
    let sink = sink::Child::start()?;
    std::fs::create_dir_all(options.folder())?;
    let file = options.folder().join("rules.yaml");
    std::fs::write(&file, rules)?;
    let flags = [format!("--sampling.rules-file={}", file.display())].into_iter().chain(options.flags.iter().cloned());
    let spaniel = Spaniel::start_for(options.protocol, &sink.url(), &flags.collect::<Vec<_>>())?;
    let before = process::cpu_seconds(spaniel.pid())?;
    let offered = crate::offer(&spaniel.address, options, &options.load(spans))?;
    let books = spaniel.wait_until_settled()?;
    let cpu = process::cpu_seconds(spaniel.pid())? - before;
    let stored = sink.counts()?;
    let dropped: u64 = report::sampled_out(&books);
    if !report::balanced(&books) || offered.accepted != stored.spans + dropped || stored.doubled > 0 {
        bail!("accepted {} is not stored {} + sampled out {dropped}: {books}", offered.accepted, stored.spans);
    }
    let (accepted, kept) = (offered.accepted as f64, stored.spans as f64);
    Ok(Measured { received_per_cpu_second: accepted / cpu, kept: kept / accepted })
}
