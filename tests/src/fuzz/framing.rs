//! Where records end: text and binary framing, and a reader with a limit.

use hub_proto::Encoding;
use hub_proto::framing::{self, MAX_BODY, NoRecord, Record, SEPARATOR};

use super::records;

/// The longest record that the reader with a limit takes, in bytes.
const LIMIT: usize = 64;

/// Takes `input` for a stream of records.
pub fn run(input: &[u8]) {
    text(input);
    binary(input);
    for encoding in Encoding::BUILT_IN {
        let whole = limited(encoding, &[input]);
        for split in super::splits(input) {
            assert_eq!(limited(encoding, &split), whole, "the limit depends on the reads");
        }
    }
}

fn text(input: &[u8]) {
    let read = records::in_any_split(Encoding::Json, input);
    let mut joined = Vec::new();
    for body in &read.bodies {
        assert!(!body.contains(&SEPARATOR));
        joined.extend_from_slice(body);
        joined.push(SEPARATOR);
    }
    assert!(!read.rest.contains(&SEPARATOR));
    joined.extend_from_slice(&read.rest);
    assert_eq!(joined, input);

    // Wherever an earlier search ended, the next one finds the same.
    let end = input.iter().position(|byte| *byte == SEPARATOR);
    let record = end.map(|end| Record { body: &input[..end], size: end + 1 });
    for searched in 0..=end.unwrap_or(input.len()) {
        assert_eq!(framing::text(input, searched), record);
    }
}

fn binary(input: &[u8]) {
    let mut rest = input;
    loop {
        let found = framing::binary(rest);
        assert_eq!(found, plainly(rest));
        let Ok(record) = found else { break };
        let (front, behind) = rest.split_at(record.size);
        assert_eq!(framing::binary(front), found, "it depends on what is behind it");
        shortest(&record);
        rest = behind;
    }
    records::in_any_split(Encoding::MessagePack, input);
}

/// A record, with its length read in the plainest way.
fn plainly(input: &[u8]) -> Result<Record<'_>, NoRecord> {
    let prefix = input.iter().take(5).take_while(|byte| **byte >= 0x80).count() + 1;
    if prefix > 5 {
        return Err(NoRecord::TooLong);
    }
    let Some(bytes) = input.get(..prefix) else {
        return Err(NoRecord::Incomplete { size: input.len() });
    };
    let length = bytes.iter().rev().fold(0, |length, byte| length << 7 | u64::from(byte & 0x7F));
    if length > MAX_BODY as u64 {
        return Err(NoRecord::TooLong);
    }
    let size = prefix + length as usize;
    input.get(prefix..size).map(|body| Record { body, size }).ok_or(NoRecord::Incomplete { size })
}

/// The length is written with no more bytes than it was read from, and reads as the same.
fn shortest(record: &Record<'_>) {
    let mut written = Vec::new();
    framing::write_length(record.body.len(), &mut written);
    assert!(written.len() + record.body.len() <= record.size);
    assert!(written.len() == 1 || written.last() != Some(&0), "not the shortest form");
    written.extend_from_slice(record.body);
    let size = written.len();
    assert_eq!(framing::binary(&written), Ok(Record { body: record.body, size }));
}

/// How many records a reader takes before the first over its limit, and whether there is one.
///
/// It knows of that one before it has made room for it.
fn limited(encoding: Encoding, chunks: &[&[u8]]) -> (usize, bool) {
    let (mut count, mut buffer, mut searched) = (0, Vec::new(), 0);
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        assert!(buffer.len() <= LIMIT + chunk.len(), "held more than the limit");
        loop {
            let size = match encoding.record(&buffer, searched) {
                Ok(Record { size, .. }) if size <= LIMIT => size,
                Err(NoRecord::Incomplete { size }) if size <= LIMIT => {
                    searched = buffer.len();
                    break;
                }
                Ok(_) | Err(NoRecord::Incomplete { .. } | NoRecord::TooLong) => {
                    return (count, true);
                }
            };
            count += 1;
            buffer.drain(..size);
            searched = 0;
        }
    }
    (count, false)
}
