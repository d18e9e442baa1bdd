//! Contracts of clients: sends to every target, and questions to single clients.

use std::time::Duration;

use hub_async::{Context, Hub, HubBuilder, HubError, InvokeError, hub_client};
use serde::{Deserialize, Serialize};
use transport_memory::{Client, call};

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Card {
    suit: char,
    value: u8,
}

/// What every client has.
#[hub_client]
trait Base {
    async fn ping(&self);
}

/// The players.
#[hub_client]
trait Player: Base {
    /// Somebody said something.
    async fn receive_message(&self, user: String, text: &str);
    async fn see(&self, cards: &[Card]) -> ();
    /// The player has the choice.
    async fn pick_a_card(&self, hint: String) -> Card;
    #[hub(name = "Send")]
    async fn hand(&self, card: Card);
}

async fn enter(ctx: Context) {
    if let Some(group) = ctx.request().query_value("group") {
        ctx.groups().add(ctx.connection_id(), &group).await;
    }
}

async fn tell(ctx: Context, whom: String, ids: Vec<String>) -> Result<usize, HubError> {
    let clients = ctx.clients();
    let text = &*whom;
    let user = ctx.user_id().unwrap_or_default().to_owned();
    let id = ids.first().cloned().unwrap_or_default();
    let sent = match text {
        "all" => clients.all().receive_message(user, text),
        "all except" => clients.all_except(&ids).receive_message(user, text),
        "caller" => clients.caller().receive_message(user, text),
        "others" => clients.others().receive_message(user, text),
        "client" => clients.client(&id).receive_message(user, text),
        "clients" => clients.clients(&ids).receive_message(user, text),
        "group" => clients.group("a").receive_message(user, text),
        "group except" => clients.group_except("a", &ids).receive_message(user, text),
        "groups" => clients.groups(["a", "b"]).receive_message(user, text),
        "groups distinct" => clients.groups_distinct(["a", "b"]).receive_message(user, text),
        "others in group" => clients.others_in_group("a").receive_message(user, text),
        "user" => clients.user("ben").receive_message(user, text),
        "users" => clients.users(["ada", "ben"]).receive_message(user, text),
        _ => clients.client("nobody").receive_message(user, text),
    };
    Ok(sent.await?.queued)
}

async fn choose(ctx: Context) -> Result<Card, HubError> {
    Ok(ctx.clients().caller().pick_a_card("one".to_owned()).await?)
}

async fn choose_in_time(ctx: Context) -> bool {
    let caller = ctx.clients().caller().timeout(Duration::from_secs(2));
    matches!(caller.pick_a_card("quick".to_owned()).await, Err(InvokeError::TimedOut))
}

fn game() -> HubBuilder {
    Hub::builder()
        .user_id(|request| request.query_value("user").map(Into::into))
        .on_connected(enter)
        .method("Id", async |ctx: Context| ctx.connection_id().to_owned())
        .method("Tell", tell)
        .method("Choose", choose)
        .method("ChooseInTime", choose_in_time)
}

/// Ada of group a, Ben of a and b in MessagePack, Cid of none.
async fn players(served: &Served) -> [Client; 3] {
    let ada = served.client().query("user=ada&group=a").connect().await;
    let ben = served.client().message_pack().query("user=ben&group=a").connect().await;
    [ada, ben, served.client().query("user=cid&group=b").connect().await]
}

#[test]
fn a_contract_is_sent_to_every_target_of_a_handler() {
    run(game(), async |_, served| {
        let players = players(&served).await;
        let id: String = players[1].invoke("Id", ()).await.unwrap();
        for (whom, reached) in [
            ("all", [true, true, true]),
            ("all except", [true, false, true]),
            ("caller", [true, false, false]),
            ("others", [false, true, true]),
            ("client", [false, true, false]),
            ("clients", [false, true, false]),
            ("group", [true, true, false]),
            ("group except", [true, false, false]),
            ("groups", [true, true, true]),
            ("groups distinct", [true, true, true]),
            ("others in group", [false, true, false]),
            ("user", [false, true, false]),
            ("users", [true, true, false]),
            ("nobody", [false, false, false]),
        ] {
            let queued = players[0].invoke("Tell", (whom, vec![&id])).await;
            assert_eq!(queued, Ok(reached.iter().filter(|reached| **reached).count()), "{whom}");
            for (player, reached) in players.iter().zip(reached) {
                let wanted =
                    if reached { vec![call("ReceiveMessage", ("ada", whom))] } else { vec![] };
                assert_eq!(player.received().await, wanted, "{whom}");
            }
        }
    });
}

#[test]
fn a_contract_is_sent_from_outside_with_all_arguments_in_order() {
    let hub = game().build().expect("a hub");
    let world = World::new();
    world.run(async {
        let [ada, ben, cid] = players(&world.serve(&hub)).await;
        let clients = hub.context().clients();
        clients.group("b").receive_message("me".to_owned(), "hello").await.unwrap();
        clients.user("ben").see(&[Card { suit: 'x', value: 1 }]).await.unwrap();
        clients.all_except(["nobody"]).hand(Card { suit: 'y', value: 2 }).await.unwrap();
        let card = |suit: char, value: u8| Card { suit, value };
        assert_eq!(cid.next().await, call("ReceiveMessage", ("me", "hello")));
        assert_eq!(ben.next().await, call("See", ([card('x', 1)],)));
        for client in [ada, ben, cid] {
            assert_eq!(client.received().await, [call("Send", (card('y', 2),))]);
        }
    });
}

#[test]
fn a_contract_is_sent_to_nobody_without_an_error() {
    let hub = game().build().expect("a hub");
    World::new().run(async {
        let sent = hub.context().clients().all().receive_message("me".to_owned(), "hello").await;
        assert_eq!(sent.unwrap().queued, 0);
    });
}

#[test]
fn a_contract_has_the_methods_of_those_that_it_extends() {
    fn greet(players: &impl Player) -> [hub_async::Sending; 2] {
        [players.ping(), players.receive_message("me".to_owned(), "hello")]
    }
    let hub = game().build().expect("a hub");
    let world = World::new();
    world.run(async {
        let ada = world.serve(&hub).connect().await;
        for sending in greet(&hub.context().clients().all()) {
            sending.await.unwrap();
        }
        let wanted = [call("Ping", ()), call("ReceiveMessage", ("me", "hello"))];
        assert_eq!(ada.received().await, wanted);
    });
}

#[test]
fn a_single_client_is_asked_for_a_result() {
    run(game(), async |_, served| {
        for client in [served.client(), served.client().message_pack()] {
            let client = client.connect().await;
            let chosen = client.invoke("Choose", ());
            let question = client.question().await;
            assert_eq!(question.call, call("PickACard", ("one",)));
            question.answer(Card { suit: 'z', value: 3 });
            assert_eq!(chosen.await, Ok(Card { suit: 'z', value: 3 }));
            let refused = client.invoke::<Card>("Choose", ());
            client.question().await.refuse("I do not play");
            assert!(refused.await.unwrap_err().to_string().ends_with("I do not play"));
            assert_eq!(client.received().await, []);
        }
    });
}

#[test]
fn a_question_is_waited_for_as_long_as_its_target_says_and_a_dropped_one_is_withdrawn() {
    let hub = game().build().expect("a hub");
    let world = World::new();
    world.run(async {
        let client = world.serve(&hub).connect().await;
        let begun = world.now();
        assert_eq!(client.invoke("ChooseInTime", ()).await, Ok(true));
        assert_eq!(world.now() - begun, Duration::from_secs(2));
        assert_eq!(client.question().await.call, call("PickACard", ("quick",)));
        let id: String = client.invoke("Id", ()).await.unwrap();
        drop(hub.context().clients().client(id).pick_a_card("dropped".to_owned()));
        let question = client.question().await;
        assert_eq!(question.call, call("PickACard", ("dropped",)));
        question.answer(Card { suit: 'q', value: 9 });
        assert_eq!((client.received().await, client.ended().await), (vec![], None));
    });
}
