//! Server-Sent Events.

use hub_proto::sse::{self, Parser};
use serde_json::Value;

use super::{bytes_or_empty, text};

const LIMIT: usize = 1 << 20;

/// One event, which is the same wherever its data is cut into two.
pub(super) fn write(data: &str, out: &mut Vec<u8>) {
    sse::write(out, [data.as_bytes()]);
    for at in 0..=data.len() {
        let (front, back) = data.as_bytes().split_at(at);
        let mut parts = Vec::new();
        sse::write(&mut parts, [front, back]);
        assert_eq!(parts, *out, "cut at {at}");
    }
}

/// Feeds the chunks and compares the data of all events, and what a further event makes of the rest.
pub(super) fn parses(vector: &Value, chunks: &[&[u8]]) -> Result<(), String> {
    let mut parser = Parser::new(LIMIT);
    let seen = events(&mut parser, chunks)?;
    if vector["expect_all"] != Value::from(seen.clone()) {
        return Err(format!("got {seen:?}"));
    }
    if vector.get("rest").is_none() {
        return Ok(());
    }
    let further = &b"data: x\r\n\r\n"[..];
    let seen = events(&mut parser, &[further])?;
    let wanted = events(&mut Parser::new(LIMIT), &[&bytes_or_empty(vector), further])?;
    if seen == wanted { Ok(()) } else { Err(format!("after {}: {seen:?}", text(vector, "rest"))) }
}

fn events(parser: &mut Parser, chunks: &[&[u8]]) -> Result<Vec<String>, String> {
    let mut events = Vec::new();
    for mut chunk in chunks.iter().copied() {
        while let Some(event) = parser.next(&mut chunk).map_err(|error| error.to_string())? {
            events.push(String::from_utf8(event).map_err(|error| error.to_string())?);
        }
    }
    Ok(events)
}
