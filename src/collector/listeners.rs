//! The ports: bound first, served together.

use std::sync::Arc;

use serde_json::json;

use super::build::House;
use crate::forward::Forwarding;
use crate::pipeline::Protocol;
use crate::query::{self, Query};
use crate::receive::agent_udp::{self, BoundUdp, DatagramServer};
use crate::receive::{self, BindError, BodyReader, Bound, Guard, Reception, Server, Tls, TlsError};
use crate::sample::explain::Question;
use crate::settings::{GrpcServer, Settings};
use crate::telemetry::admin::{self, AdminSources, Explained};
use crate::telemetry::log::LogLevel;

/// Ports that are bound and accept nothing yet.
pub(super) struct Listeners {
    zipkin: Option<Bound>,
    jaeger_http: Option<Bound>,
    jaeger_grpc: Option<Bound>,
    otlp_grpc: Option<Bound>,
    otlp_http: Option<Bound>,
    query: Option<Bound>,
    admin: Option<Bound>,
    agent: [Option<BoundUdp>; 2],
    agent_http: Option<Bound>,
}

/// Ports that are served: two groups, for the admin port answers until the end.
pub(super) struct Servers {
    /// Spans and queries.
    pub(super) spans: Arc<Server>,
    pub(super) admin: Arc<Server>,
    pub(super) datagrams: DatagramServer,
    /// What each port is for, and its address.
    pub(super) table: Vec<(&'static str, String)>,
}

impl Listeners {
    pub(super) fn bind(settings: &Settings) -> Result<Self, BindError> {
        let listen = &settings.listen;
        let bind = |name, flag, host_port: &Option<String>| {
            host_port.as_deref().map(|host_port| receive::bind(name, flag, host_port)).transpose()
        };
        Ok(Listeners {
            zipkin: bind("zipkin", "--collector.zipkin.host-port", &listen.zipkin)?,
            jaeger_http: bind("jaeger-thrift-http", "--collector.http-server.host-port", &listen.jaeger_http)?,
            jaeger_grpc: bind("jaeger-grpc", "--collector.grpc-server.host-port", &listen.jaeger_grpc)?,
            otlp_grpc: bind("otlp-grpc", "--collector.otlp.grpc.host-port", &listen.otlp_grpc)?,
            otlp_http: bind("otlp-http", "--collector.otlp.http.host-port", &listen.otlp_http)?,
            query: bind("query", "--query.http-server.host-port", &listen.query)?,
            admin: bind("admin", "--admin.http.host-port", &listen.admin)?,
            agent: agent_udp::bind(&settings.agent)?,
            agent_http: bind("agent-http", "--http-server.host-port", &settings.agent.http)?,
        })
    }

    /// With TLS where it is on; what its files hold must be good now.
    pub(super) fn secure(self, house: &House, settings: &Settings) -> Result<Self, TlsError> {
        let secure = |bound: Option<Bound>, tls| {
            bound.map(|bound| Ok(bound.with_tls(Tls::new(tls, &house.metrics)?))).transpose()
        };
        let tls = &settings.tls;
        Ok(Listeners {
            zipkin: secure(self.zipkin, &tls.zipkin)?,
            jaeger_http: secure(self.jaeger_http, &tls.jaeger_http)?,
            jaeger_grpc: secure(self.jaeger_grpc, &tls.jaeger_grpc)?,
            otlp_grpc: secure(self.otlp_grpc, &tls.otlp_grpc)?,
            otlp_http: secure(self.otlp_http, &tls.otlp_http)?,
            query: secure(self.query, &tls.query)?,
            admin: secure(self.admin, &tls.admin)?,
            ..self
        })
    }

    /// Serves all of them; the admin port answers *not available* until the house is up.
    pub(super) fn serve(self, house: &House, settings: &Settings, level: LogLevel, guard: &Guard) -> Servers {
        let table = self.table();
        let datagrams = DatagramServer::new();
        let spans = Server::new(settings.connections.clone(), house.metrics.clone(), house.budget.clone());
        let admin = Server::new(settings.connections.clone(), house.metrics.clone(), house.budget.clone());
        let bodies = BodyReader::new(house.budget.clone(), &settings.limits, &settings.connections);
        let strategies = &house.strategies;
        let take = Arc::new(Forwarding { take: house.pipeline.clone(), forward: house.forward.clone() });
        let reception = Reception { take: take.clone(), bodies, metrics: house.metrics.clone() };
        if let Some(bound) = self.admin {
            admin.serve(bound, admin::router(admin_sources(house, settings, level, &table)));
        }
        if let Some(bound) = self.zipkin {
            let router = receive::zipkin::router(reception.clone(), house.health.clone());
            spans.serve(bound, guard.spans("zipkin", take.routes(router)));
        }
        if let Some(bound) = self.jaeger_grpc {
            let GrpcServer { max_message_size, age } = settings.jaeger_grpc;
            let router = receive::grpc::jaeger(&reception, max_message_size, house.health.clone(), strategies.clone());
            spans.serve_to_age(bound, guard.spans("jaeger-grpc", take.routes(router)), age);
        }
        if let Some(bound) = self.otlp_grpc {
            let GrpcServer { max_message_size, age } = settings.otlp_grpc;
            let router = receive::grpc::otlp(&reception, max_message_size);
            spans.serve_to_age(bound, guard.spans("otlp-grpc", take.routes(router)), age);
        }
        if let Some(bound) = self.otlp_http {
            let router = receive::otlp_http::router(reception.clone(), &settings.otlp_http_cors);
            spans.serve(bound, guard.spans("otlp-http", take.routes(router)));
        }
        if let Some(bound) = self.jaeger_http {
            let router = take.routes(receive::jaeger_http::router(reception, strategies.clone()));
            spans.serve(bound, guard.untenanted("jaeger-thrift-http", router));
        }
        if let Some(bound) = self.query {
            let listeners = table.iter().map(|(name, address)| (name.to_string(), address.clone())).collect();
            let query =
                Query { listeners, ..Query::new(house.reader.clone(), house.clock.clone(), house.budget.clone()) };
            spans.serve(bound, guard.query("query", query::router(query)));
        }
        if let Some(bound) = self.agent_http {
            spans.serve(bound, receive::agent_http::router(strategies.clone(), house.metrics.clone()));
        }
        let protocols = [Protocol::AgentCompact, Protocol::AgentBinary];
        let sockets = protocols.into_iter().zip(self.agent).filter_map(|(protocol, socket)| Some((protocol, socket?)));
        datagrams.serve(sockets.collect(), &take, &house.budget, &house.metrics);
        Servers { spans, admin, datagrams, table }
    }

    fn table(&self) -> Vec<(&'static str, String)> {
        let spans = [&self.zipkin, &self.jaeger_http, &self.jaeger_grpc, &self.otlp_grpc, &self.otlp_http];
        let tcp = spans.into_iter().chain([&self.agent_http, &self.query, &self.admin]);
        let tcp = tcp.flatten().map(|bound| (bound.name, bound.address().to_string()));
        let udp = self.agent.iter().flatten().map(|bound| (bound.name, bound.address().to_string()));
        tcp.chain(udp).collect()
    }
}

fn admin_sources(
    house: &House,
    settings: &Settings,
    level: LogLevel,
    table: &[(&'static str, String)],
) -> AdminSources {
    let (writer, spool, budget) = (house.writer.clone(), house.spool.clone(), house.budget.clone());
    let (forward, metrics) = (house.forward.clone(), house.metrics.clone());
    let listeners: serde_json::Map<_, _> = table.iter().map(|(name, at)| (name.to_string(), json!(at))).collect();
    let set = level.clone();
    let (sampler, clock) = (house.sampler.clone(), house.clock.clone());
    AdminSources {
        health: house.health.clone(),
        metrics: house.metrics.clone(),
        books: house.books.clone(),
        identity: house.identity.clone(),
        metrics_route: settings.metrics.enabled.then(|| settings.metrics.route.clone()),
        status: Arc::new(move || {
            json!({
                "listeners": listeners,
                "store": writer.status(),
                "waiting": {
                    "items": spool.held_items(),
                    "bytes": spool.held_bytes(),
                    "counted": spool.is_counted(),
                },
                "strangeClocks": metrics.strays(),
                "forward": forward.as_ref().map_or_else(Vec::new, |forward| forward.status()),
                "memory": {"limit": budget.limit(), "used": budget.used(), "overhead": budget.overhead()},
            })
        }),
        log_level: Arc::new(move || level.get().to_string()),
        set_log_level: Arc::new(move |word| set.set(word).map_err(|error| error.to_string())),
        explain: Arc::new(move |parameters| {
            let explanation = sampler.explain(&Question::read(parameters)?, clock.micros());
            let json = serde_json::to_value(&explanation).map_err(|error| error.to_string())?;
            Ok(Explained { json, words: explanation.to_string() })
        }),
    }
}
