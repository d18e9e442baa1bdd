//! Hash maps whose seed is handed in: nobody outside can choose colliding keys, and runs repeat.

use std::collections::HashMap;
use std::hash::BuildHasher;

use siphasher::sip::SipHasher13;

/// A hash map under keyed SipHash.
pub(crate) type SeededMap<K, V> = HashMap<K, V, Seed>;

/// The key of the hash.
#[derive(Clone, Copy)]
pub(crate) struct Seed([u8; 16]);

impl Seed {
    pub(crate) const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }
}

impl BuildHasher for Seed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}
