//! One table.

use std::fmt::Write;

use serde_json::json;

/// What a figure counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    PerSecond,
    Nanoseconds,
    Bytes,
}

/// One case with all of its runs.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    name: &'static str,
    unit: Unit,
    /// The row that this one is compared with.
    beside: Option<&'static str>,
    pub(crate) runs: Vec<f64>,
}

impl Row {
    pub(crate) const fn new(name: &'static str, unit: Unit, beside: Option<&'static str>) -> Self {
        Self { name, unit, beside, runs: Vec::new() }
    }

    fn sorted(&self) -> Vec<f64> {
        let mut runs = self.runs.clone();
        runs.sort_by(f64::total_cmp);
        runs
    }

    fn median(&self) -> f64 {
        let runs = self.sorted();
        runs[runs.len() / 2]
    }
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::PerSecond => format!("{figure:.0}/s"),
            Self::Nanoseconds => format!("{figure:.1} ns"),
            Self::Bytes => format!("{figure:.0} B"),
        }
    }
}

/// Prints every row with its minimum, median and maximum, and its ratio to the row it stands beside.
pub(crate) fn print(rows: &[Row], json: bool) {
    let ratio = |row: &Row| {
        let other = rows.iter().find(|other| Some(other.name) == row.beside)?;
        Some((row.median() / other.median(), other.name))
    };
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let unit = format!("{:?}", row.unit);
                let ratio = ratio(row).map(|(ratio, name)| json!({"to": name, "is": ratio}));
                json!({"name": row.name, "unit": unit, "runs": row.runs, "median": row.median(), "ratio": ratio})
            })
            .collect();
        println!("{}", serde_json::Value::from(rows));
        return;
    }
    let mut table = String::from("| case | min | median | max | ratio |\n|---|---|---|---|---|\n");
    for row in rows {
        let runs = row.sorted();
        let [min, median, max] =
            [runs[0], row.median(), runs[runs.len() - 1]].map(|figure| row.unit.show(figure));
        let ratio =
            ratio(row).map(|(ratio, name)| format!("{ratio:.2} × {name}")).unwrap_or_default();
        writeln!(table, "| {} | {min} | {median} | {max} | {ratio} |", row.name)
            .expect("a string takes it");
    }
    print!("{table}");
}
