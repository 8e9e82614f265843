//! OpenTelemetry's SDKs, for Go and for JavaScript.

use crate::expected::Dialect;
use crate::programs::Language;
use crate::stored::{Client, House};

pub(crate) const GRPC: Client = Client {
    language: Language::Go,
    program: "otlp-grpc",
    dialect: Dialect::OpenTelemetry,
    listener: "otlp-grpc",
    page: "otlp-grpc",
};

#[test]
fn the_sdk_by_grpc() {
    let house = House::new(&[]);
    house.check(&GRPC, &[]);
    house.check(&GRPC, &["--gzip"]);
}

#[test]
fn the_sdk_by_http() {
    let client = Client { program: "otlp-http", listener: "otlp-http", page: "otlp-http", ..GRPC };
    let house = House::new(&[]);
    house.check(&client, &[]);
    house.check(&client, &["--gzip"]);
}

#[test]
fn the_sdk_by_http_as_json() {
    let json =
        Client { language: Language::Node, program: "otlp-json", listener: "otlp-http", page: "otlp-json", ..GRPC };
    House::new(&[]).check(&json, &[]);
}
