//! A stand-in for Elasticsearch that misbehaves by a script: for what no real server can be made to
//! do at a chosen moment, and for tests that must run where no real server can.
//!
//! It speaks HTTP/1.1 over plain sockets of its own, a thread each, so that it may cut a connection
//! anywhere. It keeps documents as a real one does (`create` answers 409 for what is there, `_type`
//! is demanded by 6 and refused by 8, a missing alias is no index under `require_alias`), and notes
//! how often a span was *made new* in any index: more than once is a double, whatever its `_id`.
//!
//! - [`fault`] says what it may do to a bulk request; [`StandIn::begin`] and [`StandIn::lift`] when.
//! - [`cluster`] is what a server keeps and what it answers; [`http`] the requests and answers;
//!   [`node`] a port that can go and come back; [`talk`] one connection.

mod cluster;
mod fault;
mod http;
mod node;
mod talk;

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;

use cluster::Cluster;
pub(crate) use cluster::Identity;
pub(crate) use fault::Fault;
use fault::Script;
use node::Node;

/// What the nodes share.
#[derive(Debug, Default)]
struct Shared {
    cluster: Mutex<Cluster>,
    script: Mutex<Script>,
}

/// A running stand-in; gone when dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    shared: Arc<Shared>,
    nodes: Vec<Node>,
}

/// A port of loopback on which nothing listens.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl StandIn {
    /// One node of Elasticsearch 7.17 on a port.
    pub(crate) fn start(port: u16) -> Self {
        let shared = Arc::new(Shared::default());
        let nodes = vec![Node::new(port, shared.clone())];
        nodes.iter().for_each(Node::up);
        StandIn { shared, nodes }
    }

    /// So many nodes on ports of their own, none of them up.
    pub(crate) fn nodes(count: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let nodes = (0..count).map(|_| Node::new(0, shared.clone())).collect();
        StandIn { shared, nodes }
    }

    /// For `--es.server-urls`.
    pub(crate) fn urls(&self) -> String {
        let urls = self.nodes.iter().map(|node| format!("http://{}", node.address()));
        urls.collect::<Vec<_>>().join(",")
    }

    /// Connections to this node are refused, and those that are open are reset.
    pub(crate) fn down(&self, node: usize) {
        self.nodes[node].down();
    }

    pub(crate) fn up(&self, node: usize) {
        self.nodes[node].up();
    }

    /// From now on it is this version: `6.8.23`, or `opensearch 2.19.4`.
    pub(crate) fn become_version(&self, version: &str) {
        self.cluster().version = cluster::Version::new(version);
    }

    /// It loses its templates, as one does that comes back without its data.
    pub(crate) fn forget_templates(&self) {
        self.cluster().templates.clear();
    }

    /// The templates that were put, as `_template/jaeger-span`.
    pub(crate) fn templates(&self) -> Vec<String> {
        self.cluster().templates.keys().cloned().collect()
    }

    /// A new index of this name becomes the write index of this alias.
    pub(crate) fn roll_over(&self, alias: &str, index: &str) {
        self.cluster().roll_over(alias, index);
    }

    /// Every bulk request meets this fault, until it is lifted; counts from 0.
    pub(crate) fn begin(&self, fault: Fault) {
        self.script().begin(fault);
    }

    pub(crate) fn lift(&self) {
        self.script().lift();
    }

    /// How many requests the fault has met since it began.
    pub(crate) fn hits(&self) -> usize {
        self.script().hits
    }

    /// Bulk requests that came in whole, and questions for aliases, without which none is sent.
    pub(crate) fn bulks(&self) -> usize {
        let cluster = self.cluster();
        cluster.bulks + cluster.alias_questions
    }

    /// The span documents.
    pub(crate) fn spans(&self) -> Vec<Value> {
        self.cluster().spans().map(|(_, source)| source.clone()).collect()
    }

    /// The index and the document of each span document.
    pub(crate) fn spans_by_index(&self) -> Vec<(String, Value)> {
        self.cluster().spans().map(|(index, source)| (index.to_string(), source.clone())).collect()
    }

    /// How often each span was made new, in any index.
    pub(crate) fn made(&self) -> std::collections::BTreeMap<Identity, usize> {
        self.cluster().made.clone()
    }

    /// What a real server would have refused to understand: a defect of the sender.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.cluster().complaints.clone()
    }

    fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.shared.cluster.lock().unwrap()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.shared.script.lock().unwrap()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.nodes.iter().for_each(Node::down);
    }
}
