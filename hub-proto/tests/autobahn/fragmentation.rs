//! Section 5: messages in several frames, and control frames between them.

use super::case::{Case, Frame, begin, failed, frame, last, more, open, ping, pong, text};

pub(crate) fn cases() -> Vec<Case> {
    let two = || [begin("fragment1"), last("fragment2")];
    let around_ping = || [begin("fragment1"), ping("ping payload"), last("fragment2")];
    let whole = || text("fragment1fragment2");
    let pong_first = || [pong("ping payload"), whole()];
    // A continuation of nothing, with and without FIN, and a message that is in order.
    let stray = |fin: u8| [frame(fin, "non-continuation payload"), text("Hello, world!")];
    let twice = |fin: u8| -> Vec<Frame> {
        let three = [frame(fin, "fragment1"), begin("fragment2"), last("fragment3")];
        [three.clone(), three].concat()
    };
    let five = || text("fragment1fragment2fragment3fragment4fragment5");
    let pings_between = |number| {
        let first = [begin("fragment1"), more("fragment2"), ping("pongme 1!")];
        let second = [more("fragment3"), more("fragment4"), ping("pongme 2!"), last("fragment5")];
        open(number, first, [pong("pongme 1!")]).then(second, [pong("pongme 2!"), five()])
    };
    vec![
        failed("5.1", 1002, [frame(0x09, "fragment1"), last("fragment2")], []),
        failed("5.2", 1002, [frame(0x0A, "fragment1"), last("fragment2")], []),
        open("5.3", two(), [whole()]),
        open("5.4", two(), [whole()]).in_frames(),
        open("5.5", two(), [whole()]).in_chops(1),
        open("5.6", around_ping(), pong_first()),
        open("5.7", around_ping(), pong_first()).in_frames(),
        open("5.8", around_ping(), pong_first()).in_chops(1),
        failed("5.9", 1002, stray(0x80), []),
        failed("5.10", 1002, stray(0x80), []).in_frames(),
        failed("5.11", 1002, stray(0x80), []).in_chops(1),
        failed("5.12", 1002, stray(0x00), []),
        failed("5.13", 1002, stray(0x00), []).in_frames(),
        failed("5.14", 1002, stray(0x00), []).in_chops(1),
        failed(
            "5.15",
            1002,
            [two().to_vec(), vec![more("fragment3"), text("fragment4")]].concat(),
            [whole()],
        ),
        failed("5.16", 1002, twice(0x00), []),
        failed("5.17", 1002, twice(0x80), []),
        failed("5.18", 1002, [begin("fragment1"), text("fragment2")], []),
        pings_between("5.19"),
        pings_between("5.20").in_frames(),
    ]
}
