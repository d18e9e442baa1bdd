//! Connections without the hub protocol that HTTP requests carry.

use hub_async::{HubOptions, RawConnection, TransferFormat};
use tests::http::{Coming, Http};
use tokio::sync::mpsc;

use super::over_http::http;
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

/// Where a polled connection is.
async fn polled(http: &Http) -> String {
    let at = http.negotiate("/raw").await;
    assert_eq!(http.get(&at).await.body, "");
    at
}

/// A streamed connection: where it is, and its stream.
async fn streamed(http: &Http) -> (String, Coming) {
    let at = http.negotiate("/raw").await;
    let mut stream = http.events(&at).await;
    assert_eq!(stream.next().await.as_deref(), Some(":\r\n"));
    (at, stream)
}

#[test]
fn polls_take_what_was_posted_before_and_after_the_first_and_204_is_the_end() {
    run(async {
        let service = serve_raw(echo);
        let http = http(&service);
        let at = http.negotiate("/raw").await;
        http.post(&at, "early ").await;
        http.post(&at, "and more").await;
        assert_eq!(http.get(&at).await.body, "");
        assert_eq!(http.get(&at).await.body, "early and more");
        http.post(&at, "Grüße\n").await;
        assert_eq!(http.get(&at).await.body, "Grüße\n");
        assert_eq!(http.delete(&at).await.status, 202);
        world().settle().await;
        assert_eq!(http.get(&at).await.status, 404);
        is_left_alone(&service).await;
    });
}

#[test]
fn what_a_handler_said_last_is_polled_before_the_204() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            connection.receive().await;
            connection.send(TransferFormat::Text, b"last words").await.unwrap();
        });
        let http = http(&service);
        let at = polled(&http).await;
        http.post(&at, "go").await;
        world().settle().await;
        assert_eq!(http.post(&at, "late").await.status, 404);
        assert_eq!(http.get(&at).await.body, "last words");
        assert_eq!(http.get(&at).await.status, 204);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_stream_carries_lines_and_its_end_is_that_of_the_input() {
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
        let http = http(&service);
        let (at, mut stream) = streamed(&http).await;
        http.post(&at, "one\ntwo").await;
        assert_eq!(stream.next().await.as_deref(), Some("data: one\r\ndata: two\r\n\r\n"));
        drop(stream);
        world().settle().await;
        assert_eq!(notes.all(), ["over"]);
        assert_eq!(http.post(&at, "late").await.status, 404);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_handler_that_panics_ends_the_stream() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            connection.receive().await;
            panic!("on purpose");
        });
        let http = http(&service);
        let (at, mut stream) = streamed(&http).await;
        http.post(&at, "go").await;
        assert_eq!(stream.next().await, None);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_handler_that_does_not_read_stops_its_posts_and_loses_nothing() {
    run(async {
        let service = serve_raw(async |mut connection: RawConnection| {
            pause(10_000).await;
            let mut total = 0;
            while let Some(chunk) = connection.receive().await {
                total += chunk.bytes.len();
                if total == 400_000 {
                    connection.send(TransferFormat::Text, b"all").await.unwrap();
                }
            }
        });
        let http = http(&service);
        let at = polled(&http).await;
        let (streamed, mut stream) = streamed(&http).await;
        for at in [at.clone(), streamed] {
            let start = Moment::now();
            for _ in 0..40 {
                assert_eq!(http.post(&at, "x".repeat(10_000)).await.status, 200);
            }
            assert!(start.elapsed() <= Duration::from_secs(10));
        }
        assert_eq!(http.get(&at).await.body, "all");
        assert_eq!(stream.next().await.as_deref(), Some("data: all\r\n\r\n"));
    });
}

#[test]
fn a_stream_that_takes_nothing_is_given_up_whoever_sends() {
    run(async {
        for spawned in [false, true] {
            let notes = Notes::default();
            let service = Server::on(world())
                .options(HubOptions::new().soft_send_buffer(20_000))
                .raw("/raw", {
                    let notes = notes.clone();
                    move |connection: RawConnection| {
                        let notes = notes.clone();
                        async move {
                            let sending = async move {
                                let message = vec![b'x'; 30_000];
                                while connection.send(TransferFormat::Text, &message).await.is_ok()
                                {
                                }
                                notes.add("over");
                            };
                            match spawned {
                                true => spawn(sending).await,
                                false => sending.await,
                            }
                        }
                    }
                })
                .into_service()
                .expect("a service");
            let http = http(&service);
            let (_at, stream) = streamed(&http).await;
            // One whose sends the session does not see is looked after every 15 s.
            pause(25_001).await;
            assert_eq!(notes.all(), ["over"], "spawned: {spawned}");
            drop(stream);
            is_left_alone(&service).await;
        }
    });
}

#[test]
fn a_send_waits_for_polls() {
    run(async {
        let (said, mut says) = mpsc::unbounded_channel();
        let service = Server::on(world())
            .options(HubOptions::new().soft_send_buffer(20_000))
            .raw("/raw", move |connection: RawConnection| {
                let said = said.clone();
                async move {
                    for _ in 0..3 {
                        connection.send(TransferFormat::Text, &[b'x'; 30_000]).await.unwrap();
                        said.send(()).unwrap();
                    }
                }
            })
            .into_service()
            .expect("a service");
        let http = http(&service);
        let at = polled(&http).await;
        for _ in 0..3 {
            world().settle().await;
            assert!(says.try_recv().is_err(), "it waits for the next poll");
            assert_eq!(http.get(&at).await.body.len(), 30_000);
            world().settle().await;
            assert!(says.try_recv().is_ok());
        }
        assert_eq!(http.get(&at).await.status, 204);
        is_left_alone(&service).await;
    });
}
