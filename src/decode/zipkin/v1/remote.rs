//! The other ends of a span of v1, by the addresses among its tags.

use super::times::Core::{ClientReceive, ClientSend, MessageReceive, MessageSend, ServerReceive, ServerSend};
use super::times::Moment;
use super::{OldSpan, Part};
use crate::decode::zipkin::{Endpoint, Kind};
use crate::span::Text;

/// The addresses of other ends.
#[derive(Debug, Default)]
pub(super) struct Addresses<'a> {
    pub(super) client: Endpoint<'a>,
    pub(super) server: Endpoint<'a>,
    pub(super) message: Endpoint<'a>,
}

impl<'a> OldSpan<'a> {
    pub(super) fn remote_ends(&mut self, addresses: &Addresses<'a>) {
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
