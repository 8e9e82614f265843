//! Ports of jaeger-agent, under its own names.

use super::Kind::{Address, Size, Text, Whole};
use super::{Setting, from, row};

/// The settings of one UDP port.
macro_rules! processor {
    ($prefix:literal, $address:literal, $what:literal) => {
        &[
            row(concat!($prefix, ".server-host-port"), Address, $address, $what),
            row(
                concat!($prefix, ".server-max-packet-size"),
                Whole { least: 1, most: 65535 },
                "65000",
                "Bytes of a datagram that are read; what stands behind them is lost, and counted.",
            ),
            row(
                concat!($prefix, ".server-socket-buffer-size"),
                Size,
                "0",
                "Bytes that the kernel keeps for us while we are busy; beyond them it drops. 0: 4 MiB, or as much as \
                 `net.core.rmem_max` allows. If the kernel gives less than is set here, the log says so.",
            ),
            row(
                concat!($prefix, ".workers"),
                Whole { least: 1, most: 1024 },
                "1",
                "Tasks that read and decode. Jaeger's default is 10, which wait for its collector; ours wait for nobody.",
            ),
            row(
                concat!($prefix, ".server-queue-size"),
                from(1),
                "65536",
                "Datagrams that were read and are not safe yet; at so many no more are read, and the kernel's buffer \
                 fills. Jaeger's default is 1000.",
            ),
        ]
    };
}

pub(super) const COMPACT: &[Setting] =
    processor!("processor.jaeger-compact", ":6831", "Jaeger Thrift over UDP, compact protocol.");
pub(super) const BINARY: &[Setting] =
    processor!("processor.jaeger-binary", ":6832", "Jaeger Thrift over UDP, binary protocol.");

const NO_ZIPKIN: &str = "Zipkin's Thrift over UDP is not read: remove the setting, and let its clients send Zipkin over \
     HTTP to 9411";
const WITHOUT: &str = "Zipkin's Thrift over UDP is not read";

pub(super) const ZIPKIN: &[Setting] = &[
    row("processor.zipkin-compact.server-host-port", Address, ":5775", "Zipkin's Thrift over UDP.").refused(NO_ZIPKIN),
    row("processor.zipkin-compact.server-max-packet-size", from(0), "65000", "Bytes of a datagram.").ignored(WITHOUT),
    row("processor.zipkin-compact.server-socket-buffer-size", from(0), "0", "The kernel's buffer.").ignored(WITHOUT),
    row("processor.zipkin-compact.workers", from(0), "10", "Tasks that decode.").ignored(WITHOUT),
    row("processor.zipkin-compact.server-queue-size", from(0), "1000", "Datagrams that wait.").ignored(WITHOUT),
];

pub(super) const HTTP: &[Setting] = &[
    row(
        "http-server.host-port",
        Address,
        ":5778",
        "Where clients that knew a jaeger-agent ask for sampling strategies and baggage restrictions.",
    ),
    row("agent.tags", Text, "", "Tags for the process of every span.")
        .ignored("`--collector.tags` adds tags to every process"),
];
