use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// A counted message of about that size, by the hub or of the connection's own.
    Push(usize, bool),
    /// One of that size, of which the latest with that key matters.
    Latest(usize, u32),
    Ping,
    Control,
    /// So many bytes leave; meanwhile some more are pushed, or the client gets and acks them.
    Write(usize, Meanwhile),
    /// So many bytes arrive.
    Arrive(usize),
    /// The client acks all that it has got on this link but so many.
    Ack(u64),
    Spoke,
    /// The client's Acks may not be read.
    Deaf,
    /// The link is lost, with everything that has not arrived.
    Unlink,
    /// So many bytes leave and so many of them arrive before the link is lost, and nobody says so.
    Lose(usize, usize),
    Relink,
}

#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nothing,
    Push,
    Ack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Meanwhile::{Ack, Nothing, Push};
    let meanwhile = prop::sample::select(vec![Nothing, Push, Ack]);
    let step = prop_oneof![
        8 => (40..200_usize, any::<bool>()).prop_map(|(size, hub)| Step::Push(size, hub)),
        2 => (40..200_usize, 1..3_u32).prop_map(|(size, key)| Step::Latest(size, key)),
        1 => Just(Step::Ping),
        1 => Just(Step::Control),
        8 => (0..400_usize, meanwhile).prop_map(|(count, what)| Step::Write(count, what)),
        6 => (0..400_usize).prop_map(Step::Arrive),
        4 => (0..3_u64).prop_map(Step::Ack),
        1 => Just(Step::Spoke),
        2 => Just(Step::Deaf),
        1 => Just(Step::Unlink),
        1 => (0..400_usize, 0..400_usize).prop_map(|(left, arrived)| Step::Lose(left, arrived)),
        3 => Just(Step::Relink),
    ];
    prop::collection::vec(step, 0..80)
}

/// A client that does nothing but count.
#[derive(Default)]
struct Client {
    buffer: Vec<u8>,
    expects_sequence: bool,
    next: u64,
    highest: u64,
    delivered: Vec<u64>,
    closed: bool,
}

impl Client {
    fn arrive(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        loop {
            let (header, length) = match self.buffer[..] {
                [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
                [_, length, ..] if length < 126 => (2, usize::from(length)),
                _ => return,
            };
            if self.buffer.len() < header + length {
                return;
            }
            let frame: Vec<u8> = self.buffer.drain(..header + length).collect();
            self.take(frame[0], &frame[header..]);
        }
    }

    fn take(&mut self, first: u8, payload: &[u8]) {
        assert!(!self.closed, "nothing leaves behind a Close");
        if first == 0x8a || payload == b"{}\x1e" {
            return;
        }
        let body = Encoding::Json.record(payload, 0).unwrap().body;
        let Ok(hub_proto::Decoded::Message(message)) = Encoding::Json.decode(body) else {
            panic!("{body:?}")
        };
        if let Message::Sequence(number) = message {
            assert!(self.expects_sequence && number as u64 <= self.next);
            self.expects_sequence = false;
            self.next = number as u64;
            return;
        }
        assert!(!self.expects_sequence, "the Sequence comes first");
        match message {
            Message::Completion(done) => {
                self.next += 1;
                if self.next - 1 > self.highest {
                    self.highest += 1;
                    self.delivered.push(done.id.parse().unwrap());
                }
            }
            Message::Close(_) => self.closed = true,
            Message::Ping => {}
            _ => panic!("{message:?}"),
        }
    }
}

struct World {
    outbox: Outbox,
    client: Client,
    flight: Vec<u8>,
    pushed: Vec<u64>,
    own: Vec<u64>,
    /// The latest with each key.
    latest: [Option<u64>; 2],
    /// What may have been replaced.
    outdated: Vec<u64>,
    named: u64,
    limits: Limits,
}

impl World {
    fn new(policy: SlowConsumer) -> Self {
        let limits =
            Limits { soft_output: 600, hard_output: 2_000, unacked: 300, ..Limits::default() };
        let mut outbox = Outbox::new(&limits, policy, NOW);
        outbox.push(&Frame::handshake(TransferFormat::Text, None), Delivery::Own);
        outbox.resumable(&limits);
        Self {
            outbox,
            client: Client { next: 1, ..Client::default() },
            flight: vec![],
            pushed: vec![],
            own: vec![],
            latest: [None; 2],
            outdated: vec![],
            named: 0,
            limits,
        }
    }

    fn push(&mut self, size: usize, hub: bool) {
        self.deliver(size, if hub { Delivery::Hub } else { Delivery::Own });
    }

    fn deliver(&mut self, size: usize, delivery: Delivery) {
        let id = self.named;
        self.named += 1;
        let frame = Frame::result(Encoding::Json, &id.to_string(), &"x".repeat(size)).unwrap();
        match self.outbox.push(&frame, delivery) {
            Pushed::Queued => self.pushed.push(id),
            Pushed::Waiting => {
                assert!(!self.outbox.is_unlinked());
                self.pushed.push(id);
            }
            Pushed::Dropped => return,
            Pushed::Overflow => {
                let over = self.outbox.footprint() - self.limits.unacked.min(self.kept());
                return assert!(over > self.limits.hard_output);
            }
            Pushed::Refused => panic!("refused"),
        }
        match delivery {
            Delivery::Own => self.own.push(id),
            Delivery::Hub => {}
            Delivery::Latest(key) => {
                let before = self.latest[key.get() as usize - 1].replace(id);
                self.outdated.extend(before);
            }
        }
    }

    /// Bytes that have left and are not acked.
    fn kept(&self) -> usize {
        self.outbox.footprint() - self.outbox.usage()
    }

    /// At most so many bytes of a batch leave; how many, nobody has said yet.
    fn offer(&mut self, most: usize) -> usize {
        let mut batch = Batch::new();
        self.outbox.next(&mut batch);
        let mut bytes = batch.chunks().concat();
        bytes.truncate(most);
        self.flight.extend_from_slice(&bytes);
        bytes.len()
    }

    fn write(&mut self, count: usize, meanwhile: Meanwhile) {
        let count = self.offer(count);
        match meanwhile {
            Meanwhile::Nothing => {}
            Meanwhile::Push => self.push(50, true),
            Meanwhile::Ack => {
                self.arrive(usize::MAX);
                self.ack(0);
            }
        }
        self.outbox.written(count, NOW);
        if let Meanwhile::Ack = meanwhile
            && !self.client.expects_sequence
        {
            assert_eq!(self.outbox.sequence(), self.client.next, "it has acked all there is");
        }
    }

    /// The client acks all that it has got on this link but so many.
    fn ack(&mut self, fewer: u64) {
        if !self.client.expects_sequence {
            self.outbox.acked((self.client.next - 1).saturating_sub(fewer));
        }
    }

    fn arrive(&mut self, count: usize) {
        let count = count.min(self.flight.len());
        let bytes: Vec<u8> = self.flight.drain(..count).collect();
        self.client.arrive(&bytes);
    }

    fn relink(&mut self) {
        let number = self.outbox.sequence();
        let frame = Frame::message(Encoding::Json, &Message::Sequence(number as i64));
        self.flight.clear();
        assert!(self.outbox.relink(&frame));
        self.client.buffer.clear();
        self.client.expects_sequence = true;
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Push(size, hub) => self.push(size, hub),
            Step::Latest(size, key) => {
                self.deliver(size, Delivery::Latest(NonZeroU32::new(key).unwrap()));
            }
            Step::Ping => {
                let ping = Frame::message(Encoding::Json, &Message::Ping);
                let refused = self.outbox.push(&ping, Delivery::Own) == Pushed::Refused;
                assert_eq!(refused, self.outbox.is_unlinked());
            }
            Step::Control => self.outbox.push_control(Bytes::from_static(b"\x8a\x01p")),
            Step::Write(count, meanwhile) => self.write(count, meanwhile),
            Step::Arrive(count) => self.arrive(count),
            Step::Ack(fewer) => self.ack(fewer),
            Step::Spoke => self.outbox.spoke(),
            Step::Deaf => self.outbox.release_past_limit(),
            Step::Unlink => {
                self.flight.clear();
                assert!(self.outbox.unlink());
            }
            Step::Lose(left, arrived) => {
                self.offer(left);
                self.arrive(arrived);
                self.flight.clear();
                self.outbox.lose_link();
            }
            Step::Relink => self.relink(),
        }
        let replay = self.outbox.replay.as_ref().unwrap();
        let [[unacked, really], [kept, really_kept]] = replay.counts(&self.outbox.queue);
        assert_eq!([unacked, kept], [really, really_kept]);
        let Limits { soft_output: soft, hard_output: hard, unacked: most, .. } = self.limits;
        assert!(unacked <= most + 250 + (hard - soft) / 2, "{unacked}");
        assert_eq!(self.outbox.footprint(), self.outbox.usage() + kept);
        let uncounted = self.outbox.queue.iter().filter(|entry| !entry.is_counted());
        let uncounted: usize = uncounted.map(|entry| entry.bytes.len()).sum();
        assert!(self.outbox.footprint() <= hard + most + 2 * 250 + uncounted);
    }

    fn everything_arrives(&mut self) {
        while !self.outbox.is_empty() {
            self.write(usize::MAX, Meanwhile::Nothing);
        }
        self.arrive(usize::MAX);
    }
}

proptest! {
    #[test]
    fn whatever_becomes_of_its_links_a_client_gets_every_message_once_and_in_order(
        policy in prop::sample::select(vec![
            SlowConsumer::Wait,
            SlowConsumer::DropNewest,
            SlowConsumer::DropOldest,
        ]),
        steps in steps(),
        closes in any::<bool>(),
    ) {
        let mut world = World::new(policy);
        for step in &steps {
            world.run(step);
        }
        if world.outbox.is_unlinked() {
            world.relink();
        }
        if closes {
            let close = Frame::close(Encoding::Json, Close::default());
            world.outbox.push(&close, Delivery::Own);
            world.everything_arrives();
            prop_assert!(world.client.closed);
        } else {
            world.outbox.spoke();
            while world.outbox.usage() > 0 {
                let before = world.outbox.usage();
                world.everything_arrives();
                world.outbox.acked(world.client.highest);
                prop_assert!(world.outbox.usage() < before || !world.outbox.is_empty());
            }
            world.everything_arrives();
            world.outbox.acked(world.client.highest);
            prop_assert_eq!(world.outbox.sequence(), world.client.next);
        }
        prop_assert_eq!(world.outbox.usage(), 0);
        let delivered = &world.client.delivered;
        prop_assert!(delivered.is_sorted_by(|a, b| a < b));
        prop_assert!(delivered.iter().all(|id| world.pushed.contains(id)));
        let mut must = match policy {
            SlowConsumer::DropOldest => world.own,
            _ => world.pushed,
        };
        must.retain(|id| !world.outdated.contains(id));
        prop_assert!(must.iter().all(|id| delivered.contains(id)));
    }
}
