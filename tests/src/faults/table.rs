//! What came of a hunt, for people.

use std::fmt::Write;

/// The longest message in a row, in characters.
const MESSAGE: usize = 72;

/// One fault, and what found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub fault: String,
    /// Where it is.
    pub file: String,
    /// What looked for it.
    pub by: String,
    /// After how many sequences it was found.
    pub after: String,
    /// What was said then.
    pub message: String,
    /// Whether that is as it should be.
    pub good: bool,
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let line = self.message.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let mut message: String = line.trim().chars().take(MESSAGE).collect();
        if message.len() < line.trim().len() {
            message.push('…');
        }
        let cells = [&self.fault, &self.file, &self.by, &self.after, &message];
        cells.map(|cell| cell.replace('|', "\\|"))
    }
}

/// The rows below each other.
pub fn table(rows: &[Row]) -> String {
    let head = ["fault", "file", "found by", "after", "message"].map(str::to_owned);
    let mut lines = vec![head];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths = [0, 1, 2, 3, 4].map(width);
    lines.insert(1, widths.map(|width| "-".repeat(width)));
    lines.iter().fold(String::new(), |mut text, line| {
        for (cell, width) in line.iter().zip(widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text + "|\n"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_and_columns_are_aligned() {
        let row = Row {
            fault: "a fault".to_owned(),
            file: "a.rs".to_owned(),
            by: "the world".to_owned(),
            after: "12".to_owned(),
            message: format!("\n{}\nand more", "x".repeat(100)),
            good: true,
        };
        let text = table(&[row]);
        assert!(text.contains("| a fault | a.rs | the world | 12    | xxx"), "{text}");
        assert!(
            text.lines()
                .all(|line| line.chars().count() == text.lines().next().unwrap().chars().count())
        );
        assert!(text.contains("x… |") && !text.contains("more"), "{text}");
    }
}
