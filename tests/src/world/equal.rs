//! The same steps at two houses: everybody must see the same.

use super::World;
use super::core::{Core, Manner};
use super::house::House;
use super::memory::Memory;
use super::model::Method;
use super::pace::Pace;
use super::peer::Seen;
use super::run::{Report, Story};
use super::step::Step;

/// Plays steps to their end.
fn play<H: House>(mut world: World<H>, steps: &[Step]) -> World<H> {
    for step in steps {
        world.take(*step);
    }
    world.finish();
    world
}

/// Calls that read a stream run beside others, as those do that send one.
const fn reads(method: Method) -> bool {
    matches!(method, Method::Sum(_))
}

/// Behind filters, what there is not waits for its turn as well, and is refused at once otherwise.
const fn reads_or_is_unknown(method: Method) -> bool {
    matches!(method, Method::Sum(_) | Method::Unknown)
}

/// What a client has seen, and apart from that, by calls: each stream, and the answers of calls that run beside others.
/// Which of those that can go on does so first, is for whoever drives the machines to say.
fn story<H: House>(world: &World<H>, client: usize, beside: fn(Method) -> bool) -> Story {
    let (mut said, mut apart) = world.story(client);
    // Whoever comes back too late is not let in, or let in and then sees the end at once.
    while said.pop_if(|seen| *seen == Seen::Over).is_some() {}
    let calls = &world.model.clients[client].calls;
    let beside = |number: u32| {
        let call = calls.iter().find(|call| call.number == number);
        call.is_some_and(|call| beside(call.method))
    };
    said.retain(|seen| match seen {
        Seen::Answered(call, _) | Seen::Refused(call, _) if beside(*call) => {
            apart.entry(*call).or_default().push(seen.clone());
            false
        }
        _ => true,
    });
    (said, apart)
}

/// Compares what the clients of two worlds have seen, unless steps were about others in one of them, or took no
/// effect, as somebody too slow was gone.
fn compare<A: House, B: House>(
    one: &World<A>,
    other: &World<B>,
    steps: &[Step],
    beside: fn(Method) -> bool,
) -> Report {
    let mut report = Report::default();
    (report.sequences, report.steps, report.cuts) = (1, steps.len() as u64, one.cuts);
    if one.chosen != other.chosen {
        return report;
    }
    report.compared = 1;
    for client in 0..one.transcripts.len() {
        let (said, apart) = story(one, client, beside);
        let (same, same_apart) = story(other, client, beside);
        assert_eq!(said, same, "client {client} sees something else");
        for (call, answers) in &apart {
            let same = same_apart.get(call);
            // What ends a client may come before the answer.
            assert!(same.is_none_or(|same| answers == same), "call {call}: {answers:?}, {same:?}");
        }
        report.seen += (said.len() + apart.values().map(Vec::len).sum::<usize>()) as u64;
    }
    report
}

/// The pure machines, driven as hubs drive them.
fn machines() -> World<Core> {
    World::new(Core::new(Manner::default()).patient())
}

/// Hubs, which hold answers back while messages wait.
fn hubs<H: House>(house: H) -> World<H> {
    let mut world = World::new(house);
    world.model.answers_wait = true;
    world
}

/// Runs a sequence on the pure machines, on hubs in memory, and on some inside of filters. Panics where something is
/// wrong, or different.
pub fn agree(steps: &[Step]) -> Report {
    let core = play(machines(), steps);
    let report = compare(&core, &play(hubs(Memory::new()), steps), steps, reads);
    compare(&core, &play(hubs(Memory::filtered()), steps), steps, reads_or_is_unknown);
    report
}

/// Runs a sequence on the pure machines, and then on a house in real time, which is waited for after each step.
/// Panics where something is wrong, or different.
pub fn follow<H: House>(steps: &[Step], house: H) -> Report {
    let mut core = machines();
    core.pace = Pace::Leads(Vec::new());
    let mut core = play(core, steps);
    let Pace::Leads(marks) = std::mem::take(&mut core.pace) else { unreachable!("it leads") };
    let mut hubs = hubs(house);
    hubs.pace = Pace::Follows(marks.into());
    compare(&core, &play(hubs, steps), steps, reads)
}
