#![doc = include_str!("table.md")]

mod bytes;
mod calendar;
mod char;
mod date_time;
mod date_time_offset;
mod decimal;
mod enumeration;
mod form;
mod guid;
mod names;
mod time_span;

#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;

pub use self::char::Char;
pub use bytes::ByteArray;
pub use date_time::DateTime;
pub use date_time_offset::DateTimeOffset;
pub use decimal::Decimal;
pub use form::ValueError;
pub use guid::Guid;
pub use names::{CamelCase, DOT_NET, DotNet, Names, PascalCase};
pub use time_span::TimeSpan;

#[doc(hidden)]
pub use enumeration::{read_member, write_member};
#[doc(hidden)]
pub use serde;

pub(crate) use form::FORM;
pub(crate) use names::{Given, Writing};
