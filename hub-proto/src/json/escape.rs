//! Strings out: copied run by run, only what must be is escaped.

use super::plain::plain;

/// Appends a JSON string: only quotes, backslashes and control characters are escaped.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape(out, text);
    out.push(b'"');
}

/// The same without the quotes.
pub(super) fn escape(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut run = text.as_bytes();
    loop {
        let (clean, rest) = run.split_at(plain(run));
        out.extend_from_slice(clean);
        let Some((&byte, rest)) = rest.split_first() else { break };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0A => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            0x0D => out.extend_from_slice(b"\\r"),
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend(
                    [byte >> 4, byte & 0xF]
                        .into_iter()
                        .filter_map(|digit| HEX.get(usize::from(digit))),
                );
            }
        }
        run = rest;
    }
}
