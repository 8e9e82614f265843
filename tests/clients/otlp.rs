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

const HTTP: Client = Client { program: "otlp-http", listener: "otlp-http", page: "otlp-http", ..GRPC };

#[test]
fn the_sdk_by_http() {
    let house = House::new(&[]);
    house.check(&HTTP, &[]);
    house.check(&HTTP, &["--gzip"]);
}

/// The SDK tells its program of a partial success, in our words.
#[test]
fn the_sdk_hears_what_was_left_out() {
    let house = House::new(&["--limits.tags-per-span=5"]);
    for client in [GRPC, HTTP] {
        let Some(mut command) = client.language.program(client.program) else { return };
        let output = command.arg(house.spaniel.address(client.listener)).output().unwrap();
        let heard = String::from_utf8_lossy(&output.stderr);
        let words = "1 of 6 spans were left out (limit 1; the first: too many attributes at byte ";
        assert!(!output.status.success() && heard.contains(words), "{heard}");
        let books = house.spaniel.settled_books();
        let page = &books["spans"][client.page];
        assert_eq!((&page["received"], &page["stored"], &page["refused"]["limit"]), (&6.into(), &5.into(), &1.into()));
    }
    let metrics = house.spaniel.get("admin", "/metrics").text().unwrap();
    assert!(metrics.contains("spaniel_limits_reached_total{limit=\"limits.tags-per-span\"} 2"), "{metrics}");
}

#[test]
fn the_sdk_by_http_as_json() {
    let json =
        Client { language: Language::Node, program: "otlp-json", listener: "otlp-http", page: "otlp-json", ..GRPC };
    House::new(&[]).check(&json, &[]);
}
