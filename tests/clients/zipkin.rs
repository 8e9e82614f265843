//! Zipkin's client for Go.

use crate::expected::Dialect;
use crate::programs::Language;
use crate::stored::{Client, House};

pub(crate) const GRPC: Client = Client {
    language: Language::Go,
    program: "zipkin-grpc",
    dialect: Dialect::Zipkin,
    listener: "zipkin",
    page: "zipkin-grpc",
};

#[test]
fn the_reporter_by_json() {
    House::new(&[]).check(&Client { program: "zipkin-json", page: "zipkin-json", ..GRPC }, &[]);
}

#[test]
fn the_reporter_by_protobuf() {
    House::new(&[]).check(&Client { program: "zipkin-proto", page: "zipkin-proto", ..GRPC }, &[]);
}

#[test]
fn report_over_grpc() {
    let house = House::new(&[]);
    house.check(&GRPC, &[]);
    house.check(&GRPC, &["--gzip"]);
}
