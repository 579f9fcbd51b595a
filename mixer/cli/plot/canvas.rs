//! A canvas of characters: lines of braille dots, two by four in each character, over a shaded ground.
//!
//! With colours the ground is one. Without, a character shows either dots or the ground, so a line on the ground is of whole
//! characters, which leave no holes in it.

use super::style::{ColourMode, Style};

/// Dots of a character, across and down.
pub(super) const ACROSS: usize = 2;
const DOWN: usize = 4;
/// The braille pattern without dots (Unicode, block U+2800), and the bit of each dot.
const BLANK_PATTERN: u32 = 0x2800;
const DOTS: [[u8; ACROSS]; DOWN] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// The ground, and a line on it, without colours.
pub(super) const SHADE: char = '▒';
pub(super) const ON_SHADE: char = '█';

/// One character.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    dots: u8,
    /// The style of the line that was drawn last.
    style: Style,
    is_shaded: bool,
}

/// Characters to draw on. Dots count from the left and from the bottom.
#[derive(Debug)]
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, cells: vec![Cell::default(); columns * rows] }
    }

    /// Number of dots from left to right.
    pub(super) const fn dots_across(&self) -> usize {
        self.columns * ACROSS
    }

    /// Number of dots from the bottom to the top.
    pub(super) const fn dots_up(&self) -> usize {
        self.rows * DOWN
    }

    fn cell(&mut self, x: usize, y: usize) -> Option<&mut Cell> {
        let (column, row) = (x / ACROSS, (self.dots_up() - 1).checked_sub(y)? / DOWN);
        (column < self.columns).then(|| &mut self.cells[row * self.columns + column])
    }

    fn dot(&mut self, x: usize, y: usize, style: Style) {
        let bit = DOTS[DOWN - 1 - y % DOWN][x % ACROSS];
        if let Some(cell) = self.cell(x, y) {
            cell.dots |= bit;
            cell.style = style;
        }
    }

    /// A straight line from dot to dot.
    pub(super) fn line(&mut self, from: (usize, usize), to: (usize, usize), style: Style) {
        let ((x0, y0), (x1, y1)) = (from, to);
        let steps = x0.abs_diff(x1).max(y0.abs_diff(y1)).max(1);
        let between = |a: usize, b: usize, n: usize| {
            let moved = (a.abs_diff(b) * n + steps / 2) / steps;
            if b >= a { a + moved } else { a - moved }
        };
        for n in 0..=steps {
            self.dot(between(x0, x1, n), between(y0, y1, n), style);
        }
    }

    /// Shades the characters of a column of dots, from dot to dot.
    pub(super) fn shade(&mut self, x: usize, low: usize, high: usize) {
        for y in low..=high {
            if let Some(cell) = self.cell(x, y) {
                cell.is_shaded = true;
            }
        }
    }

    /// One row of characters without trailing blanks; row 0 is the top one.
    pub(super) fn row(&self, row: usize, colours: ColourMode) -> String {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        let mut text = String::new();
        let is_drawn = |cell: &Cell| cell.dots != 0 || cell.is_shaded;
        let end = cells.iter().rposition(is_drawn).map_or(0, |last| last + 1);
        for run in cells[..end].chunk_by(|a, b| glyph(a, colours).1 == glyph(b, colours).1) {
            let characters: String = run.iter().map(|cell| glyph(cell, colours).0).collect();
            text.push_str(&colours.paint(&characters, glyph(&run[0], colours).1));
        }
        text
    }

    /// Number of characters of a row without trailing blanks.
    pub(super) fn row_len(&self, row: usize) -> usize {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        cells.iter().rposition(|cell| cell.dots != 0 || cell.is_shaded).map_or(0, |last| last + 1)
    }
}

/// The character of a cell, and its style.
fn glyph(cell: &Cell, colours: ColourMode) -> (char, Style) {
    let dots = || char::from_u32(BLANK_PATTERN + u32::from(cell.dots)).unwrap_or('*');
    match (cell.dots, cell.is_shaded, colours) {
        (0, false, _) => (' ', Style::Plain),
        (_, false, _) => (dots(), cell.style),
        (0, true, ColourMode::None) => (SHADE, Style::Plain),
        (_, true, ColourMode::None) => (ON_SHADE, Style::Plain),
        (0, true, ColourMode::Ansi) => (' ', Style::Ground(None)),
        (_, true, ColourMode::Ansi) => (dots(), cell.style.on_ground()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_dots_from_the_bottom_left() {
        let mut canvas = Canvas::new(4, 2);
        canvas.line((0, 0), (7, 7), Style::Plain);
        canvas.shade(7, 0, 2);
        assert_eq!([canvas.row(0, ColourMode::None), canvas.row(1, ColourMode::None)], ["  ⡠⠊", "⡠⠊ ▒"]);
        canvas.line((99, 99), (99, 120), Style::Plain);
        assert_eq!(canvas.row(0, ColourMode::None), "  ⡠⠊");
    }

    #[test]
    fn a_line_leaves_no_hole_in_the_ground() {
        let mut canvas = Canvas::new(3, 1);
        (0..6).for_each(|x| canvas.shade(x, 0, 3));
        canvas.line((2, 1), (3, 1), Style::Line(0));
        assert_eq!(canvas.row(0, ColourMode::None), "▒█▒");
        let coloured = canvas.row(0, ColourMode::Ansi);
        assert_eq!(coloured, "\x1b[100m \x1b[0m\x1b[100;36m⠤\x1b[0m\x1b[100m \x1b[0m");
    }
}
