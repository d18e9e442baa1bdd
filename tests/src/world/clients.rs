//! What clients do, and the application that acts on them.

use hub_core::SlowConsumer;
use hub_proto::Outcome as Result;
use hub_proto::ws::Opcode;
use hub_proto::{
    CancelInvocation, Completion, Headers, Invocation, Message, StreamInvocation, StreamItem,
};
use serde_json::Value;

use super::World;
use super::house::{House, Order, PLACES};
use super::model::{MAY_BE_SLOW, Method};
use super::peer::Peer;
use super::step::{Arrival, Fault, Size};
use super::wire::{Manners, Wire};

/// How many clients there may be at once.
const CLIENTS: usize = 8;

impl<H: House> World<H> {
    pub(super) fn connect(&mut self, arrival: Arrival) -> Option<()> {
        if self.here().count() >= CLIENTS || self.peers.len() >= 200 {
            return None;
        }
        let place = PLACES[usize::from(arrival.place) % PLACES.len()];
        let number = self.peers.len();
        let user = Some(arrival.user % 4).filter(|user| *user > 0);
        let resumable = arrival.negotiates && arrival.resumable;
        let mut query = format!("client={number}");
        if let Some(user) = user {
            query += &format!("&user={user}");
        }
        let token = arrival.negotiates.then(|| {
            let asks = if resumable { "&useStatefulReconnect=true" } else { "" };
            let (status, body) = self.house.negotiate(place, &format!("negotiateVersion=1{asks}"));
            assert_eq!(status, 200, "the negotiation is refused");
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["useStatefulReconnect"] == true, resumable);
            body["connectionToken"].as_str().expect("a token").to_owned()
        });
        let id = token.as_ref().map_or_else(String::new, |token| format!("&id={token}"));
        let link = self.house.open(place, &(query + &id)).expect("it is let in");
        let wire = Wire::new(link, Manners::default());
        let mut peer = Peer::new(number, place, user, arrival.binary, wire, self.now);
        peer.token = token;
        peer.resumable = resumable;
        peer.greet(self.now);
        self.peers.push(peer);
        self.transcripts.push(Vec::new());
        self.stuck.push(None);
        self.lost.push(None);
        self.model.arrive(place, user);
        if place.policy() == SlowConsumer::Close {
            self.model.excuse(number, MAY_BE_SLOW);
        }
        Some(())
    }

    pub(super) fn call<A: serde::Serialize>(
        &mut self,
        who: u8,
        method: Method,
        target: &str,
        wanted: bool,
        arguments: impl FnOnce(u32) -> A,
    ) -> Option<()> {
        let client = self.speaker(who)?;
        let number = self.number();
        let peer = &mut self.peers[client];
        let bytes = peer.encoded(&arguments(number));
        let id = number.to_string();
        let arguments = peer.payload(&bytes);
        let headers = Headers::default();
        let (target, streams) =
            (target.into(), if let Method::Sum(count) = method { count } else { 0 });
        let stream_ids: Vec<_> = (0..streams).map(|nth| format!("{number}.{nth}").into()).collect();
        let stream_ids = (streams > 0).then_some(stream_ids);
        let message = match method {
            Method::Items(_) => {
                let id = id.into();
                Message::StreamInvocation(StreamInvocation {
                    id,
                    target,
                    arguments,
                    stream_ids,
                    headers,
                })
            }
            _ => {
                let id = wanted.then(|| id.into());
                Message::Invocation(Invocation { id, target, arguments, stream_ids, headers })
            }
        };
        peer.say(&message, self.now);
        self.model.call(client, number, method, wanted);
        Some(())
    }

    pub(super) fn cancel(&mut self, who: u8, nth: u8) -> Option<()> {
        let client = self.speaker(who)?;
        let calls = self.model.clients[client].calls.iter().filter(|call| {
            let may = matches!(call.method, Method::Hold | Method::Items(_));
            may && !call.cancelled
        });
        let calls: Vec<u32> = calls.map(|call| call.number).collect();
        let number = *calls.get(usize::from(nth) % calls.len().max(1))?;
        self.model.find(client, number).cancelled = true;
        let id = number.to_string().into();
        let message = CancelInvocation { id, headers: Headers::default() };
        self.peers[client].say(&Message::CancelInvocation(message), self.now);
        Some(())
    }

    /// An open stream of a client: the number of its call, and which of its streams.
    pub(super) fn open_stream(&self, client: usize, nth: u8) -> Option<(u32, usize)> {
        let streams = self.model.clients[client].calls.iter().flat_map(|call| {
            let open = call.uploads.iter().enumerate().filter(|(_, it)| it.ended.is_none());
            open.map(|(stream, _)| (call.number, stream))
        });
        let streams: Vec<_> = streams.collect();
        streams.get(usize::from(nth) % streams.len().max(1)).copied()
    }

    pub(super) fn upload(&mut self, who: u8, nth: u8, size: Size) -> Option<()> {
        let client = self.speaker(who)?;
        let (call, stream) = self.open_stream(client, nth)?;
        let number = self.number();
        let text = size.text(number);
        let peer = &mut self.peers[client];
        let bytes = peer.encoded(&(number, &text));
        let (id, item) = (format!("{call}.{stream}").into(), peer.payload(&bytes));
        let message = StreamItem { id, item, headers: Headers::default() };
        peer.say(&Message::StreamItem(message), self.now);
        self.model.find(client, call).uploads[stream].sent.push((number, text.len()));
        Some(())
    }

    pub(super) fn end_upload(&mut self, who: u8, nth: u8, error: bool) -> Option<()> {
        let client = self.speaker(who)?;
        let (call, stream) = self.open_stream(client, nth)?;
        let outcome = if error { Result::Error("enough".into()) } else { Result::Void };
        let id = format!("{call}.{stream}").into();
        let message = Completion { id, outcome, headers: Headers::default() };
        self.peers[client].say(&Message::Completion(message), self.now);
        self.model.find(client, call).uploads[stream].ended = Some(error);
        Some(())
    }

    pub(super) fn break_rule(&mut self, who: u8, fault: Fault) -> Option<()> {
        let client = self.speaker(who).filter(|client| !self.ends(*client))?;
        let peer = &mut self.peers[client];
        peer.wire.as_ref()?;
        let json = peer.encoding() == hub_proto::Encoding::Json;
        let record: &[u8] = match (fault, json) {
            (Fault::Record, true) => b"{\"type\":}\x1e",
            (Fault::Record, false) => b"\x02\x91\xc1",
            (Fault::Arguments, true) => b"{\"type\":1,\"target\":\"Echo\",\"arguments\":[nul]}\x1e",
            (Fault::Arguments, false) => b"\x0b\x96\x01\x80\xc0\xa4Echo\x91\xc1\x90",
            (Fault::Frame, _) => b"",
            (Fault::Length, _) => &[b' '; 9_000],
        };
        match fault {
            Fault::Frame => peer.write_raw(b"\x81\x02hi".to_vec(), self.now),
            Fault::Length if !json => peer.write(Opcode::Binary, b"\xff\xff\x7f", self.now),
            Fault::Arguments => peer.say_counted(record, self.now),
            _ => peer.write(Opcode::Binary, record, self.now),
        }
        self.excuse(who, "it broke the rules")
    }

    /// Whether something ends a client, or may.
    pub(super) fn ends(&self, client: usize) -> bool {
        self.model.clients[client].excuse.is_some()
    }

    pub(super) fn group(&mut self, who: u8, group: u8, joins: bool) -> Option<()> {
        let client = self.connected(who)?;
        self.house.order(Order::Group { client, group, joins });
        Some(())
    }
}
