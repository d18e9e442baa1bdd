//! The hub of the interoperation cases, which run on tokio, smol and async-std, in memory as well.

use std::sync::Arc;

use hub_async::HubOptions;
use tests::hub::{Pause, Pausing, hub};
use tests::memory::{read, write};
use transport_memory::Pipe;

use super::*;

/// Connects over HTTP, as the clients of the other runtimes do.
async fn connect(address: std::net::SocketAddr) -> Client {
    let pipe = world().connect(address).expect("somebody listens");
    let upgrade = "GET /hub?user=ann HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    write(&pipe, upgrade.as_bytes()).await;
    until(&pipe, b"\r\n\r\n").await;
    let mut client = Client::over(pipe);
    client.shake_hands().await;
    client
}

async fn until(pipe: &Pipe, end: &[u8]) {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        assert!(read(pipe, &mut seen).await, "{}", String::from_utf8_lossy(&seen));
    }
}

#[test]
fn the_hub_of_the_other_runtimes_is_served_in_memory() {
    run(async {
        let world = world();
        let pause = move |time| -> Pausing { Box::pin(world.sleep(time)) };
        let hub = hub(HubOptions::new(), Pause(Arc::new(pause))).expect("a hub");
        let bound = Server::on(self::world()).hub("/hub", hub).bind("127.0.0.1:0").await.unwrap();
        let address = bound.local_addr();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let server = spawn(bound.serve_until(async move { drop(stopped.await) }));
        let (mut ann, mut ben) = (connect(address).await, connect(address).await);

        ann.call("1", "Add", "[2,3]").await;
        assert_eq!(ann.record().await, r#"{"type":3,"invocationId":"1","result":5}"#);
        let start = Moment::now();
        ann.call("2", "Sleep", "[60000,\"done\"]").await;
        while ann.record().await != r#"{"type":3,"invocationId":"2","result":"done"}"# {}
        assert_eq!(start.elapsed(), Duration::from_secs(60));
        ann.call("3", "ToUser", "[\"ann\",\"hello\"]").await;
        let told = r#"{"type":1,"target":"Message","arguments":["hello"]}"#;
        for client in [&mut ann, &mut ben] {
            while client.record().await != told {}
        }
        ben.send(CLOSE).await;
        assert_eq!(ben.next().await, record(CLOSE));
        stop.send(()).unwrap();
        within(Duration::from_secs(5), server).await.expect("the server ends");
    });
}
