//! The names of methods on the wire.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hub_async::{Context, HubError, hub, hub_client};
use transport_memory::call;

use super::*;

#[hub_client]
trait Names {
    async fn get_http_url(&self);
    async fn r#match(&self, r#type: u8);
    async fn _hidden_v2(&self);
    #[hub(name = "lower_case")]
    async fn renamed(&self);
}

struct Named;

#[hub]
impl Named {
    async fn get_http_url(&self) -> u8 {
        1
    }

    async fn r#type(&self, r#match: u8) -> u8 {
        r#match
    }

    async fn send_2_all(&self, ctx: Context) -> Result<(), HubError> {
        let all = ctx.clients().all();
        all.get_http_url().await?;
        all.r#match(7).await?;
        all._hidden_v2().await?;
        all.renamed().await?;
        Ok(())
    }

    #[hub(name = "say-it")]
    async fn other(&self) -> u8 {
        2
    }
}

#[test]
fn methods_have_their_names_in_pascal_case_or_as_they_say() {
    run(Named.into_builder(), async |_, served| {
        let client = served.connect().await;
        assert_eq!(client.invoke("GetHttpUrl", ()).await, Ok(1));
        assert_eq!(client.invoke("Type", (5,)).await, Ok(5));
        assert_eq!(client.invoke("say-it", ()).await, Ok(2));
        for name in ["Other", "get_http_url", "other"] {
            assert!(client.invoke::<u8>(name, ()).await.is_err(), "{name}");
        }
    });
}

#[test]
fn clients_may_spell_names_in_any_case() {
    run(Named.into_builder(), async |_, served| {
        let client = served.connect().await;
        for name in ["getHttpUrl", "GETHTTPURL", "gethttpurl"] {
            assert_eq!(client.invoke(name, ()).await, Ok(1));
        }
        assert_eq!(client.invoke("SAY-IT", ()).await, Ok(2));
    });
}

#[test]
fn methods_of_clients_have_their_names_in_pascal_case_or_as_they_say() {
    run(Named.into_builder(), async |_, served| {
        let client = served.connect().await;
        assert_eq!(client.invoke("Send2All", ()).await, Ok(()));
        let wanted = [
            call("GetHttpUrl", ()),
            call("Match", (7,)),
            call("HiddenV2", ()),
            call("lower_case", ()),
        ];
        assert_eq!(client.received().await, wanted);
    });
}

#[test]
fn names_of_the_author_are_not_in_the_way() {
    run(hostile::Chat('!').into_builder(), async |_, served| {
        let client = served.connect().await;
        let all = client.invoke("Builder", ("a", "b", "c")).await;
        assert_eq!(all, Ok("abc!".to_owned()));
        assert_eq!(client.invoke("Method", (1, 2)).await, Ok(2));
        assert_eq!(client.received().await, [call("Target", (2, 1))]);
    });
}

#[test]
fn what_targets_have_themselves_cannot_be_declared() {
    let read = |path: &str| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        fs::read_to_string(root.join(path)).expect("the file is there")
    };
    let (targets, contracts) = (read("hub-async/src/target.rs"), read("hub-macros/src/client.rs"));
    let names = targets.lines().filter_map(|line| {
        let public = line.strip_prefix("    pub ")?;
        let name = public.trim_start_matches("const ").strip_prefix("fn ")?;
        Some(&name[..name.find(['<', '('])?])
    });
    let names: BTreeSet<_> = names.collect();
    assert!(names.len() > 4, "{names:?}");
    for name in names {
        assert!(contracts.contains(&format!("\"{name}\"")), "{name} can be declared");
    }
}
