//! One value of each type that encodings write in different ways; each comes back changed.

use hub_async::{HubBuilder, HubError};
use hub_proto::values::{ByteArray, Char, DateTime, DateTimeOffset, Decimal, Guid, TimeSpan};

use super::Answer;
use crate::plan::Mood;

pub(super) fn methods(builder: HubBuilder) -> HubBuilder {
    builder
        .method("Reverse", reverse)
        .method("Cheer", async |mood: Mood| mood.other())
        .method("Later", later)
        .method("LaterThere", later_there)
        .method("Halve", async |span: TimeSpan| TimeSpan::from_ticks(span.ticks() / 2))
        .method("Ticket", async |ticket: Guid| ticket)
        .method("Price", async |price: Decimal| price)
        .method("Letter", async |letter: Char| letter)
        .method("Single", async |number: f32| number / 2.0)
        .method("Double", async |number: f64| number / 2.0)
        .method("NotANumber", async || f64::NAN)
        .method("Infinite", async || f64::INFINITY)
        .method("Perhaps", async |number: Option<i64>| number)
}

async fn reverse(mut bytes: ByteArray) -> ByteArray {
    bytes.0.reverse();
    bytes
}

/// A second later.
async fn later(time: DateTime) -> Answer<DateTime> {
    let seconds = time.unix_seconds() + 1;
    DateTime::from_unix(seconds, time.nanoseconds())
        .map_err(|error| HubError::new(error.to_string()))
}

/// A second later by a clock in the same place.
async fn later_there(time: DateTimeOffset) -> Answer<DateTimeOffset> {
    Ok(DateTimeOffset::new(later(time.utc()).await?, time.offset_minutes())?)
}
