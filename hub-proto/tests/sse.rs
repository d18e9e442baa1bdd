//! Server-Sent Events: what browsers accept, and one side against the other.

use hub_proto::sse::{self, EventTooBig, Parser};
use proptest::prelude::*;

/// Feeds chunks to a parser that may have seen some already.
fn feed<'a>(
    parser: &mut Parser,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Vec<u8>>, EventTooBig> {
    let mut events = Vec::new();
    for mut chunk in chunks {
        while let Some(event) = parser.next(&mut chunk)? {
            events.push(event);
        }
        assert!(chunk.is_empty(), "input left over");
    }
    Ok(events)
}

/// Parses at once, byte by byte and at every two-way split, which must be the same.
#[track_caller]
fn parse(stream: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, EventTooBig> {
    let whole = feed(&mut Parser::new(limit), [stream]);
    assert_eq!(feed(&mut Parser::new(limit), stream.chunks(1)), whole, "byte by byte");
    for at in 0..=stream.len() {
        let split = [&stream[..at], &stream[at..]];
        assert_eq!(feed(&mut Parser::new(limit), split), whole, "split at {at}");
    }
    whole
}

#[track_caller]
fn events(stream: impl AsRef<[u8]>) -> Vec<String> {
    let events = parse(stream.as_ref(), 1 << 20).expect("no event is too big");
    events.into_iter().map(|event| String::from_utf8(event).expect("text")).collect()
}

fn written<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    sse::write(&mut out, parts);
    out
}

#[test]
fn lines_end_with_lf_cr_or_both() {
    for (one, other) in [("\n", "\n"), ("\r", "\r"), ("\r\n", "\r\n"), ("\r", "\r\n")] {
        let stream = format!("data: a{one}data: b{other}{one}data: c{other}{other}");
        assert_eq!(events(&stream), ["a\nb", "c"], "{stream:?}");
    }
}

#[test]
fn an_event_is_there_with_the_cr_of_its_empty_line() {
    let mut parser = Parser::new(100);
    assert_eq!(feed(&mut parser, [&b"data: a\r\n\r"[..]]), Ok(vec![b"a".to_vec()]));
    assert_eq!(feed(&mut parser, [&b"\ndata: b\n"[..], b"\r"]), Ok(vec![b"b".to_vec()]));
}

#[test]
fn one_space_is_no_part_of_the_data() {
    assert_eq!(events("data:a\n\ndata: a\n\ndata:  a\n\ndata:\ta \n\n"), ["a", "a", " a", "\ta "]);
}

#[test]
fn data_may_be_empty_and_no_data_is_no_event() {
    assert_eq!(events("data\n\ndata:\n\ndata: \n\n"), ["", "", ""]);
    assert_eq!(events("data\ndata\n\n"), ["\n"]);
    assert_eq!(events("\n\n\nid: 1\n\n: x\n\n"), [""; 0]);
}

#[test]
fn comments_and_other_fields_are_skipped() {
    let others = ":\n:data: no\nevent: x\nid\nretry: 5\ndat: x\ndatas: x\nDATA: x\n data: x\n=\n";
    assert_eq!(events(format!("{others}data: a\n{others}data: b\n{others}\n")), ["a\nb"]);
}

#[test]
fn a_byte_order_mark_may_stand_at_the_start_only() {
    assert_eq!(events("\u{FEFF}data: a\n\n"), ["a"]);
    assert_eq!(events("\u{FEFF}\ndata: a\n\n"), ["a"]);
    assert_eq!(events("\u{FEFF}\u{FEFF}data: a\n\n"), [""; 0]);
    assert_eq!(events("\n\u{FEFF}data: a\n\n"), [""; 0]);
    assert_eq!(events("data: \u{FEFF}\n\n"), ["\u{FEFF}"]);
    assert_eq!(events(b"\xEF\xBBdata: a\n\n\xEFdata: b\n\n"), [""; 0]);
    assert_eq!(events(b"\xEF\ndata: a\n\n"), ["a"]);
}

#[test]
fn the_limit_is_of_the_data_of_one_event() {
    let four = vec![b"1234".to_vec()];
    assert_eq!(parse(b"data: 1234\n\n", 4), Ok(four.clone()));
    assert_eq!(parse(b"data: 12345\n\n", 4), Err(EventTooBig(4)));
    assert_eq!(parse(b"data: 12\ndata: 3\n\n", 4), Ok(vec![b"12\n3".to_vec()]));
    assert_eq!(parse(b"data: 12\ndata: 34\n\n", 4), Err(EventTooBig(4)));
    assert_eq!(parse(b"data: 1234\ndata\n\n", 4), Err(EventTooBig(4)));
    assert_eq!(parse(b"data\ndata:\n\n", 0), Err(EventTooBig(0)));
    let others = b":12345\nlong-name: 12345\ndata: 1234\n\n";
    assert_eq!(parse(others, 4), Ok(four));
}

#[test]
fn after_an_event_that_is_too_big_there_is_no_other() {
    let mut parser = Parser::new(4);
    let mut input = &b"data: 1\n\ndata: 12345\n\ndata: 2\n\n"[..];
    assert_eq!(parser.next(&mut input), Ok(Some(b"1".to_vec())));
    for mut input in [input, b"\n\ndata: 3\n\n", b""] {
        assert_eq!(parser.next(&mut input), Err(EventTooBig(4)));
    }
}

#[test]
fn a_cr_before_an_lf_goes_unless_it_is_all_of_the_line() {
    assert_eq!(written([&b"a\r\nb"[..]]), b"data: a\r\ndata: b\r\n\r\n");
    assert_eq!(written([&b"a\r"[..], b"\nb"]), b"data: a\r\ndata: b\r\n\r\n");
    assert_eq!(written([&b"\r\nb"[..]]), b"data: \r\r\ndata: b\r\n\r\n");
    assert_eq!(written([&b"a\r"[..]]), b"data: a\r\r\n\r\n");
    assert_eq!(written([&b"a\r\r\n"[..]]), b"data: a\r\r\ndata: \r\n\r\n");
}

#[test]
fn no_data_is_written_as_an_empty_line() {
    assert_eq!(written([]), b"\r\n");
    assert_eq!(written([&b""[..], b""]), b"\r\n");
}

const PIECES: [&str; 11] =
    ["data", "data:", "data: ", ":", " ", "\r", "\n", "\r\n", "\u{FEFF}", "id: 7", "x"];

/// Pieces of streams, right and wrong, in any order.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(&PIECES[..]).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_written_is_read(
        payloads in prop::collection::vec(
            prop_oneof!["[a-z{}\u{1e}\n :]{1,12}", "[^\r]{1,40}"].prop_map(String::into_bytes),
            0..4,
        ),
        cut: prop::sample::Index,
    ) {
        let mut stream = sse::PREAMBLE.to_vec();
        for payload in &payloads {
            let (front, back) = payload.split_at(cut.index(payload.len()));
            sse::write(&mut stream, [front, back]);
        }
        prop_assert_eq!(parse(&stream, 200), Ok(payloads));
    }

    #[test]
    fn a_crlf_arrives_as_lf(lines in prop::collection::vec("[a-z]{1,4}", 1..5)) {
        let stream = written([lines.join("\r\n").as_bytes()]);
        prop_assert_eq!(events(stream), [lines.join("\n")]);
    }

    #[test]
    fn any_chunks_give_the_same_events(stream in stream(), limit in 0..16_usize) {
        let _same = parse(&stream, limit);
    }

    #[test]
    fn the_events_are_those_of_a_plain_reading(stream in stream()) {
        let lines = String::from_utf8_lossy(&stream).replace("\r\n", "\n").replace('\r', "\n");
        let lines = lines.strip_prefix('\u{FEFF}').unwrap_or(&lines);
        let (mut expected, mut data) = (Vec::new(), Vec::new());
        // What follows the last line end is no line.
        for line in lines.rsplit_once('\n').map_or("", |(whole, _)| whole).split('\n') {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            if line.is_empty() {
                expected.extend((!data.is_empty()).then(|| data.join("\n")));
                data.clear();
            } else if name == "data" {
                data.push(value.strip_prefix(' ').unwrap_or(value));
            }
        }
        let events = parse(&stream, 1 << 20).unwrap();
        let events: Vec<_> = events.iter().map(|event| String::from_utf8_lossy(event)).collect();
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn parts_make_no_difference_to_the_writer(payload in "[a\r\n]{0,10}", at: prop::sample::Index) {
        let (front, back) = payload.as_bytes().split_at(at.index(payload.len() + 1));
        prop_assert_eq!(written([front, back]), written([payload.as_bytes()]));
    }
}
