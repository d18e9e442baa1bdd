//! Records and payloads of JSON.

use std::hint::black_box;

use hub_proto::{BindError, DecodeError, Decoded, Encoding, FromArguments, Payload, framing, json};

use super::{Shape, repeated};

const HEAD: &str = r#"{"type":1,"target":"t","arguments":["#;
const TAIL: &str = "1]}\u{1e}";

/// An object of the usual kind, and a comma.
const OBJECT: &str = r#"{"id":17,"name":"some name","tags":["a","b"],"at":{"x":1.5,"y":null}},"#;

const DEPTH: usize = 62;

pub(super) const SHAPES: [Shape; 28] = [
    Shape {
        name: "envelope: objects",
        input: |size| repeated(HEAD, OBJECT, TAIL, size),
        run: envelope,
    },
    Shape {
        name: "envelope: depth at the limit",
        input: |size| repeated(HEAD, &deep(DEPTH), TAIL, size),
        run: envelope,
    },
    Shape {
        name: "envelope: breadth",
        input: |size| repeated(HEAD, "[],", TAIL, size),
        run: envelope,
    },
    Shape {
        name: "envelope: short strings",
        input: |size| repeated(HEAD, r#""","#, TAIL, size),
        run: envelope,
    },
    Shape {
        name: "envelope: one long string",
        input: |size| repeated(&format!("{HEAD}\""), "a", &format!("\",{TAIL}"), size),
        run: envelope,
    },
    Shape {
        name: "envelope: backslashes",
        input: |size| repeated(&format!("{HEAD}\""), r"\\", &format!("\",{TAIL}"), size),
        run: envelope,
    },
    Shape {
        name: "envelope: escapes between blocks",
        input: |size| {
            let middle = "a".repeat(63) + r#"\""#;
            repeated(&format!("{HEAD}\""), &middle, &format!("\",{TAIL}"), size)
        },
        run: envelope,
    },
    Shape {
        name: "envelope: escapes in the target",
        input: |size| {
            repeated(r#"{"type":1,"arguments":[],"target":"A"#, r"\u0041", "\"}\u{1e}", size)
        },
        run: envelope,
    },
    Shape {
        name: "envelope: duplicates of the target",
        input: |size| {
            repeated(
                r#"{"type":1,"arguments":[],"target":"t""#,
                r#","target":"t""#,
                "}\u{1e}",
                size,
            )
        },
        run: envelope,
    },
    Shape {
        name: "envelope: duplicates of the arguments",
        input: |size| {
            repeated(
                r#"{"type":1,"target":"t","arguments":[]"#,
                r#","arguments":[1,2]"#,
                "}\u{1e}",
                size,
            )
        },
        run: envelope,
    },
    Shape {
        name: "envelope: unknown properties",
        input: |size| repeated(r#"{"type":6"#, r#","x":{"y":[1]}"#, "}\u{1e}", size),
        run: envelope,
    },
    Shape {
        name: "envelope: stream ids",
        input: |size| {
            repeated(
                r#"{"type":1,"target":"t","arguments":[],"streamIds":[""#,
                r#"",""#,
                "\"]}\u{1e}",
                size,
            )
        },
        run: envelope,
    },
    Shape {
        name: "envelope: headers",
        input: |size| repeated(r#"{"type":6,"headers":{"a":"b""#, r#","a":"b""#, "}}\u{1e}", size),
        run: envelope,
    },
    Shape {
        name: "envelope: white space",
        input: |size| repeated(r#"{"type""#, " ", ":6}\u{1e}", size),
        run: envelope,
    },
    Shape {
        name: "envelope: digits",
        input: |size| repeated(r#"{"type":6,"x":1"#, "1", "}\u{1e}", size),
        run: envelope,
    },
    Shape {
        name: "envelope: an array without end",
        input: |size| repeated(HEAD, "[],", "\u{1e}", size),
        run: no_envelope,
    },
    Shape {
        name: "envelope: brackets without end",
        input: |size| repeated(HEAD, "[", "\u{1e}", size),
        run: no_envelope,
    },
    Shape {
        name: "framing: records of one byte",
        input: |size| vec![framing::SEPARATOR; size],
        run: records,
    },
    Shape {
        name: "framing: a record byte by byte",
        input: |size| repeated("", "a", "\u{1e}", size),
        run: trickle,
    },
    Shape { name: "bind: objects", input: |size| repeated("[[", OBJECT, "0]]", size), run: bind },
    Shape {
        name: "bind: surplus arguments",
        input: |size| repeated("[1,[2]", ",[2]", "]", size),
        run: |raw| assert!(matches!(bound::<(i32,)>(raw), Err(BindError::Count { .. }))),
    },
    Shape {
        name: "bind: a wrong type at the end",
        input: |size| repeated("[[", "1,", "[]]]", size),
        run: |raw| assert_eq!(bound::<(Vec<i32>,)>(raw), Err(BindError::Shape)),
    },
    Shape {
        name: "bind: a string of escapes",
        input: |size| repeated("[\"", r"\n", "\"]", size),
        run: |raw| drop(bound::<(String,)>(raw).expect("a text")),
    },
    Shape { name: "check: objects", input: |size| repeated("[", OBJECT, "0]", size), run: check },
    Shape {
        name: "check: depth at the limit",
        input: |size| repeated("[", &deep(DEPTH), "0]", size),
        run: check,
    },
    Shape { name: "check: breadth", input: |size| repeated("[", "[],", "0]", size), run: check },
    Shape {
        name: "check: escapes",
        input: |size| repeated("\"", r"\u00e9\\", "\"", size),
        run: check,
    },
    Shape { name: "write: control characters", input: |size| vec![1; size], run: write },
];

/// Arrays in arrays, and a comma.
fn deep(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth) + ","
}

fn decoded(input: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    Encoding::Json.decode(framing::text(input, 0).expect("a record").body)
}

fn envelope(input: &mut [u8]) {
    black_box(decoded(input).expect("a message"));
}

fn no_envelope(input: &mut [u8]) {
    assert_eq!(decoded(input), Err(DecodeError::Syntax));
}

fn records(input: &mut [u8]) {
    let mut input = &*input;
    while let Some(record) = framing::text(input, 0) {
        input = &input[record.size..];
    }
}

fn trickle(input: &mut [u8]) {
    for end in 1..=input.len() {
        black_box(framing::text(&input[..end], end - 1));
    }
}

fn bound<'a, T: FromArguments<'a>>(raw: &'a [u8]) -> Result<T, BindError> {
    Payload::new(Encoding::Json, raw).bind()
}

fn bind(raw: &mut [u8]) {
    black_box(bound::<(serde_json::Value,)>(raw).expect("a list"));
}

fn check(raw: &mut [u8]) {
    Payload::new(Encoding::Json, raw).check().expect("JSON");
}

fn write(text: &mut [u8]) {
    let text = str::from_utf8(text).expect("a text");
    let mut out = Vec::new();
    json::write_invocation(None, text, &(), &mut out).expect("a text");
    out.clear();
    json::write_invocation(None, "t", &(text,), &mut out).expect("a text");
    black_box(out);
}
