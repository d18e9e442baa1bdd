//! The page: written from results, and read again to compare a part of them.

use std::fmt::Write;

use super::{Cell, Results, Verdict, features};

const HEAD: &str = "\
# Which clients work with it

Every feature below was tried with every client, over each transport and in each encoding that the
client has. The clients are the packages as they are published; `tests/interop/package-lock.json`
and `tests/interop/matrix/python/requirements.txt` pin them. The server runs on tokio, and once for
each transport on smol.

`INTEROP=all cargo test -p tests --test matrix` tries all of it, and fails when this page tells
something else. `cargo run -p tests --bin interop_page` then writes the page. The ordinary tests
try a part, and compare that.

| | |
| :-: | --- |
| ✓ | It works. |
| – | The client does not have it; the reason is below the table. |
| ✗ | It does not work; the error is below the table, and the bytes are at the end of the page. |
";

const FAULTS: &str = include_str!("../../interop/matrix/faults.md");

/// The whole page.
pub fn render(all: &[(Cell, Results)]) -> String {
    let mut page = HEAD.to_owned();
    page += "\n## At a glance\n\n";
    glance(&mut page, all);
    page += "\n## What is tried\n\n| feature | |\n| --- | --- |\n";
    for (name, about) in features() {
        writeln!(page, "| {name} | {about} |").ok();
    }
    for client in clients(all) {
        section(&mut page, client);
    }
    page + "\n" + FAULTS
}

/// What the page does not tell as the results of a cell do.
pub fn compare(page: &str, cell: &Cell, results: &Results) -> Vec<String> {
    let client = heading(results.client());
    let Some(section) = page.split("\n## ").find(|section| section.starts_with(&client)) else {
        return vec![format!("no section {client}")];
    };
    let rows: Vec<Vec<&str>> = section.lines().filter_map(row).collect();
    let column = cell.column();
    let Some(column) = rows.first().and_then(|head| head.iter().position(|it| *it == column))
    else {
        return vec![format!("no column {column}")];
    };
    let mut findings = Vec::new();
    for (name, outcome) in &results.features {
        let told = rows.iter().find(|row| row.first() == Some(&name.as_str()));
        let told = told.and_then(|row| row.get(column)).copied().unwrap_or("nothing");
        let note = outcome.note.as_deref().unwrap_or_default();
        if told != mark(outcome.result) {
            let seen = mark(outcome.result);
            findings.push(format!("{name}: the page has {told}, the result is {seen} {note}"));
        } else if !section.contains(note) {
            findings.push(format!("{name}: the page does not say: {note}"));
        }
    }
    findings
}

/// The results of each client.
fn clients(all: &[(Cell, Results)]) -> impl Iterator<Item = &[(Cell, Results)]> {
    all.chunk_by(|(left, _), (right, _)| left.client.id == right.client.id)
}

fn glance(page: &mut String, all: &[(Cell, Results)]) {
    let columns: Vec<String> = super::ALL.iter().map(|(t, p)| format!("{t} {p}")).collect();
    writeln!(page, "| client | {} |", columns.join(" | ")).ok();
    writeln!(page, "| --- |{}", " --- |".repeat(columns.len())).ok();
    for client in clients(all) {
        let Some((_, first)) = client.first() else { continue };
        write!(page, "| {} |", heading(first.client())).ok();
        for column in &columns {
            let cell = client.iter().find(|(cell, _)| cell.column() == *column);
            let text = cell.map_or_else(|| "not offered".to_owned(), |(_, results)| count(results));
            write!(page, " {text} |").ok();
        }
        page.push('\n');
    }
}

fn count(results: &Results) -> String {
    let of = |verdict| results.features.values().filter(|it| it.result == verdict).count();
    let counts =
        [Verdict::Pass, Verdict::Cannot, Verdict::Fail].map(|verdict| (of(verdict), verdict));
    let shown = counts.iter().filter(|(count, _)| *count > 0);
    shown
        .map(|(count, verdict)| format!("{count} {}", mark(*verdict)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn section(page: &mut String, client: &[(Cell, Results)]) {
    let Some((_, first)) = client.first() else { return };
    write!(page, "\n## {}\n\n", heading(first.client())).ok();
    let with = client.iter().find_map(|(_, results)| results.versions.get(1));
    if let Some(with) = with {
        write!(page, "MessagePack is by {}.\n\n", heading(with)).ok();
    }
    let columns: Vec<String> = client.iter().map(|(cell, _)| cell.column()).collect();
    writeln!(page, "| feature | {} |", columns.join(" | ")).ok();
    writeln!(page, "| --- |{}", " :-: |".repeat(columns.len())).ok();
    for (name, _) in features() {
        let marks =
            client.iter().map(|(_, it)| it.features.get(&name).map_or("", |it| mark(it.result)));
        writeln!(page, "| {name} | {} |", marks.collect::<Vec<_>>().join(" | ")).ok();
    }
    for (title, verdict) in [
        ("What it does not have", Verdict::Cannot),
        ("What fails", Verdict::Fail),
        ("How it passes", Verdict::Pass),
    ] {
        let notes = notes(client, verdict);
        if !notes.is_empty() {
            write!(page, "\n{title}:\n\n{notes}").ok();
        }
    }
}

/// Each note of a verdict, with the features that have it, and the cells unless all have.
fn notes(client: &[(Cell, Results)], verdict: Verdict) -> String {
    let mut list: Vec<(Vec<String>, Vec<String>, &str)> = Vec::new();
    for (name, _) in features() {
        for (note, cells) in told(client, &name, verdict) {
            match list.iter_mut().find(|it| it.1 == cells && it.2 == note) {
                Some((names, ..)) => names.push(name.clone()),
                None => list.push((vec![name.clone()], cells, note)),
            }
        }
    }
    let line = |(names, cells, note): &(Vec<String>, Vec<String>, &str)| {
        let all = names.len() == features().len();
        let names = if all { "everything".to_owned() } else { names.join(", ") };
        let everywhere = cells.len() == client.len();
        let cells = if everywhere { String::new() } else { format!(" ({})", cells.join(", ")) };
        format!("* {names}{cells}: {note}\n")
    };
    list.iter().map(line).collect()
}

/// The notes of a feature with a verdict, and the cells of each.
fn told<'a>(
    client: &'a [(Cell, Results)],
    name: &str,
    verdict: Verdict,
) -> Vec<(&'a str, Vec<String>)> {
    let mut told: Vec<(&str, Vec<String>)> = Vec::new();
    for (cell, results) in client {
        let outcome = results.features.get(name).filter(|it| it.result == verdict);
        let Some(note) = outcome.and_then(|it| it.note.as_deref()) else { continue };
        match told.iter_mut().find(|(other, _)| *other == note) {
            Some((_, cells)) => cells.push(cell.column()),
            None => told.push((note, vec![cell.column()])),
        }
    }
    told
}

/// A package in code quotes, and its version.
fn heading(package: &str) -> String {
    match package.split_once(' ') {
        Some((name, version)) => format!("`{name}` {version}"),
        None => package.to_owned(),
    }
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Cannot => "–",
        Verdict::Fail => "✗",
    }
}

/// The cells of a row of a table.
fn row(line: &str) -> Option<Vec<&str>> {
    let line = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(line.split('|').map(str::trim).collect())
}
