//! Spaniel: a tracing collector. It fetches spans for Jaeger.
//!
//! A span crosses the house once, in one direction:
//! **bytes in → span → verdict → document → safe → stored.** Nothing is parsed twice, nothing is
//! turned into a tree, nothing is kept in two forms.
//!
//! | room | what lives there | may know |
//! |---|---|---|
//! | [`collector`] | joins the rooms, starts them, and stops them from the sources outwards | all |
//! | [`command`] | what an operator does beside running a collector | all but `collector` |
//! | [`settings`] | one table of every setting, and the typed values made from it | nothing |
//! | [`span`] | the span model, borrowed from a request's bytes; repairs | nothing |
//! | [`memory`] | the one limit that all bytes in flight are counted against | nothing |
//! | [`item`] | what is made safe and sent: items, runs, batches, verdicts | `memory` |
//! | [`clock`] | time, handed in | nothing |
//! | [`proto`] | messages of gRPC, made from `proto/*.proto` | nothing |
//! | [`decode`] | pure functions from bytes to spans, a file per wire format | `span`, `memory` |
//! | [`sample`] | which traces are kept and why, and what SDKs are told to sample | `span` |
//! | [`document`] | span ⇄ Jaeger's Elasticsearch document; index names; service documents | `span`, `item` |
//! | [`spool`] | batches made safe and handed on; knows nothing about spans | `item`, `memory` |
//! | [`pipeline`] | what happens to one request's spans, top to bottom | `span`, `item`, `memory`, `decode`, `sample`, `document`, `spool` |
//! | [`store`] | Writer and Reader, over Elasticsearch and over the embedded store | `span`, `item`, `memory`, `document` |
//! | [`dead_letter`] | documents that the store will never take, kept for the operator | `item`, `spool` |
//! | [`delivery`] | carries batches from the spool to the store and settles them | `item`, `document`, `spool`, `store`, `dead_letter` |
//! | [`receive`] | listeners and the manners of each protocol | `memory`, `proto`, `sample`, `pipeline` |
//! | [`forward`] | copies of what was taken, for a second collector | `memory`, `decode`, `pipeline`, `receive` |
//! | [`query`] | Jaeger's query API over the Reader | `span`, `memory`, `document`, `store` |
//! | [`telemetry`] | metrics, the books, health, logs, the admin port | nothing |
//!
//! Imports go from a row to what it names, all of it above that row, and never back; only
//! `collector` and `command` stand over all, and `command` does not know `collector`. Beside that,
//! any room may take its part of the settings and a clock that are handed to it, and write to
//! `telemetry`. `main` only reads the settings and starts the collector or a command.

pub mod clock;
pub mod collector;
pub mod command;
pub mod dead_letter;
pub mod decode;
pub mod delivery;
pub mod document;
pub mod forward;
pub mod item;
pub mod memory;
pub mod pipeline;
pub mod proto;
pub mod query;
pub mod receive;
pub mod sample;
pub mod settings;
pub mod span;
pub mod spool;
pub mod store;
pub mod telemetry;
