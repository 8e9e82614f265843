//! Jaeger's query API over the Reader.
