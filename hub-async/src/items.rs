//! What handlers keep with a connection.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::sync::{Mutex, MutexGuard};

type Item = (TypeId, Arc<dyn Any + Send + Sync>);

/// Values kept with a connection, one per type. Gone with the connection.
// Boxed, as most connections keep none.
#[derive(Default)]
pub struct Items(OnceLock<Box<Mutex<Vec<Item>>>>);

impl Items {
    /// Keeps a value, and gives back the one of that type that was kept before.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        let value: Arc<dyn Any + Send + Sync> = Arc::new(value);
        let key = TypeId::of::<T>();
        let mut items = self.lock();
        let before = match items.iter_mut().find(|(kind, _)| *kind == key) {
            Some((_, place)) => Some(std::mem::replace(place, value)),
            None => {
                items.push((key, value));
                None
            }
        };
        drop(items);
        before.and_then(|before| before.downcast().ok())
    }

    /// The value of that type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let key = TypeId::of::<T>();
        let found =
            self.lock().iter().find(|(kind, _)| *kind == key).map(|(_, value)| Arc::clone(value));
        found.and_then(|value| value.downcast().ok())
    }

    /// Takes the value of that type out.
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let key = TypeId::of::<T>();
        let mut items = self.lock();
        let at = items.iter().position(|(kind, _)| *kind == key);
        let found = at.map(|at| items.swap_remove(at).1);
        drop(items);
        found.and_then(|value| value.downcast().ok())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Item>> {
        self.0.get_or_init(Box::default).lock()
    }
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Items({})", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_per_type() {
        let items = Items::default();
        assert_eq!(items.insert(1_u8), None);
        assert_eq!(items.insert(2_u8).as_deref(), Some(&1));
        assert_eq!(items.insert("text").as_deref(), None);
        assert_eq!(items.get::<u8>().as_deref(), Some(&2));
        assert_eq!(items.remove::<u8>().as_deref(), Some(&2));
        assert_eq!(items.get::<u8>(), None);
        assert_eq!(items.get::<&str>().as_deref(), Some(&"text"));
    }
}
