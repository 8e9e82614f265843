//! Datagrams to jaeger-agent's port at a rate: nobody answers, so what was lost is counted.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::protocol::Protocol;
use crate::sink;
use crate::spaniel::Spaniel;
use crate::{Options, encode, process};

const HEADER: &str =
    "spans/packet | packets sent |  packets/s |   received | dropped by the kernel | spans stored | spans/CPU-s";

/// Packets are sent in bursts so far apart.
const BEAT: Duration = Duration::from_millis(1);

/// A fresh process for each size of packet; fails if spans that were received are not stored.
pub(crate) fn measure(options: &Options) -> Result<()> {
    println!("{HEADER}");
    for &spans in &options.spans {
        let sink = sink::Child::start()?;
        let spaniel = Spaniel::start_for(Protocol::Udp, &sink.url(), &options.flags)?;
        let before = process::cpu_seconds(spaniel.pid())?;
        let (sent, wall) = send(&spaniel.address, spans, options.rate, Duration::from_secs(options.seconds))?;
        let received = wait_until_read(&spaniel, sent)?;
        let books = spaniel.wait_until_settled()?;
        let cpu = process::cpu_seconds(spaniel.pid())? - before;
        let stored = sink.counts()?;
        println!(
            "{spans:12} | {sent:12} | {:10.0} | {received:10.0} | {:21.0} | {:12} | {:11.0}",
            sent as f64 / wall.as_secs_f64(),
            spaniel.metric("spaniel_datagrams_dropped_by_kernel_total")?,
            stored.spans,
            stored.spans as f64 / cpu
        );
        if stored.spans != received as u64 * spans as u64 || stored.doubled != 0 || books["balanced"] != true {
            bail!("received is not stored: {stored:?}, {books}");
        }
    }
    Ok(())
}

/// Sends for so long; how many packets there were, and how long it took.
fn send(address: &str, spans: usize, rate: u64, length: Duration) -> Result<(u64, Duration)> {
    let mut templates = encode::templates(Protocol::Udp, spans, 16)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(address).with_context(|| format!("cannot send to {address}"))?;
    let started = Instant::now();
    let (mut sent, mut serial) = (0, u64::from(std::process::id()) << 32);
    while started.elapsed() < length {
        let due = (started.elapsed().as_secs_f64() * rate as f64) as u64;
        while sent < due {
            let index = sent as usize % templates.len();
            templates[index].freshen(&mut serial);
            socket.send(&templates[index].body)?;
            sent += 1;
        }
        std::thread::sleep(BEAT);
    }
    Ok((sent, started.elapsed()))
}

/// Waits until each packet was read or dropped; how many were read.
fn wait_until_read(spaniel: &Spaniel, sent: u64) -> Result<f64> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let received = spaniel.metric("spaniel_datagrams_received_total")?;
        let dropped = spaniel.metric("spaniel_datagrams_dropped_by_kernel_total")?;
        if received + dropped >= sent as f64 {
            return Ok(received);
        }
        if Instant::now() > deadline {
            bail!("of {sent} packets {received} were read and {dropped} dropped by the kernel");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
