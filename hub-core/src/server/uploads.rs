//! The streams that a client sends.

use std::collections::VecDeque;

use hub_proto::Id;

use super::event::{CallId, Event, Raw, StreamKey};
use crate::limits::{Limits, PARKED_OVERHEAD};

/// The open streams of one connection, by the order in which they were opened. Each passes on as many
/// items as its reader may have in front of it; the others are parked.
#[derive(Debug, Default)]
pub(super) struct Uploads(Option<Box<Open>>);

#[derive(Debug, Default)]
struct Open {
    streams: Vec<Upload>,
    totals: Totals,
}

/// Bytes over all streams.
#[derive(Debug, Default)]
struct Totals {
    /// Of what is parked.
    parked: usize,
    /// Of the items that readers have in front of them.
    given: usize,
}

#[derive(Debug)]
struct Upload {
    key: StreamKey,
    id: Id,
    /// The cost of each item that its reader has in front of it.
    given: VecDeque<usize>,
    parked: VecDeque<Parked>,
    /// Its last word has come, though it may be parked.
    ended: bool,
    /// Its reader knows of that.
    told: bool,
}

#[derive(Debug)]
enum Parked {
    Item(Raw),
    End(Option<Box<str>>),
}

impl Parked {
    const fn cost(&self) -> usize {
        let bytes = match self {
            Self::Item(item) => item.len(),
            Self::End(None) => 0,
            Self::End(Some(error)) => error.len(),
        };
        bytes + PARKED_OVERHEAD
    }
}

impl Upload {
    /// Parks what came, and gives whatever its reader may have now.
    fn pass(&mut self, totals: &mut Totals, limits: &Limits, mut give: impl FnMut(Event)) {
        let stream = self.key;
        while let Some(first) = self.parked.front() {
            let cost = first.cost();
            let fits = self.given.is_empty() || totals.given + cost <= limits.parked;
            let may =
                matches!(first, Parked::End(_)) || self.given.len() < limits.stream_items && fits;
            if !may {
                return;
            }
            totals.parked -= cost;
            match self.parked.pop_front() {
                Some(Parked::Item(item)) => {
                    totals.given += cost;
                    self.given.push_back(cost);
                    give(Event::Item { stream, item });
                }
                Some(Parked::End(error)) => {
                    self.told = true;
                    give(Event::Ended { stream, error });
                }
                None => {}
            }
        }
    }

    /// Whether nothing more is to be told of it, and its reader has taken everything.
    fn is_over(&self) -> bool {
        self.told && self.given.is_empty()
    }
}

impl Uploads {
    pub(super) const fn new() -> Self {
        Self(None)
    }

    /// Opens the streams of a call.
    pub(super) fn open<'a>(
        &mut self,
        call: CallId,
        ids: impl Iterator<Item = &'a str>,
    ) -> Box<[StreamKey]> {
        let open = self.0.get_or_insert_default();
        let first = open.streams.len();
        open.streams.extend(ids.zip(0..).map(|(id, nth)| Upload {
            key: StreamKey { call, nth },
            id: id.into(),
            given: VecDeque::new(),
            parked: VecDeque::new(),
            ended: false,
            told: false,
        }));
        open.streams.iter().skip(first).map(|upload| upload.key).collect()
    }

    /// Whether a stream of that id still sends.
    pub(super) fn sends(&self, id: &str) -> bool {
        let mut streams = self.0.iter().flat_map(|open| &open.streams);
        streams.any(|upload| !upload.ended && *upload.id == *id)
    }

    /// Takes an item, which is given on or parked. False when nobody reads such a stream.
    pub(super) fn item(
        &mut self,
        id: &str,
        item: &[u8],
        limits: &Limits,
        give: impl FnMut(Event),
    ) -> bool {
        self.arrives(id, Parked::Item(Raw::from(item)), limits, give)
    }

    /// Takes the last word of a stream, with its error. False when nobody reads such a stream.
    pub(super) fn end(
        &mut self,
        id: &str,
        error: Option<&str>,
        limits: &Limits,
        give: impl FnMut(Event),
    ) -> bool {
        self.arrives(id, Parked::End(error.map(Box::from)), limits, give)
    }

    fn arrives(
        &mut self,
        id: &str,
        what: Parked,
        limits: &Limits,
        give: impl FnMut(Event),
    ) -> bool {
        let Some(open) = &mut self.0 else { return false };
        let Open { streams, totals } = &mut **open;
        let mut sending = streams.iter_mut().filter(|upload| !upload.ended);
        let Some(upload) = sending.find(|upload| *upload.id == *id) else { return false };
        upload.ended = matches!(what, Parked::End(_));
        totals.parked += what.cost();
        upload.parked.push_back(what);
        upload.pass(totals, limits, give);
        if upload.is_over() {
            let stream = upload.key;
            self.close(stream);
        }
        true
    }

    /// A reader has taken that many items: gives those that were parked for want of room.
    pub(super) fn consumed(
        &mut self,
        stream: StreamKey,
        count: usize,
        limits: &Limits,
        mut give: impl FnMut(Event),
    ) {
        let Some(open) = &mut self.0 else { return };
        let Open { streams, totals } = &mut **open;
        let Ok(at) = streams.binary_search_by_key(&stream, |upload| upload.key) else { return };
        let Some(upload) = streams.get_mut(at) else { return };
        let count = count.min(upload.given.len());
        totals.given -= upload.given.drain(..count).sum::<usize>();
        upload.pass(totals, limits, &mut give);
        // Others may have waited for the bytes.
        if totals.parked > 0 {
            streams.iter_mut().for_each(|upload| upload.pass(totals, limits, &mut give));
        }
        self.retain(|upload| !upload.is_over());
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
        let Open { streams, totals } = &mut **open;
        streams.retain(|upload| {
            let kept = keep(upload);
            if !kept {
                totals.parked -= upload.parked.iter().map(Parked::cost).sum::<usize>();
                totals.given -= upload.given.iter().sum::<usize>();
            }
            kept
        });
        if streams.is_empty() {
            self.0 = None;
        }
    }

    /// What the parked items take.
    pub(super) fn parked_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.totals.parked)
    }

    /// What the items in front of readers take.
    pub(super) fn given_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.totals.given)
    }

    /// How many of them are not over.
    pub(super) fn len(&self) -> usize {
        let streams = self.0.iter().flat_map(|open| &open.streams);
        streams.filter(|upload| !upload.told).count()
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}
