//! Section 2: pings are answered with what they hold, pongs with nothing.

use super::case::{Case, Frame, close, closed, failed, open, ping, pong};

pub(crate) fn cases() -> Vec<Case> {
    let not_text = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    let longest = [0xFE; 125];
    let ten = |frame: fn(String) -> Frame| -> Vec<_> {
        (0..10).map(|n| frame(format!("payload-{n}"))).collect()
    };
    vec![
        open("2.1", [ping("")], [pong("")]),
        open("2.2", [ping("Hello, world!")], [pong("Hello, world!")]),
        open("2.3", [ping(not_text)], [pong(not_text)]),
        open("2.4", [ping(longest)], [pong(longest)]),
        failed("2.5", 1002, [ping([0xFE; 126])], []),
        open("2.6", [ping(longest)], [pong(longest)]).in_chops(1),
        closed("2.7", 1000, [pong(""), close(1000, "")], []),
        closed("2.8", 1000, [pong("unsolicited pong payload"), close(1000, "")], []),
        open(
            "2.9",
            [pong("unsolicited pong payload"), ping("ping payload")],
            [pong("ping payload")],
        ),
        open("2.10", ten(ping), ten(pong)),
        open("2.11", ten(ping), ten(pong)).in_chops(1),
    ]
}
