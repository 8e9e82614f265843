//! A Spaniel in front of a store that remembers, and what must be in it.

use serde_json::Value as Json;

use crate::expected::{Dialect, document, in_order};
use crate::programs::Language;
use crate::report::Report;
use crate::spaniel::{Spaniel, Start, until};
use crate::stand_in::StandIn;

/// A Spaniel and its store.
pub(crate) struct House {
    pub(crate) spaniel: Spaniel,
    store: StandIn,
}

/// A client as a test runs it.
pub(crate) struct Client {
    pub(crate) language: Language,
    pub(crate) program: &'static str,
    pub(crate) dialect: Dialect,
    /// The name of the listener that it speaks to.
    pub(crate) listener: &'static str,
    /// The page of the books that its spans are entered in.
    pub(crate) page: &'static str,
}

impl House {
    pub(crate) fn new(flags: &[&str]) -> Self {
        let store = StandIn::start(0);
        let spaniel = Start::elasticsearch(&store.urls(), "clients").flags(flags).run();
        House { spaniel, store }
    }

    /// Runs the client, and fails unless the store holds what it says that it sent.
    pub(crate) fn check(&self, client: &Client, arguments: &[&str]) {
        let address = self.spaniel.address(client.listener).to_string();
        self.check_at(client, &address, arguments);
    }

    /// The same by another name of the address.
    pub(crate) fn check_at(&self, client: &Client, address: &str, arguments: &[&str]) {
        let before = self.spaniel.settled_books();
        let arguments: Vec<&str> = [address].into_iter().chain(arguments.iter().copied()).collect();
        let Some(report) = client.language.run(client.program, &arguments) else { return };
        assert!(report.spans.len() > 2, "{report:?}");
        self.balances(client, &report, &before);
        let stored: Vec<Json> = self.store.spans().into_iter().map(in_order).collect();
        for span in &report.spans {
            let expected = document(span, client.dialect);
            let same = |document: &&Json| ["traceID", "spanID"].iter().all(|id| document[id] == expected[id]);
            let found: Vec<&Json> = stored.iter().filter(same).collect();
            assert_eq!(found, [&expected], "{}", client.program);
        }
        let complaints = self.store.complaints();
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    /// All spans came by the protocol of the client, and each is stored.
    fn balances(&self, client: &Client, report: &Report, before: &Json) {
        let count = report.spans.len() as u64;
        // A page begins with its first span.
        let row = |books: &Json, page: &str, row: &str| books["spans"][page][row].as_u64().unwrap_or(0);
        // Datagrams are read some time after they were sent.
        until("all spans are received", || {
            let received = row(&self.spaniel.books(), client.page, "received");
            (received == row(before, client.page, "received") + count).then_some(())
        });
        let after = self.spaniel.settled_books();
        for page in after["spans"].as_object().unwrap().keys() {
            let more = if page == client.page { count } else { 0 };
            for name in ["received", "stored"] {
                assert_eq!(row(&after, page, name), row(before, page, name) + more, "{page} {name}");
            }
        }
    }
}
