//! Records, cut off input that comes in chunks.

use hub_proto::Encoding;
use hub_proto::framing::NoRecord;

/// What a reader has made of its input.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Of every whole record, without its framing.
    pub bodies: Vec<Vec<u8>>,
    /// What is left over.
    pub rest: Vec<u8>,
    /// Whether the rest declares more than any peer takes; then it ends where that was noticed.
    pub too_long: bool,
}

impl Records {
    /// Reads until the chunks end, or a record is too long.
    pub fn read<'a>(encoding: Encoding, chunks: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let (mut read, mut searched) = (Self::default(), 0);
        for chunk in chunks {
            read.rest.extend_from_slice(chunk);
            loop {
                match encoding.record(&read.rest, searched) {
                    Ok(record) => {
                        assert!(record.size > record.body.len(), "no room for framing");
                        read.bodies.push(record.body.to_vec());
                        let size = record.size;
                        read.rest.drain(..size);
                        searched = 0;
                    }
                    Err(NoRecord::Incomplete { size }) => {
                        assert!(size >= read.rest.len(), "it declares less than there is");
                        searched = read.rest.len();
                        break;
                    }
                    Err(NoRecord::TooLong) => {
                        read.too_long = true;
                        return read;
                    }
                }
            }
        }
        read
    }

    /// The same from any chunks. What follows a length that is too long depends on them.
    pub fn assert_same(&self, other: &Self) {
        assert_eq!(self.bodies, other.bodies, "records depend on the reads");
        assert_eq!(self.too_long, other.too_long);
        assert!(self.too_long || self.rest == other.rest);
    }
}

/// Reads `input` whole and in other splits, which must not matter.
pub(super) fn in_any_split(encoding: Encoding, input: &[u8]) -> Records {
    let whole = Records::read(encoding, [input]);
    for split in super::splits(input) {
        Records::read(encoding, split).assert_same(&whole);
    }
    whole
}
