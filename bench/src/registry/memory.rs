//! What a connection with a user and without groups takes, names included.

use std::sync::Arc;

use super::directory::{self, NAMES, Outlet};
use crate::cases::Scale;
use crate::process;
use crate::report::{Row, Unit};

pub(super) fn rows(scale: Scale) -> Vec<Row> {
    let mut rows = super::beside_floors("a connection with a user of its own", Unit::Bytes);
    let (_, count) = scale.registered;
    for _ in 0..scale.runs.min(3) {
        for (row, name) in rows.iter_mut().zip(NAMES) {
            row.runs.push(process::figure(&format!("registered {count} {name}")));
        }
    }
    rows
}

/// Bytes for each of so many connections in that directory, outlets apart; asked of a fresh process.
pub(crate) fn taken(what: &str) -> f64 {
    let (count, name) = what.split_once(' ').expect("how many, and where");
    let count: usize = count.parse().expect("how many");
    let outlets: Vec<Arc<Outlet>> = (0..count).map(|_| Arc::default()).collect();
    let mut directory = directory::empty(name);
    let before = process::resident(std::process::id());
    for (nth, outlet) in outlets.iter().enumerate() {
        directory.connect(&format!("{nth:022}").into(), &format!("user-{nth}").into(), outlet);
    }
    let after = process::resident(std::process::id());
    (after - before) as f64 / count as f64
}
