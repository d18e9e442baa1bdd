//! Hubs on real streams without HTTP: TCP and Unix sockets, on tokio and on smol.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use hub_async::Hub;
use hub_async::server::{Server, Service, Transport};
use transport_async_std::{AsyncSocket, SmolRuntime};
use transport_tokio::{TokioRuntime, TokioSocket};

fn service<T: Transport + Default>() -> Service {
    let hub = Hub::builder().method("Echo", async |text: String| text).build().expect("a hub");
    Server::<T>::new().hub("/hub", hub).into_service().expect("a service")
}

/// A stream of the standard library's that says when nobody answers, instead of waiting for ever.
trait Peer: Read + Write {
    fn end_output(&self);
}

impl Peer for UnixStream {
    fn end_output(&self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

impl Peer for std::net::TcpStream {
    fn end_output(&self) {
        self.shutdown(Shutdown::Write).expect("it is open");
    }
}

/// Speaks the hub protocol on a stream until both halves have ended.
fn talk(mut peer: impl Peer) {
    let text = "x".repeat(20_000);
    write!(peer, "{{\"protocol\":\"json\",\"version\":1}}\x1e").expect("it is open");
    write!(
        peer,
        "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"{text}\"]}}\x1e"
    )
    .expect("it is open");
    let answer = format!("{{}}\x1e{{\"type\":3,\"invocationId\":\"1\",\"result\":\"{text}\"}}\x1e");
    let mut read = vec![0; answer.len()];
    peer.read_exact(&mut read).expect("an answer");
    assert_eq!(String::from_utf8(read).expect("text"), answer);
    peer.end_output();
    let mut rest = String::new();
    peer.read_to_string(&mut rest).expect("the end");
    assert_eq!(rest, "{\"type\":7,\"allowReconnect\":true}\x1e");
}

const PATIENCE: Option<Duration> = Some(Duration::from_secs(30));

fn unix_pair() -> (UnixStream, UnixStream) {
    let (near, far) = UnixStream::pair().expect("two ends");
    near.set_read_timeout(PATIENCE).expect("a timeout");
    far.set_nonblocking(true).expect("it can");
    (near, far)
}

fn tcp_pair() -> (std::net::TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let near = std::net::TcpStream::connect(listener.local_addr().expect("it has one"));
    let (near, (far, _)) = (near.expect("it listens"), listener.accept().expect("it was called"));
    near.set_read_timeout(PATIENCE).expect("a timeout");
    far.set_nonblocking(true).expect("it can");
    (near, far)
}

#[test]
fn tokio_serves_tcp_and_unix_streams() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("tokio");
    runtime.block_on(async {
        let ((tcp, far_tcp), (unix, far_unix)) = (tcp_pair(), unix_pair());
        let service = service::<TokioRuntime>();
        let far_tcp = tokio::net::TcpStream::from_std(far_tcp).expect("a stream");
        let far_unix = tokio::net::UnixStream::from_std(far_unix).expect("a stream");
        service.serve_stream("/hub", Arc::new(TokioSocket::from(far_tcp))).expect("there is a hub");
        service
            .serve_stream("/hub", Arc::new(TokioSocket::from(far_unix)))
            .expect("there is a hub");
        let talks = [
            tokio::task::spawn_blocking(move || talk(tcp)),
            tokio::task::spawn_blocking(move || talk(unix)),
        ];
        for talk in talks {
            talk.await.expect("it has talked");
        }
        assert!(service.drain(Duration::from_secs(30)).await);
    });
}

#[test]
fn smol_serves_tcp_and_unix_streams() {
    smol::block_on(async {
        let ((tcp, far_tcp), (unix, far_unix)) = (tcp_pair(), unix_pair());
        let service = service::<SmolRuntime>();
        let far_tcp = AsyncSocket::from(smol::Async::new(far_tcp).expect("a stream"));
        let far_unix = AsyncSocket::from(smol::Async::new(far_unix).expect("a stream"));
        service.serve_stream("/hub", Arc::new(far_tcp)).expect("there is a hub");
        service.serve_stream("/hub", Arc::new(far_unix)).expect("there is a hub");
        smol::unblock(move || talk(tcp)).await;
        smol::unblock(move || talk(unix)).await;
        assert!(service.drain(Duration::from_secs(30)).await);
    });
}
