//! What lies between a client and its server: bytes on their way, which may be late, cut up, or stuck.

use std::collections::VecDeque;
use std::time::Duration;

use hub_core::Timestamp;

use super::house::{House, LinkId};
use super::step::Way;

/// How many bytes may be on their way to a client.
const ROOM: usize = 1_500;

/// One direction of a wire.
#[derive(Debug, Default)]
pub struct Lane {
    /// Bytes, and when they are there at the earliest.
    flying: VecDeque<(Timestamp, Vec<u8>)>,
    /// Nothing arrives.
    frozen: bool,
}

/// A link as the network sees it.
#[derive(Debug)]
pub struct Wire {
    /// Its name at the house.
    pub link: LinkId,
    up: Lane,
    down: Lane,
    manners: Manners,
}

/// How a network treats what passes; a client keeps it from link to link.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// How long bytes are on their way.
    pub delay: Duration,
    /// How many arrive at once at most.
    pub most: usize,
}

impl Default for Manners {
    fn default() -> Self {
        Self { delay: Duration::ZERO, most: usize::MAX }
    }
}

impl Lane {
    fn push(&mut self, at: Timestamp, bytes: Vec<u8>) {
        // What was sent before is there before.
        let at = self.flying.back().map_or(at, |(last, _)| at.max(*last));
        self.flying.push_back((at, bytes));
    }

    fn len(&self) -> usize {
        self.flying.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Whatever is due, up to so many bytes, as one piece.
    fn take(&mut self, most: usize, now: Timestamp) -> Vec<u8> {
        let mut taken = Vec::new();
        while !self.frozen
            && taken.len() < most
            && let Some((at, mut bytes)) = self.flying.pop_front()
        {
            if at > now {
                self.flying.push_front((at, bytes));
                break;
            }
            let rest = bytes.split_off(bytes.len().min(most - taken.len()));
            taken.extend(bytes);
            if !rest.is_empty() {
                self.flying.push_front((at, rest));
            }
        }
        taken
    }

    /// The first half of it, due or not.
    fn half(&self) -> Vec<u8> {
        let bytes = self.flying.iter().flat_map(|(_, bytes)| bytes).copied();
        bytes.take(self.len() / 2).collect()
    }

    fn give_back(&mut self, bytes: &[u8], now: Timestamp) {
        if !bytes.is_empty() {
            self.flying.push_front((now, bytes.to_vec()));
        }
    }
}

impl Wire {
    /// A wire to a link that was just opened.
    pub fn new(link: LinkId, manners: Manners) -> Self {
        Self { link, up: Lane::default(), down: Lane::default(), manners }
    }

    /// Sends bytes on their way to the server.
    pub fn send(&mut self, bytes: Vec<u8>, now: Timestamp) {
        self.up.push(now + self.manners.delay, bytes);
    }

    /// Hands over what is due at the server; false when nothing is, or there is no room for it.
    pub fn deliver_up(&mut self, house: &mut impl House, now: Timestamp) -> bool {
        let bytes = self.up.take(self.manners.most, now);
        let taken = if bytes.is_empty() { 0 } else { house.write(self.link, &bytes) };
        self.up.give_back(bytes.get(taken..).unwrap_or_default(), now);
        taken > 0
    }

    /// Takes what the server has written, and gives what is due at the client.
    pub fn deliver_down(&mut self, house: &mut impl House, now: Timestamp) -> Vec<u8> {
        let room = ROOM.saturating_sub(self.down.len());
        if room > 0 {
            let bytes = house.read(self.link, room);
            if !bytes.is_empty() {
                self.down.push(now + self.manners.delay, bytes);
            }
        }
        self.down.take(self.manners.most, now)
    }

    /// Hands half of what is on its way over at the server, as far as there is room, and gives half of the rest.
    pub fn deliver_half(&mut self, house: &mut impl House) -> Vec<u8> {
        let up = self.up.half();
        house.write(self.link, &up);
        self.down.half()
    }

    /// Whether the client has got everything, and the server has ended the link.
    pub fn is_over(&self, house: &impl House) -> bool {
        self.down.flying.is_empty() && house.is_over(self.link)
    }

    /// Whether nothing is on its way.
    pub fn is_still(&self) -> bool {
        self.up.flying.is_empty() && self.down.flying.is_empty()
    }

    /// Lets nothing pass any more.
    pub fn freeze(&mut self, way: Way) {
        self.up.frozen |= matches!(way, Way::Up | Way::Both);
        self.down.frozen |= matches!(way, Way::Down | Way::Both);
    }

    /// Lets everything pass; false when it did already.
    pub fn thaw(&mut self) -> bool {
        let froze = self.up.frozen || self.down.frozen;
        self.up.frozen = false;
        self.down.frozen = false;
        froze
    }

    /// From now on bytes are treated like that. Those on their way are no later than those that follow: else
    /// a ping, which comes whenever a server likes, would hold them up.
    pub fn set_manners(&mut self, manners: Manners, now: Timestamp) {
        self.manners = manners;
        for (at, _) in self.up.flying.iter_mut().chain(&mut self.down.flying) {
            *at = (*at).min(now + manners.delay);
        }
    }
}
