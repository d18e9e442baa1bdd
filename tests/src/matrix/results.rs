//! What the scripts write.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::Cell;

/// Each feature with what is tried, in the order of the page.
pub fn features() -> Vec<(String, String)> {
    let text = include_str!("../../interop/matrix/features.json");
    // A line is a feature: the map of serde_json has another order.
    let entry = |line: &str| -> Option<(String, String)> {
        let entry: Value =
            serde_json::from_str(&format!("{{{}}}", line.trim_end_matches(','))).ok()?;
        let (name, about) = entry.as_object()?.iter().next()?;
        Some((name.clone(), about.as_str()?.to_owned()))
    };
    text.lines().filter_map(entry).collect()
}

/// What came of one feature.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It works.
    Pass,
    /// It should work and does not.
    Fail,
    /// The client does not have it.
    Cannot,
}

/// A verdict, and why.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    /// What came of it.
    pub result: Verdict,
    /// The error, the reason, or how it passed.
    pub note: Option<String>,
}

/// The results of one cell.
#[derive(Clone, Debug, Deserialize)]
pub struct Results {
    /// The client, and what else of its line took part, with their versions.
    pub versions: Vec<String>,
    /// By the name of the feature.
    pub features: BTreeMap<String, Outcome>,
}

impl Results {
    /// Reads what a script wrote for a cell. Each feature must be there.
    pub fn read(folder: &Path, cell: &Cell) -> Result<Self, String> {
        let path = folder.join(format!("{}.json", cell.name()));
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let results: Self = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match features().iter().find(|(name, _)| !results.features.contains_key(name)) {
            Some((name, _)) => Err(format!("{}: no result for {name:?}", cell.name())),
            None => Ok(results),
        }
    }

    /// The client with its version.
    pub(super) fn client(&self) -> &str {
        self.versions.first().map(String::as_str).unwrap_or_default()
    }
}
