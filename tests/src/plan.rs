//! A value with a part of every type that encodings write in different ways.

use hub_async::HubError;
use hub_proto::values::{ByteArray, CamelCase, DateTime, DateTimeOffset, Guid, TimeSpan};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Plan {
    starts_at: DateTime,
    seen_from: DateTimeOffset,
    takes_up: TimeSpan,
    raw_data: ByteArray,
    unit_price: f64,
    half_price: Option<f32>,
    how_many: u8,
    ticket: Guid,
    mood: Mood,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Calm = 1,
    Loud = 5,
}

hub_proto::dotnet_enum!(Mood { Calm, Loud });

impl Mood {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Calm => Self::Loud,
            Self::Loud => Self::Calm,
        }
    }
}

/// The plan, to start a second later; its data are the other way round, its price is half.
pub(crate) async fn delay(
    CamelCase(mut plan): CamelCase<Plan>,
) -> Result<CamelCase<Plan>, HubError> {
    let start = plan.starts_at;
    plan.starts_at = DateTime::from_unix(start.unix_seconds() + 1, start.nanoseconds())?;
    plan.seen_from = DateTimeOffset::new(plan.starts_at, plan.seen_from.offset_minutes())?;
    plan.takes_up = TimeSpan::from_ticks(plan.takes_up.ticks() / 2);
    plan.raw_data.0.reverse();
    plan.half_price = Some(plan.unit_price as f32 / 2.0);
    plan.mood = plan.mood.other();
    Ok(CamelCase(plan))
}
