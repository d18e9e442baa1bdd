//! How a world comes to its end, and what is to be true then.

use std::collections::BTreeMap;
use std::time::Duration;

use hub_core::SlowConsumer;
use hub_proto::ws::Opcode;

use super::World;
use super::house::{House, Order};
use super::model::{Call, MAY_BE_SLOW, Method};
use super::network::TOO_LONG;
use super::peer::Seen;
use super::step::Step;
use super::wire::Manners;

/// Why clients are gone that nothing else has ended.
const IN_THE_END: &str = "it left in the end";

impl<H: House> World<H> {
    /// What a client has seen that does not depend on how fast anybody was: everything but streams, in order,
    /// and what was seen of each stream. Nothing, where the slow lose something, or when the link was lost for
    /// good: how much had come by then does depend on it.
    pub fn story(&self, client: usize) -> (Vec<Seen>, BTreeMap<u32, Vec<Seen>>) {
        let it = &self.model.clients[client];
        if it.place.policy() != SlowConsumer::Wait || it.excuse == Some(TOO_LONG) {
            return Default::default();
        }
        let stream = |number: &u32| {
            let call = it.calls.iter().find(|call| call.number == *number);
            call.filter(|call| matches!(call.method, Method::Items(_)))
        };
        let (mut said, mut streams) = (Vec::new(), BTreeMap::<u32, Vec<Seen>>::new());
        for seen in &self.transcripts[client] {
            match seen {
                Seen::Item(call, _) | Seen::Answered(call, _)
                    if let Some(stream) = stream(call) =>
                {
                    if !stream.cancelled && it.excuse == Some(IN_THE_END) {
                        streams.entry(*call).or_default().push(seen.clone());
                    }
                }
                seen => said.push(seen.clone()),
            }
        }
        (said, streams)
    }

    /// Lets everything come to a good end: the network behaves, every call is let go, everybody sees
    /// everything, and leaves. Nothing is left then.
    pub fn finish(&mut self) {
        self.behave();
        let mut quiet = 0;
        while quiet < 3 {
            let before = self.progress();
            self.let_go();
            // What has come is acked after a second, and then more may come.
            self.pass(Duration::from_millis(1_250));
            quiet = if self.progress() == before { quiet + 1 } else { 0 };
        }
        self.compare();
        self.all_have_seen_all();
        self.part();
    }

    /// The network behaves from now on.
    fn behave(&mut self) {
        for client in 0..self.peers.len() {
            self.peers[client].manners = Manners::default();
            if let Some(wire) = &mut self.peers[client].wire {
                wire.set_manners(Manners::default(), self.now);
            }
            self.thaw(client);
        }
        self.settle();
    }

    /// How much has happened.
    fn progress(&self) -> (usize, usize) {
        let called = self.model.clients.iter().map(|client| client.progress()).sum();
        (called, self.transcripts.iter().map(Vec::len).sum())
    }

    /// Links come back, streams end, questions are answered, calls that are held end, readers read.
    fn let_go(&mut self) {
        for client in self.here().collect::<Vec<_>>() {
            if self.peers[client].wire.is_none() {
                self.relink(client);
            }
        }
        self.settle();
        for client in self.here().collect::<Vec<_>>() {
            let who = self.here().position(|it| it == client).expect("it is here") as u8;
            while self.end_upload(who, 0, false).is_some() {}
            while self.interpret(Step::Answer(who, 0, false)).is_some() {}
        }
        while self.interpret(Step::Finish(0, false)).is_some() {
            self.settle();
        }
        let reads = |it: &Call| matches!(it.method, Method::Sum(_)) && !it.answered;
        for nth in 0..u8::MAX {
            let Some((client, call)) = self.called(nth, reads) else { break };
            self.house.order(Order::Read { client, call, count: 1_000 });
            self.settle();
        }
        self.settle();
    }

    /// Whoever was not ended by something has seen everything.
    fn all_have_seen_all(&mut self) {
        for client in self.here().collect::<Vec<_>>() {
            let it = &self.model.clients[client];
            let ended = it.excuse.is_some_and(|why| why != MAY_BE_SLOW);
            if it.connected && !it.over && !ended {
                self.model.settled(client);
                assert_eq!(self.peers[client].unacked(), 0, "client {client} got no Ack");
                assert_eq!(self.house.usage(client), 0, "something waits for client {client}");
            }
        }
    }

    /// Everybody leaves, and nothing is left.
    fn part(&mut self) {
        for client in self.here().collect::<Vec<_>>() {
            self.model.excuse(client, IN_THE_END);
            self.peers[client].write(Opcode::Close, &1000_u16.to_be_bytes(), self.now);
        }
        self.settle();
        self.pass(Duration::from_secs(60));
        self.compare();
        for (number, client) in self.model.clients.iter().enumerate() {
            assert!(client.over || !client.connected, "client {number} is left");
        }
        assert!(self.model.has_sent_all(), "something was never sent");
        let left = self.house.leftovers();
        assert!(left.is_empty(), "something is left: {left:?}");
    }
}
