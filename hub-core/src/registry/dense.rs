//! Lists without gaps, in which everybody knows where they stand.

use std::iter::once;

/// Every connection, in one list: what a message for all walks is as close together as can be.
pub(super) struct Everyone<O> {
    slots: Vec<u32>,
    outlets: Vec<O>,
}

impl<O> Everyone<O> {
    pub(super) const fn new() -> Self {
        Self { slots: Vec::new(), outlets: Vec::new() }
    }

    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Appends a connection and says where it stands.
    pub(super) fn push(&mut self, slot: u32, outlet: O) -> u32 {
        self.outlets.push(outlet);
        push(&mut self.slots, slot)
    }

    /// Takes out who stands there, and names who stands there now.
    pub(super) fn swap_out(&mut self, position: u32) -> Option<(O, Option<u32>)> {
        if position as usize >= self.outlets.len() {
            return None;
        }
        let outlet = self.outlets.swap_remove(position as usize);
        Some((outlet, swap_out(&mut self.slots, position)))
    }

    pub(super) fn outlet(&self, position: u32) -> Option<&O> {
        self.outlets.get(position as usize)
    }

    /// The outlets before, between and behind those positions, which are in order.
    pub(super) fn around(&self, positions: &[u32]) -> impl Iterator<Item = &[O]> {
        let positions = positions.iter().map(|position| *position as usize);
        let starts = once(0).chain(positions.clone().map(|position| position + 1));
        let ends = positions.chain(once(self.outlets.len()));
        starts.zip(ends).filter_map(|(start, end)| self.outlets.get(start..end))
    }
}

/// The members of a set. Most users have one connection: it needs no list.
pub(super) enum Members {
    One(u32),
    Many(Vec<u32>),
}

impl Members {
    pub(super) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }

    /// Appends a member and says where it stands.
    pub(super) fn push(&mut self, member: u32) -> u32 {
        match self {
            Self::One(first) => {
                *self = Self::Many(vec![*first, member]);
                1
            }
            Self::Many(slots) => push(slots, member),
        }
    }

    /// Takes out who stands there and names who stands there now; nothing when nobody is left.
    pub(super) fn swap_out(&mut self, position: u32) -> Option<Option<u32>> {
        match self {
            Self::One(_) => None,
            Self::Many(slots) => {
                let moved = swap_out(slots, position);
                (!slots.is_empty()).then_some(moved)
            }
        }
    }
}

fn push(slots: &mut Vec<u32>, slot: u32) -> u32 {
    // Positions end where slots do, far behind the end of memory.
    let position = u32::try_from(slots.len()).unwrap_or(u32::MAX);
    slots.push(slot);
    position
}

fn swap_out(slots: &mut Vec<u32>, position: u32) -> Option<u32> {
    let position = position as usize;
    if position < slots.len() {
        slots.swap_remove(position);
    }
    slots.get(position).copied()
}
