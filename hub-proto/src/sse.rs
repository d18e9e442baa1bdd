//! Server-Sent Events: what the server sends where there is no WebSocket.
//!
//! A stream begins with [`PREAMBLE`]. Each flush of the server is one event, whose data is text: one or more whole hub
//! messages, separators included. There are no other fields, and no resuming.
//!
//! ```
//! use hub_proto::sse;
//!
//! let mut stream = sse::PREAMBLE.to_vec();
//! sse::write(&mut stream, [&b"{\"type\":6}\x1e"[..], &b"{\"type\":7}\x1e"[..]]);
//! assert_eq!(stream, b":\r\ndata: {\"type\":6}\x1e{\"type\":7}\x1e\r\n\r\n");
//!
//! let mut parser = sse::Parser::new(1 << 20);
//! let mut input = stream.as_slice();
//! let event = parser.next(&mut input)?;
//! assert_eq!(event.as_deref(), Some(&b"{\"type\":6}\x1e{\"type\":7}\x1e"[..]));
//! assert_eq!(parser.next(&mut input)?, None);
//! # Ok::<(), sse::EventTooBig>(())
//! ```

use std::mem;

const LF: u8 = b'\n';
const CR: u8 = b'\r';

/// The comment line that a stream begins with: some browsers do not report it open before they got a byte.
pub const PREAMBLE: &[u8] = b":\r\n";

/// Appends one event, whose data is all `parts` one after the other, in the bytes that ASP.NET Core writes.
///
/// Each line of the data becomes a line of the event. A line ends with LF, and with the CR before it, unless that CR is
/// all of the line. Without data only an empty line is written, which is no event.
///
/// Other CRs are written as they are, although readers take them for the end of a line: such data does not arrive as
/// it was sent. JSON has no raw CR or LF.
pub fn write<'a>(out: &mut Vec<u8>, parts: impl IntoIterator<Item = &'a [u8]>) {
    let mut line = None;
    for part in parts {
        let mut rest = part;
        while !rest.is_empty() {
            let start = *line.get_or_insert_with(|| begin_line(out));
            let (front, back) = rest.split_at(memchr::memchr(LF, rest).unwrap_or(rest.len()));
            out.extend_from_slice(front);
            if let Some((_, after)) = back.split_first() {
                if out.len() > start + 1 && out.last() == Some(&CR) {
                    out.pop();
                }
                out.extend_from_slice(b"\r\n");
                line = Some(begin_line(out));
                rest = after;
            } else {
                rest = back;
            }
        }
    }
    if line.is_some() {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Returns where in `out` the text of the line begins.
fn begin_line(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(b"data: ");
    out.len()
}

/// The data of one event is over the limit of the [`Parser`], given in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data of an event is longer than {0} bytes")]
pub struct EventTooBig(pub usize);

/// Reads a stream of events as a browser does ([WHATWG HTML] §9.2.6), of which only the data is handed out.
///
/// Lines may end with CR, LF or both; comments and other fields are skipped, however long they are. A parser holds no
/// more than the data of the event under way, and nothing between events.
///
/// [WHATWG HTML]: https://html.spec.whatwg.org/multipage/server-sent-events.html
#[derive(Clone, Debug)]
pub struct Parser {
    limit: usize,
    data: Vec<u8>,
    /// Whether the event under way has a line of data, be it empty.
    has_data: bool,
    /// Whether the last byte was a CR, so that an LF belongs to it.
    after_cr: bool,
    line: Line,
}

/// What is known of the line under way.
#[derive(Clone, Copy, Debug)]
enum Line {
    /// So many bytes of a byte order mark, which may stand at the start of the stream.
    Mark(usize),
    /// So many bytes of the only name that matters.
    Name(usize),
    /// Data, but for the space that may stand in front of it.
    Space,
    /// Data.
    Text,
    /// A comment, or another field.
    Other,
    /// None any more: the data of an event was too big.
    Failed,
}

const MARK: &[u8] = b"\xEF\xBB\xBF";
const NAME: &[u8] = b"data";

impl Parser {
    /// A parser at the start of a stream; the data of an event may have `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { limit, data: Vec::new(), has_data: false, after_cr: false, line: Line::Mark(0) }
    }

    /// Takes the bytes up to the end of the next event from the front of `input`, and returns its data, with LF between
    /// lines; `None` when all of `input` is used up.
    ///
    /// What is left over at the end of the stream is no event.
    ///
    /// # Errors
    /// The data is over the limit. The parser does not find the way back: it returns the same error for ever.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, EventTooBig> {
        if let Line::Failed = self.line {
            *input = &[];
            return Err(EventTooBig(self.limit));
        }
        while let Some((&byte, rest)) = input.split_first() {
            match (self.line, byte) {
                (_, LF) if self.after_cr => self.after_cr = false,
                (_, CR | LF) => {
                    self.after_cr = byte == CR;
                    if self.end_line()? {
                        *input = rest;
                        self.has_data = false;
                        return Ok(Some(mem::take(&mut self.data)));
                    }
                }
                (Line::Text | Line::Other, _) => {
                    let end = memchr::memchr2(CR, LF, input).unwrap_or(input.len());
                    let (run, rest) = input.split_at(end);
                    if let Line::Text = self.line {
                        self.keep(run)?;
                    }
                    *input = rest;
                    continue;
                }
                _ => self.begin_line(byte)?,
            }
            *input = rest;
        }
        Ok(None)
    }

    /// A byte before it is known what the line is.
    fn begin_line(&mut self, byte: u8) -> Result<(), EventTooBig> {
        self.after_cr = false;
        self.line = match self.line {
            Line::Mark(at) if MARK.get(at) == Some(&byte) => {
                if at + 1 < MARK.len() {
                    Line::Mark(at + 1)
                } else {
                    Line::Name(0)
                }
            }
            Line::Mark(0) | Line::Name(0) if NAME.first() == Some(&byte) => Line::Name(1),
            Line::Name(at) if NAME.get(at) == Some(&byte) => Line::Name(at + 1),
            Line::Name(at) if at == NAME.len() && byte == b':' => {
                self.begin_data()?;
                Line::Space
            }
            Line::Space => {
                if byte != b' ' {
                    self.keep(&[byte])?;
                }
                Line::Text
            }
            _ => Line::Other,
        };
        Ok(())
    }

    /// Returns whether the line ends an event: it is empty, and there is data.
    fn end_line(&mut self) -> Result<bool, EventTooBig> {
        let line = mem::replace(&mut self.line, Line::Name(0));
        match line {
            Line::Mark(0) | Line::Name(0) => return Ok(self.has_data),
            // A name without a colon is a field without a value.
            Line::Name(at) if at == NAME.len() => self.begin_data()?,
            _ => {}
        }
        Ok(false)
    }

    fn begin_data(&mut self) -> Result<(), EventTooBig> {
        if mem::replace(&mut self.has_data, true) { self.keep(&[LF]) } else { Ok(()) }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), EventTooBig> {
        if bytes.len() > self.limit - self.data.len() {
            self.line = Line::Failed;
            self.data = Vec::new();
            return Err(EventTooBig(self.limit));
        }
        self.data.extend_from_slice(bytes);
        Ok(())
    }
}
