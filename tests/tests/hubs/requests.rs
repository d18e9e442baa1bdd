//! HTTP around hubs.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hub_async::Hub;
use hub_proto::ws::{Opcode, encode};
use tests::memory::{read, write};
use tokio::sync::{Notify, mpsc, oneshot};
use transport_memory::Pipe;

use super::*;

/// A server with a hub at `/hub room`, and what stops it.
async fn server() -> (SocketAddr, oneshot::Sender<()>, Spawned<()>) {
    let hub = Hub::builder().method("Add", async |a: i32, b: i32| a + b).build().unwrap();
    let bound = Server::on(world()).hub("/hub room", hub).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr();
    let (stop, stopped) = oneshot::channel();
    let server = spawn(bound.serve_until(async move {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

fn connect(address: SocketAddr) -> Pipe {
    world().connect(address).expect("somebody listens")
}

/// Sends these bytes and reads until the answer's end, or until `enough` was read.
pub(crate) async fn ask(address: SocketAddr, request: &[u8], enough: &str) -> String {
    let pipe = connect(address);
    write(&pipe, request).await;
    let mut answer = Vec::new();
    let reading = async {
        while read(&pipe, &mut answer).await {
            if !enough.is_empty() && String::from_utf8_lossy(&answer).contains(enough) {
                break;
            }
        }
    };
    within(Duration::from_secs(5), reading).await.expect("an answer in time");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The headers of an upgrade.
pub(crate) const UPGRADE: &str = "host: h\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn requests_are_answered_by_their_method_path_and_version() {
    run(async {
        let (address, _stop, _server) = server().await;
        let asks = [
            ("HEAD /hub%20room HTTP/1.1", "405"),
            ("OPTIONS /hub%20room HTTP/1.1", "405"),
            ("GET /hub%20room/negotiate HTTP/1.1", "405"),
            ("POST /HUB%20ROOM/negotiate/?negotiateVersion=1 HTTP/1.1", "200"),
            ("POST http://elsewhere/hub%20room/negotiate HTTP/1.1", "200"),
            ("POST /hub%20room/negotiate HTTP/1.0", "200"),
            ("POST /hub%20roo/negotiate HTTP/1.1", "404"),
            ("GET /hub%20room HTTP/1.1", "400"),
            ("DELETE /hub%20room?id=unknown HTTP/1.1", "404"),
        ];
        for (line, status) in asks {
            let request = format!("{line}\r\nhost: h\r\nconnection: close\r\n\r\n");
            let answer = ask(address, request.as_bytes(), "").await;
            assert_eq!(answer.split(' ').nth(1), Some(status), "{line}: {answer}");
        }
    });
}

#[test]
fn only_whole_upgrades_become_connections() {
    run(async {
        let (address, _stop, _server) = server().await;
        let upgrade = |line: &str, headers: &str| format!("{line}\r\n{headers}").into_bytes();
        let whole = ask(address, &upgrade("GET /hub%20room HTTP/1.1", UPGRADE), "\r\n\r\n").await;
        assert!(whole.starts_with("HTTP/1.1 101 "), "{whole}");
        assert!(whole.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{whole}");
        let refused = [
            (upgrade("GET /hub%20room HTTP/1.0", UPGRADE), "400"),
            (upgrade("POST /hub%20room HTTP/1.1", UPGRADE), "400"),
            (upgrade("GET /hub%20room HTTP/1.1", &UPGRADE.replace("13", "8")), "426"),
            (upgrade("GET /hub%20room HTTP/1.1", &UPGRADE.replace("ZQ==", "")), "400"),
            (upgrade("GET /hub%20room?id=unknown HTTP/1.1", UPGRADE), "404"),
        ];
        for (request, status) in refused {
            let answer = ask(address, &request, "\r\n\r\n").await;
            assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
        }
    });
}

#[test]
fn what_is_sent_along_with_the_upgrade_is_read() {
    run(async {
        let (address, stop, server) = server().await;
        let mut request = format!("GET /hub%20room HTTP/1.1\r\n{UPGRADE}").into_bytes();
        let records = "{\"protocol\":\"json\",\"version\":1}\x1e{\"type\":1,\"invocationId\":\"7\",\"target\":\"Add\",\"arguments\":[1,2]}\x1e";
        encode::write_frame(&mut request, true, Opcode::Text, records.as_bytes(), Some([9; 4]));
        let answer = ask(address, &request, "result").await;
        assert!(answer.contains("{\"type\":3,\"invocationId\":\"7\",\"result\":3}"), "{answer}");
        // Its client is gone without a word, which a server that stops does not wait for.
        stop.send(()).unwrap();
        let stopped = within(Duration::from_secs(2), server).await;
        assert!(stopped.is_some(), "the server stops at once");
    });
}

#[test]
fn a_server_that_stops_closes_connections_and_takes_no_new_ones() {
    run(async {
        let (address, stop, server) = server().await;
        let idle = connect(address);
        write(&idle, b"OPTIONS /hub%20room HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert!(read(&idle, &mut Vec::new()).await);
        stop.send(()).unwrap();
        within(Duration::from_secs(2), server).await.expect("in time");
        let refused = world().connect(address).map(drop);
        assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::ConnectionRefused));
    });
}

#[test]
fn a_client_that_does_not_answer_the_close_does_not_keep_a_server_for_5_s() {
    run(async {
        let (address, stop, server) = server().await;
        let mut request = format!("GET /hub%20room HTTP/1.1\r\n{UPGRADE}").into_bytes();
        let handshake = b"{\"protocol\":\"json\",\"version\":1}\x1e";
        encode::write_frame(&mut request, true, Opcode::Text, handshake, Some([9; 4]));
        let pipe = connect(address);
        write(&pipe, &request).await;
        let mut seen = Vec::new();
        while !seen.ends_with(b"{}\x1e") {
            assert!(read(&pipe, &mut seen).await);
        }
        stop.send(()).unwrap();
        within(Duration::from_millis(4_900), server).await.expect("in time");
        assert!(read(&pipe, &mut seen).await);
        let told = String::from_utf8_lossy(&seen).into_owned();
        assert!(told.contains(r#"{"type":7,"allowReconnect":true}"#), "{told}");
    });
}

#[test]
fn a_request_at_hand_is_still_answered_when_the_server_stops() {
    run(async {
        let (asked, mut asking) = mpsc::channel(1);
        let answer = Arc::new(Notify::new());
        let waiting = answer.clone();
        let bound = Server::on(world())
            .fallback(move |_| {
                let (asked, answer) = (asked.clone(), waiting.clone());
                async move {
                    asked.send(()).await.unwrap();
                    answer.notified().await;
                    http::Response::new("late but whole".into())
                }
            })
            .bind("127.0.0.1:0");
        let bound = bound.await.unwrap();
        let address = bound.local_addr();
        let request = b"GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let client = spawn(async move { ask(address, request, "").await });
        drop(spawn(async move {
            // The server takes nobody in any more: it is stopping.
            while world().connect(address).is_ok() {
                yield_now().await;
            }
            answer.notify_one();
        }));
        bound.serve_until(async { assert!(asking.recv().await.is_some()) }).await;
        // Whoever ends the program now cuts nobody off.
        let left = within(Duration::from_millis(100), client).await;
        assert!(left.expect("answered before the server ended").contains("late but whole"));
    });
}
