//! What a segment holds.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Part, open};
use crate::item::{Kind, Label};
use crate::pipeline::Protocol;
use crate::spool::log::{Damage, DamageKind, LogError, RecordView, Step};

/// What was counted in a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) records: u64,
    /// By label.
    pub(super) spans: BTreeMap<u8, u64>,
    pub(super) services: u64,
    /// The first and the last hour of its items.
    pub(super) hours: Option<(u64, u64)>,
    pub(super) damages: Vec<Damage>,
}

impl Survey {
    fn count(&mut self, record: &RecordView<'_>) {
        self.records += 1;
        for item in record.items() {
            match item.kind {
                Kind::Span => *self.spans.entry(record.label.0).or_default() += 1,
                Kind::Service => self.services += 1,
            }
            let (first, last) = self.hours.unwrap_or((item.hour, item.hour));
            self.hours = Some((first.min(item.hour), last.max(item.hour)));
        }
    }

    /// `zipkin-json 12, jaeger-thrift-http 3`.
    pub(super) fn protocols(&self) -> String {
        let texts: Vec<_> =
            self.spans.iter().map(|(label, spans)| format!("{} {spans}", protocol(Label(*label)))).collect();
        if texts.is_empty() { "-".into() } else { texts.join(", ") }
    }
}

/// Counts a segment. `in_use`: a collector runs on it, and what looks like damage may be a record
/// that was being written or a file that was used again while it was read; it is damage if it looks
/// so again. `None`: the segment was settled meanwhile.
pub(super) fn survey(part: &Part, segment: u64, in_use: bool) -> Result<Option<Survey>, LogError> {
    let first = count(part, segment)?;
    if first.damages.is_empty() || !in_use {
        return Ok(Some(first));
    }
    let (log, opened) = open(&part.directory)?;
    if !opened.segments.iter().any(|found| found.segment == segment) {
        return Ok(None);
    }
    let again = Part { index: part.index.clone(), directory: part.directory.clone(), log, opened };
    let mut second = count(&again, segment)?;
    second.damages.retain(|damage| first.damages.iter().any(|before| before.offset == damage.offset));
    Ok(Some(second))
}

fn count(part: &Part, segment: u64) -> Result<Survey, LogError> {
    let mut survey = Survey::default();
    part.log.walk(segment, 0, None, &mut |step| {
        match step {
            Step::Record(_, record) => survey.count(&record),
            // The end of what was acknowledged, as a crash or a collector at work leaves it.
            Step::Damage(damage) if damage.kind == DamageKind::Torn => {}
            Step::Damage(damage) => survey.damages.push(damage),
        }
        ControlFlow::Continue(())
    })?;
    Ok(survey)
}

/// The name of a label; a later release may have more.
pub(in crate::command) fn protocol(label: Label) -> String {
    Protocol::NAMES.get(usize::from(label.0)).map_or_else(|| format!("protocol-{}", label.0), ToString::to_string)
}

/// What a damage cost, in words.
pub(super) fn loss(damage: &Damage) -> String {
    match damage.lost {
        Some(lost) => format!("lost {} spans of {} and {} services", lost.spans, protocol(lost.label), lost.services),
        None => "what stood there is not known".into(),
    }
}
