//! The same steps at two houses: everybody must see the same.

use std::collections::BTreeMap;

use super::World;
use super::core::{Core, Manner};
use super::house::House;
use super::memory::Memory;
use super::model::Method;
use super::peer::Seen;
use super::step::Step;

type Story = (Vec<Seen>, BTreeMap<u32, Vec<Seen>>);

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreement {
    /// How many clients there were.
    pub clients: usize,
    /// How many messages they saw that had to be the same.
    pub seen: usize,
}

/// Plays steps to their end.
fn play<H: House>(mut world: World<H>, steps: &[Step]) -> World<H> {
    for step in steps {
        world.take(*step);
    }
    world.finish();
    world
}

/// What a client has seen, and apart from it each stream, and each answer of a call that has no slot: it runs
/// beside others, and when it goes on, when several can, is for whoever drives it to say.
fn story<H: House>(world: &World<H>, client: usize) -> Story {
    let (said, mut apart) = world.story(client);
    let calls = &world.model.clients[client].calls;
    let has_no_slot = |number: u32| {
        let call = calls.iter().find(|call| call.number == number);
        call.is_some_and(|call| matches!(call.method, Method::Sum(_) | Method::Ask))
    };
    let is_apart = |seen: &Seen| matches!(seen, Seen::Answered(call, _) if has_no_slot(*call));
    let (answers, said): (Vec<_>, _) = said.into_iter().partition(is_apart);
    for answer in answers {
        if let Seen::Answered(call, _) = answer {
            apart.entry(call).or_default().push(answer);
        }
    }
    (said, apart)
}

/// Runs a sequence on the pure machines and on hubs in memory. Panics where something is wrong, or different.
pub fn agree(steps: &[Step]) -> Agreement {
    let core = play(World::new(Core::new(Manner::default())), steps);
    let mut hubs = World::new(Memory::new());
    hubs.model.answers_wait = true;
    let hubs = play(hubs, steps);
    assert_eq!(core.transcripts.len(), hubs.transcripts.len());
    let mut agreement = Agreement::default();
    for client in 0..core.transcripts.len() {
        let ((said, streams), (same, same_streams)) = (story(&core, client), story(&hubs, client));
        assert_eq!(said, same, "client {client} sees something else at the hubs");
        for (call, items) in &streams {
            let same = same_streams.get(call).is_none_or(|same| items == same);
            assert!(same, "call {call} is answered in another way at the hubs");
        }
        agreement.clients += 1;
        agreement.seen += said.len() + streams.values().map(Vec::len).sum::<usize>();
    }
    agreement
}
