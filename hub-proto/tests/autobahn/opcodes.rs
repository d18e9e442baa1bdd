//! Sections 3 and 4: bits and opcodes that nobody has given a meaning.

use super::case::{Case, failed, frame, ping, text};

const HELLO: &str = "Hello, world!";

/// Section 3. What the suite calls a ping in 3.6 is a binary frame on its wire, and so it is here.
pub(crate) fn reserved_bits() -> Vec<Case> {
    let not_text = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    let (hello, rsv) = (|| text(HELLO), |bits: u8, opcode: u8| 0x80 | bits << 4 | opcode);
    vec![
        failed("3.1", 1002, [frame(rsv(1, 1), HELLO)], []),
        failed("3.2", 1002, [hello(), frame(rsv(2, 1), HELLO), ping("")], [hello()]),
        failed("3.3", 1002, [hello(), frame(rsv(3, 1), HELLO), ping("")], [hello()]).in_frames(),
        failed("3.4", 1002, [hello(), frame(rsv(4, 1), HELLO), ping("")], [hello()]).in_chops(1),
        failed("3.5", 1002, [frame(rsv(5, 2), not_text)], []),
        failed("3.6", 1002, [frame(rsv(6, 2), HELLO)], []),
        failed("3.7", 1002, [frame(rsv(7, 8), "")], []),
    ]
}

/// Section 4.
pub(crate) fn cases() -> Vec<Case> {
    let hello = || text(HELLO);
    let reserved = "reserved opcode payload";
    vec![
        failed("4.1.1", 1002, [frame(0x83, "")], []),
        failed("4.1.2", 1002, [frame(0x84, reserved)], []),
        failed("4.1.3", 1002, [hello(), frame(0x85, ""), ping("")], [hello()]),
        failed("4.1.4", 1002, [hello(), frame(0x86, HELLO), ping("")], [hello()]),
        failed("4.1.5", 1002, [hello(), frame(0x87, HELLO), ping("")], [hello()]).in_chops(1),
        failed("4.2.1", 1002, [frame(0x8B, "")], []),
        failed("4.2.2", 1002, [frame(0x8C, reserved)], []),
        failed("4.2.3", 1002, [hello(), frame(0x8D, ""), ping("")], [hello()]),
        failed("4.2.4", 1002, [hello(), frame(0x8E, HELLO), ping("")], [hello()]),
        failed("4.2.5", 1002, [hello(), frame(0x8F, HELLO), ping("")], [hello()]).in_chops(1),
    ]
}
