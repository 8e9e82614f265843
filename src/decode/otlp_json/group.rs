//! The request, and what stands over spans: resources and scopes.

use super::{CUT_OFF, Decoder};
use crate::decode::Sink;
use crate::decode::fault::{Fault, Read};
use crate::decode::otlp::{self, Owner};

impl<'a> Decoder<'a> {
    /// The request; what stands behind it is ignored.
    pub(super) fn request(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        self.object(|this, name| match name {
            "resourceSpans" | "resource_spans" => this
                .list(|this| {
                    let start = this.reader.offset();
                    match this.resource_spans(sink) {
                        Ok(()) => Ok(()),
                        Err(fault) => this.leave_behind(start, fault, sink),
                    }
                })
                .map(|()| true),
            _ => Ok(false),
        })
    }

    fn resource_spans(&mut self, sink: &mut impl Sink<'a>) -> Read<()> {
        self.draft.begin_resource();
        let mut over = Over::default();
        self.object(|this, name| match name {
            "resource" => this.over(&mut over, Decoder::resource).map(|()| true),
            "scopeSpans" | "scope_spans" => {
                this.look_ahead(&mut over, "resource", Decoder::resource)?;
                let blocked = over.fault;
                this.list(|this| {
                    let start = this.reader.offset();
                    match this.scope_spans(blocked, sink) {
                        Ok(()) => Ok(()),
                        Err(fault) => this.leave_behind(start, fault, sink),
                    }
                })
                .map(|()| true)
            }
            _ => Ok(false),
        })
    }

    fn scope_spans(&mut self, blocked: Option<&'static Fault>, sink: &mut impl Sink<'a>) -> Read<()> {
        self.draft.begin_scope();
        let mut over = Over { fault: blocked, ..Over::default() };
        self.object(|this, name| match name {
            "scope" => this.over(&mut over, Decoder::scope).map(|()| true),
            "spans" => {
                this.look_ahead(&mut over, "scope", Decoder::scope)?;
                let (blocked, mut is_told) = (over.fault, false);
                this.list(|this| {
                    if !is_told && blocked.is_none() {
                        sink.process(&this.draft.process);
                    }
                    is_told = true;
                    this.one(blocked, sink)
                })
                .map(|()| true)
            }
            _ => Ok(false),
        })
    }

    /// Reads the object that stands here, which stands over spans. What is wrong with it is told of
    /// each of them.
    fn over(&mut self, over: &mut Over, read: fn(&mut Self) -> Read<()>) -> Read<()> {
        let start = self.reader.offset();
        if over.is_ahead {
            return self.reader.skip(self.depth);
        }
        over.is_found = true;
        if let Err(fault) = read(self) {
            over.fault = over.fault.or(Some(fault));
            self.reader.seek(start);
            if !self.reader.skip_blindly() {
                return Err(CUT_OFF);
            }
        }
        Ok(())
    }

    /// Before the spans: reads the member `wanted` if it stands behind them.
    fn look_ahead(&mut self, over: &mut Over, wanted: &str, read: fn(&mut Self) -> Read<()>) -> Read<()> {
        if over.is_found {
            return Ok(());
        }
        let here = self.reader.offset();
        loop {
            if !self.reader.skip_blindly() {
                return Err(CUT_OFF);
            }
            if !self.reader.more(b'}')? {
                break;
            }
            self.reader.peek();
            let name = self.reader.key()?;
            self.reader.peek();
            if name.decoded() == wanted {
                let start = self.reader.offset();
                self.over(over, read)?;
                self.reader.seek(start);
            }
        }
        *over = Over { is_found: true, is_ahead: true, ..*over };
        self.reader.seek(here);
        Ok(())
    }

    fn resource(&mut self) -> Read<()> {
        let start = self.reader.offset();
        self.object(|this, name| match name {
            "attributes" => this.attributes(Owner::Resource).map(|()| true),
            _ => Ok(false),
        })?;
        self.draft.process.wire = self.reader.since(start);
        Ok(())
    }

    fn scope(&mut self) -> Read<()> {
        let start = self.reader.offset();
        self.object(|this, name| {
            match name {
                "name" => this.draft.scope_name = this.text()?,
                "version" => this.draft.scope_version = this.text()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        self.draft.process.scope_wire = self.reader.since(start);
        Ok(())
    }

    /// Hands over or refuses one span.
    #[inline]
    fn one(&mut self, blocked: Option<&'static Fault>, sink: &mut impl Sink<'a>) -> Read<()> {
        let start = self.reader.offset();
        let read = match blocked {
            None if self.spans < self.draft.limits.spans => self.span(),
            None => Err(otlp::TOO_MANY_SPANS),
            Some(fault) => Err(fault),
        };
        match read {
            Ok(()) => {
                self.spans += 1;
                self.draft.span.wire = self.reader.since(start);
                sink.span(&mut self.draft.span);
                Ok(())
            }
            Err(fault) => self.leave_behind(start, fault, sink),
        }
    }
}

/// What is known of the object that stands over spans.
#[derive(Debug, Clone, Copy, Default)]
struct Over {
    is_found: bool,
    /// It was read before its place.
    is_ahead: bool,
    fault: Option<&'static Fault>,
}
