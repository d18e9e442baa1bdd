//! Placeholder.
#![forbid(unsafe_code)]
#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::iter_over_hash_type
)]

pub mod endpoint;
pub mod registry;
mod seed;
pub mod time;
