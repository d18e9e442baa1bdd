//! A queue that is mostly empty or holds one.

use std::collections::VecDeque;

/// A queue whose first item needs no heap memory, and which keeps none once it is empty: an idle
/// connection has several of them, and a busy one mostly has one item in each.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T> {
    first: Option<T>,
    /// None while there is no first, or nothing behind it.
    #[expect(clippy::box_collection, reason = "it is hardly ever there, and then it may cost")]
    rest: Option<Box<VecDeque<T>>>,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self { first: None, rest: None }
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.as_ref().map_or(0, |rest| rest.len())
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Inlined, so that an item that is the first, as most are in a broadcast, is made in its place.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.push_behind(item);
        }
    }

    fn push_behind(&mut self, item: T) {
        self.rest.get_or_insert_default().push_back(item);
    }

    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let first = self.first.take();
        if let Some(rest) = &mut self.rest {
            self.first = rest.pop_front();
            if rest.is_empty() {
                self.rest = None;
            }
        }
        first
    }

    pub(crate) const fn front(&self) -> Option<&T> {
        self.first.as_ref()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        match at.checked_sub(1) {
            None => self.first.as_ref(),
            Some(at) => self.rest.as_ref()?.get(at),
        }
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        match at.checked_sub(1) {
            None => self.first.as_mut(),
            Some(at) => self.rest.as_mut()?.get_mut(at),
        }
    }

    /// Puts an item in front of the one at `at`, which is at most the length.
    pub(crate) fn insert(&mut self, at: usize, item: T) {
        match at.checked_sub(1) {
            None => {
                if let Some(second) = self.first.replace(item) {
                    self.rest.get_or_insert_default().push_front(second);
                }
            }
            Some(at) => match &mut self.rest {
                Some(rest) if at < rest.len() => rest.insert(at, item),
                _ => self.push_back(item),
            },
        }
    }

    pub(crate) fn remove(&mut self, at: usize) -> Option<T> {
        match at.checked_sub(1) {
            None => self.pop_front(),
            Some(at) => {
                let rest = self.rest.as_mut()?;
                let removed = rest.remove(at);
                if rest.is_empty() {
                    self.rest = None;
                }
                removed
            }
        }
    }

    /// Where the item with that key is, if the items are in the order of their keys.
    pub(crate) fn binary_search_by_key<K: Ord>(
        &self,
        key: &K,
        of: impl Fn(&T) -> K,
    ) -> Option<usize> {
        if self.first.as_ref().is_some_and(|first| of(first) == *key) {
            return Some(0);
        }
        self.rest.as_ref()?.binary_search_by_key(key, of).ok().map(|at| at + 1)
    }

    /// Where the last such item is.
    pub(crate) fn rposition(&self, is: impl Fn(&T) -> bool) -> Option<usize> {
        let behind = self.rest.as_ref().and_then(|rest| rest.iter().rposition(&is));
        behind.map(|at| at + 1).or_else(|| self.first.as_ref().filter(|first| is(first)).map(|_| 0))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.first.iter().chain(self.rest.iter().flat_map(|rest| rest.iter()))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(self.rest.iter_mut().flat_map(|rest| rest.iter_mut()))
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        if let Some(rest) = &mut self.rest {
            rest.retain(&mut keep);
            if rest.is_empty() {
                self.rest = None;
            }
        }
        if self.first.as_ref().is_some_and(|first| !keep(first)) {
            drop(self.pop_front());
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// How many fit without further memory, besides the first.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.rest.as_ref().map_or(0, |rest| rest.capacity())
    }
}

impl<T> Extend<T> for Queue<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push_back(item));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u8),
        Pop,
        Insert(usize, u8),
        Remove(usize),
        Change(usize),
        Retain,
        Clear,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => any::<u8>().prop_map(Step::Push),
            3 => Just(Step::Pop),
            1 => (0..5_usize, any::<u8>()).prop_map(|(at, item)| Step::Insert(at, item)),
            1 => (0..5_usize).prop_map(Step::Remove),
            1 => (0..5_usize).prop_map(Step::Change),
            1 => Just(Step::Retain),
            1 => Just(Step::Clear),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn it_is_a_queue_and_keeps_no_memory_once_it_is_empty(steps in steps()) {
            let (mut queue, mut model) = (Queue::new(), VecDeque::new());
            for step in steps {
                match step {
                    Step::Push(item) => {
                        queue.push_back(item);
                        model.push_back(item);
                    }
                    Step::Pop => prop_assert_eq!(queue.pop_front(), model.pop_front()),
                    Step::Insert(at, item) => {
                        let at = at.min(model.len());
                        queue.insert(at, item);
                        model.insert(at, item);
                    }
                    Step::Remove(at) => prop_assert_eq!(queue.remove(at), model.remove(at)),
                    Step::Change(at) => {
                        if let Some(item) = queue.get_mut(at) {
                            *item = item.wrapping_add(1);
                        }
                        if let Some(item) = model.get_mut(at) {
                            *item = item.wrapping_add(1);
                        }
                    }
                    Step::Retain => {
                        queue.retain(|item| item % 3 != 0);
                        model.retain(|item| item % 3 != 0);
                    }
                    Step::Clear => {
                        queue.clear();
                        model.clear();
                    }
                }
                prop_assert!(queue.iter().eq(&model) && queue.iter().rev().eq(model.iter().rev()));
                prop_assert!(queue.iter_mut().map(|item| *item).eq(model.iter().copied()));
                prop_assert_eq!((queue.len(), queue.front()), (model.len(), model.front()));
                prop_assert_eq!(queue.get(1), model.get(1));
                let odd = |item: &u8| item % 2 == 1;
                prop_assert_eq!(queue.rposition(odd), model.iter().rposition(odd));
                if model.iter().is_sorted_by(|a, b| a < b) {
                    let at = |item: u8| queue.binary_search_by_key(&item, |item| *item);
                    prop_assert!(model.iter().enumerate().all(|(n, item)| at(*item) == Some(n)));
                    prop_assert_eq!(at(255).is_some(), model.contains(&255));
                }
                prop_assert_eq!(queue.is_empty(), model.is_empty());
                prop_assert!(model.len() > 1 || queue.capacity() == 0);
            }
        }
    }
}
