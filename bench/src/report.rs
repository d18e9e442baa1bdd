//! Rows and tables.

use std::fmt::Write;

use serde_json::{Value, json};

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    PerSecond,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    Bytes,
}

/// One case with all of its runs.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    name: &'static str,
    unit: Unit,
    /// What this one is compared with: the best row whose name begins like that.
    beside: Option<&'static str>,
    pub(crate) runs: Vec<f64>,
    /// What the server's process ran for each message, in microseconds, where there is one; of a case in
    /// milliseconds, what all its processes ran.
    pub(crate) cpu: Vec<f64>,
}

impl Row {
    pub(crate) const fn new(name: &'static str, unit: Unit, beside: Option<&'static str>) -> Self {
        Self { name, unit, beside, runs: Vec::new(), cpu: Vec::new() }
    }

    fn median(&self) -> f64 {
        median(&self.runs)
    }
}

fn sorted(runs: &[f64]) -> Vec<f64> {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    runs
}

fn median(runs: &[f64]) -> f64 {
    sorted(runs).get(runs.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Self::PerSecond => format!("{figure:.0}/s"),
            Self::Milliseconds => format!("{figure:.0} ms"),
            Self::Microseconds => format!("{figure:.2} µs"),
            Self::Nanoseconds => format!("{figure:.1} ns"),
            Self::Bytes => format!("{figure:.0} B"),
        }
    }
}

/// How a row does beside another one.
struct Ratio {
    to: &'static str,
    is: f64,
    cpu: Option<f64>,
}

fn ratio(rows: &[Row], row: &Row) -> Option<Ratio> {
    let beside = row.beside?;
    let others = rows.iter().filter(|other| other.name.starts_with(beside));
    let better = |a: &&Row, b: &&Row| match row.unit {
        Unit::PerSecond => a.median().total_cmp(&b.median()),
        Unit::Milliseconds | Unit::Microseconds | Unit::Nanoseconds | Unit::Bytes => {
            b.median().total_cmp(&a.median())
        }
    };
    let best = others.max_by(better)?;
    let cpu = (!row.cpu.is_empty()).then(|| median(&row.cpu) / median(&best.cpu));
    Some(Ratio { to: beside, is: row.median() / best.median(), cpu })
}

/// Every row with its minimum, median and maximum, and its ratio to the best of those it stands beside.
pub(crate) fn table(rows: &[Row]) -> String {
    let served = rows.iter().any(|row| !row.cpu.is_empty());
    let mut table = String::from("| case | min | median | max | ratio of medians |");
    let whole = rows.iter().all(|row| row.unit == Unit::Milliseconds);
    table.push_str(match (served, whole) {
        (false, _) => "\n",
        (true, false) => " server's CPU per message | ratio |\n",
        (true, true) => " CPU | ratio |\n",
    });
    table.push_str(if served {
        "|---|--:|--:|--:|---|--:|--:|\n"
    } else {
        "|---|--:|--:|--:|---|\n"
    });
    for row in rows {
        let runs = sorted(&row.runs);
        let [min, median_run, max] =
            [runs[0], row.median(), runs[runs.len() - 1]].map(|figure| row.unit.show(figure));
        let ratio = ratio(rows, row);
        let of = |ratio: &Ratio| format!("{:.2} × {}", ratio.is, ratio.to);
        let told = ratio.as_ref().map(of).unwrap_or_default();
        let mut line = format!("| {} | {min} | {median_run} | {max} | {told} |", row.name);
        if served {
            let of = |cpu: f64| format!("{cpu:.2} ×");
            let told = ratio.and_then(|ratio| ratio.cpu).map(of).unwrap_or_default();
            let cpu = median(&row.cpu);
            let unit = if whole { row.unit } else { Unit::Microseconds };
            let cpu = if cpu.is_nan() { String::new() } else { unit.show(cpu) };
            write!(line, " {cpu} | {told} |").expect("a string takes it");
        }
        table.push_str(&line);
        table.push('\n');
    }
    table
}

/// The same for programs.
pub(crate) fn json(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let ratio = ratio(rows, row);
        let ratio = ratio.map(|ratio| json!({"to": ratio.to, "is": ratio.is, "cpu": ratio.cpu}));
        json!({
            "name": row.name,
            "unit": format!("{:?}", row.unit),
            "runs": row.runs,
            "median": row.median(),
            "cpu": row.cpu,
            "ratio": ratio,
        })
    };
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_compared_with_the_best_floor_by_medians() {
        let row = |name, beside, runs: &[f64]| Row {
            runs: runs.to_vec(),
            ..Row::new(name, Unit::PerSecond, beside)
        };
        let rows = [
            row("floor: slow", None, &[1.0, 2.0, 9.0]),
            row("floor: fast", None, &[3.0, 4.0, 5.0]),
            row("hub", Some("floor"), &[1.0, 2.0, 3.0]),
        ];
        assert_eq!(ratio(&rows, &rows[2]).map(|ratio| ratio.is), Some(0.5));
        assert!(table(&rows).contains("| hub | 1/s | 2/s | 3/s | 0.50 × floor |"));
    }
}
