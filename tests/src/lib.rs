//! What the integration tests share.

pub mod memory;
pub mod node;
