//! One value for all, or a fresh one for each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{Stream, stream};
use hub_async::{Context, HubError, hub};

use super::*;

/// Counts its calls, and notes its end.
struct Counter {
    calls: AtomicUsize,
    notes: Notes,
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.notes.add(format!("dropped after {}", self.calls.load(Ordering::Relaxed)));
    }
}

#[hub]
impl Counter {
    fn new(notes: &Notes) -> Self {
        Self { calls: AtomicUsize::new(0), notes: notes.clone() }
    }

    async fn count(&self) -> usize {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    async fn counts(self: Arc<Self>) -> impl Stream<Item = usize> {
        stream::unfold(self, async |this| {
            let count = this.count().await;
            (count < 4).then_some((count, this))
        })
    }

    #[hub(on_connected)]
    async fn arrive(&self, ctx: Context) -> Result<(), HubError> {
        ctx.items();
        self.count().await;
        Ok(())
    }

    #[hub(on_disconnected)]
    async fn leave(&self) {
        self.count().await;
    }
}

#[test]
fn a_shared_value_sees_every_call_of_every_connection() {
    let notes = Notes::default();
    run(Counter::new(&notes).into_builder(), async |world, served| {
        let (ada, ben) = (served.connect().await, served.connect().await);
        assert_eq!(ada.invoke("Count", ()).await, Ok(3));
        assert_eq!(ben.invoke("Count", ()).await, Ok(4));
        ada.close().await;
        world.settle().await;
        assert_eq!(ben.invoke("Count", ()).await, Ok(6));
        assert!(notes.all().is_empty());
    });
}

#[test]
fn a_factory_makes_a_value_for_each_call_and_hook_which_ends_with_it() {
    let notes = Notes::default();
    let made = Arc::new(AtomicUsize::new(0));
    let hub = Counter::builder_per_call({
        let (notes, made) = (notes.clone(), Arc::clone(&made));
        move || {
            made.fetch_add(1, Ordering::Relaxed);
            Counter::new(&notes)
        }
    });
    assert_eq!(made.load(Ordering::Relaxed), 0);
    run(hub, async |world, served| {
        let ada = served.connect().await;
        assert_eq!(notes.all(), ["dropped after 1"]);
        assert_eq!(ada.invoke("Count", ()).await, Ok(1));
        assert_eq!(ada.invoke("Count", ()).await, Ok(1));
        assert_eq!((notes.all().len(), made.load(Ordering::Relaxed)), (3, 3));
        ada.close().await;
        world.settle().await;
        assert_eq!((notes.all().len(), made.load(Ordering::Relaxed)), (4, 4));
    });
}

#[test]
fn a_value_that_moves_into_its_stream_lives_as_long_as_that() {
    let notes = Notes::default();
    let hub = Counter::builder_per_call({
        let notes = notes.clone();
        move || Counter::new(&notes)
    });
    run(hub, async |_, served| {
        let ada = served.connect().await;
        assert_eq!(ada.stream::<usize>("Counts", ()).rest().await, Ok(vec![1, 2, 3]));
        assert_eq!(notes.all(), ["dropped after 1", "dropped after 4"]);
    });
}

#[test]
fn a_factory_that_panics_fails_its_call_only() {
    struct Fragile;

    #[hub]
    impl Fragile {
        async fn call(&self) {}
    }

    let calls = AtomicUsize::new(0);
    let hub = Fragile::builder_per_call(move || {
        assert_ne!(calls.fetch_add(1, Ordering::Relaxed), 0, "on purpose");
        Fragile
    });
    run(hub, async |_, served| {
        let ada = served.connect().await;
        assert!(ada.invoke::<()>("Call", ()).await.is_err());
        assert_eq!(ada.invoke("Call", ()).await, Ok(()));
    });
}

#[test]
fn a_hub_may_be_generic() {
    trait Greeting: Send + Sync + 'static {
        fn greeting(&self) -> String;
    }

    struct Polite;

    impl Greeting for Polite {
        fn greeting(&self) -> String {
            "Good day".to_owned()
        }
    }

    struct Door<G, const N: usize>(G);

    #[hub]
    impl<G, const N: usize> Door<G, N>
    where
        G: Greeting,
    {
        async fn greet(&self) -> impl Stream<Item = String> {
            stream::iter([self.0.greeting(); 1]).chain_to(N)
        }
    }

    trait ChainTo: Stream<Item = String> + Sized {
        fn chain_to(self, n: usize) -> impl Stream<Item = String> {
            futures_util::StreamExt::take(self, n)
        }
    }

    impl<S: Stream<Item = String>> ChainTo for S {}

    run(Door::<_, 5>(Polite).into_builder(), async |_, served| {
        let ada = served.connect().await;
        let greetings = ada.stream::<String>("Greet", ()).rest().await;
        assert_eq!(greetings, Ok(vec!["Good day".to_owned()]));
    });
}
