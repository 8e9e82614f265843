//! `spaniel spool export`: the documents of a spool, one a line, for another cluster or for support.
//!
//! In the bulk form each has an action line before it, as the writer would send it: the same index
//! and id, so that a cluster that has a document already answers 409 and keeps it once.

use std::io::Write;
use std::ops::ControlFlow;

use super::parts;
use super::survey::loss;
use crate::command::{CommandError, Outcome};
use crate::document::{IndexNames, write_id};
use crate::item::{Item, Kind};
use crate::settings::{ExportForm, Settings};
use crate::spool::log::{DamageKind, RecordView, Step};

/// Writes action lines.
struct Actions {
    names: IndexNames,
    /// Elasticsearch 6 wants it.
    with_type: bool,
    span_ids: bool,
    line: Vec<u8>,
}

pub(in crate::command) fn run(
    settings: &Settings,
    form: ExportForm,
    out: &mut dyn Write,
    complaints: &mut dyn Write,
) -> Result<Outcome, CommandError> {
    let mut actions = (form == ExportForm::Bulk).then(|| Actions::new(settings));
    let mut out = std::io::BufWriter::with_capacity(1 << 20, out);
    let mut outcome = Outcome::Good;
    for part in parts(&settings.spool.directory)? {
        for found in &part.opened.segments {
            let (mut written, mut damages) = (Ok(()), Vec::new());
            part.log.walk(found.segment, 0, None, &mut |step| match step {
                Step::Record(_, record) => {
                    written = write(&record, actions.as_mut(), &mut out);
                    if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                }
                Step::Damage(damage) => {
                    damages.extend((damage.kind == DamageKind::Damaged).then_some(damage));
                    ControlFlow::Continue(())
                }
            })?;
            written?;
            let path = part.log.path(found.segment).unwrap_or_default();
            for damage in damages {
                outcome = Outcome::Wrong;
                writeln!(complaints, "{}: offset {} is damaged: {}", path.display(), damage.offset, loss(&damage))?;
            }
        }
        for note in &part.opened.notes {
            outcome = Outcome::Wrong;
            writeln!(complaints, "not exported: {}: {}", note.path.display(), note.oddity)?;
        }
    }
    out.flush()?;
    Ok(outcome)
}

fn write(record: &RecordView<'_>, mut actions: Option<&mut Actions>, out: &mut dyn Write) -> std::io::Result<()> {
    for item in record.items() {
        if let Some(actions) = actions.as_deref_mut() {
            out.write_all(actions.line(&item))?;
        }
        out.write_all(record.documents.get(item.start as usize..item.end as usize).unwrap_or_default())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

impl Actions {
    fn new(settings: &Settings) -> Self {
        Actions {
            names: IndexNames::new(&settings.indices),
            with_type: settings.elasticsearch.version == 6,
            span_ids: settings.elasticsearch.document_ids,
            line: Vec::new(),
        }
    }

    /// A span is created; a service is written over, as Jaeger does.
    fn line(&mut self, item: &Item) -> &[u8] {
        let line = &mut self.line;
        line.clear();
        let (named, kind) = match item.kind {
            Kind::Span => (self.span_ids, "span"),
            Kind::Service => (true, "service"),
        };
        let action: &[u8] =
            if named && item.kind == Kind::Span { br#"{"create":{"_index":""# } else { br#"{"index":{"_index":""# };
        line.extend_from_slice(action);
        // Names that JSON would have to escape are refused at start.
        self.names.write_target(line, item.kind, item.hour);
        if self.with_type {
            line.extend_from_slice(format!(r#"","_type":"{kind}"#).as_bytes());
        }
        if named {
            line.extend_from_slice(br#"","_id":""#);
            write_id(line, item.kind, &item.id);
        }
        line.extend_from_slice(b"\"}}\n");
        line
    }
}
