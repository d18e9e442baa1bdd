//! Input of a raw connection on its way to a handler on another thread.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use hub_core::limits::RAW_UNREAD;
use hub_proto::TransferFormat;
use loom::future::block_on;
use loom::thread::JoinHandle;

use super::roomy;
use crate::inlet::Inlet;
use crate::member::Member;
use crate::raw::{Chunk, RawConnection};

/// So much that there is no room behind it.
const LARGE: Bytes = Bytes::from_static(&[0; RAW_UNREAD]);

/// A session that has so many chunks to put in, one whenever there is room, and the end behind them; as
/// `RawSession` does in its `read` and its `end`.
fn session(member: &Arc<Member>, inlet: &Arc<Inlet>, chunks: usize) -> JoinHandle<()> {
    let (member, inlet) = (Arc::clone(member), Arc::clone(inlet));
    loom::thread::spawn(move || {
        for _ in 0..chunks {
            block_on(poll_fn(|cx| {
                member.waker.register(cx.waker());
                if inlet.has_room() { Poll::Ready(()) } else { Poll::Pending }
            }));
            let chunk = Chunk { bytes: LARGE, format: TransferFormat::Binary, fin: true };
            inlet.extend([chunk].into_iter()).into_iter().for_each(Waker::wake);
        }
        inlet.end().into_iter().for_each(Waker::wake);
        drop(member.waker.take());
    })
}

#[test]
fn a_handler_gets_what_comes_and_the_session_learns_of_room() {
    loom::model(|| {
        let (member, inlet) = (roomy(), Arc::<Inlet>::default());
        let session = session(&member, &inlet, 2);
        let mut connection = RawConnection::new(member, inlet, true);
        assert!(block_on(connection.receive()).is_some());
        assert!(block_on(connection.receive()).is_some());
        assert!(block_on(connection.receive()).is_none());
        session.join().unwrap();
    });
}

#[test]
fn a_session_waits_for_no_handler_that_is_gone() {
    loom::model(|| {
        let (member, inlet) = (roomy(), Arc::<Inlet>::default());
        let session = session(&member, &inlet, 3);
        let mut connection = RawConnection::new(member, inlet, true);
        assert!(block_on(connection.receive()).is_some());
        drop(connection);
        session.join().unwrap();
    });
}
