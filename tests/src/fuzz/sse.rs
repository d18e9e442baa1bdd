//! Server-Sent Events: the parser against the standard read line by line, and what the writer writes.

use hub_proto::sse::{self, EventTooBig, Parser};

/// The limit of the second parser, in bytes.
const LIMIT: usize = 24;

/// Takes `input` for a stream of events, and for the data of one.
pub fn run(input: &[u8]) {
    let (events, failed) = parse(usize::MAX, &[input]);
    assert!(!failed);
    assert_eq!(events, by_lines(input));
    let (limited, failed) = parse(LIMIT, &[input]);
    assert!(events.starts_with(&limited) && limited.iter().all(|event| event.len() <= LIMIT));
    match events.get(limited.len()) {
        Some(event) => assert!(failed && event.len() > LIMIT, "an event was lost"),
        // An event too big may have been under way at the end.
        None => assert!(!failed || input.len() > LIMIT),
    }
    for split in super::splits(input) {
        assert_eq!(parse(usize::MAX, &split).0, events, "events depend on the reads");
        assert_eq!(parse(LIMIT, &split), (limited.clone(), failed));
    }
    write(input);
}

/// The events, and whether one was over the limit.
fn parse(limit: usize, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let (mut parser, mut events) = (Parser::new(limit), Vec::new());
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match parser.next(&mut input) {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break assert!(input.is_empty(), "input left over"),
                Err(error) => {
                    assert_eq!(error, EventTooBig(limit));
                    assert_eq!(parser.next(&mut &b"data:\n\n"[..]), Err(error), "it is for ever");
                    return (events, true);
                }
            }
        }
    }
    (events, false)
}

/// WHATWG HTML §9.2.6, for streams that are there as a whole.
fn by_lines(stream: &[u8]) -> Vec<Vec<u8>> {
    let (mut lines, mut before) = (vec![Vec::new()], 0);
    for byte in stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream) {
        match byte {
            b'\n' if before == b'\r' => {}
            b'\r' | b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().expect("there is a line").push(*byte),
        }
        before = *byte;
    }
    // The last line has no end.
    lines.pop();
    let (mut events, mut data) = (Vec::new(), Vec::new());
    for line in &lines {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if line.is_empty() {
            if !data.is_empty() {
                events.push(data.join(&b'\n'));
            }
            data.clear();
        } else if name == b"data" {
            let value = value.strip_prefix(b":").unwrap_or(value);
            data.push(value.strip_prefix(b" ").unwrap_or(value));
        }
    }
    events
}

/// Data is written the same from any parts, and arrives, unless a reader takes a CR in it for the end of a line.
fn write(data: &[u8]) {
    let mut written = Vec::new();
    sse::write(&mut written, [data]);
    for split in super::splits(data) {
        let mut in_parts = Vec::new();
        sse::write(&mut in_parts, split);
        assert_eq!(in_parts, written, "an event depends on its parts");
    }
    let mut lines: Vec<_> = data.split(|byte| *byte == b'\n').collect();
    let last = lines.pop().expect("there is a line");
    // The CR of a line's end is not sent, unless it is all of the line.
    let kept = lines.into_iter().map(|line| match line.strip_suffix(b"\r") {
        Some(front) if !front.is_empty() => front,
        _ => line,
    });
    let kept: Vec<_> = kept.chain([last]).collect();
    if !kept.iter().any(|line| line.contains(&b'\r')) {
        let event = (!data.is_empty()).then(|| kept.join(&b'\n'));
        assert_eq!(parse(data.len(), &[sse::PREAMBLE, &written]), (Vec::from_iter(event), false));
    }
}
