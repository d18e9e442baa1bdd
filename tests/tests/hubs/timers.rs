//! Timers, in virtual time.

use std::time::Duration;

use hub_async::{Hub, HubOptions};
use tests::memory::Seen;

use super::*;

const PING: &str = r#"{"type":6}"#;
/// A request for a WebSocket.
const UPGRADE: &[u8] = b"GET /hub HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const CANCELED: &str = r#"{"error":"Handshake was canceled."}"#;

#[test]
fn a_handshake_that_trickles_is_cancelled_after_15_s() {
    run(async {
        let service = serve(Hub::builder());
        let mut client = Client::open(&service, "/hub");
        let start = Moment::now();
        for _ in 0..14 {
            client.frame(hub_proto::ws::Opcode::Text, b"{").await;
            pause(1_000).await;
        }
        assert_eq!(client.so_far(), []);
        assert_eq!(client.next().await, record(CANCELED));
        assert_eq!(start.elapsed().as_secs(), 15);
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
    });
}

#[test]
fn an_idle_client_is_pinged_once_in_each_interval() {
    run(async {
        let service = serve(Hub::builder());
        let mut client = connect(&service).await;
        for _ in 0..20 {
            let start = Moment::now();
            assert_eq!(client.next().await, record(PING));
            let idle = start.elapsed();
            let longest = Duration::from_millis(15_002);
            assert!(idle > Duration::from_secs(13) && idle < longest, "{idle:?}");
        }
    });
}

#[test]
fn a_client_that_pinged_once_must_not_fall_silent() {
    run(async {
        let service = serve(Hub::builder());
        let mut client = connect(&service).await;
        pause(100_000).await;
        client.so_far();
        client.send(PING).await;
        let start = Moment::now();
        loop {
            match client.next().await {
                Seen::Record(text) if text == PING => {}
                seen => break assert_eq!(seen, record(CLOSE_ERROR)),
            }
        }
        assert_eq!(start.elapsed().as_secs(), 30);
    });
}

#[test]
fn the_longest_intervals_are_never_over() {
    run(async {
        let options = HubOptions::new()
            .handshake_timeout(Duration::MAX)
            .keep_alive_interval(Duration::MAX)
            .client_timeout_interval(Duration::MAX)
            .disconnect_timeout(Duration::MAX)
            .transport_send_timeout(Duration::MAX)
            .close_timeout(Duration::MAX)
            .linger(Duration::MAX);
        // Also over HTTP, which has timers of its own.
        let hub = Hub::builder().options(options.clone()).build().expect("a hub");
        let bound = Server::on(world()).hub("/hub", hub).bind("127.0.0.1:0").await.unwrap();
        let pipe = world().connect(bound.local_addr()).expect("somebody listens");
        drop(spawn(bound.serve()));
        tests::memory::write(&pipe, UPGRADE).await;
        assert!(tests::memory::read(&pipe, &mut Vec::new()).await);
        Client::over(pipe).shake_hands().await;

        let service = serve(Hub::builder().options(options));
        // The spread of the pings is random.
        for _ in 0..20 {
            let mut client = Client::open(&service, "/hub");
            pause(1).await;
            client.shake_hands().await;
            client.send(PING).await;
            pause(1_000_000).await;
            assert_eq!(client.so_far(), []);
            client.send(CLOSE).await;
            assert_eq!(client.next().await, record(CLOSE));
        }
        pause(10).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn a_disconnect_timeout_of_nothing_does_not_spin() {
    run(async {
        let options = HubOptions::new().disconnect_timeout(Duration::ZERO);
        let service = serve(Hub::builder().options(options));
        // Virtual time stands still for as long as anybody can run.
        let client = within(Duration::from_secs(1), connect(&service)).await;
        assert!(client.is_some());
        pause(5_000).await;
    });
}
