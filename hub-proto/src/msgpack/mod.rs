//! The MessagePack encoding: every message is one array, payloads left raw.
//!
//! Strict where ASP.NET Core is strict (types of elements, empty ids, duplicate headers) and lenient
//! where it is lenient (extra elements, bytes behind the array, any width of an integer). Values
//! nest up to [`MAX_DEPTH`], as in JSON, so that a value passes in both encodings or in none; a
//! declared count is compared with the bytes that are left before anything else is done with it.
//!
//! Values are those of [`rmp_serde`]: structs are maps with their fields' names, unit variants are
//! strings, and types with a readable form (such as UUIDs) use it, as .NET does. Bytes are `bin`
//! for types that serialize as bytes (those of `serde_bytes`); a `Vec<u8>` is written as an array,
//! and is read from both. An extension value is a newtype called `_ExtStruct` around an `i8` and
//! bytes. [`values`](crate::values) has types for what .NET writes in other ways.

mod content;
mod decode;
mod elements;
mod encode;
mod reader;
mod value;

pub use decode::decode;
pub use elements::{Elements, check, read};
pub use encode::{encode, write_invocation};

pub(crate) use elements::split;
pub(crate) use encode::{write_item, write_list, write_result, write_value};

/// How deep arrays and maps may nest; the message itself is 1. The same as in JSON.
pub const MAX_DEPTH: usize = 64;
