//! Heads over HTTP/2 that are larger than `--limits.header-bytes`. h2 answers them with 431 itself, and tells
//! nobody but its log; so its log is listened to, that one place in it.
//!
//! It speaks on the thread that polls the connection, while it is polled: who polls asks afterwards.

use std::cell::Cell;
use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;

/// Where h2 says it, and what its words begin with.
const PLACE: &str = "h2::proto::streams::recv";
const WORDS: &str = "stream error REQUEST_HEADER_FIELDS_TOO_LARGE";

thread_local! {
    static HEARD: Cell<u32> = const { Cell::new(0) };
}

/// So many heads were answered with 431 on this thread since this was last asked; 0 where logs are not set up.
pub fn take_large_heads() -> u32 {
    HEARD.take()
}

/// Hears of them.
pub(super) struct LargeHeads;

/// Lets h2's words through, which come with errors of senders only.
pub(super) fn filter() -> Targets {
    Targets::new().with_target(PLACE, LevelFilter::DEBUG)
}

impl<S: Subscriber> Layer<S> for LargeHeads {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut message = Message::default();
        event.record(&mut message);
        if message.0.starts_with(WORDS) {
            HEARD.set(HEARD.get().saturating_add(1));
        }
    }
}

/// The words of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
