//! Tables of text.

use std::fmt::Write;

/// Rows in columns as wide as they need: the first to the left, the others, numbers mostly, to the
/// right. The first row is the head; every row has as many cells.
pub(super) fn text(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(line, "{cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_need() {
        let row = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let rows = [row(&["block", "µm²"]), row(&["fifo", "102336"]), row(&["a", ""])];
        assert_eq!(text(&rows), "block     µm²\nfifo   102336\na\n");
        assert_eq!(text(&[]), "");
    }
}
