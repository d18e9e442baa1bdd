//! The streams that a client sends.

use std::collections::VecDeque;

use hub_proto::Id;

use super::event::{CallId, Event, Raw, StreamKey};

/// What a parked item takes besides its bytes, so that empty ones are not free.
const OVERHEAD: usize = 64;

/// The open streams of one connection, by the order in which they were opened. Each passes on as many
/// items as its reader has asked for; the others are parked.
#[derive(Debug, Default)]
pub(super) struct Uploads(Option<Box<Open>>);

#[derive(Debug, Default)]
struct Open {
    streams: Vec<Upload>,
    parked_bytes: usize,
}

#[derive(Debug)]
struct Upload {
    key: StreamKey,
    id: Id,
    /// How many more items the reader takes.
    credit: usize,
    parked: VecDeque<Parked>,
    /// Its last word has come, though it may be parked.
    ended: bool,
}

#[derive(Debug)]
enum Parked {
    Item(Raw),
    End(Option<Box<str>>),
}

impl Parked {
    const fn cost(&self) -> usize {
        match self {
            Self::Item(item) => item.len() + OVERHEAD,
            Self::End(None) => OVERHEAD,
            Self::End(Some(error)) => error.len() + OVERHEAD,
        }
    }
}

impl Uploads {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// Opens the streams of a call, whose reader takes `credit` items each.
    pub(super) fn open<'a>(
        &mut self,
        call: CallId,
        ids: impl Iterator<Item = &'a str>,
        credit: usize,
    ) -> Box<[StreamKey]> {
        let open = self.0.get_or_insert_default();
        let first = open.streams.len();
        open.streams.extend(ids.zip(0..).map(|(id, nth)| Upload {
            key: StreamKey { call, nth },
            id: id.into(),
            credit,
            parked: VecDeque::new(),
            ended: false,
        }));
        open.streams.iter().skip(first).map(|upload| upload.key).collect()
    }

    fn by_id(&mut self, id: &str) -> Option<(&mut Upload, &mut usize)> {
        let Open { streams, parked_bytes } = &mut **self.0.as_mut()?;
        let upload = streams.iter_mut().find(|upload| !upload.ended && *upload.id == *id)?;
        Some((upload, parked_bytes))
    }

    /// Whether a stream of that id still sends.
    pub(super) fn sends(&self, id: &str) -> bool {
        let mut streams = self.0.iter().flat_map(|open| &open.streams);
        streams.any(|upload| !upload.ended && *upload.id == *id)
    }

    /// Takes an item: it is an event, or parked. None when nobody reads such a stream.
    pub(super) fn item(&mut self, id: &str, item: &[u8]) -> Option<Option<Event>> {
        let (upload, parked_bytes) = self.by_id(id)?;
        let item = Raw::from(item);
        if upload.credit > 0 && upload.parked.is_empty() {
            upload.credit -= 1;
            return Some(Some(Event::Item { stream: upload.key, item }));
        }
        let parked = Parked::Item(item);
        *parked_bytes += parked.cost();
        upload.parked.push_back(parked);
        Some(None)
    }

    /// Takes the last word of a stream, with its error. None when nobody reads such a stream.
    pub(super) fn end(&mut self, id: &str, error: Option<&str>) -> Option<Option<Event>> {
        let (upload, parked_bytes) = self.by_id(id)?;
        upload.ended = true;
        let error = error.map(Box::from);
        if upload.parked.is_empty() {
            let stream = upload.key;
            self.close(stream);
            return Some(Some(Event::Ended { stream, error }));
        }
        let parked = Parked::End(error);
        *parked_bytes += parked.cost();
        upload.parked.push_back(parked);
        Some(None)
    }

    /// The reader takes that many more items: gives those that were parked.
    pub(super) fn consumed(
        &mut self,
        stream: StreamKey,
        count: usize,
        most: usize,
        mut give: impl FnMut(Event),
    ) {
        let Some(open) = &mut self.0 else { return };
        let Ok(at) = open.streams.binary_search_by_key(&stream, |upload| upload.key) else {
            return;
        };
        let Some(upload) = open.streams.get_mut(at) else { return };
        upload.credit = upload.credit.saturating_add(count).min(most);
        let mut over = false;
        while upload.credit > 0 || matches!(upload.parked.front(), Some(Parked::End(_))) {
            let Some(parked) = upload.parked.pop_front() else { break };
            open.parked_bytes -= parked.cost();
            match parked {
                Parked::Item(item) => {
                    upload.credit -= 1;
                    give(Event::Item { stream, item });
                }
                Parked::End(error) => {
                    over = true;
                    give(Event::Ended { stream, error });
                }
            }
        }
        if over {
            self.close(stream);
        }
    }

    /// Forgets a stream that nobody reads any more.
    pub(super) fn close(&mut self, stream: StreamKey) {
        self.retain(|upload| upload.key != stream);
    }

    /// Forgets the streams of a call that is over.
    pub(super) fn close_all_of(&mut self, call: CallId) {
        self.retain(|upload| upload.key.call != call);
    }

    fn retain(&mut self, mut keep: impl FnMut(&Upload) -> bool) {
        let Some(open) = &mut self.0 else { return };
        let Open { streams, parked_bytes } = &mut **open;
        streams.retain(|upload| {
            let kept = keep(upload);
            if !kept {
                *parked_bytes -= upload.parked.iter().map(Parked::cost).sum::<usize>();
            }
            kept
        });
        if streams.is_empty() {
            self.0 = None;
        }
    }

    /// What the parked items take.
    pub(super) fn parked_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.parked_bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.streams.len())
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}
