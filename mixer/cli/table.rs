//! Tables and paragraphs for people: columns as wide as they need, lines wrapped at the terminal's width.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use terminal_size::{Width, terminal_size_of};

/// The width if standard output is no terminal.
const DEFAULT_WIDTH: u16 = 80;
/// A table in a narrower terminal has this width, and its lines wrap.
const WIDTH_MIN: u16 = 50;
/// Blanks between two columns.
const GAP: u16 = 2;

/// The width of lines.
pub(crate) fn width() -> u16 {
    let terminal = terminal_size_of(std::io::stdout()).map(|(Width(columns), _)| columns);
    terminal.unwrap_or(DEFAULT_WIDTH).max(WIDTH_MIN)
}

/// A table with a heading for each column. The first column has names and is never wrapped.
pub(crate) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    indent: u16,
    width: u16,
) -> String {
    let mut table = Table::new();
    table.set_header(headings).add_rows(rows);
    if let Some(names) = table.column_mut(0) {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    lay_out(table, indent, width)
}

/// Text of one paragraph.
pub(crate) fn paragraph(text: &str, indent: u16, width: u16) -> String {
    let mut table = Table::new();
    table.add_row([text]);
    lay_out(table, indent, width)
}

fn lay_out(mut table: Table, indent: u16, width: u16) -> String {
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    let last = table.column_count().saturating_sub(1);
    for column in table.column_iter_mut() {
        let left = if column.index == 0 { indent } else { 0 };
        let right = if column.index == last { 0 } else { GAP };
        column.set_padding((left, right));
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_long_cells_wrapped() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [
            row(["step", "number", "the longest step, up or down"]),
            row(["bias_of_the_walk", "a number or größer", "added to every step; the next one is as long"]),
        ];
        let text = table(["NAME", "TAKES", "MEANING"], rows, 4, 60);
        insta::assert_snapshot!(text, @"
        NAME              TAKES               MEANING
        step              number              the longest step,
                                              up or down
        bias_of_the_walk  a number or größer  added to every
                                              step; the next one
                                              is as long
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 60));
    }

    #[test]
    fn a_paragraph_is_wrapped_between_words() {
        let text = paragraph("one two three four five six seven eight nine ten eleven twelve", 2, 50);
        insta::assert_snapshot!(text, @"
        one two three four five six seven eight nine ten
        eleven twelve
        ");
    }
}
