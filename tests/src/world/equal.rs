//! The same steps at two houses: everybody must see the same.

use std::collections::BTreeMap;

use super::World;
use super::core::{Core, Manner};
use super::house::House;
use super::memory::Memory;
use super::model::Method;
use super::pace::Pace;
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

/// What a client has seen, and apart from that, by calls: each stream, and the answers of calls that read one.
/// Both run beside other calls, and which of those that can go on does so first, is for whoever drives the
/// machines to say.
fn story<H: House>(world: &World<H>, client: usize) -> Story {
    let (mut said, mut apart) = world.story(client);
    // Whoever comes back too late is not let in, or let in and then sees the end at once.
    while said.pop_if(|seen| *seen == Seen::Over).is_some() {}
    let calls = &world.model.clients[client].calls;
    let reads = |number: u32| {
        let call = calls.iter().find(|call| call.number == number);
        call.is_some_and(|call| matches!(call.method, Method::Sum(_)))
    };
    said.retain(|seen| match seen {
        Seen::Answered(call, _) if reads(*call) => {
            apart.entry(*call).or_default().push(seen.clone());
            false
        }
        _ => true,
    });
    (said, apart)
}

/// Compares what the clients of two worlds have seen.
fn compare<A: House, B: House>(one: &World<A>, other: &World<B>) -> Agreement {
    assert_eq!(one.transcripts.len(), other.transcripts.len());
    let mut agreement = Agreement::default();
    for client in 0..one.transcripts.len() {
        let ((said, apart), (same, same_apart)) = (story(one, client), story(other, client));
        assert_eq!(said, same, "client {client} sees something else");
        for (call, answers) in &apart {
            let same = same_apart.get(call);
            // What ends a client may come before the answer.
            assert!(same.is_none_or(|same| answers == same), "call {call}: {answers:?}, {same:?}");
        }
        agreement.clients += 1;
        agreement.seen += said.len() + apart.values().map(Vec::len).sum::<usize>();
    }
    agreement
}

/// Runs a sequence on the pure machines and on hubs in memory. Panics where something is wrong, or different.
pub fn agree(steps: &[Step]) -> Agreement {
    let core = play(World::new(Core::new(Manner::default()).patient()), steps);
    let mut hubs = World::new(Memory::new());
    hubs.model.answers_wait = true;
    compare(&core, &play(hubs, steps))
}

/// Runs a sequence on the pure machines, and then on a house in real time, which is waited for after each step.
pub fn follow<H: House>(steps: &[Step], house: H) -> Agreement {
    let mut core = World::new(Core::new(Manner::default()).patient());
    core.pace = Pace::Leads(Vec::new());
    let mut core = play(core, steps);
    let Pace::Leads(marks) = std::mem::take(&mut core.pace) else { unreachable!("it leads") };
    let mut hubs = World::new(house);
    hubs.model.answers_wait = true;
    hubs.pace = Pace::Follows(marks.into());
    compare(&core, &play(hubs, steps))
}
