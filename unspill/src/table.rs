//! Tables for the terminal: names in the left column, numbers in the right columns.

/// A table of text cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    /// Rows before which a line is drawn.
    lines: Vec<usize>,
}

impl Table {
    /// Creates a table with these column heads.
    #[must_use]
    pub fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|&head| head.to_owned()).collect()], lines: vec![1] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Draws a line under the last row.
    pub fn line(&mut self) {
        self.lines.push(self.rows.len());
    }

    /// Returns the table as lines of text.
    #[must_use]
    pub fn render(&self) -> String {
        let num_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..num_columns).map(width).collect();
        let full = widths.iter().sum::<usize>() + 2 * num_columns.saturating_sub(1);
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            if self.lines.contains(&index) {
                text.push_str(&"-".repeat(full));
                text.push('\n');
            }
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                if column == 0 {
                    line.push_str(&format!("{cell:<0$}", widths[0]));
                } else {
                    line.push_str(&format!("  {cell:>0$}", widths[column]));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Formats a level with one decimal, or a dash if there is none.
#[must_use]
pub fn db(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1}", value + 0.0))
}

/// Formats a difference with one decimal and its sign, or a dash if there is none.
#[must_use]
pub fn signed_db(value: Option<f64>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |value| if value.abs() < 0.05 { "0.0".to_owned() } else { format!("{value:+.1}") },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_left_and_numbers_right() {
        let mut table = Table::new(&["mic", "gain"]);
        table.row(["kick".to_owned(), signed_db(Some(2.04))]);
        table.row(["hi-hat".to_owned(), signed_db(None)]);
        table.line();
        table.row(["mean".to_owned(), signed_db(Some(-0.01))]);
        let expected =
            "mic     gain\n------------\nkick    +2.0\nhi-hat     -\n------------\nmean     0.0\n";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn levels_have_one_decimal() {
        assert_eq!([db(Some(3.25)), db(Some(-0.04)), db(None)], ["3.2", "-0.0", "-"]);
    }
}
