//! Results of clients.

use std::time::Duration;

use hub_async::{Context, HubBuilder, InvokeError, State};
use serde_json::Value;
use smol::stream::{self, Stream};

use super::{Answer, Pause, Person};

pub(super) fn methods(builder: HubBuilder) -> HubBuilder {
    builder
        .method("Ask", ask)
        .method("AskFor", ask_for)
        .method("AskForNumber", ask_for_number)
        .method("AskForPerson", ask_for_person)
        .method("AskAnother", ask_another)
        .method("AskGroup", ask_group)
        .method("AskBriefly", ask_briefly)
        .method("AskOften", ask_often)
        .method("AskLater", ask_later)
        .method("AskWhileStreaming", ask_while_streaming)
}

/// Asks the caller's handler of that name.
async fn ask(ctx: Context, name: String, question: Value) -> Result<Value, InvokeError> {
    ctx.clients().caller().invoke(&name, (question,)).await
}

/// What the server sees, whatever it is.
async fn ask_for(ctx: Context, name: String, question: Value) -> Value {
    seen(ctx.clients().caller().invoke(&name, (question,)).await)
}

async fn ask_for_number(ctx: Context, question: Value) -> Result<i64, InvokeError> {
    ctx.clients().caller().invoke("Answer", (question,)).await
}

async fn ask_for_person(ctx: Context) -> Result<Person, InvokeError> {
    ctx.clients().caller().invoke("Introduce", ()).await
}

async fn ask_another(ctx: Context, id: String, question: Value) -> Value {
    seen(ctx.clients().client(&id).invoke("Answer", (question,)).await)
}

/// What each member says, by connection id.
async fn ask_group(ctx: Context, group: String, question: Value) -> Vec<(String, Value)> {
    let group = ctx.clients().group(&group).timeout(Duration::from_secs(1));
    let answers = group.invoke_each("Answer", (question,)).await;
    answers.into_iter().map(|(id, answer)| (id, seen(answer))).collect()
}

async fn ask_briefly(ctx: Context, milliseconds: u64) -> Value {
    let caller = ctx.clients().caller().timeout(Duration::from_millis(milliseconds));
    seen(caller.invoke("Answer", ("quickly",)).await)
}

/// Asks all questions before it waits for the first answer.
async fn ask_often(ctx: Context, count: u32) -> Result<Vec<Value>, InvokeError> {
    let caller = ctx.clients().caller();
    let questions: Vec<_> = (0..count).map(|n| caller.invoke("Answer", (n,))).collect();
    let mut answers = Vec::new();
    for question in questions {
        answers.push(question.await?);
    }
    Ok(answers)
}

/// Asks from a task that outlives the call, and passes the answer on.
async fn ask_later(ctx: Context, pause: State<Pause>, question: Value) {
    let (hub, id) = (ctx.hub(), ctx.connection_id().to_owned());
    let task = async move {
        pause.0(Duration::from_millis(50)).await;
        let client = hub.clients().client(&id);
        let answer = seen(client.invoke("Answer", (question,)).await);
        client.send("Learned", (answer,)).await.ok();
    };
    smol::spawn(task).detach();
}

/// Streams what the caller answers to one question after the other.
async fn ask_while_streaming(ctx: Context, count: u32) -> impl Stream<Item = Answer<Value>> {
    stream::try_unfold(0, move |n| {
        let caller = ctx.clients().caller();
        async move {
            if n == count {
                return Ok(None);
            }
            let answer = caller.invoke("Answer", (n,)).await?;
            Ok(Some((answer, n + 1)))
        }
    })
}

/// The answer, or the text of its error.
fn seen(answer: Result<Value, InvokeError>) -> Value {
    answer.unwrap_or_else(|error| Value::from(error.to_string()))
}
