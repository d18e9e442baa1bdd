//! Definitions that come out of macros, and such among constants with the names of variables.

use std::sync::Arc;

use futures_util::{Stream, stream};
use hub_async::{Context, HubError, Sending, State, hub, hub_client};
use transport_memory::call;

use super::*;

macro_rules! desk {
    ($desk:ty, $name:ident, $argument:ident, $what:ty, $numbers:ty, $shared:ty) => {
        #[hub]
        impl $desk {
            async fn $name(&self, ctx: Context, $argument: $what) -> Result<$what, HubError> {
                let told: Sending = ctx.clients().caller().$name($argument);
                told.await?;
                Ok($argument)
            }

            async fn numbers(&self) -> $numbers {
                stream::iter([1, 2])
            }

            async fn shared(self: $shared) -> $numbers {
                stream::iter([3])
            }
        }
    };
}

macro_rules! window {
    ($window:ident, $name:ident, $argument:ident, $what:ty, $nothing:ty) => {
        #[hub_client]
        trait $window {
            async fn $name(&self, $argument: $what) -> $nothing;
        }
    };
}

struct Desk;

desk!(Desk, show, what, u8, impl Stream<Item = u8>, Arc<Self>);
window!(Window, show, what, u8, ());

#[test]
fn a_definition_may_be_made_by_a_macro() {
    run(Desk.into_builder(), async |_, served| {
        let client = served.connect().await;
        assert_eq!(client.invoke("Show", (7,)).await, Ok(7));
        assert_eq!(client.stream::<u8>("Numbers", ()).rest().await, Ok(vec![1, 2]));
        assert_eq!(client.stream::<u8>("Shared", ()).rest().await, Ok(vec![3]));
        assert_eq!(client.received().await, [call("Show", (7,))]);
    });
}

#[allow(dead_code, non_upper_case_globals, reason = "they only have to be in the way")]
mod constants {
    use super::*;

    static make: u8 = 0;
    static hub: u8 = 0;
    const builder: u8 = 0;
    const argument0: u8 = 0;

    pub(super) struct Judge;

    #[hub]
    impl Judge {
        async fn judge(&self, rule: State<Arc<Rule>>, text: String) -> bool {
            rule(&text)
        }

        #[expect(clippy::type_complexity)]
        async fn count(
            &self,
            rule: State<Arc<dyn Fn(&str) -> bool + Send + Sync>>,
            texts: Vec<String>,
        ) -> usize {
            texts.iter().filter(|text| rule(text)).count()
        }

        fn builder_by() {}
    }
}

type Rule = dyn Fn(&str) -> bool + Send + Sync;

#[test]
fn constants_are_not_in_the_way_and_functions_may_borrow() {
    let rule: Arc<Rule> = Arc::new(|text| text.is_empty());
    run(constants::Judge.into_builder().state(rule), async |_, served| {
        let client = served.connect().await;
        assert_eq!(client.invoke("Judge", ("",)).await, Ok(true));
        assert_eq!(client.invoke("Count", (["", "a"],)).await, Ok(1));
    });
}
