//! How single methods run: on, not on, elsewhere, and until they are cancelled.

use std::future::{pending, poll_fn};
use std::task::Poll;

use hub_async::{Cancel, Context, Hub, MethodOptions, State};

use super::*;

/// Notes that it was dropped.
struct Guard(Notes, &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.add(format!("{} dropped", self.1));
    }
}

#[test]
fn a_method_runs_on_without_its_client_unless_it_is_to_be_dropped() {
    run(async {
        async fn run_on(ctx: Context, notes: State<Notes>) {
            let _guard = Guard(Notes::clone(&notes), "RunOn");
            ctx.aborted().await;
            pause(10).await;
            notes.add("RunOn ran on");
        }
        async fn stop(notes: State<Notes>) {
            let _guard = Guard(Notes::clone(&notes), "Stop");
            pending::<()>().await;
        }
        let notes = Notes::default();
        let hub = Hub::builder()
            .state(notes.clone())
            .options(hub_async::HubOptions::new().maximum_parallel_invocations_per_client(2))
            .method("RunOn", run_on)
            .method_with("Stop", stop, MethodOptions::new().drop_on_disconnect());
        let service = serve(hub);
        let mut client = connect(&service).await;
        client.call("1", "RunOn", "[]").await;
        client.call("2", "Stop", "[]").await;
        pause(1).await;
        assert_eq!(notes.all(), [""; 0]);
        client.close(1000).await;
        client.rest().await;
        pause(20).await;
        assert_eq!(notes.all(), ["Stop dropped", "RunOn ran on", "RunOn dropped"]);
        is_left_alone(&service).await;
    });
}

#[test]
fn a_spawned_method_is_a_task_of_its_own_and_is_answered_like_others() {
    run(async {
        // A task is told by its waker.
        let task = async || poll_fn(|cx| Poll::Ready(format!("{:p}", cx.waker().data()))).await;
        let spawn = MethodOptions::new().spawn();
        let hub = Hub::builder()
            .method("Here", task)
            .method_with("There", task, spawn)
            .method_with("Panic", async || -> i32 { panic!("on purpose") }, spawn);
        let service = serve(hub);
        let mut client = connect(&service).await;
        let mut answers = Vec::new();
        for method in ["Here", "Here", "There"] {
            client.call("1", method, "[]").await;
            answers.push(client.record().await);
        }
        assert_eq!(answers[0], answers[1]);
        assert_ne!(answers[1], answers[2]);
        assert!(
            answers[2].starts_with(r#"{"type":3,"invocationId":"1","result":""#),
            "{}",
            answers[2]
        );
        client.call("2", "Panic", "[]").await;
        assert_eq!(
            client.record().await,
            r#"{"type":3,"invocationId":"2","error":"An unexpected error occurred invoking 'Panic' on the server."}"#
        );
    });
}

#[test]
fn a_call_that_the_client_cancels_is_told_and_still_answered() {
    run(async {
        let wait = async |cancel: Cancel| {
            cancel.cancelled().await;
            "cancelled"
        };
        let service = serve(Hub::builder().method("Wait", wait));
        let mut client = connect(&service).await;
        client.call("1", "Wait", "[]").await;
        pause(1000).await;
        assert_eq!(client.so_far(), []);
        client.send(r#"{"type":5,"invocationId":"other"}"#).await;
        client.send(r#"{"type":5,"invocationId":"1"}"#).await;
        assert_eq!(client.record().await, r#"{"type":3,"invocationId":"1","result":"cancelled"}"#);
    });
}
