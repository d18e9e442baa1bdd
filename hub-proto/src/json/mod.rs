//! The JSON encoding: one pass over the envelope, payloads left raw.
//!
//! Strict where ASP.NET Core is strict (RFC 8259, depth 64, types of known properties in
//! document order, null is not absent) and lenient where it is lenient (unknown properties,
//! duplicates, anything after the closing brace).

mod block;
mod decode;
mod elements;
mod encode;
mod escape;
mod member;
mod open;
mod plain;
mod property;
mod raw;
mod scan;
mod skip;
mod string;
mod value;

pub use decode::decode;
pub use elements::{Elements, check, read};
pub use encode::{encode, write_invocation};

pub(crate) use escape::string;
pub(crate) use member::{boolean as boolean_property, nullable_integer, string as string_property};
pub(crate) use scan::Scanner;
pub(crate) use value::write_value;
