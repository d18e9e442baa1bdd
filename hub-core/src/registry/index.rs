//! Finds the slots of names, by keyed hashes.

use std::hash::BuildHasher;

use crate::seed::Seed;

/// The keyed hash of a name: taken once, before the first search, so that searches need not wait for one
/// another.
#[derive(Clone, Copy)]
pub(super) struct Hash(u32);

impl Hash {
    pub(super) fn of(name: &[u8], seed: Seed) -> Self {
        Self(seed.build_hasher().hash(name) as u32)
    }
}

/// A hash table of slots. The names stay where the slots are, so that an entry takes 8 bytes, a search
/// mostly one line of memory, and growing reads no name.
#[derive(Default)]
pub(super) struct Index {
    /// None, or a power of two of which some are vacant: every search ends.
    entries: Vec<Entry>,
    len: usize,
}

/// Stands where the low bits of its hash say, or behind that without a gap.
#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    slot: u32,
}

/// Slots end before this one, for memory does.
const VACANT: Entry = Entry { hash: 0, slot: u32::MAX };

impl Entry {
    const fn is_vacant(self) -> bool {
        self.slot == VACANT.slot
    }
}

impl Index {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The slot that was inserted under the hash of a name; `has` says whether the name is that of a slot.
    pub(super) fn find(&self, Hash(hash): Hash, has: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.place(hash);
        loop {
            let entry = self.entry(at);
            if entry.is_vacant() {
                return None;
            }
            if entry.hash == hash && has(entry.slot) {
                return Some(entry.slot);
            }
            at += 1;
        }
    }

    /// Inserts a slot under the hash of a name that has none yet.
    pub(super) fn insert(&mut self, Hash(hash): Hash, slot: u32) {
        // At most 4 of 5 are in use, so that gaps are near.
        if (self.len + 1) * 5 > self.entries.len() * 4 {
            self.grow();
        }
        self.len += 1;
        self.put(Entry { hash, slot });
    }

    /// Removes a slot that was inserted under this hash.
    pub(super) fn remove(&mut self, Hash(hash): Hash, slot: u32) {
        let mut gap = self.place(hash);
        while self.entry(gap).slot != slot {
            if self.entry(gap).is_vacant() {
                return;
            }
            gap += 1;
        }
        self.len -= 1;
        // Whoever stands behind the gap moves into it, unless that is before the place of its hash.
        let mut at = gap + 1;
        loop {
            let entry = self.entry(at);
            if entry.is_vacant() {
                break;
            }
            let from_its_place = at.wrapping_sub(self.place(entry.hash)) & self.mask();
            if from_its_place >= at - gap {
                self.set(gap, entry);
                gap = at;
            }
            at += 1;
        }
        self.set(gap, VACANT);
    }

    fn grow(&mut self) {
        let count = (self.entries.len() * 2).max(8);
        let old = std::mem::replace(&mut self.entries, vec![VACANT; count]);
        for entry in old.into_iter().filter(|entry| !entry.is_vacant()) {
            self.put(entry);
        }
    }

    fn put(&mut self, entry: Entry) {
        let mut at = self.place(entry.hash);
        while !self.entry(at).is_vacant() {
            at += 1;
        }
        self.set(at, entry);
    }

    const fn place(&self, hash: u32) -> usize {
        hash as usize & self.mask()
    }

    const fn mask(&self) -> usize {
        self.entries.len().wrapping_sub(1)
    }

    /// The entry at a place, counted on from the start after the last one.
    fn entry(&self, at: usize) -> Entry {
        self.entries.get(at & self.mask()).copied().unwrap_or(VACANT)
    }

    fn set(&mut self, at: usize, entry: Entry) {
        let at = at & self.mask();
        if let Some(place) = self.entries.get_mut(at) {
            *place = entry;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    fn hash(name: u32) -> Hash {
        Hash::of(name.to_string().as_bytes(), Seed::new([3; 16]))
    }

    /// The names are the numbers of the slots.
    fn find(index: &Index, slot: u32) -> Option<u32> {
        index.find(hash(slot), |found| found == slot)
    }

    proptest! {
        #[test]
        fn what_was_inserted_is_found_until_it_is_removed(steps in prop::collection::vec(0..40u32, 0..300)) {
            let (mut index, mut there) = (Index::default(), [false; 40]);
            for slot in steps {
                let is_there = &mut there[slot as usize];
                if *is_there {
                    index.remove(hash(slot), slot);
                } else {
                    index.insert(hash(slot), slot);
                }
                *is_there = !*is_there;
                for (slot, is_there) in (0..).zip(there) {
                    prop_assert_eq!(find(&index, slot), is_there.then_some(slot));
                }
                prop_assert_eq!(index.len(), there.iter().filter(|is_there| **is_there).count());
            }
        }
    }

    #[test]
    fn a_search_is_short_among_few_and_among_many() {
        for count in [1_000, 100_000] {
            let mut index = Index::default();
            (0..count).for_each(|slot| index.insert(hash(slot), slot));
            for slot in 0..2 * count {
                let asked = Cell::new(0);
                index.find(hash(slot), |found| {
                    asked.set(asked.get() + 1);
                    found == slot
                });
                assert!(asked.get() <= 2, "{slot}: {}", asked.get());
            }
            let distance = |(at, entry): (usize, &Entry)| {
                at.wrapping_sub(index.place(entry.hash)) & index.mask()
            };
            let inserted = index.entries.iter().enumerate().filter(|(_, entry)| !entry.is_vacant());
            let distance: usize = inserted.map(distance).sum();
            assert!(distance < 3 * index.len(), "{count}: {distance}");
        }
    }

    #[test]
    fn names_of_one_hash_are_told_apart() {
        let mut index = Index::default();
        index.insert(hash(0), 1);
        index.insert(hash(0), 2);
        assert_eq!(index.find(hash(0), |slot| slot == 2), Some(2));
        index.remove(hash(0), 1);
        assert_eq!(index.find(hash(0), |_| true), Some(2));
    }

    #[test]
    fn an_empty_one_finds_nothing() {
        let mut index = Index::default();
        assert_eq!(find(&index, 0), None);
        index.remove(hash(0), 0);
        assert_eq!(index.len(), 0);
    }

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 8);
    }
}
