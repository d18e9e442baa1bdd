//! A world that goes ahead, and one that follows at its own speed.

use std::collections::VecDeque;
use std::time::Instant;

use super::World;
use super::house::{House, PATIENCE};

/// How far everybody has come when the world is at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How much each client has seen.
    seen: Vec<usize>,
    /// How many of its messages are not acked.
    unacked: Vec<usize>,
    /// How much the application has seen.
    heard: usize,
}

/// How a world comes to rest.
#[derive(Debug, Default)]
pub enum Pace {
    /// When nothing moves.
    #[default]
    Alone,
    /// When nothing moves, and remembers how far everybody has come by then.
    Leads(Vec<Mark>),
    /// When everybody has come as far as where it was led, however long that takes.
    Follows(VecDeque<Mark>),
}

impl<H: House> World<H> {
    fn mark(&self) -> Mark {
        Mark {
            seen: self.transcripts.iter().map(Vec::len).collect(),
            unacked: self.peers.iter().map(|peer| peer.unacked()).collect(),
            heard: self.heard,
        }
    }

    fn has_come_to(&self, mark: &Mark) -> bool {
        let here = self.mark();
        let acked = |(here, there)| here <= there;
        here.heard >= mark.heard
            && here.seen.iter().zip(&mark.seen).all(|(here, there)| here >= there)
            && here.unacked.iter().zip(&mark.unacked).all(acked)
    }

    /// Comes to rest.
    pub(super) fn settle(&mut self) {
        self.settle_now();
        let mark = self.mark();
        match &mut self.pace {
            Pace::Alone => {}
            Pace::Leads(marks) => marks.push(mark),
            Pace::Follows(marks) => {
                let mark = marks.pop_front().expect("it was led further");
                let start = Instant::now();
                while !self.has_come_to(&mark) {
                    assert!(
                        start.elapsed() < PATIENCE,
                        "it is at {:?} and comes not to {mark:?}: {:?}",
                        self.mark(),
                        self.transcripts
                    );
                    self.house.pause();
                    self.settle_now();
                }
            }
        }
    }
}
