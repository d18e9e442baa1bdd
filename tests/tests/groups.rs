//! Groups under several threads, in real time: in the end everybody is where they went last.

use std::collections::BTreeSet;
use std::time::Duration;

use hub_async::{Context, Groups, Hub, Scope, State};
use tests::memory::{Client, Seen};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use transport_tokio::Server;

const TASKS: usize = 4;
const STEPS: usize = 1_000;
const NAMES: [&str; 3] = ["red", "green", "blue"];

/// Joins and leaves at random, and says in which groups the connection is in the end.
async fn wander(groups: Groups, id: String, mut random: u32) -> BTreeSet<&'static str> {
    let mut own = BTreeSet::new();
    for step in 0..STEPS {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let name = NAMES[(random >> 16) as usize % NAMES.len()];
        if random >> 31 == 0 {
            groups.add(&id, name).await;
            own.insert(name);
        } else {
            groups.remove(&id, name).await;
            own.remove(name);
        }
        if step % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    own
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_joins_and_leaves_while_others_send_is_where_they_went_last() {
    let (ids, mut connected) = unbounded_channel::<String>();
    let hub = Hub::builder()
        .state(ids)
        .on_connected(async |ctx: Context, ids: State<UnboundedSender<String>>| {
            ids.send(ctx.connection_id().to_owned()).expect("somebody listens");
        })
        .build()
        .expect("a hub");
    let service = Server::new().hub("/hub", hub.clone()).into_service().expect("a service");
    let (mut clients, mut tasks) = (Vec::new(), Vec::new());
    let (groups, room) = (hub.context().groups(), hub.context().clients());
    let mut random = 1;
    for _ in 0..TASKS {
        clients.push(Client::connect(&service, "/hub").await);
        let id = connected.recv().await.expect("it has connected");
        random += 77;
        tasks.push((id.clone(), tokio::spawn(wander(groups.clone(), id, random))));
    }
    for _ in 0..STEPS {
        for name in NAMES {
            let sent = room.group(name).send("Told", (name,)).await.expect("it can be sent");
            assert!(sent.queued <= TASKS);
        }
        for client in &mut clients {
            client.so_far();
        }
    }
    let mut members = Vec::new();
    for (id, task) in tasks {
        let own = task.await.expect("it ends");
        let of: BTreeSet<String> = groups.of(&id).await.into_iter().collect();
        assert_eq!(of, own.iter().map(|name| (*name).to_owned()).collect());
        members.extend(own.into_iter().map(|name| (name, id.clone())));
    }
    for name in NAMES {
        let expected: BTreeSet<_> =
            members.iter().filter(|(group, _)| *group == name).map(|(_, id)| id.clone()).collect();
        let found = groups.members(name, Scope::Node).await;
        assert_eq!(found.len(), expected.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }
    for client in &mut clients {
        client.close(1000).await;
        assert_eq!(client.rest().await.last(), Some(&Seen::Close(Some(1000))));
    }
    assert!(service.drain(Duration::from_secs(5)).await);
    for name in NAMES {
        assert_eq!(groups.count(name, Scope::Node).await, 0);
    }
}
