//! A Reader whose answers are counted and timed, as jaeger-query counts its own.

use std::sync::Arc;
use std::time::Instant;

use crate::document::StoredSpan;
use crate::span::TraceId;
use crate::store::{ReadError, Reader, Search, Task};
use crate::telemetry::metrics::{Metrics, Operation};

/// Hands every question on. It must hand on *every* method of the trait: one that the trait fills
/// in by itself would silently be that one.
#[derive(Debug)]
pub struct Measured {
    reader: Arc<dyn Reader>,
    metrics: Arc<Metrics>,
}

impl Measured {
    pub fn new(reader: Arc<dyn Reader>, metrics: Arc<Metrics>) -> Self {
        Measured { reader, metrics }
    }

    fn measure<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        answer: Task<'a, Result<T, ReadError>>,
    ) -> Task<'a, Result<T, ReadError>> {
        Box::pin(async move {
            let began = Instant::now();
            let answer = answer.await;
            self.metrics.asked(operation, answer.is_ok(), began.elapsed());
            answer
        })
    }
}

impl Reader for Measured {
    fn services(&self) -> Task<'_, Result<Vec<String>, ReadError>> {
        self.measure(Operation::GetServices, self.reader.services())
    }

    fn operations<'a>(&'a self, service: &'a str) -> Task<'a, Result<Vec<String>, ReadError>> {
        self.measure(Operation::GetOperations, self.reader.operations(service))
    }

    fn find_trace_ids<'a>(&'a self, search: &'a Search) -> Task<'a, Result<Vec<TraceId>, ReadError>> {
        self.measure(Operation::FindTraceIds, self.reader.find_trace_ids(search))
    }

    fn traces<'a>(&'a self, ids: &'a [TraceId]) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        self.measure(Operation::GetTrace, self.reader.traces(ids))
    }

    fn traces_of_search<'a>(
        &'a self,
        ids: &'a [TraceId],
        search: &'a Search,
    ) -> Task<'a, Result<Vec<Vec<StoredSpan>>, ReadError>> {
        self.measure(Operation::FindTraces, self.reader.traces_of_search(ids, search))
    }
}
