//! The connections of a hub, in several registries so that they do not queue for one lock.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hub_core::registry::{Audience, Registry};
use hub_core::{Delivery, Pushed};
use hub_proto::{EncodeError, Encoding, Prepared};

use crate::deliver::deliver;
use crate::member::Member;

/// How many registries there are; a power of two.
const COUNT: usize = 16;

type Shard = Registry<Arc<Member>>;

/// Everybody who is connected, by the hash of the connection id.
pub(crate) struct Shards {
    shards: [RwLock<Shard>; COUNT],
    hasher: RandomState,
    /// How many connections use each encoding; one that was used once keeps its place.
    in_use: RwLock<Vec<(Encoding, usize)>>,
}

/// What a walk over the audience did.
#[derive(Default)]
pub(crate) struct Walk {
    /// How many connections the message was queued for.
    pub(crate) queued: usize,
    /// How many the policy of their hub left out.
    pub(crate) dropped: usize,
    /// Those whose queue is over its soft budget.
    pub(crate) waiting: Vec<Arc<Member>>,
}

thread_local! {
    /// Sessions to wake after a walk; kept, so that a broadcast allocates nothing for it.
    static WOKEN: Cell<Vec<Arc<Member>>> = const { Cell::new(Vec::new()) };
}

impl Shards {
    pub(crate) fn new() -> Self {
        let hasher = RandomState::new();
        Self {
            shards: std::array::from_fn(|n| RwLock::new(Registry::new(seed(&hasher, n as u64)))),
            hasher,
            in_use: RwLock::default(),
        }
    }

    /// Registers a connection whose handshake is answered.
    pub(crate) fn insert(&self, member: Arc<Member>) {
        let encoding = member.encoding();
        let (id, user) = (Arc::clone(&member.id), member.user().cloned());
        // Before the member can be seen, so that whoever sees it finds its encoding in use.
        self.use_encoding(encoding);
        let taken = self.write(&id).insert(Arc::clone(&id), user, member);
        if taken.is_err() {
            self.disuse_encoding(encoding);
        }
    }

    /// Takes a connection out, with its groups and its user.
    pub(crate) fn remove(&self, id: &str) {
        let removed = self.write(id).remove(id);
        if let Some(removed) = removed {
            self.disuse_encoding(removed.outlet.encoding());
        }
    }

    /// Queues a message for everybody in the audience, encoded once per encoding in use.
    pub(crate) fn send(
        &self,
        audience: &Audience<'_>,
        except: &[&str],
        prepared: &mut Prepared<'_>,
        delivery: Delivery,
    ) -> Result<Walk, EncodeError> {
        for (encoding, users) in (0..).map_while(|nth| self.encoding(nth)) {
            if users > 0 {
                prepared.encode(encoding)?;
            }
        }
        let mut walk = Walk::default();
        let mut woken = WOKEN.take();
        let mut missed = Vec::new();
        for shard in self.shards_of(audience) {
            let registry = shard.read().unwrap_or_else(PoisonError::into_inner);
            registry.each(audience, except, |member| match prepared.frame(member.encoding()) {
                Some(frame) => walk.count(member, member.send(frame, delivery), &mut woken),
                None => missed.push(Arc::clone(member)),
            });
            drop(registry);
            deliver(&mut woken);
        }
        // Their encoding came into use after it was asked for. A value that cannot be written in it has
        // reached the others by now; these miss it.
        for member in missed {
            let _ = prepared.encode(member.encoding());
            if let Some(frame) = prepared.frame(member.encoding()) {
                walk.count(&member, member.send(frame, delivery), &mut woken);
            }
        }
        deliver(&mut woken);
        WOKEN.set(woken);
        Ok(walk)
    }

    /// Collects everybody in the audience.
    pub(crate) fn members(&self, audience: &Audience<'_>) -> Vec<Arc<Member>> {
        self.members_except(audience, &[])
    }

    /// One connection.
    pub(crate) fn member(&self, id: &str) -> Option<Arc<Member>> {
        self.members(&Audience::Client(id)).pop()
    }

    /// Collects everybody in the audience but these.
    pub(crate) fn members_except(
        &self,
        audience: &Audience<'_>,
        except: &[&str],
    ) -> Vec<Arc<Member>> {
        let mut found = Vec::new();
        for shard in self.shards_of(audience) {
            let registry = shard.read().unwrap_or_else(PoisonError::into_inner);
            registry.each(audience, except, |member| found.push(Arc::clone(member)));
        }
        found
    }

    /// Asks every registry a question.
    pub(crate) fn ask<R>(&self, question: impl FnMut(&Shard) -> R) -> impl Iterator<Item = R> {
        let mut question = question;
        self.shards
            .iter()
            .map(move |shard| question(&shard.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The registry in which that connection is, or would be, to look at.
    pub(crate) fn read(&self, id: &str) -> RwLockReadGuard<'_, Shard> {
        self.shards[self.index(id)].read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, to change.
    pub(crate) fn write(&self, id: &str) -> RwLockWriteGuard<'_, Shard> {
        self.shards[self.index(id)].write().unwrap_or_else(PoisonError::into_inner)
    }

    fn use_encoding(&self, encoding: Encoding) {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        match in_use.iter_mut().find(|(known, _)| *known == encoding) {
            Some((_, users)) => *users += 1,
            None => in_use.push((encoding, 1)),
        }
    }

    fn disuse_encoding(&self, encoding: Encoding) {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, users)) = in_use.iter_mut().find(|(known, _)| *known == encoding) {
            *users -= 1;
        }
    }

    /// One by one, so that nobody's `Serialize` runs under the lock.
    fn encoding(&self, nth: usize) -> Option<(Encoding, usize)> {
        self.in_use.read().unwrap_or_else(PoisonError::into_inner).get(nth).copied()
    }

    fn index(&self, id: &str) -> usize {
        self.hasher.hash_one(id) as usize % COUNT
    }

    /// The registries in which the audience can be.
    fn shards_of(&self, audience: &Audience<'_>) -> &[RwLock<Shard>] {
        match audience {
            Audience::Client(id) => std::slice::from_ref(&self.shards[self.index(id)]),
            _ => &self.shards,
        }
    }
}

impl Walk {
    fn count(
        &mut self,
        member: &Arc<Member>,
        push: crate::outlet::Push,
        woken: &mut Vec<Arc<Member>>,
    ) {
        match push.pushed {
            Pushed::Queued => self.queued += 1,
            Pushed::Waiting => {
                self.queued += 1;
                self.waiting.push(Arc::clone(member));
            }
            Pushed::Dropped => self.dropped += 1,
            Pushed::Refused | Pushed::Overflow => {}
        }
        if push.wake {
            woken.push(Arc::clone(member));
        }
    }
}

fn seed(hasher: &RandomState, n: u64) -> [u8; 16] {
    let half = |salt: u64| {
        let mut state = hasher.build_hasher();
        state.write_u64(n);
        state.write_u64(salt);
        state.finish().to_le_bytes()
    };
    let (low, high) = (half(0), half(1));
    std::array::from_fn(|at| if at < 8 { low[at] } else { high[at - 8] })
}
