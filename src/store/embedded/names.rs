//! Services and operations, out of the terms of the service documents.

use std::collections::BTreeSet;

use super::days::Days;
use super::layout::DayKind;
use super::schema::SEPARATOR;
use super::segments::Segment;
use crate::store::ReadError;

/// All services, sorted.
pub(super) fn services(days: &Days) -> Result<Vec<String>, ReadError> {
    collect(days, |segment, names| {
        let index = segment.reader.inverted_index(days.fields.service)?;
        let mut terms = index.terms().stream()?;
        while terms.advance() {
            keep(names, terms.key());
        }
        Ok(())
    })
}

/// All operations of a service, sorted.
pub(super) fn operations(days: &Days, service: &str) -> Result<Vec<String>, ReadError> {
    let mut prefix = service.as_bytes().to_vec();
    prefix.push(SEPARATOR);
    collect(days, |segment, names| {
        let index = segment.reader.inverted_index(days.fields.operation)?;
        let mut terms = index.terms().range().ge(&prefix).into_stream()?;
        while terms.advance() {
            let Some(operation) = terms.key().strip_prefix(&prefix[..]) else { break };
            keep(names, operation);
        }
        Ok(())
    })
}

fn keep(names: &mut BTreeSet<String>, name: &[u8]) {
    if let Ok(name) = std::str::from_utf8(name)
        && !names.contains(name)
    {
        names.insert(name.to_string());
    }
}

fn collect(
    days: &Days,
    mut look: impl FnMut(&Segment, &mut BTreeSet<String>) -> tantivy::Result<()>,
) -> Result<Vec<String>, ReadError> {
    let mut names = BTreeSet::new();
    days.each(days.latest_first(DayKind::Service), |snapshot| {
        snapshot.segments.iter().try_for_each(|segment| look(segment, &mut names))
    })?;
    Ok(names.into_iter().collect())
}
