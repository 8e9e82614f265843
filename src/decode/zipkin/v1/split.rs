//! Which spans a span of v1 tells of, and when they began and ended: as Zipkin's `V1SpanConverter`.
//!
//! A *part* is a span in the making; the first one takes what has no endpoint. Beyond Zipkin: an
//! annotation such as `cs` without an endpoint still says the kind, as in Jaeger, and a part that
//! has no other time begins and ends with its annotations.

use super::{Annotation, OldSpan, Part};
use crate::decode::zipkin::{Endpoint, Kind};
use crate::span::{Text, Value};

/// What is beyond goes to the first part: nobody has more than a few services in a span.
const MOST_PARTS: usize = 16;

/// The annotations with a meaning of their own.
#[derive(Debug, Clone, Copy)]
enum Core {
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
    fn of(value: &Text<'_>) -> Option<Core> {
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

    fn kind(self) -> Kind {
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
    timestamp: u64,
    part: usize,
    annotation: usize,
}

/// The last of each kind, in the order of [`Core`].
pub(super) type Moments = [Option<Moment>; 8];

/// The addresses of other ends.
#[derive(Debug, Default)]
struct Addresses<'a> {
    client: Endpoint<'a>,
    server: Endpoint<'a>,
    message: Endpoint<'a>,
}

impl<'a> OldSpan<'a> {
    pub(super) fn split(&mut self) {
        let endpoint = self.first_endpoint();
        self.parts.clear();
        self.parts.push(Part { endpoint, ..Part::default() });
        self.moments = Moments::default();
        self.sort_annotations();
        self.call();
        self.message();
        self.fall_back();
        let addresses = self.sort_tags();
        self.remote_ends(&addresses);
    }

    /// That of the earliest annotation that has one.
    fn first_endpoint(&self) -> Endpoint<'a> {
        let with_endpoint = self.annotations.iter().filter(|annotation| !annotation.endpoint.is_nothing());
        with_endpoint.min_by_key(|annotation| annotation.timestamp).map(|first| first.endpoint).unwrap_or_default()
    }

    /// The part of an endpoint's service.
    fn part_of(&mut self, endpoint: &Endpoint<'a>) -> usize {
        if endpoint.is_nothing() {
            return 0;
        }
        let is_same = |part: &Part<'a>| part.endpoint.is_nothing() || part.endpoint.has_service_of(endpoint);
        if let Some(part) = self.parts.iter().position(is_same) {
            if let Some(part) = self.parts.get_mut(part).filter(|part| part.endpoint.is_nothing()) {
                part.endpoint = *endpoint;
            }
            return part;
        }
        self.fork(*endpoint)
    }

    /// A further part, if there may be one.
    fn fork(&mut self, endpoint: Endpoint<'a>) -> usize {
        if self.parts.len() >= MOST_PARTS {
            return 0;
        }
        self.parts.push(Part { endpoint, ..Part::default() });
        self.parts.len() - 1
    }

    fn sort_annotations(&mut self) {
        for index in 0..self.annotations.len() {
            let Some(&Annotation { timestamp, value, endpoint, .. }) = self.annotations.get(index) else { return };
            let part = self.part_of(&endpoint);
            let core = Core::of(&value);
            if let Some(annotation) = self.annotations.get_mut(index) {
                (annotation.part, annotation.is_event) = (part, core.is_none());
            }
            let Some(core) = core else { continue };
            self.moments[core as usize] = Some(Moment { timestamp, part, annotation: index });
            if core.kind() != Kind::None
                && let Some(part) = self.parts.get_mut(part)
                && (part.kind == Kind::None || !endpoint.is_nothing())
            {
                part.kind = core.kind();
            }
        }
    }

    fn moment(&self, core: Core) -> Option<Moment> {
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
    fn call(&mut self) {
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
    fn message(&mut self) {
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

    fn set_kind(&mut self, part: usize, kind: Kind) {
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
    fn fall_back(&mut self) {
        for (index, part) in self.parts.iter_mut().enumerate().filter(|(_, part)| part.timestamp == 0) {
            let own = self.annotations.iter().filter(|annotation| annotation.part == index);
            let times = own.map(|annotation| annotation.timestamp).filter(|&timestamp| timestamp > 0);
            let (Some(first), Some(last)) = (times.clone().min(), times.max()) else { continue };
            part.timestamp = first;
            part.duration = i64::try_from(last - first).unwrap_or(0);
        }
    }

    /// Gives the tags to their parts; what is left are addresses.
    fn sort_tags(&mut self) -> Addresses<'a> {
        let mut addresses = Addresses::default();
        for index in 0..self.tags.len() {
            let Some(&tag) = self.tags.get(index) else { break };
            let is_address = !tag.endpoint.is_nothing() && says_yes(&tag.value);
            match tag.key.raw() {
                b"ca" if is_address => addresses.client = tag.endpoint,
                b"sa" if is_address => addresses.server = tag.endpoint,
                b"ma" if is_address => addresses.message = tag.endpoint,
                key => {
                    // The endpoint of an address is no service that this span is of.
                    let is_other_end = matches!(key, b"ca" | b"sa" | b"ma");
                    let part = if is_other_end { 0 } else { self.part_of(&tag.endpoint) };
                    if let Some(tag) = self.tags.get_mut(index) {
                        tag.part = Some(part);
                    }
                }
            }
        }
        addresses
    }

    fn remote_ends(&mut self, addresses: &Addresses<'a>) {
        let Addresses { client, server, message } = addresses;
        let client_side = self.moment(ClientSend).or(self.moment(ClientReceive));
        let server_side = self.moment(ServerReceive).or(self.moment(ServerSend));
        if client_side.is_none() && server_side.is_none() {
            self.remote_ends_of_local(client, server);
        }
        if let Some(side) = server_side {
            let part = self.server_part(side);
            self.set_client(part, client);
        }
        if let Some(side) = client_side {
            self.set_remote(side.part, server);
        }
        for side in [self.moment(MessageSend), self.moment(MessageReceive)].into_iter().flatten() {
            self.set_remote(side.part, message);
        }
    }

    /// Of a span that does not say which end it is.
    fn remote_ends_of_local(&mut self, client: &Endpoint<'a>, server: &Endpoint<'a>) {
        match (client.is_nothing(), server.is_nothing()) {
            (false, false) => {
                let part = self.part_of(client);
                self.set_remote(part, server);
            }
            (true, false) => self.set_remote(0, server),
            (false, true) => {
                self.set_kind(0, Kind::Server);
                self.set_remote(0, client);
            }
            (true, true) => {}
        }
    }

    /// The part of the server: the one that was forked, if it is of the client's service.
    fn server_part(&self, side: Moment) -> usize {
        let is_server = |part: &Part<'a>| part.kind == Kind::Server;
        if self.parts.get(side.part).is_some_and(is_server) {
            return side.part;
        }
        self.parts.iter().position(is_server).unwrap_or(side.part)
    }

    /// The client of a server. Finagle gives the server's own service as the client's name.
    fn set_client(&mut self, part: usize, client: &Endpoint<'a>) {
        let Some(own) = self.parts.get(part).map(|part| part.endpoint) else { return };
        if own.is_same(client) {
            return;
        }
        let mut client = *client;
        if own.has_service_of(&client) {
            client.service = Text::default();
        }
        self.set_remote(part, &client);
    }

    fn set_remote(&mut self, part: usize, remote: &Endpoint<'a>) {
        if let Some(part) = self.parts.get_mut(part).filter(|_| !remote.is_nothing()) {
            part.remote = *remote;
        }
    }
}

/// Microseconds; 0 if one of the moments is unknown.
fn lasted(begin: Moment, end: Option<Moment>) -> i64 {
    let end = end.filter(|_| begin.timestamp > 0).map_or(0, |end| end.timestamp);
    i64::try_from(end.saturating_sub(begin.timestamp)).unwrap_or(0)
}

/// The value of an address: true, in the spellings that senders have for it.
fn says_yes(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Text(text) => matches!(text.raw(), b"true" | b"1"),
        _ => false,
    }
}
