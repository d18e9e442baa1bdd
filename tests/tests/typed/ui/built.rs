//! Compiles with a crate that was built with its attributes.

use hub_async::{hub as _, hub_client as _};

fn main() {}
