//! Notes, closes and links for a session.

use std::io::ErrorKind;
use std::sync::Arc;

use hub_core::CloseReason;
use hub_core::server::AskId;

use super::{Pipe, Session, roomy};
use crate::inbox::{Inbox, NewLink, Note};

fn note(number: u64) -> Note {
    Note::Withdraw(AskId(number))
}

#[test]
fn notes_of_two_and_a_close_reach_the_session() {
    loom::model(|| {
        let (member, pipe) = (roomy(), Pipe::new(100));
        let session = Session::spawn(&member, pipe);
        let other = Arc::clone(&member);
        let noting = loom::thread::spawn(move || other.note(note(1)));
        member.note(note(2));
        noting.join().unwrap();
        member.note(note(3));
        member.close(CloseReason::Shutdown);
        member.close(CloseReason::Aborted);
        let seen = session.join().unwrap();
        assert!(
            [[1, 2, 3], [2, 1, 3]].iter().any(|notes| *notes == *seen.notes),
            "{:?}",
            seen.notes
        );
        assert_eq!(seen.close, Some(CloseReason::Shutdown));
    });
}

#[test]
fn the_first_of_two_closes_is_kept() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::default());
        let other = Arc::clone(&inbox);
        let closing = loom::thread::spawn(move || other.close(CloseReason::Aborted));
        inbox.close(CloseReason::Shutdown);
        inbox.close(CloseReason::Ended);
        closing.join().unwrap();
        let close = inbox.take().and_then(|mut post| post.close.take());
        assert!(matches!(close, Some(CloseReason::Shutdown | CloseReason::Aborted)), "{close:?}");
    });
}

#[test]
fn what_is_put_while_others_take_is_seen_once() {
    loom::model(|| {
        let inbox = Arc::new(Inbox::default());
        let noting = |numbers: [u64; 2]| {
            let inbox = Arc::clone(&inbox);
            loom::thread::spawn(move || {
                numbers.into_iter().for_each(|number| inbox.note(note(number)))
            })
        };
        let noting = [noting([1, 2]), noting([3, 4])];
        let mut notes = Vec::new();
        let mut take = || {
            let post = inbox.take();
            notes.extend(post.into_iter().flat_map(|post| post.notes).map(|note| match note {
                Note::Withdraw(ask) => ask.0,
                _ => 0,
            }));
        };
        take();
        take();
        noting.into_iter().for_each(|thread| thread.join().unwrap());
        // The flag says so, if something is left.
        take();
        notes.sort_unstable();
        assert_eq!(notes, [1, 2, 3, 4]);
        assert!(inbox.take().is_none());
    });
}

#[test]
fn a_link_is_shut_down_once_however_late_it_is_offered() {
    let ends = [CloseReason::Shutdown, CloseReason::Lost(ErrorKind::TimedOut)];
    for reason in ends {
        loom::model(move || {
            let (member, old) = (roomy(), Pipe::new(100));
            let session = Session::spawn(&member, old);
            let links = [Pipe::new(0), Pipe::new(0)];
            let (other, link) = (Arc::clone(&member), links[0].clone());
            let offering = loom::thread::spawn(move || other.offer(NewLink::new(link, Vec::new())));
            member.close(reason.clone());
            member.offer(NewLink::new(links[1].clone(), Vec::new()));
            offering.join().unwrap();
            session.join().unwrap();
            // Though the connection itself is still known to somebody.
            assert_eq!(links.map(|link| link.shutdowns()), [1, 1]);
            drop(member);
        });
    }
}
