//! Sequences that are worth being run on real sockets: nobody sleeps in them, and nothing gets stuck.

use super::step::{Arrival, Cut, Fault, Size, Step, To};

fn arrive(binary: bool, user: u8, resumable: bool) -> Step {
    Step::Connect(Arrival { place: 0, binary, user, negotiates: true, resumable })
}

/// The sequences, by name.
pub fn sequences() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        ("methods", methods()),
        ("audiences", audiences()),
        ("groups", groups()),
        ("streams", streams()),
        ("questions", questions()),
        ("links", links()),
        ("goodbyes", goodbyes()),
        ("ends", ends()),
    ]
}

/// Every method, called by both encodings, on a connection that was not negotiated as well.
fn methods() -> Vec<Step> {
    let stranger =
        Arrival { place: 0, binary: false, user: 0, negotiates: false, resumable: false };
    let mut steps = vec![arrive(false, 1, false), arrive(true, 2, false), Step::Connect(stranger)];
    for who in 0..3 {
        steps.extend([
            Step::Echo(who, Size::Small),
            Step::Echo(who, Size::Large),
            Step::Join(who, who),
            Step::Tell(who, To::Group(who), Size::Middle, false),
            Step::Tell(who, To::All, Size::Empty, true),
            Step::Leave(who, who),
            Step::Fail(who),
            Step::Unknown(who),
            Step::Misfit(who),
            Step::Hold(who),
            Step::Echo(who, Size::Empty),
            Step::Ping(who),
            Step::Finish(0, who == 1),
            Step::Hold(who),
            Step::Hold(who),
            Step::Cancel(who, 1),
            Step::Cancel(who, 0),
            Step::Items(who, 5),
            Step::Ask(who),
            Step::Echo(who, Size::Empty),
            Step::Answer(who, 0, false),
        ]);
    }
    steps.extend([Step::Quit(1), Step::Quit(0)]);
    steps
}

/// Every kind of audience, from a method and from outside; with somebody at each of the other hubs.
fn audiences() -> Vec<Step> {
    let mut steps: Vec<Step> = [(false, 1), (true, 1), (false, 2), (true, 0)]
        .map(|(binary, user)| arrive(binary, user, false))
        .into();
    let elsewhere = |place| {
        Step::Connect(Arrival { place, binary: false, user: 1, negotiates: true, resumable: false })
    };
    steps.extend([4, 6, 7].map(elsewhere));
    steps.extend(
        [(0, 0), (1, 0), (1, 1), (2, 1), (4, 0)].map(|(who, group)| Step::Join(who, group)),
    );
    let audiences = [
        To::All,
        To::Except(1),
        To::Caller,
        To::Others,
        To::Client(2),
        To::Clients(0, 3),
        To::Clients(1, 1),
        To::Group(0),
        To::GroupExcept(0, 1),
        To::OthersIn(1),
        To::Groups(0, 1),
        To::Groups(0, 0),
        To::User(1),
        To::Users(1, 2),
    ];
    for (nth, to) in (0..).zip(audiences) {
        steps.extend([
            Step::Tell(nth % 4, to, Size::Middle, nth % 2 == 0),
            Step::Send(nth % 4, to, Size::Small),
        ]);
    }
    steps
}

/// Groups that the application fills and empties from outside, and that members leave by going.
fn groups() -> Vec<Step> {
    let told = Step::Send(0, To::Groups(0, 1), Size::Small);
    vec![
        arrive(false, 0, false),
        arrive(true, 0, false),
        arrive(false, 0, false),
        Step::Invite(0, 0),
        Step::Invite(1, 0),
        told,
        Step::Invite(1, 1),
        Step::Invite(1, 1),
        told,
        Step::Expel(0, 0),
        Step::Expel(0, 0),
        told,
        Step::Join(2, 0),
        told,
        Step::Bye(1, false),
        told,
        Step::Cut(1, Cut::Reset),
        told,
        Step::Echo(0, Size::Empty),
    ]
}

/// Streams both ways, which end well, with errors, or not at all.
fn streams() -> Vec<Step> {
    let mut steps = vec![arrive(false, 0, false), arrive(true, 0, true), arrive(true, 0, false)];
    for who in 0..2 {
        steps.extend([
            Step::Items(who, 0),
            Step::Items(who, 31),
            Step::Sum(who, false),
            Step::Upload(who, 0, Size::Small),
            Step::Read(2 * who, 1),
            Step::Sum(who, true),
            Step::Echo(who, Size::Empty),
        ]);
        steps.extend((0..6).map(|nth| Step::Upload(who, nth, Size::Middle)));
        steps.extend([
            Step::Read(2 * who, 9),
            Step::EndUpload(who, 0, false),
            Step::EndUpload(who, 1, false),
            Step::Read(2 * who + 1, 9),
            Step::EndUpload(who, 0, true),
        ]);
    }
    steps.extend([Step::Sum(2, true), Step::Upload(2, 0, Size::Small), Step::Cut(2, Cut::End)]);
    steps
}

/// Questions of methods and of the application, answered in another order, by errors, or never.
fn questions() -> Vec<Step> {
    vec![
        arrive(false, 0, false),
        arrive(true, 0, false),
        Step::Ask(0),
        Step::Question(0),
        Step::Question(1),
        Step::Ask(1),
        Step::Echo(0, Size::Small),
        Step::Answer(0, 1, false),
        Step::Answer(0, 0, true),
        Step::Answer(1, 1, false),
        Step::Question(1),
        Step::Answer(1, 0, true),
        Step::Ask(0),
        Step::Question(0),
        Step::Bye(0, true),
    ]
}

/// Links that are cut, replaced, and doubled, with messages on both sides of the gap.
fn links() -> Vec<Step> {
    let mut steps = vec![arrive(false, 0, true), arrive(true, 0, true), arrive(false, 0, false)];
    for (who, cut) in [(0, Cut::Reset), (1, Cut::End), (0, Cut::Unseen), (1, Cut::Unseen)] {
        steps.extend([
            Step::Join(who, 1),
            Step::Hold(who),
            Step::Cut(who, cut),
            Step::Echo(who, Size::Small),
            Step::Tell(2, To::All, Size::Middle, false),
            Step::Send(0, To::Group(1), Size::Large),
            Step::Finish(0, false),
            Step::Question(who),
            Step::Relink(0),
            Step::Answer(who, 0, false),
            Step::Ack(who),
            Step::Duplicate(who),
            Step::Tell(who, To::Others, Size::Small, false),
        ]);
    }
    steps.extend([Step::Duplicate(2), Step::Bye(1, true), Step::Relink(0)]);
    steps
}

/// Everybody who leaves, or is told to.
fn goodbyes() -> Vec<Step> {
    let mut steps: Vec<Step> = (0..8_u8).map(|nth| arrive(nth % 2 == 1, 0, nth > 5)).collect();
    let told = Step::Send(0, To::All, Size::Small);
    let goodbyes = [
        Step::Bye(0, true),
        Step::Bye(0, false),
        Step::Kick(0, true),
        Step::Kick(0, false),
        Step::Quit(0),
        Step::Cut(0, Cut::End),
        Step::Kick(0, true),
        Step::Quit(0),
    ];
    steps.extend(goodbyes.into_iter().flat_map(|goodbye| [told, goodbye, told]));
    steps
}

/// Every rule, broken in both encodings, behind a call that is answered.
fn ends() -> Vec<Step> {
    let faults = [Fault::Record, Fault::Arguments, Fault::Frame, Fault::Length];
    let mut steps: Vec<Step> = (0..8_u8).map(|nth| arrive(nth % 2 == 1, 0, false)).collect();
    for fault in faults.into_iter().flat_map(|fault| [fault, fault]) {
        steps.extend([Step::Echo(0, Size::Small), Step::Break(0, fault)]);
    }
    steps
}
