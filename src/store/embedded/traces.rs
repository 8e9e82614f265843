//! All spans of some traces.

use std::collections::HashMap;

use tantivy::TantivyDocument;

use super::days::Days;
use super::documents::{Documents, in_all};
use super::layout::DayKind;
use super::schema::{TRACE_HIGH, source};
use super::segments::Segment;
use crate::document::StoredSpan;
use crate::span::TraceId;
use crate::store::ReadError;

/// Blocks of documents that are held inflated while a segment is read.
const BLOCKS_HELD: usize = 4;

/// The spans of each trace by their start, in the order of `ids`; what is not found is left out.
pub(super) fn traces(days: &Days, ids: &[TraceId]) -> Result<Vec<Vec<StoredSpan>>, ReadError> {
    let mut lines: HashMap<TraceId, Vec<Vec<u8>>> = HashMap::new();
    days.each(days.latest_first(DayKind::Span), |snapshot| {
        for segment in &snapshot.segments {
            for &id in ids {
                spans(days, segment, id, |line| lines.entry(id).or_default().push(line))?;
            }
        }
        Ok(())
    })?;
    let found = ids.iter().filter_map(|id| lines.remove(id));
    found.map(|lines| parse(days, &lines)).collect()
}

fn parse(days: &Days, lines: &[Vec<u8>]) -> Result<Vec<StoredSpan>, ReadError> {
    let spans = lines.iter().map(|line| StoredSpan::parse_with(line, &days.dot_replacement));
    let mut spans = spans.collect::<Result<Vec<_>, _>>().map_err(|error| ReadError::Unreadable(error.to_string()))?;
    spans.sort_by_key(|span| span.start);
    Ok(spans)
}

/// The lines of a trace's spans in a segment.
fn spans(days: &Days, segment: &Segment, id: TraceId, mut see: impl FnMut(Vec<u8>)) -> tantivy::Result<()> {
    let index = segment.reader.inverted_index(days.fields.trace_low)?;
    let with_low = Documents::of(&index, &[id.low.to_be_bytes().to_vec()])?;
    if with_low.len() == 0 {
        return Ok(());
    }
    let highs = segment.reader.fast_fields().column_first_or_default::<u64>(TRACE_HIGH)?;
    let mut wanted = Vec::new();
    in_all(vec![with_low], segment.reader.max_doc(), |document| {
        if highs.get_val(document) == id.high {
            wanted.push(document);
        }
    });
    let store = segment.reader.get_store_reader(BLOCKS_HELD)?;
    for document in wanted {
        let document = store.get::<TantivyDocument>(document)?;
        see(source(&document, days.fields).to_vec());
    }
    Ok(())
}
