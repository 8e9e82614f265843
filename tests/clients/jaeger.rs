//! Jaeger's own clients, and the stubs of its collector.

use crate::expected::Dialect;
use crate::programs::Language;
use crate::stored::{Client, House};

pub(crate) const GRPC: Client = Client {
    language: Language::Go,
    program: "jaeger-grpc",
    dialect: Dialect::Jaeger("proto"),
    listener: "jaeger-grpc",
    page: "jaeger-grpc",
};

/// Its own clients speak Thrift.
const THRIFT: Client = Client { dialect: Dialect::Jaeger("jaeger"), ..GRPC };

#[test]
fn stubs_of_the_collector() {
    let house = House::new(&[]);
    house.check(&GRPC, &[]);
    house.check(&GRPC, &["--gzip"]);
}

#[test]
fn the_client_by_compact_thrift_over_udp() {
    let client = Client { program: "jaeger-udp", listener: "agent-compact", page: "agent-compact", ..THRIFT };
    House::new(&[]).check(&client, &[]);
}

#[test]
fn the_client_by_binary_thrift_over_udp() {
    let (program, page) = ("jaeger-binary", "agent-binary");
    let client = Client { language: Language::Node, program, listener: page, page, ..THRIFT };
    House::new(&[]).check(&client, &[]);
}

#[test]
fn the_client_by_thrift_over_http() {
    let (program, page) = ("jaeger-http", "jaeger-thrift-http");
    let client = Client { program, listener: page, page, ..THRIFT };
    House::new(&[]).check(&client, &[]);
}
