//! Lists of steps as proptest makes and shrinks them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::step::{Arrival, Cut, Fault, Size, Step, To, Way};

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        6 => Just(Size::Empty),
        3 => Just(Size::Small),
        3 => Just(Size::Middle),
        1 => Just(Size::Large),
    ]
}

fn to() -> impl Strategy<Value = To> {
    let (one, two) = (0..4_u8, (0..4_u8, 0..4_u8));
    prop_oneof![
        4 => Just(To::All),
        1 => one.clone().prop_map(To::Except),
        1 => Just(To::Caller),
        1 => Just(To::Others),
        1 => one.clone().prop_map(To::Client),
        1 => two.clone().prop_map(|(a, b)| To::Clients(a, b)),
        3 => one.clone().prop_map(To::Group),
        1 => two.clone().prop_map(|(group, client)| To::GroupExcept(group, client)),
        1 => one.clone().prop_map(To::OthersIn),
        1 => two.clone().prop_map(|(a, b)| To::Groups(a, b)),
        1 => one.prop_map(To::User),
        1 => two.prop_map(|(a, b)| To::Users(a, b)),
    ]
}

prop_compose! {
    fn arrival()(
        place in 0..10_u8, binary: bool, user in 0..4_u8,
        negotiates in prop::bool::weighted(0.9), resumable in prop::bool::weighted(0.7),
    ) -> Arrival {
        Arrival { place, binary, user, negotiates, resumable }
    }
}

fn calls() -> BoxedStrategy<Step> {
    let who = 0..8_u8;
    prop_oneof![
        6 => (who.clone(), size()).prop_map(|(who, size)| Step::Echo(who, size)),
        6 => (who.clone(), to(), size(), any::<bool>())
            .prop_map(|(who, to, size, quiet)| Step::Tell(who, to, size, quiet)),
        6 => (who.clone(), 0..4_u8).prop_map(|(who, group)| Step::Join(who, group)),
        2 => (who.clone(), 0..4_u8).prop_map(|(who, group)| Step::Leave(who, group)),
        2 => who.clone().prop_map(Step::Hold),
        1 => who.clone().prop_map(Step::Fail),
        1 => who.clone().prop_map(Step::Unknown),
        1 => who.clone().prop_map(Step::Misfit),
        3 => (who.clone(), 0..20_u8).prop_map(|(who, count)| Step::Items(who, count)),
        4 => (who.clone(), any::<bool>()).prop_map(|(who, two)| Step::Sum(who, two)),
        3 => who.clone().prop_map(Step::Ask),
        1 => who.prop_map(Step::Quit),
    ]
    .boxed()
}

fn clients() -> BoxedStrategy<Step> {
    let who = 0..8_u8;
    let fault = prop_oneof![
        Just(Fault::Record),
        Just(Fault::Arguments),
        Just(Fault::Frame),
        Just(Fault::Length)
    ];
    prop_oneof![
        3 => (who.clone(), 0..4_u8).prop_map(|(who, nth)| Step::Cancel(who, nth)),
        12 => (who.clone(), 0..4_u8, size())
            .prop_map(|(who, nth, size)| Step::Upload(who, nth, size)),
        4 => (who.clone(), 0..4_u8, prop::bool::weighted(0.2))
            .prop_map(|(who, nth, error)| Step::EndUpload(who, nth, error)),
        6 => (who.clone(), 0..4_u8, prop::bool::weighted(0.2))
            .prop_map(|(who, nth, error)| Step::Answer(who, nth, error)),
        1 => who.clone().prop_map(Step::Ping),
        2 => who.clone().prop_map(Step::Ack),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, says)| Step::Bye(who, says)),
        1 => (who, fault).prop_map(|(who, fault)| Step::Break(who, fault)),
    ]
    .boxed()
}

fn application() -> BoxedStrategy<Step> {
    let who = 0..8_u8;
    prop_oneof![
        8 => (who.clone(), to(), size()).prop_map(|(who, to, size)| Step::Send(who, to, size)),
        3 => who.clone().prop_map(Step::Question),
        4 => (who.clone(), prop::bool::weighted(0.2))
            .prop_map(|(nth, error)| Step::Finish(nth, error)),
        6 => (who.clone(), 1..6_u8).prop_map(|(nth, count)| Step::Read(nth, count)),
        2 => (who.clone(), 0..4_u8).prop_map(|(who, group)| Step::Invite(who, group)),
        2 => (who.clone(), 0..4_u8).prop_map(|(who, group)| Step::Expel(who, group)),
        1 => (who, any::<bool>()).prop_map(|(who, back)| Step::Kick(who, back)),
    ]
    .boxed()
}

fn network() -> BoxedStrategy<Step> {
    let who = 0..8_u8;
    let way = prop_oneof![Just(Way::Up), Just(Way::Down), Just(Way::Both)];
    let cut = prop_oneof![
        3 => Just(Cut::Reset),
        1 => Just(Cut::End),
        2 => Just(Cut::Unseen),
        3 => Just(Cut::Half),
    ];
    prop_oneof![
        3 => (who.clone(), any::<u8>()).prop_map(|(who, time)| Step::Delay(who, time)),
        3 => (who.clone(), any::<u8>()).prop_map(|(who, most)| Step::Split(who, most)),
        1 => who.clone().prop_map(Step::Merge),
        4 => (who.clone(), way).prop_map(|(who, way)| Step::Freeze(who, way)),
        4 => who.clone().prop_map(Step::Thaw),
        7 => (who.clone(), cut).prop_map(|(who, cut)| Step::Cut(who, cut)),
        8 => who.clone().prop_map(Step::Relink),
        2 => who.prop_map(Step::Duplicate),
    ]
    .boxed()
}

/// One step.
pub fn step() -> BoxedStrategy<Step> {
    prop_oneof![
        8 => arrival().prop_map(Step::Connect),
        24 => calls(),
        22 => clients(),
        18 => application(),
        16 => network(),
        8 => (0..12_u8).prop_map(Step::Wait),
        2 => (0..20_u8).prop_map(Step::Sleep),
    ]
    .boxed()
}

/// Up to 200 steps, which begin with somebody who comes.
pub fn steps() -> BoxedStrategy<Vec<Step>> {
    (arrival(), vec(step(), 0..200))
        .prop_map(|(first, mut steps)| {
            steps.insert(0, Step::Connect(first));
            steps
        })
        .boxed()
}
