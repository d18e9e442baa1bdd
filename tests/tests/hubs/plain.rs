//! Hubs and raw connections on streams of bytes, without HTTP.

use hub_async::{Context, Hub, HubOptions, RawConnection, Request, Scope};
use transport_memory::{Pipe, pipe};

use super::*;

const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\x1e";
const LET_GO: &str =
    r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#;

/// One end of a stream, the other end of which a hub serves.
struct Stream {
    pipe: Pipe,
    read: Vec<u8>,
}

impl Stream {
    fn open(service: &Service) -> Self {
        Self::holding(service, 64 * 1024)
    }

    /// On a pipe that holds so many bytes.
    fn holding(service: &Service, capacity: usize) -> Self {
        let (near, far) = pipe(capacity);
        service.serve_stream("/hub", Arc::new(far)).expect("there is a hub");
        Self { pipe: near, read: Vec::new() }
    }

    async fn connect(service: &Service) -> Self {
        let mut stream = Self::open(service);
        stream.write(HANDSHAKE).await;
        assert_eq!(stream.record().await, "{}");
        stream
    }

    async fn write(&self, text: &str) {
        self.pipe.write_all(text.as_bytes()).await;
    }

    /// The next record; what is left, when the stream ends.
    async fn record(&mut self) -> String {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == 0x1e) {
                let record: Vec<_> = self.read.drain(..=end).collect();
                return String::from_utf8_lossy(&record[..end]).into_owned();
            }
            if !self.pipe.read_some(&mut self.read).await {
                let rest = std::mem::take(&mut self.read);
                return format!("end {:?}", String::from_utf8_lossy(&rest));
            }
        }
    }
}

fn hub() -> HubBuilder {
    Hub::builder()
        .method("Echo", async |text: String| text)
        .method("Where", async |request: Request| request.path().to_owned())
        .method("Tell", async |ctx: Context, text: String| {
            ctx.clients().all().send("Told", (text,)).await.is_ok()
        })
}

#[test]
fn a_hub_speaks_its_protocol_on_a_stream_as_it_is() {
    run(async {
        let service = serve(hub());
        let mut stream = Stream::connect(&service).await;
        stream.write("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"argu").await;
        stream.write("ments\":[\"a\"]}\x1e{\"type\":1,\"invocationId\":\"2\",").await;
        assert_eq!(stream.record().await, r#"{"type":3,"invocationId":"1","result":"a"}"#);
        stream.write("\"target\":\"Where\",\"arguments\":[]}\x1e").await;
        assert_eq!(stream.record().await, r#"{"type":3,"invocationId":"2","result":"/hub"}"#);
    });
}

#[test]
fn streams_and_web_sockets_get_the_same_broadcast() {
    run(async {
        let service = serve(hub());
        let (mut stream, mut client) = (Stream::connect(&service).await, connect(&service).await);
        stream.write("{\"type\":1,\"target\":\"Tell\",\"arguments\":[\"x\"]}\x1e").await;
        let told = r#"{"type":1,"target":"Told","arguments":["x"]}"#;
        assert_eq!(stream.record().await, told);
        assert_eq!(client.next().await, record(told));
    });
}

#[test]
fn messagepack_needs_nothing_around_it_either() {
    run(async {
        let service = serve(hub());
        let mut stream = Stream::open(&service);
        stream.write("{\"protocol\":\"messagepack\",\"version\":1}\x1e").await;
        assert_eq!(stream.record().await, "{}");
        stream.pipe.write_all(b"\x0d\x95\x01\x80\xa11\xa4Echo\x91\xa1a").await;
        let answer = b"\x08\x95\x03\x80\xa11\x03\xa1a";
        while stream.read.len() < answer.len() {
            assert!(stream.pipe.read_some(&mut stream.read).await);
        }
        assert_eq!(stream.read, answer);
    });
}

#[test]
fn a_client_that_ends_its_half_is_told_of_the_end_and_its_calls_run_on() {
    run(async {
        let hub = hub().method("Slow", async || {
            pause(100).await;
            7
        });
        let hub = hub.build().expect("a hub");
        let service = serve_built(&hub);
        let mut stream = Stream::connect(&service).await;
        stream
            .write("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Slow\",\"arguments\":[]}\x1e")
            .await;
        pause(1).await;
        hub_async::Socket::shutdown(&stream.pipe);
        assert_eq!(stream.record().await, CLOSE_RECONNECT);
        assert_eq!(stream.record().await, "end \"\"");
        pause(200).await;
        assert_eq!(hub.context().connection_count(Scope::Node).await, 0);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_hub_that_closes_says_so_ends_its_half_and_waits_5_s_for_the_other() {
    run(async {
        for leaves in [true, false] {
            let service = serve(hub().method("Abort", async |ctx: Context| ctx.abort()));
            let mut stream = Stream::connect(&service).await;
            stream.write("{\"type\":1,\"target\":\"Abort\",\"arguments\":[]}\x1e").await;
            assert_eq!(stream.record().await, CLOSE);
            assert_eq!(stream.record().await, "end \"\"");
            if leaves {
                drop(stream);
                pause(1).await;
            } else {
                let waiting = service.drain(Duration::from_millis(4_990)).await;
                assert!(!waiting, "the client may still be writing");
                stream.write("late").await;
                pause(20).await;
            }
            is_left_alone(&service).await;
        }
    });
}

#[test]
fn bad_bytes_and_a_broken_stream_end_as_on_web_sockets() {
    run(async {
        let notes = Notes::default();
        let service = serve(hub().state(notes.clone()).on_disconnected(
            async |notes: hub_async::State<Notes>, reason: hub_async::DisconnectReason| {
                notes.add(reason.kind());
            },
        ));
        let mut stream = Stream::connect(&service).await;
        stream.write("nonsense\x1e").await;
        assert_eq!(stream.record().await, CLOSE_ERROR);
        drop(stream);
        let mut stream = Stream::open(&service);
        stream.write("GET / HTTP/1.1\r\n\r\n\x1e").await;
        let refused = r#"{"error":"An unexpected error occurred during connection handshake."}"#;
        assert!(stream.record().await.starts_with(&refused[..refused.len() - 2]));
        drop(stream);
        let stream = Stream::open(&service);
        drop(stream);
        pause(10).await;
        assert_eq!(notes.all(), ["bad JSON"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_stream_that_takes_nothing_is_given_up_and_holds_nobody_up() {
    run(async {
        let options = HubOptions::new().hard_send_buffer(10_000).soft_send_buffer(5_000);
        let service = serve(hub().options(options));
        let slow = Stream::holding(&service, 100);
        slow.write(HANDSHAKE).await;
        let mut other = Stream::connect(&service).await;
        let text = "x".repeat(1_000);
        for _ in 0..12 {
            other
                .write(&format!(
                    "{{\"type\":1,\"target\":\"Tell\",\"arguments\":[\"{text}\"]}}\x1e"
                ))
                .await;
            assert!(other.record().await.contains(&text));
        }
        pause(11_000).await;
        drop(other);
        pause(1).await;
        is_left_alone(&service).await;
        drop(slow);
    });
}

#[test]
fn a_path_without_a_hub_and_a_server_that_stops_take_no_stream() {
    run(async {
        let service = serve(hub());
        let refused = |path: &str| {
            let (_, far) = pipe(10);
            service.serve_stream(path, Arc::new(far)).map_err(|status| status.as_u16())
        };
        assert_eq!(refused("/other"), Err(404));
        assert_eq!(refused("/hub/negotiate"), Err(404));
        assert_eq!(refused("/HUB/"), Ok(()));
        assert!(service.drain(Duration::from_secs(1)).await);
        assert_eq!(refused("/hub"), Err(503));

        let full = serve(hub().options(HubOptions::new().maximum_connections(1)));
        let _one = Stream::connect(&full).await;
        let (_, far) = pipe(10);
        assert_eq!(full.serve_stream("/hub", Arc::new(far)).map_err(|s| s.as_u16()), Err(503));
    });
}

#[test]
fn a_raw_connection_on_a_stream_is_the_stream() {
    run(async {
        let echo = async |mut connection: RawConnection| {
            while let Some(chunk) = connection.receive().await {
                assert!(connection.send(chunk.format, b"").await.is_ok());
                if connection.send(chunk.format, &chunk.bytes).await.is_err() {
                    return;
                }
            }
        };
        let service = Server::on(world()).raw("/hub", echo).into_service().expect("a service");
        let mut stream = Stream::open(&service);
        stream.write("\x01\u{81} bytes\x1e").await;
        assert_eq!(stream.record().await, "\x01\u{81} bytes");
        hub_async::Socket::shutdown(&stream.pipe);
        assert_eq!(stream.record().await, "end \"\"");
        is_left_alone(&service).await;
    });
}

#[test]
fn a_raw_stream_brings_what_the_peer_wrote_and_nothing_else() {
    run(async {
        let notes = Notes::default();
        let seen = notes.clone();
        let noting = move |mut connection: RawConnection| {
            let seen = seen.clone();
            async move {
                while let Some(chunk) = connection.receive().await {
                    seen.add(String::from_utf8_lossy(&chunk.bytes));
                }
            }
        };
        let service = Server::on(world()).raw("/hub", noting).into_service().expect("a service");
        let mut stream = Stream::open(&service);
        pause(1).await;
        stream.write("a").await;
        pause(1).await;
        hub_async::Socket::shutdown(&stream.pipe);
        assert_eq!(stream.record().await, "end \"\"");
        assert_eq!(notes.all(), ["a"]);
    });
}

#[test]
fn an_empty_message_on_a_raw_stream_that_is_over_fails_like_others() {
    run(async {
        let notes = Notes::default();
        let seen = notes.clone();
        let late = move |connection: RawConnection| {
            let seen = seen.clone();
            async move {
                let text = hub_async::TransferFormat::Text;
                seen.add(format!("{:?}", connection.send(text, b"").await.is_ok()));
                connection.aborted().await;
                seen.add(format!("{:?}", connection.send(text, b"").await.is_ok()));
            }
        };
        let service = Server::on(world()).raw("/hub", late).into_service().expect("a service");
        let _stream = Stream::open(&service);
        pause(1).await;
        service.drain(Duration::from_millis(1)).await;
        assert_eq!(notes.all(), ["true", "false"]);
    });
}

#[test]
fn a_stream_that_asks_for_version_2_is_not_to_be_resumed() {
    run(async {
        let options = HubOptions::new().allow_stateful_reconnects(true);
        let hub = hub()
            .options(options)
            .method("Id", async |ctx: Context| ctx.connection_id().to_owned());
        let service = serve(hub);
        for version in [1, 2] {
            let mut stream = Stream::open(&service);
            stream.write(&format!("{{\"protocol\":\"json\",\"version\":{version}}}\x1e")).await;
            assert_eq!(stream.record().await, "{}");
            // Neither Sequence nor Ack means anything.
            stream
                .write("{\"type\":9,\"sequenceId\":7}\x1e{\"type\":8,\"sequenceId\":9}\x1e")
                .await;
            stream
                .write("{\"type\":1,\"invocationId\":\"1\",\"target\":\"Id\",\"arguments\":[]}\x1e")
                .await;
            let answer = stream.record().await;
            let id = answer.split('"').rev().nth(1).expect("an id");
            let request = http::Request::get(format!("/hub?id={id}")).body(()).expect("a request");
            let (_, far) = pipe(10);
            let again = service.serve_socket(&request, Arc::new(far), b"");
            assert_eq!(again.map_err(|status| status.as_u16()), Err(400));
            drop(stream);
            pause(1).await;
        }
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_floods_behind_our_end_is_dropped_after_5_s() {
    run(async {
        let service = serve(hub().method("Abort", async |ctx: Context| ctx.abort()));
        let mut stream = Stream::connect(&service).await;
        stream.write("{\"type\":1,\"target\":\"Abort\",\"arguments\":[]}\x1e").await;
        assert_eq!(stream.record().await, CLOSE);
        let flood = "x".repeat(60_000);
        for _ in 0..490 {
            within(Duration::from_millis(5), stream.write(&flood)).await.expect("it is read");
            pause(10).await;
        }
        pause(200).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn what_waits_when_the_peer_ends_its_half_still_leaves() {
    run(async {
        let text = "x".repeat(5_000);
        let hub = hub().method("Big", async |ctx: Context, text: String| {
            ctx.clients().caller().send("Told", (text,)).await.is_ok()
        });
        let service = serve(hub);
        let mut stream = Stream::holding(&service, 100);
        stream.write(HANDSHAKE).await;
        assert_eq!(stream.record().await, "{}");
        stream
            .write(&format!("{{\"type\":1,\"target\":\"Big\",\"arguments\":[\"{text}\"]}}\x1e"))
            .await;
        pause(1).await;
        hub_async::Socket::shutdown(&stream.pipe);
        pause(1_000).await;
        assert!(stream.record().await.contains(&text));
        assert_eq!(stream.record().await, CLOSE_RECONNECT);
        assert_eq!(stream.record().await, "end \"\"");
        is_left_alone(&service).await;
    });
}

#[test]
fn peers_that_vanish_at_any_step_leave_nobody_behind() {
    run(async {
        let service = serve(hub());
        let bytes = format!(
            "{HANDSHAKE}{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"a\"]}}\x1e"
        );
        for held in [1, 5, 64 * 1024] {
            for half in [true, false] {
                for cut in 0..=bytes.len() {
                    let stream = Stream::holding(&service, held);
                    within(Duration::from_secs(1), stream.write(&bytes[..cut])).await;
                    if half {
                        hub_async::Socket::shutdown(&stream.pipe);
                        pause(1).await;
                    }
                    drop(stream);
                }
            }
        }
        pause(1).await;
        is_left_alone(&service).await;
    });
}

#[test]
fn a_stream_is_pinged_and_given_up_when_its_client_falls_silent() {
    run(async {
        let service = serve(hub());
        let mut stream = Stream::connect(&service).await;
        stream.write("{\"type\":6}\x1e").await;
        for _ in 0..2 {
            assert_eq!(stream.record().await, reconnect::PING);
        }
        assert_eq!(stream.record().await, LET_GO);
        assert_eq!(stream.record().await, "end \"\"");
        drop(stream);
        pause(1).await;
        is_left_alone(&service).await;
    });
}
