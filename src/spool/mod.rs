//! Batches made safe and handed on. It knows nothing about spans: it keeps runs of items.
