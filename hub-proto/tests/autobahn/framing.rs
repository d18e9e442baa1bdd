//! Section 1: messages in one frame, at the edges of the three forms of the length.

use super::case::{Case, binary, echo, text};

pub(crate) fn cases() -> Vec<Case> {
    let stars = |length| text("*".repeat(length));
    let bytes = |length| binary(vec![0xFE; length]);
    vec![
        echo("1.1.1", stars(0)),
        echo("1.1.2", stars(125)),
        echo("1.1.3", stars(126)),
        echo("1.1.4", stars(127)),
        echo("1.1.5", stars(128)),
        echo("1.1.6", stars(65535)),
        echo("1.1.7", stars(65536)),
        echo("1.1.8", stars(65536)).in_chops(997),
        echo("1.2.1", bytes(0)),
        echo("1.2.2", bytes(125)),
        echo("1.2.3", bytes(126)),
        echo("1.2.4", bytes(127)),
        echo("1.2.5", bytes(128)),
        echo("1.2.6", bytes(65535)),
        echo("1.2.7", bytes(65536)),
        echo("1.2.8", bytes(65536)).in_chops(997),
    ]
}
