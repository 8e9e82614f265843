//! What safety costs: the same load with `--spool.sync` off, process and disk, in turns, as a share
//! of what `off` carries for each CPU-second; then answer times of a load that the machine carries
//! easily, beside a bare write and `fdatasync` on the same disk at the same time.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;

use crate::spaniel::Spaniel;
use crate::{Options, process, report, sink};
use ::spaniel::command::load::generator::Load;

/// Modes, the first of which the others are compared with.
const MODES: [(&str, &[&str]); 4] = [
    ("off", &["--spool.sync=off"]),
    ("process", &["--spool.sync=process"]),
    ("disk", &["--spool.sync=disk"]),
    ("disk, zstd", &["--spool.sync=disk", "--spool.compression=zstd"]),
];

/// Connections when answer times are measured, and the time between two requests of one.
const CALM: (usize, Duration) = (32, Duration::from_millis(100));

/// One fresh process under load.
#[derive(Debug)]
struct Measured {
    spans_per_cpu_second: f64,
    p99: Duration,
    commits: f64,
    committed_bytes: f64,
    disk_written: f64,
}

pub(crate) fn measure(options: &Options, rounds: usize) -> Result<()> {
    println!(
        "what --spool.sync costs, over {} connections: spans/CPU-s, the median of {rounds} rounds in turns, and its share of off",
        options.connections()
    );
    for &spans in &options.spans {
        let mut rates = MODES.map(|_| Vec::new());
        let mut disk = MODES.map(|_| (0.0, 0.0));
        for _ in 0..rounds {
            for (mode, (name, flags)) in MODES.iter().enumerate() {
                let measured =
                    run(options, flags, &options.load(spans)).with_context(|| format!("--spool.sync={name}"))?;
                rates[mode].push(measured.spans_per_cpu_second);
                disk[mode].0 += measured.committed_bytes;
                disk[mode].1 += measured.disk_written;
            }
        }
        let off = median(&mut rates[0]);
        for (mode, (name, _)) in MODES.iter().enumerate() {
            let (rate, (committed, written)) = (median(&mut rates[mode]), disk[mode]);
            let share = 100.0 * rate / off;
            let bytes = if committed > 0.0 { format!("{:5.2}", written / committed) } else { "    -".into() };
            println!("{spans:4} spans a POST  {name:<11} {rate:9.0}  {share:5.1} %  bytes on disk for each: {bytes}");
        }
        latencies(options, spans)?;
    }
    Ok(())
}

/// Answer times where nothing queues for a core, beside those of the bare disk with as many bytes.
fn latencies(options: &Options, spans: usize) -> Result<()> {
    let mut bytes = 0;
    for (name, flags) in &MODES[..3] {
        let probe = if bytes > 0 { Some(Probe::start(&options.folder(), bytes)?) } else { None };
        let load = Load { connections: CALM.0, every: Some(CALM.1), ..options.load(spans) };
        let measured = run(options, flags, &load)?;
        let answer = measured.p99.as_secs_f64() * 1e3;
        print!("{spans:4} spans a POST  {name:<11} p99 of an answer {answer:6.2} ms");
        match probe.map(Probe::stop).transpose()? {
            Some(bare) => {
                let quantile = |quantile| bare.value_at_quantile(quantile) as f64 / 1000.0;
                let (half, most) = (quantile(0.5), quantile(0.99));
                println!("; a bare write and fdatasync of {bytes} bytes beside it: p50 {half:.2}, p99 {most:.2} ms");
            }
            None => println!(),
        }
        if measured.commits > 0.0 {
            bytes = (measured.committed_bytes / measured.commits) as usize;
        }
    }
    Ok(())
}

fn run(options: &Options, flags: &[&str], load: &Load) -> Result<Measured> {
    let sink = sink::Child::start()?;
    let flags: Vec<_> = flags.iter().map(ToString::to_string).chain(options.flags.iter().cloned()).collect();
    let spaniel = Spaniel::start_for(options.protocol, &sink.url(), &flags)?;
    let before = process::cpu_seconds(spaniel.pid())?;
    let written = process::written_bytes(spaniel.pid())?;
    let offered = crate::offer(&spaniel.address, options, load)?;
    let books = spaniel.wait_until_settled()?;
    let cpu = process::cpu_seconds(spaniel.pid())? - before;
    let stored = sink.counts()?;
    if !report::check(&offered, &stored, &books) {
        bail!("spans were lost or doubled");
    }
    Ok(Measured {
        spans_per_cpu_second: stored.spans as f64 / cpu,
        p99: Duration::from_micros(offered.answer.value_at_quantile(0.99)),
        commits: spaniel.metric("spaniel_spool_commit_seconds_count")?,
        committed_bytes: spaniel.metric("spaniel_spool_committed_bytes_total")?,
        disk_written: (process::written_bytes(spaniel.pid())? - written) as f64,
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes and syncs a block of a file of its own, fifty times a second, until stopped.
struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Histogram<u64>>>,
    path: PathBuf,
}

impl Probe {
    fn start(folder: &Path, bytes: usize) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("probe");
        let file = File::create(&path)?;
        // Blocks that are there already, as the spool's are.
        let room = vec![1; 64 * bytes];
        file.write_all_at(&room, 0)?;
        file.sync_all()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut times = Histogram::new_with_bounds(1, 60_000_000, 3)?;
            for block in (0..64).cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                let began = Instant::now();
                file.write_all_at(&room[..bytes], block * bytes as u64)?;
                file.sync_data()?;
                times.saturating_record(began.elapsed().as_micros() as u64);
                std::thread::sleep(Duration::from_millis(20));
            }
            Ok(times)
        });
        Ok(Probe { stop, thread, path })
    }

    fn stop(self) -> Result<Histogram<u64>> {
        self.stop.store(true, Ordering::Relaxed);
        let times = self.thread.join().map_err(|_| anyhow::anyhow!("the probe of the disk died"))?;
        std::fs::remove_file(self.path)?;
        times
    }
}
