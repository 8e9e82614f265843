//! When the parts of a span of v1 began and ended, by the annotations that have a meaning: as
//! Zipkin's `V1SpanConverter`. Beyond Zipkin, a part that has no other time begins and ends with its
//! annotations, or begins with the span.

use super::OldSpan;
use crate::decode::zipkin::{Endpoint, Kind};
use crate::span::Text;

/// The annotations with a meaning of their own.
#[derive(Debug, Clone, Copy)]
pub(super) enum Core {
    ClientSend,
    ClientReceive,
    ServerReceive,
    ServerSend,
    MessageSend,
    MessageReceive,
    WireSend,
    WireReceive,
}

use Core::{ClientReceive, ClientSend, MessageReceive, MessageSend, ServerReceive, ServerSend, WireReceive, WireSend};

impl Core {
    pub(super) fn of(value: &Text<'_>) -> Option<Core> {
        Some(match value.raw() {
            b"cs" => ClientSend,
            b"cr" => ClientReceive,
            b"sr" => ServerReceive,
            b"ss" => ServerSend,
            b"ms" => MessageSend,
            b"mr" => MessageReceive,
            b"ws" => WireSend,
            b"wr" => WireReceive,
            _ => return None,
        })
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            ClientSend | ClientReceive => Kind::Client,
            ServerReceive | ServerSend => Kind::Server,
            MessageSend => Kind::Producer,
            MessageReceive => Kind::Consumer,
            WireSend | WireReceive => Kind::None,
        }
    }
}

/// When something with a meaning happened, to which part, and which annotation says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) timestamp: u64,
    pub(super) part: usize,
    pub(super) annotation: usize,
}

/// The last of each kind, in the order of [`Core`].
pub(super) type Moments = [Option<Moment>; 8];

impl<'a> OldSpan<'a> {
    pub(super) fn moment(&self, core: Core) -> Option<Moment> {
        self.moments[core as usize]
    }

    fn endpoint_of(&self, moment: Moment) -> Option<Endpoint<'a>> {
        let endpoint = self.annotations.get(moment.annotation)?.endpoint;
        (!endpoint.is_nothing()).then_some(endpoint)
    }

    /// The beginning of an end, or what stands for it: its end, if the span's own times end there.
    fn beginning(&self, begin: Core, end: Core) -> Option<Moment> {
        let derived = || {
            let end = self.moment(end).filter(|_| self.timestamp > 0 && self.duration > 0)?;
            let ends_there = self.timestamp.checked_add(self.duration.unsigned_abs()) == Some(end.timestamp);
            ends_there.then_some(Moment { timestamp: self.timestamp, ..end })
        };
        self.moment(begin).or_else(derived)
    }

    /// Times of client and server.
    pub(super) fn call(&mut self) {
        let (sent, received) = (self.beginning(ClientSend, ClientReceive), self.moment(ClientReceive));
        let (arrived, answered) = (self.beginning(ServerReceive, ServerSend), self.moment(ServerSend));
        match (sent, received, arrived, answered) {
            (Some(sent), _, Some(arrived), _) => {
                self.time(sent, received);
                self.time_server(sent, arrived, answered);
            }
            (Some(sent), Some(received), ..) => self.time(sent, Some(received)),
            (_, _, Some(arrived), Some(answered)) => self.time(arrived, Some(answered)),
            _ => self.incomplete(sent, received, arrived, answered),
        }
    }

    /// The server of a span that tells of the client, too: the span's own times are the client's.
    fn time_server(&mut self, sent: Moment, arrived: Moment, answered: Option<Moment>) {
        let mut server = arrived.part;
        if server == sent.part
            && let Some(endpoint) = self.endpoint_of(arrived)
        {
            server = self.fork(endpoint);
            self.set_kind(sent.part, Kind::Client);
        }
        if server != sent.part {
            self.set_kind(server, Kind::Server);
            self.set_times(server, arrived.timestamp, lasted(arrived, answered));
        }
    }

    /// Only one of the two moments: it is a time if it begins something, else an event.
    fn incomplete(
        &mut self,
        sent: Option<Moment>,
        received: Option<Moment>,
        arrived: Option<Moment>,
        answered: Option<Moment>,
    ) {
        for begin in [sent, arrived].into_iter().flatten() {
            self.set_times(begin.part, begin.timestamp, 0);
        }
        for end in [received, answered].into_iter().flatten() {
            self.make_event(end);
        }
        if self.timestamp > 0 {
            self.set_times(0, self.timestamp, self.duration);
        }
    }

    /// Times of producer and consumer.
    pub(super) fn message(&mut self) {
        let (sent, on_wire) = (self.moment(MessageSend), self.moment(WireSend));
        let (off_wire, received) = (self.moment(WireReceive), self.moment(MessageReceive));
        match (sent, received) {
            (Some(sent), Some(received)) => {
                self.set_times(sent.part, sent.timestamp, lasted(sent, on_wire));
                let mut consumer = received.part;
                if consumer == sent.part
                    && let Some(endpoint) = self.endpoint_of(received)
                {
                    consumer = self.fork(endpoint);
                    self.set_kind(sent.part, Kind::Producer);
                }
                if consumer != sent.part {
                    self.set_kind(consumer, Kind::Consumer);
                    let begin = off_wire.unwrap_or(received);
                    self.set_times(consumer, begin.timestamp, lasted(begin, Some(received)));
                }
            }
            (Some(sent), None) => self.time(sent, on_wire),
            (None, Some(received)) => match off_wire {
                Some(off_wire) => self.time(off_wire, Some(received)),
                None => self.time(received, None),
            },
            (None, None) => [on_wire, off_wire].into_iter().flatten().for_each(|moment| self.make_event(moment)),
        }
    }

    /// The span's own times, or those of the two moments.
    fn time(&mut self, begin: Moment, end: Option<Moment>) {
        if self.timestamp > 0 && self.duration > 0 {
            self.set_times(begin.part, self.timestamp, self.duration);
        } else {
            self.set_times(begin.part, begin.timestamp, lasted(begin, end));
        }
    }

    fn set_times(&mut self, part: usize, timestamp: u64, duration: i64) {
        if let Some(part) = self.parts.get_mut(part) {
            (part.timestamp, part.duration) = (timestamp, duration);
        }
    }

    pub(super) fn set_kind(&mut self, part: usize, kind: Kind) {
        if let Some(part) = self.parts.get_mut(part) {
            part.kind = kind;
        }
    }

    fn make_event(&mut self, moment: Moment) {
        if let Some(annotation) = self.annotations.get_mut(moment.annotation) {
            annotation.is_event = true;
        }
    }

    /// A part without times begins with its first annotation and ends with its last.
    pub(super) fn fall_back(&mut self) {
        for (index, part) in self.parts.iter_mut().enumerate().filter(|(_, part)| part.timestamp == 0) {
            let own = self.annotations.iter().filter(|annotation| annotation.part == index);
            let times = own.map(|annotation| annotation.timestamp).filter(|&timestamp| timestamp > 0);
            let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { continue };
            part.timestamp = first;
            part.duration = i64::try_from(last - first).unwrap_or(0);
        }
    }

    /// A part of which only tags tell began with the span.
    pub(super) fn share_start(&mut self) {
        let first = self.parts.first().map_or(0, |part| part.timestamp);
        let start = if self.timestamp > 0 { self.timestamp } else { first };
        for part in self.parts.iter_mut().filter(|part| part.timestamp == 0) {
            part.timestamp = start;
        }
    }
}

/// Microseconds; 0 if one of the moments is unknown.
fn lasted(begin: Moment, end: Option<Moment>) -> i64 {
    let end = end.filter(|_| begin.timestamp > 0).map_or(0, |end| end.timestamp);
    i64::try_from(end.saturating_sub(begin.timestamp)).unwrap_or(0)
}
