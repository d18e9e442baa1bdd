//! Connections without the hub protocol.

use std::future::pending;
use std::task::Poll;
use std::time::Duration;

use hub_async::{Disconnected, HubOptions, RawConnection, TransferFormat};
use hub_proto::ws::{MessageType, Opcode};

use super::*;

async fn echo(mut connection: RawConnection) {
    while let Some(chunk) = connection.receive().await {
        if connection.send(chunk.format, &chunk.bytes).await.is_err() {
            return;
        }
    }
}

fn serve_raw<R>(handler: impl Fn(RawConnection) -> R + Send + Sync + 'static) -> Service
where
    R: Future<Output = ()> + Send + 'static,
{
    Server::on(world()).raw("/raw", handler).into_service().expect("a service")
}

fn open(service: &Service) -> Client {
    Client::raw(service, "/raw")
}

fn text(text: &str) -> Seen {
    Seen::Message(MessageType::Text, text.as_bytes().to_vec())
}

fn binary(bytes: &[u8]) -> Seen {
    Seen::Message(MessageType::Binary, bytes.to_vec())
}

#[test]
fn messages_come_as_they_are_and_go_as_whole_ones() {
    run(async {
        let service = serve_raw(echo);
        let mut client = open(&service);
        client.frame(Opcode::Text, "Grüße".as_bytes()).await;
        client.frame(Opcode::Binary, b"\x00\xff\x1e").await;
        client.frame(Opcode::Text, b"").await;
        assert_eq!(client.next().await, text("Grüße"));
        assert_eq!(client.next().await, binary(b"\x00\xff\x1e"));
        assert_eq!(client.next().await, text(""));
        client.close(1000).await;
        assert_eq!(client.rest().await, [Seen::Close(Some(1000))]);
        is_left_alone(&service).await;
    });
}

#[test]
fn fragments_are_handed_on_before_their_message_is_whole() {
    run(async {
        let notes = Notes::default();
        let service = serve_raw({
            let notes = notes.clone();
            move |mut connection: RawConnection| {
                let notes = notes.clone();
                async move {
                    while let Some(chunk) = connection.receive().await {
                        notes.add(format!("{:?} {}", chunk.bytes, chunk.fin));
                    }
                    notes.add("end");
                }
            }
        });
        let client = open(&service);
        client.fragment(false, Opcode::Text, b"one").await;
        client.frame(Opcode::Ping, b"").await;
        pause(1).await;
        assert_eq!(notes.all(), [r#"b"one" false"#]);
        client.fragment(true, Opcode::Continuation, b"two").await;
        // Half of a frame.
        client.write(b"\x82\x84\0\0\0\0th").await;
        pause(1).await;
        assert_eq!(notes.all()[1..], [r#"b"two" true"#, r#"b"th" false"#]);
        drop(client);
        pause(1).await;
        assert_eq!(notes.all()[3..], ["end"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn the_end_of_the_handler_closes_the_connection_and_its_panic_tells_1011() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            let Some(chunk) = connection.receive().await else { return };
            connection.send(TransferFormat::Binary, b"last words").await.unwrap();
            assert_ne!(chunk.bytes, "panic", "on purpose");
        });
        for (word, code) in [("fine", 1000), ("panic", 1011)] {
            let mut client = open(&service);
            client.frame(Opcode::Text, word.as_bytes()).await;
            assert_eq!(client.next().await, binary(b"last words"));
            assert_eq!(client.next().await, Seen::Close(Some(code)));
            client.close(code).await;
            assert_eq!(client.next().await, Seen::End);
        }
        is_left_alone(&service).await;
    });
}

#[test]
fn a_client_that_closes_is_answered_first_but_only_for_5_s() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            while connection.receive().await.is_some() {}
            pause(1_000).await;
            let sent = connection.send(TransferFormat::Text, b"bye").await;
            assert_eq!(sent, Ok(()));
            connection.aborted().await;
            assert_eq!(connection.send(TransferFormat::Text, b"?").await, Err(Disconnected));
        });
        let mut client = open(&service);
        client.close(1000).await;
        let start = Moment::now();
        assert_eq!(client.next().await, text("bye"));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        assert_eq!(client.rest().await, [Seen::Close(Some(1000))]);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        is_left_alone(&service).await;
    });
}

#[test]
fn a_handler_that_does_not_read_stops_its_client_and_loses_nothing() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            pause(10_000).await;
            let mut total = 0;
            while let Some(chunk) = connection.receive().await {
                total += chunk.bytes.len();
            }
            let total = total.to_string();
            connection.send(TransferFormat::Text, total.as_bytes()).await.unwrap();
        });
        let mut client = open(&service);
        let start = Moment::now();
        let message = vec![7; 10_000];
        for _ in 0..40 {
            client.frame(Opcode::Binary, &message).await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(10), "the socket was left alone meanwhile");
        client.close(1000).await;
        assert_eq!(client.rest().await, [text("400000"), Seen::Close(Some(1000))]);
        is_left_alone(&service).await;
    });
}

#[test]
fn empty_frames_stop_a_client_as_well() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            pause(1_000).await;
            while connection.receive().await.is_some() {}
        });
        let mut client = open(&service);
        let start = Moment::now();
        for _ in 0..20_000 {
            client.frame(Opcode::Binary, b"").await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        client.close(1000).await;
        assert_eq!(client.rest().await, [Seen::Close(Some(1000))]);
    });
}

#[test]
fn a_send_waits_for_a_slow_client_and_one_that_never_reads_is_closed() {
    run(async {
        let notes = Notes::default();
        let service = Server::on(world())
            .options(HubOptions::new().soft_send_buffer(20_000).hard_send_buffer(40_000))
            .raw("/raw", {
                let notes = notes.clone();
                move |mut connection: RawConnection| {
                    let notes = notes.clone();
                    async move {
                        connection.receive().await;
                        let message = vec![1; 30_000];
                        for _ in 0..3 {
                            let sent = connection.send(TransferFormat::Binary, &message).await;
                            notes.add(format!("{}", sent.is_ok()));
                        }
                    }
                }
            })
            .into_service()
            .expect("a service");
        let mut client = open(&service);
        client.frame(Opcode::Text, b"go").await;
        pause(1).await;
        // The pipe took 16 KB of the first, the second waits.
        assert_eq!(notes.all(), ["true"]);
        for _ in 0..3 {
            assert_eq!(client.next().await, binary(&vec![1; 30_000]));
        }
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        client.close(1000).await;
        let client = open(&service);
        client.frame(Opcode::Text, b"go").await;
        pause(20_000).await;
        // The socket was given up after 10 s, and with it the wait of the second send.
        assert_eq!(notes.all()[3..], ["true", "true", "false"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_server_that_drains_ends_the_input_and_closes() {
    run(async {
        let notes = Notes::default();
        let service = serve_raw({
            let notes = notes.clone();
            move |connection| {
                let notes = notes.clone();
                async move {
                    echo(connection).await;
                    notes.add("over");
                }
            }
        });
        let mut client = open(&service);
        client.frame(Opcode::Text, b"hi").await;
        assert_eq!(client.next().await, text("hi"));
        let drain = spawn({
            let service = service.clone();
            async move { service.drain(Duration::from_secs(5)).await }
        });
        assert_eq!(client.next().await, Seen::Close(Some(1000)));
        assert_eq!(notes.all(), ["over"]);
        client.close(1000).await;
        assert!(drain.await);
    });
}

#[test]
fn a_broken_frame_ends_it_with_its_code_and_a_handler_that_hangs_is_dropped_after_the_linger() {
    run(async {
        let service = Server::on(world())
            .options(HubOptions::new().linger(Duration::from_secs(30)))
            .raw("/raw", async |connection: RawConnection| {
                let _connection = connection;
                pending().await
            })
            .into_service()
            .expect("a service");
        let mut client = open(&service);
        client.write(b"\x83\x80\0\0\0\0").await;
        assert_eq!(client.rest().await, [Seen::Close(Some(1002))]);
        assert!(!service.drain(Duration::from_secs(29)).await);
        assert!(service.drain(Duration::from_secs(2)).await);
    });
}

#[test]
fn a_handler_that_panics_when_it_is_called_tells_1011_as_well() {
    run(async {
        fn make(_: RawConnection) -> std::future::Pending<()> {
            panic!("on purpose")
        }
        let service = serve_raw(make);
        let mut client = open(&service);
        assert_eq!(client.next().await, Seen::Close(Some(1011)));
        client.close(1000).await;
        assert_eq!(client.next().await, Seen::End);
        is_left_alone(&service).await;
    });
}

#[test]
fn the_end_of_a_client_is_noticed_also_when_nobody_reads_any_more() {
    run(async {
        let notes = Notes::default();
        let service = serve_raw({
            let notes = notes.clone();
            move |connection: RawConnection| {
                let notes = notes.clone();
                async move {
                    pause(1_000).await;
                    let over = connection.aborted();
                    drop(connection);
                    over.await;
                    notes.add("over");
                }
            }
        });
        let client = open(&service);
        // More than is kept for a handler that does not read.
        for _ in 0..12 {
            client.frame(Opcode::Binary, &[0; 10_000]).await;
        }
        client.close(1000).await;
        pause(10_000).await;
        assert_eq!(notes.all(), ["over"]);
        drop(client);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_connection_may_be_read_in_one_task_and_then_in_another() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            let mut receive = Box::pin(async move {
                let chunk = connection.receive().await;
                (connection, chunk)
            });
            let first = std::future::poll_fn(|cx| Poll::Ready(receive.as_mut().poll(cx))).await;
            assert!(first.is_pending());
            spawn(async move {
                let (connection, chunk) = receive.await;
                let chunk = chunk.expect("a message");
                connection.send(chunk.format, &chunk.bytes).await.unwrap();
                echo(connection).await;
            })
            .await;
        });
        let mut client = open(&service);
        pause(1).await;
        for word in ["one", "two"] {
            client.frame(Opcode::Text, word.as_bytes()).await;
            assert_eq!(client.next().await, text(word));
        }
        client.close(1000).await;
        assert_eq!(client.rest().await, [Seen::Close(Some(1000))]);
    });
}
