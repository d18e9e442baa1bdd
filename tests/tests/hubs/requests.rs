//! HTTP around hubs, on real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use hub_async::Hub;
use hub_proto::ws::{Opcode, encode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use transport_tokio::Server;

/// A server with a hub at `/hub room`, and what stops it.
async fn server() -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let hub = Hub::builder().method("Add", async |a: i32, b: i32| a + b).build().unwrap();
    let bound = Server::new().hub("/hub room", hub).bind("127.0.0.1:0").await.unwrap();
    let address = bound.local_addr();
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(bound.serve_until(async move {
        let _ = stopped.await;
    }));
    (address, stop, server)
}

/// Sends these bytes and reads until the answer's end, or until `enough` was read.
async fn ask(address: SocketAddr, request: &[u8], enough: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = async {
        let mut chunk = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut chunk).await {
            answer.extend_from_slice(&chunk[..count]);
            if !enough.is_empty() && String::from_utf8_lossy(&answer).contains(enough) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), read).await.expect("an answer in time");
    String::from_utf8_lossy(&answer).into_owned()
}

const UPGRADE: &str = "host: h\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn requests_are_answered_by_their_method_path_and_version() {
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
}

#[tokio::test]
async fn only_whole_upgrades_become_connections() {
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
}

#[tokio::test]
async fn what_is_sent_along_with_the_upgrade_is_read() {
    let (address, stop, server) = server().await;
    let mut request = format!("GET /hub%20room HTTP/1.1\r\n{UPGRADE}").into_bytes();
    let records = "{\"protocol\":\"json\",\"version\":1}\x1e{\"type\":1,\"invocationId\":\"7\",\"target\":\"Add\",\"arguments\":[1,2]}\x1e";
    encode::write_frame(&mut request, true, Opcode::Text, records.as_bytes(), Some([9; 4]));
    let answer = ask(address, &request, "result").await;
    assert!(answer.contains("{\"type\":3,\"invocationId\":\"7\",\"result\":3}"), "{answer}");
    // Its client is gone without a word, which a server that stops does not wait for.
    stop.send(()).unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(2), server).await;
    assert!(stopped.is_ok(), "the server stops at once");
}

#[tokio::test]
async fn a_server_that_stops_closes_connections_and_takes_no_new_ones() {
    let (address, stop, server) = server().await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"OPTIONS /hub%20room HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut byte = [0];
    idle.read_exact(&mut byte).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(2), server).await.expect("in time").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_client_that_does_not_answer_the_close_does_not_keep_a_server_for_5_s() {
    let (address, stop, server) = server().await;
    let mut request = format!("GET /hub%20room HTTP/1.1\r\n{UPGRADE}").into_bytes();
    let handshake = b"{\"protocol\":\"json\",\"version\":1}\x1e";
    encode::write_frame(&mut request, true, Opcode::Text, handshake, Some([9; 4]));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"{}\x1e") {
        stream.read_buf(&mut seen).await.unwrap();
    }
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_millis(4_900), server).await.expect("in time").unwrap();
    stream.read_buf(&mut seen).await.unwrap();
    let told = String::from_utf8_lossy(&seen).into_owned();
    assert!(told.contains(r#"{"type":7,"allowReconnect":true}"#), "{told}");
}

#[tokio::test]
async fn a_request_at_hand_is_still_answered_when_the_server_stops() {
    let (asked, mut asking) = tokio::sync::mpsc::channel(1);
    let answer = std::sync::Arc::new(tokio::sync::Notify::new());
    let waiting = answer.clone();
    let bound = Server::new()
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
    let client = tokio::spawn(async move { ask(address, request, "").await });
    tokio::spawn(async move {
        // The server takes nobody in any more: it is stopping.
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        answer.notify_one();
    });
    bound.serve_until(async { assert!(asking.recv().await.is_some()) }).await;
    // Whoever ends the program now cuts nobody off.
    let left = tokio::time::timeout(Duration::from_millis(100), client).await;
    assert!(left.expect("answered before the server ended").unwrap().contains("late but whole"));
}
