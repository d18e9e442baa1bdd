//! Hubs over TLS, with a client that is not ours: tungstenite on rustls, on a real socket.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use hub_async::server::Server;
use hub_async::{Body, Context, Hub, HubOptions};
use hub_proto::ws::{Opcode, encode};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;
use transport_tokio::tls::TlsTransport;
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
const UPGRADE: &str = "GET /hub HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// More than the buffers of two sockets hold.
const LONG: usize = 16 * 1024 * 1024;

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A server with a hub at `/hub`, and who has left it.
struct Served {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    left: UnboundedReceiver<String>,
}

async fn serve() -> Served {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a configuration");
    let (leave, left) = unbounded_channel();
    let options = HubOptions::new().unlimited_receive_message_size().hard_send_buffer(usize::MAX);
    let hub = Hub::builder()
        .options(options)
        .method("Echo", async |text: String| text)
        .method("Long", async |length: usize| "x".repeat(length))
        .method("Leave", async |ctx: Context| ctx.abort())
        .on_disconnected(move |_: Context| {
            leave.send("left".to_owned()).ok();
            async {}
        })
        .build()
        .expect("a hub");
    let server = Server::on(TlsTransport::new(Arc::new(config))).hub("/hub", hub).fallback(
        async |request| {
            let long = request.uri().path() == "/long";
            http::Response::new(Body::from(if long { vec![7; LONG] } else { b"in private".into() }))
        },
    );
    let bound = server.bind("127.0.0.1:0").await.expect("a free port");
    let address = bound.local_addr();
    tokio::spawn(bound.serve());
    Served { address, certificate, left }
}

impl Served {
    /// Runs a client that blocks on a thread of its own.
    async fn client<T: Send + 'static>(&self, run: impl FnOnce(Tls) -> T + Send + 'static) -> T {
        self.client_of(rustls::ALL_VERSIONS, run).await
    }

    async fn client_of<T: Send + 'static>(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        run: impl FnOnce(Tls) -> T + Send + 'static,
    ) -> T {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        let config = ClientConfig::builder_with_protocol_versions(versions)
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
        let address = self.address;
        let running = tokio::task::spawn_blocking(move || {
            let tcp = TcpStream::connect(address).expect("somebody listens");
            tcp.set_nodelay(true).expect("TCP");
            tcp.set_read_timeout(Some(Duration::from_secs(20))).expect("TCP");
            run(StreamOwned::new(connection, tcp))
        });
        running.await.expect("no panic")
    }
}

/// A WebSocket on which hands have been shaken.
fn greeted(tls: Tls) -> WebSocket<Tls> {
    let (mut socket, _) = tungstenite::client("wss://localhost/hub", tls).expect("an upgrade");
    socket.send(Message::text(HANDSHAKE)).expect("open");
    assert_eq!(text(&mut socket), "{}\x1e");
    socket
}

fn text(socket: &mut WebSocket<Tls>) -> String {
    socket.read().expect("a message").into_text().expect("UTF-8").as_str().to_owned()
}

fn call(id: usize, target: &str, arguments: &str) -> String {
    format!(
        "{{\"type\":1,\"invocationId\":\"{id}\",\"target\":\"{target}\",\"arguments\":[{arguments}]}}\x1e"
    )
}

#[tokio::test]
async fn a_hub_is_called_over_every_version_of_tls() {
    let served = serve().await;
    for &version in rustls::ALL_VERSIONS {
        let versions = [version];
        let answer = served.client_of(&versions, |tls| {
            let mut socket = greeted(tls);
            socket.send(Message::text(call(1, "Echo", "\"hush\""))).expect("open");
            text(&mut socket)
        });
        let expected = "{\"type\":3,\"invocationId\":\"1\",\"result\":\"hush\"}\x1e";
        assert_eq!(answer.await, expected, "{version:?}");
    }
}

#[tokio::test]
async fn other_requests_are_answered_too() {
    let served = serve().await;
    let answer = served.client(|mut tls| {
        tls.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        tls.read_to_string(&mut answer).expect("a proper end");
        answer
    });
    let answer = answer.await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("in private"), "{answer}");
}

/// What is encrypted and waits for room in the socket when the connection is shut down still leaves.
#[tokio::test]
async fn a_long_answer_is_whole_and_then_comes_the_end() {
    let served = serve().await;
    let answer = served.client(|mut tls| {
        tls.write_all(b"GET /long HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .expect("open");
        let mut answer = Vec::new();
        tls.read_to_end(&mut answer).expect("a proper end");
        answer
    });
    let answer = answer.await;
    assert!(answer.ends_with(&[7; LONG]), "{} bytes", answer.len());
}

/// Reads to the end of the WebSocket, then to that of TLS and TCP, which is not the loss of the connection.
fn end(mut socket: WebSocket<Tls>) {
    let ended = loop {
        if let Err(error) = socket.read() {
            break error;
        }
    };
    assert!(matches!(ended, Error::ConnectionClosed), "{ended}");
    let mut rest = Vec::new();
    let ended = socket.into_inner().read_to_end(&mut rest);
    assert_eq!((ended.map_err(|error| error.kind()), rest), (Ok(0), Vec::new()));
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_has_left() {
    let mut served = serve().await;
    let closing = served.client(|tls| {
        let mut socket = greeted(tls);
        socket.close(None).expect("open");
        end(socket);
    });
    closing.await;
    assert_eq!(served.left.recv().await.as_deref(), Some("left"));
}

#[tokio::test]
async fn a_server_that_closes_ends_tls_as_well() {
    let mut served = serve().await;
    let closed = served.client(|tls| {
        let mut socket = greeted(tls);
        socket.send(Message::text(call(1, "Leave", ""))).expect("open");
        end(socket);
    });
    closed.await;
    assert_eq!(served.left.recv().await.as_deref(), Some("left"));
}

#[tokio::test]
async fn a_client_that_is_gone_without_a_word_has_left() {
    let mut served = serve().await;
    served.client(|tls| drop(greeted(tls))).await;
    assert_eq!(served.left.recv().await.as_deref(), Some("left"));
}

#[tokio::test]
async fn what_is_decrypted_and_not_yet_read_is_read_without_another_byte() {
    let served = serve().await;
    let answers = served.client(|mut tls| {
        let mut bytes = UPGRADE.as_bytes().to_vec();
        let long = "x".repeat(9_000);
        for record in
            [HANDSHAKE, &call(1, "Echo", &format!("\"{long}\"")), &call(2, "Echo", "\"y\"")]
        {
            encode::write_frame(&mut bytes, true, Opcode::Text, record.as_bytes(), Some([9; 4]));
        }
        // One TLS record, of which hyper reads the first part.
        tls.write_all(&bytes).expect("open");
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("\"result\":\"y\"") {
            let mut chunk = [0; 4096];
            let count = tls.read(&mut chunk).expect("an answer");
            assert_ne!(count, 0, "the end");
            seen.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
        String::from_utf8_lossy(&seen).matches("\"type\":3").count()
    });
    assert_eq!(answers.await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_more_than_the_sockets_hold_arrives_at_a_client_that_reads_late() {
    let served = serve().await;
    let read = served.client(|tls| {
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let mut socket = greeted(tls);
        socket.set_config(|now| *now = config);
        socket.send(Message::text(call(1, "Long", &LONG.to_string()))).expect("open");
        let long = text(&mut socket).len();
        let half = format!("\"{}\"", "y".repeat(LONG / 2));
        socket.send(Message::text(call(2, "Echo", &half))).expect("open");
        let echo = text(&mut socket).len();
        socket.close(None).expect("open");
        end(socket);
        (long > LONG, echo > LONG / 2)
    });
    assert_eq!(read.await, (true, true));
}

/// In paused time: what is waited for comes at once, in its order.
#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_handshake_is_dropped_after_10_s() {
    let served = serve().await;
    // The begin of a ClientHello that would be 500 bytes long, then nothing.
    for begin in [&b""[..], &[22, 3, 1, 1, 244, 1, 0, 1, 240, 3, 3]] {
        let mut silent = tokio::net::TcpStream::connect(served.address).await.expect("it listens");
        let started = Instant::now();
        silent.write_all(begin).await.expect("open");
        silent.read_to_end(&mut Vec::new()).await.expect("an end");
        assert_eq!(started.elapsed().as_secs(), 10);
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_keeps_nobody_out() {
    let served = serve().await;
    let silent: Vec<_> = (0..50).map(|_| TcpStream::connect(served.address).unwrap()).collect();
    let answer = served.client(|tls| {
        let mut socket = greeted(tls);
        socket.send(Message::text(call(1, "Echo", "\"hello\""))).expect("open");
        text(&mut socket)
    });
    assert!(answer.await.contains("hello"));
    drop(silent);
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_is_told_so_by_an_alert() {
    const ALERT: u8 = 21;
    let served = serve().await;
    let mut plain = tokio::net::TcpStream::connect(served.address).await.expect("it listens");
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("open");
    let mut answer = Vec::new();
    let ended = plain.read_to_end(&mut answer).await;
    assert!(ended.map_or_else(|error| error.kind() == ErrorKind::ConnectionReset, |_| true));
    assert_eq!(answer.first(), Some(&ALERT), "{answer:?}");
}
