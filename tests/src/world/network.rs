//! What the network does to links, and what comes through them.

use std::time::Duration;

use hub_proto::ws::Opcode;

use super::World;
use super::house::House;
use super::model::{MAY_BE_SLOW, Model};
use super::peer::Seen;
use super::step::{Cut, Way};
use super::wire::{Manners, Wire};

/// Why clients are gone to which nothing came through.
pub(super) const TOO_LONG: &str = "its link was stuck or gone for too long";

/// Time passes in leaps that are no longer than this.
const LEAP: Duration = Duration::from_millis(250);
/// The longest time in which a server says nothing.
const SILENCE: Duration = Duration::from_secs(15);
/// The longest time for which bytes are on their way.
pub(super) const SLOWEST: Duration = Duration::from_millis(4 * u8::MAX as u64);
/// A link that is stuck for less is not given up.
const STUCK: Duration = Duration::from_secs(9);
/// A connection with stateful reconnect that has no link for less is not given up.
const DOWN: Duration = Duration::from_secs(14);

impl<H: House> World<H> {
    pub(super) fn set_manners(&mut self, who: u8, change: impl FnOnce(&mut Manners)) -> Option<()> {
        let client = self.peer(who)?;
        let peer = &mut self.peers[client];
        change(&mut peer.manners);
        peer.wire.as_mut()?.set_manners(peer.manners, self.now);
        Some(())
    }

    pub(super) fn freeze(&mut self, who: u8, way: Way) -> Option<()> {
        let client = self.peer(who)?;
        self.peers[client].wire.as_mut()?.freeze(way);
        let now = self.now;
        self.stuck[client].get_or_insert(now);
        Some(())
    }

    pub(super) fn thaw(&mut self, client: usize) -> bool {
        let Some(wire) = &mut self.peers[client].wire else { return false };
        let thawed = wire.thaw();
        if thawed {
            self.stuck[client] = None;
            self.peers[client].last_heard = self.now;
        }
        thawed
    }

    pub(super) fn cut(&mut self, client: usize, cut: Cut) -> Option<()> {
        let peer = &mut self.peers[client];
        let mut wire = peer.wire.take()?;
        if cut != Cut::Unseen {
            self.lost[client] = Some(self.now);
        }
        match cut {
            Cut::Reset => self.house.end(wire.link, true),
            Cut::End => self.house.end(wire.link, false),
            Cut::Unseen => {}
            Cut::Half => {
                let bytes = wire.deliver_half(&mut self.house);
                self.hear();
                self.take_in(client, bytes);
                self.house.end(wire.link, true);
            }
        }
        let peer = &self.peers[client];
        self.cuts += 1;
        let now = self.now;
        self.stuck[client].get_or_insert(now);
        if !(peer.resumable && peer.open) {
            self.leave(client, "its link was cut");
        }
        Some(())
    }

    /// A client is gone for good.
    pub(super) fn leave(&mut self, client: usize, why: &'static str) {
        let peer = &mut self.peers[client];
        peer.gone = true;
        peer.wire = None;
        self.model.excuse(client, why);
    }

    pub(super) fn relink(&mut self, client: usize) -> Option<()> {
        let token = self.peers[client].token.clone()?;
        let place = self.peers[client].place;
        match self.house.open(place, &format!("id={token}")) {
            Ok(link) => {
                let peer = &mut self.peers[client];
                let wire = Wire::new(link, peer.manners);
                peer.relink(wire, self.now);
                self.stuck[client] = None;
                self.lost[client] = None;
            }
            Err(status) => {
                let it = &self.model.clients[client];
                assert!(it.excuse.is_some(), "client {client} may not come back: {status}");
                self.leave(client, "it may not come back");
            }
        }
        Some(())
    }

    pub(super) fn duplicate(&mut self, who: u8) -> Option<()> {
        let client = self.speaker(who)?;
        let peer = &self.peers[client];
        peer.wire.as_ref()?;
        let token = peer.token.clone()?;
        if peer.resumable {
            self.cuts += 1;
            return self.relink(client);
        }
        let status = self.house.open(peer.place, &format!("id={token}"));
        let ended = self.model.clients[client].excuse.is_some();
        let refused = status == Err(409) || ended && status == Err(404);
        assert!(refused, "a second link is answered by {status:?}");
        Some(())
    }

    pub(super) fn pass(&mut self, time: Duration) -> Option<()> {
        let until = self.now + time;
        while self.now < until {
            self.now = until.min(self.now + LEAP);
            for client in 0..self.peers.len() {
                let peer = &self.peers[client];
                let least = if peer.wire.is_some() { STUCK } else { DOWN };
                // A farewell is not waited for as long.
                let excuse = self.model.clients[client].excuse;
                let ends = excuse.is_some_and(|why| why != MAY_BE_SLOW) && !peer.gone;
                let least = if ends { Duration::ZERO } else { least };
                if self.stuck[client].is_some_and(|since| self.now.since(since) >= least) {
                    self.model.clients[client].excuse = Some(TOO_LONG);
                }
            }
            self.house.advance(self.now);
            self.settle();
            self.nobody_is_left_in_silence();
            self.nobody_is_waited_for_too_long();
            for client in 0..self.peers.len() {
                self.peers[client].tick(self.now);
            }
            self.settle();
        }
        (time > Duration::ZERO).then_some(())
    }

    /// Lets bytes arrive until none is due, one link at a time.
    pub(super) fn settle_now(&mut self) {
        for _ in 0..100_000 {
            let mut moved = false;
            for client in 0..self.peers.len() {
                moved |= self.deliver(client);
            }
            if !moved {
                return;
            }
        }
        panic!("the world never comes to rest");
    }

    pub(super) fn deliver(&mut self, client: usize) -> bool {
        self.hear();
        let peer = &mut self.peers[client];
        let Some(wire) = &mut peer.wire else { return false };
        let mut moved = wire.deliver_up(&mut self.house, self.now);
        let bytes = wire.deliver_down(&mut self.house, self.now);
        let is_over = wire.is_over(&self.house);
        self.hear();
        moved |= !bytes.is_empty();
        self.take_in(client, bytes);
        if is_over && self.peers[client].wire.is_some() {
            moved = true;
            self.see(client, Seen::Over);
        }
        moved
    }

    /// Whoever has a link through which bytes come gets some every 15 s.
    fn nobody_is_left_in_silence(&self) {
        for peer in self.peers.iter().filter(|peer| peer.wire.is_some() && peer.open) {
            let client = peer.number;
            // The network may have been slower when it was last heard of.
            let most = SILENCE + SLOWEST + LEAP;
            let stuck = self.stuck[client].is_some() || self.ends(client);
            let silence = self.now.since(peer.last_heard);
            assert!(stuck || silence <= most, "client {client} is left in silence");
        }
    }

    /// Whoever has lost its link before the server's eyes is gone after 15 s.
    fn nobody_is_waited_for_too_long(&self) {
        for (client, it) in self.model.clients.iter().enumerate() {
            let waited = self.lost[client].map(|since| self.now.since(since));
            let too_long = waited.is_some_and(|waited| waited >= Duration::from_secs(16));
            assert!(!too_long || it.over || !it.connected, "client {client} is waited for");
        }
    }

    /// A client gets bytes.
    fn take_in(&mut self, client: usize, bytes: Vec<u8>) {
        // FNV-1a.
        self.digest = bytes.iter().fold(self.digest ^ client as u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        });
        if !bytes.is_empty() {
            self.peers[client].last_heard = self.now;
        }
        for seen in self.peers[client].receive(bytes, self.now) {
            self.see(client, seen);
        }
    }

    pub(super) fn hear(&mut self) {
        for news in self.house.news() {
            self.changed = true;
            self.heard += 1;
            self.model.hear(news, self.now);
        }
    }

    pub(super) fn see(&mut self, client: usize, seen: Seen) {
        let peer = &mut self.peers[client];
        let transcript = &mut self.transcripts[client];
        let closed =
            transcript.iter().any(|seen| matches!(seen, Seen::Close(..) | Seen::Closed(_)));
        let said = transcript.iter().any(|seen| matches!(seen, Seen::Close(..)));
        let excuse = self.model.clients[client].excuse;
        match &seen {
            Seen::Over if closed => self.leave(client, "it is over"),
            Seen::Over if peer.is_offering() && excuse.is_some() => {
                self.leave(client, "it may not come back");
            }
            Seen::Over => {
                // The server has noticed before the client that the link is gone.
                assert!(excuse.is_some() || peer.resumable, "client {client} lost its link");
                peer.wire = None;
                let now = self.now;
                self.stuck[client].get_or_insert(now);
                if !(peer.resumable && peer.open) {
                    self.leave(client, "it lost its link");
                }
            }
            Seen::Close(..) => {
                assert!(excuse.is_some(), "client {client} sees {seen:?} for no reason");
                assert!(!closed, "client {client} sees {seen:?} behind the end");
            }
            Seen::Closed(_) => {
                assert!(excuse.is_some(), "client {client} sees {seen:?} for no reason");
                assert!(
                    said || !peer.open,
                    "client {client} was told nothing before its link closed"
                );
                // It answers, unless it was the first to say so.
                peer.write(Opcode::Close, &1000_u16.to_be_bytes(), self.now);
            }
            _ => assert!(!closed, "client {client} sees {seen:?} behind the end"),
        }
        self.model.see(client, &seen);
        self.transcripts[client].push(seen);
    }

    /// The house and the model agree on who is where.
    pub(super) fn compare(&mut self) {
        for place in Model::places() {
            if let Some(census) = self.house.census(place) {
                assert_eq!(census, self.model.census(place), "who is at {place:?}");
            }
        }
    }
}
