//! What the integration tests share.

pub mod architecture;
pub mod catalogue;
pub mod faults;
pub mod fuzz;
pub mod http;
pub mod hub;
pub mod linear;
pub mod matrix;
pub mod memory;
pub mod messages;
pub mod node;
pub mod peer;
mod plan;
pub mod python;
pub mod surface;
pub mod world;

/// Its examples are compiled, and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
