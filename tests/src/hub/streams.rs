//! Streams to clients, from clients, and both ways at once.

use std::time::Duration;

use hub_async::{Cancel, HubBuilder, HubError, State, StreamError, StreamReader};
use serde_json::Value;
use smol::stream::{self, Stream, StreamExt};

use super::{Answer, Notes, Pause, Person};

pub(super) fn methods(builder: HubBuilder) -> HubBuilder {
    builder
        // To the client.
        .method("Range", range)
        .method("Endless", endless)
        .method("Watch", watch)
        .method("Silent", silent)
        .method("Values", async |values: Vec<Value>| stream::iter(values))
        .method("Large", async |count, size| stream::repeat("x".repeat(size)).take(count))
        .method("RefuseStream", async || Err::<stream::Empty<i32>, _>(HubError::new("No entry.")))
        .method("BreakStream", break_stream)
        .method("FailAfter", fail_after)
        .method("BreakAfter", break_after)
        .method("PanicAfter", panic_after)
        // From the client.
        .method("Concat", concat)
        .method("Sum", sum)
        .method("Collect", collect)
        .method("Zip", zip)
        .method("SumSlowly", sum_slowly)
        .method("SumOnceNoted", sum_once_noted)
        .method("First", first)
        .method("Ignore", async |_: StreamReader<i64>| "ignored")
        .method("HowItEnds", how_it_ends)
        .method("NoteTheEnd", note_the_end)
        .method("NoteAll", note_all)
        // Both ways.
        .method("EchoEach", async |items: StreamReader<Value>| items)
        .method("Scale", scale)
        // A call that can be cancelled.
        .method("Hang", hang)
}

/// Notes its key when it is dropped.
struct Guard {
    notes: State<Notes>,
    key: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.notes.add(format!("{} dropped", self.key));
    }
}

// To the client.

async fn range(pause: State<Pause>, count: u32, milliseconds: u64) -> impl Stream<Item = u32> {
    let time = Duration::from_millis(milliseconds);
    stream::iter(0..count).then(move |n| {
        let pause = pause.clone();
        async move {
            if !time.is_zero() {
                pause.0(time).await;
            }
            n
        }
    })
}

async fn endless(pause: State<Pause>, notes: State<Notes>, key: String) -> impl Stream<Item = u32> {
    let guard = Guard { notes, key };
    stream::unfold((0, guard), move |(n, guard)| {
        let pause = pause.clone();
        async move {
            pause.0(Duration::from_millis(5)).await;
            Some((n, (n + 1, guard)))
        }
    })
}

/// Goes on until it is cancelled, and sees to that itself.
async fn watch(
    cancel: Cancel,
    pause: State<Pause>,
    notes: State<Notes>,
    key: String,
) -> impl Stream<Item = u32> {
    stream::unfold(0, move |n| {
        let (cancel, pause, notes) = (cancel.clone(), pause.clone(), notes.clone());
        let key = key.clone();
        async move {
            pause.0(Duration::from_millis(5)).await;
            if cancel.is_cancelled() {
                notes.add(format!("{key} cancelled"));
                return None;
            }
            Some((n, n + 1))
        }
    })
}

async fn silent(notes: State<Notes>, key: String) -> impl Stream<Item = u32> {
    notes.add(format!("{key} waits"));
    let guard = Guard { notes, key };
    stream::pending().map(move |n| {
        let _ = &guard;
        n
    })
}

async fn break_stream() -> Answer<stream::Empty<i32>> {
    "one".parse::<i32>()?;
    Ok(stream::empty())
}

async fn fail_after(count: u32, text: String) -> impl Stream<Item = Answer<u32>> {
    stream::iter(0..count).map(Ok).chain(stream::once(Err(HubError::new(text))))
}

async fn break_after(count: u32) -> impl Stream<Item = Result<u32, std::num::ParseIntError>> {
    stream::iter(0..count).map(Ok).chain(stream::once("one".parse()))
}

async fn panic_after(count: u32) -> impl Stream<Item = u32> {
    stream::iter(0..=count).inspect(move |n| assert!(*n < count, "on purpose"))
}

// From the client.

async fn concat(mut texts: StreamReader<String>) -> Result<String, StreamError> {
    let mut all = String::new();
    while let Some(text) = texts.next().await {
        all += &text?;
    }
    Ok(all)
}

async fn sum(mut numbers: StreamReader<i64>) -> Result<i64, StreamError> {
    numbers.try_fold(0, |sum, number| Ok(sum + number)).await
}

async fn collect(people: StreamReader<Person>) -> Result<Vec<Person>, StreamError> {
    people.try_collect().await
}

/// Takes from two streams by turns.
async fn zip(
    mut left: StreamReader<String>,
    separator: String,
    mut right: StreamReader<i64>,
) -> Result<Vec<String>, StreamError> {
    let mut pairs = Vec::new();
    while let (Some(text), Some(number)) = (left.next().await, right.next().await) {
        pairs.push(format!("{}{separator}{}", text?, number?));
    }
    Ok(pairs)
}

/// Reads a hundred numbers at a time.
async fn sum_slowly(
    pause: State<Pause>,
    mut numbers: StreamReader<i64>,
    milliseconds: u64,
) -> Result<(usize, i64), StreamError> {
    let (mut count, mut sum) = (0, 0);
    while let Some(number) = numbers.next().await {
        sum += number?;
        count += 1;
        if count % 100 == 0 {
            pause.0(Duration::from_millis(milliseconds)).await;
        }
    }
    Ok((count, sum))
}

/// Reads nothing before somebody has noted the key.
async fn sum_once_noted(
    notes: State<Notes>,
    pause: State<Pause>,
    numbers: StreamReader<i64>,
    key: String,
) -> Result<i64, StreamError> {
    notes.add(format!("{key} waits"));
    super::noted(notes, pause, key).await;
    sum(numbers).await
}

/// Wants no more than some.
async fn first(numbers: StreamReader<i64>, count: usize) -> Result<Vec<i64>, StreamError> {
    numbers.take(count).try_collect().await
}

async fn how_it_ends(mut numbers: StreamReader<i64>) -> (Vec<i64>, Option<String>) {
    let mut read = Vec::new();
    loop {
        match numbers.next().await {
            Some(Ok(number)) => read.push(number),
            Some(Err(error)) => return (read, Some(error.to_string())),
            None => return (read, None),
        }
    }
}

async fn note_the_end(notes: State<Notes>, numbers: StreamReader<i64>, key: String) {
    notes.add(format!("{key} waits"));
    let end = match sum(numbers).await {
        Ok(sum) => sum.to_string(),
        Err(error) => error.to_string(),
    };
    notes.add(format!("{key} {end}"));
}

async fn note_all(notes: State<Notes>, mut keys: StreamReader<String>) {
    while let Some(Ok(key)) = keys.next().await {
        notes.add(key);
    }
}

// Both ways.

/// Numbers as they come, times another one.
async fn scale(
    numbers: StreamReader<i64>,
    factor: i64,
) -> impl Stream<Item = Result<i64, StreamError>> {
    numbers.map(move |number| number.map(|number| number * factor))
}

// A call that can be cancelled.

async fn hang(cancel: Cancel, notes: State<Notes>, key: String) -> &'static str {
    notes.add(format!("{key} waits"));
    cancel.cancelled().await;
    notes.add(format!("{key} cancelled"));
    "cancelled"
}
