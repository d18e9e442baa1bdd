//! Section 7: closing, and closes that may not be sent.

use super::case::{Case, begin, close, closed, echo, failed, frame, last, ping, text};

/// Codes that anybody may send, in the order of 7.7.1–7.7.13.
const VALID: [u16; 13] =
    [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];

/// Codes that nobody may send, in the order of 7.9.1–7.9.9.
const INVALID: [u16; 9] = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

/// The suite leaves 7.1.6 and 7.13.x open. Here a message before the close is answered before it,
/// and codes from 5000 on fail the connection.
pub(crate) fn cases() -> Vec<Case> {
    let (normal, hello) = (|| close(1000, ""), || text("Hello World!"));
    let big = || text(&"BAsd7&jh23".repeat(26215)[..256 << 10]);
    let not_utf8 = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited";
    let mut cases = vec![
        echo("7.1.1", hello()),
        closed("7.1.2", 1000, [normal(), frame(0x88, "")], []),
        closed("7.1.3", 1000, [normal(), ping("")], []),
        closed("7.1.4", 1000, [normal(), hello()], []),
        closed("7.1.5", 1000, [begin("fragment1"), normal(), last("fragment2")], []),
        closed("7.1.6", 1000, [big(), hello(), normal(), ping("")], [big(), hello()]),
        closed("7.3.1", 1000, [frame(0x88, "")], []),
        failed("7.3.2", 1002, [frame(0x88, "a")], []),
        closed("7.3.3", 1000, [normal()], []),
        closed("7.3.4", 1000, [close(1000, "Hello World!")], []),
        closed("7.3.5", 1000, [close(1000, "*".repeat(123))], []),
        failed("7.3.6", 1002, [close(1000, "*".repeat(124))], []),
        failed("7.5.1", 1007, [close(1000, not_utf8)], []),
    ];
    for (n, code) in (1..).zip(VALID) {
        cases.push(closed(&format!("7.7.{n}"), code, [close(code, "")], []));
    }
    for (n, code) in (1..).zip(INVALID) {
        cases.push(failed(&format!("7.9.{n}"), 1002, [close(code, "")], []));
    }
    cases.push(failed("7.13.1", 1002, [close(5000, "")], []));
    cases.push(failed("7.13.2", 1002, [close(65535, "")], []));
    cases
}
