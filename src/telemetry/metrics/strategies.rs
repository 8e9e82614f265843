//! Sampling strategies: what clients were told, under Jaeger's names, and how their source does.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Labels;
use super::register::{family, gauge};

/// How a strategy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrategyForm {
    /// Its type as a word.
    Named,
    /// Its type as a number, for clients of Thrift 0.9.2.
    Numbered,
}

/// Why a client was told none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrategyRefusal {
    /// It asked for no service, or for several.
    BadRequest,
    /// The strategy cannot be written as Thrift.
    Thrift,
}

/// The families. Jaeger's series are there from the start, as in Jaeger.
#[derive(Debug)]
pub(super) struct StrategyCounts {
    told: [Counter; 2],
    refused: [Counter; 2],
    looks: Family<Labels, Counter>,
    good: Gauge,
}

impl StrategyCounts {
    pub(super) fn register(all: &mut Registry) -> Self {
        let told =
            family(all, "jaeger_collector_http_server_requests", "clients that were told their strategy over HTTP");
        let told = ["sampling", "sampling-legacy"].map(|kind| of(&told, &[("type", kind)]));
        let refused = family(all, "jaeger_collector_http_server_errors", "clients that were told none");
        let refused =
            [("all", "4xx"), ("thrift", "5xx"), ("collector-proxy", "5xx"), ("proto", "5xx"), ("write", "5xx")]
                .map(|(source, status)| of(&refused, &[("source", source), ("status", status)]));
        let [bad_request, thrift, ..] = refused;
        let looks = "looks at the source of the strategies, by what came of them";
        StrategyCounts {
            told,
            refused: [bad_request, thrift],
            looks: family(all, "spaniel_sampling_strategy_reload", looks),
            good: gauge(all, "spaniel_sampling_strategies_good", "1 if the last look at their source was good"),
        }
    }

    pub(super) fn told(&self, form: StrategyForm) {
        let [named, numbered] = &self.told;
        match form {
            StrategyForm::Named => named.inc(),
            StrategyForm::Numbered => numbered.inc(),
        };
    }

    pub(super) fn refused(&self, refusal: StrategyRefusal) {
        let [bad_request, thrift] = &self.refused;
        match refusal {
            StrategyRefusal::BadRequest => bad_request.inc(),
            StrategyRefusal::Thrift => thrift.inc(),
        };
    }

    pub(super) fn looked_at(&self, result: &'static str, good: bool) {
        self.looks.get_or_create(&vec![("result", result.to_string())]).inc();
        self.good.set(good.into());
    }
}

/// The series of these labels.
fn of(family: &Family<Labels, Counter>, labels: &[(&'static str, &str)]) -> Counter {
    family.get_or_create_owned(&labels.iter().map(|(name, value)| (*name, (*value).to_string())).collect::<Labels>())
}
