//! Values in numbered slots, and keys that never come to mean another value.

/// Stands for one value of a slab, and for nothing once that value was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    slot: u32,
    generation: u32,
}

/// A vector with holes: a removed value leaves a slot for the next one, under a new generation.
///
/// Inside, who names a slot knows that its value is there; outside, keys are kept for longer.
pub(super) struct Slab<T> {
    values: Vec<Option<T>>,
    /// Of each slot; apart, for they are seldom asked for.
    generations: Vec<u32>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { values: Vec::new(), generations: Vec::new(), free: Vec::new() }
    }

    pub(super) const fn len(&self) -> usize {
        self.values.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        if let Some(slot) = self.free.pop()
            && let Some(vacant) = self.values.get_mut(slot as usize)
        {
            *vacant = Some(value);
            return slot;
        }
        // Memory ends long before the slots do.
        let slot = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(Some(value));
        self.generations.push(0);
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<T> {
        let value = self.values.get_mut(slot as usize)?.take()?;
        if let Some(generation) = self.generations.get_mut(slot as usize) {
            *generation = generation.wrapping_add(1);
        }
        self.free.push(slot);
        Some(value)
    }

    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.values.get(slot as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.values.get_mut(slot as usize)?.as_mut()
    }

    /// What stands for the value of a slot, outside.
    pub(super) fn key(&self, slot: u32) -> Key {
        let generation = self.generations.get(slot as usize).copied().unwrap_or_default();
        Key { slot, generation }
    }

    pub(super) fn at(&self, key: Key) -> Option<&T> {
        if self.key(key.slot) == key { self.get(key.slot) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_means_a_later_value() {
        let mut slab = Slab::new();
        let slot = slab.insert("first");
        let other = slab.insert("other");
        let first = slab.key(slot);
        assert_eq!(slab.at(first), Some(&"first"));
        assert_eq!(slab.remove(slot), Some("first"));
        assert_eq!(slab.remove(slot), None);
        assert_eq!(slab.at(first), None);
        assert_eq!(slab.insert("second"), slot, "the slot is used again");
        assert_eq!(slab.at(first), None);
        assert_eq!(slab.at(slab.key(slot)), Some(&"second"));
        assert_eq!(slab.get(slot), Some(&"second"));
        assert_eq!(slab.get(other), Some(&"other"));
        assert_eq!(slab.len(), 2);
    }

    #[test]
    fn unknown_slots_hold_nothing() {
        let mut slab: Slab<u8> = Slab::new();
        assert_eq!(slab.get(9), None);
        assert_eq!(slab.at(Key { slot: 9, generation: 0 }), None);
        assert_eq!(slab.remove(9), None);
        assert_eq!(slab.len(), 0);
    }
}
