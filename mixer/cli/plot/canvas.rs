//! A canvas of characters: lines in braille dots, two wide and four high in each character, over shades.

use super::paint::{Ink, Paint};

/// Dots in a character, across and down.
pub(super) const ACROSS: usize = 2;
const DOWN: usize = 4;
/// The braille pattern without dots (Unicode, block U+2800), and the bit of each dot.
const BLANK_PATTERN: u32 = 0x2800;
const DOTS: [[u8; ACROSS]; DOWN] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
const SHADE: char = '░';

/// One character's place.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    dots: u8,
    /// Of the line that was drawn last.
    ink: Ink,
    is_shaded: bool,
}

/// Characters to draw on. Dots are counted from the left and from the bottom.
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

    /// How many dots there are from left to right.
    pub(super) const fn dots_across(&self) -> usize {
        self.columns * ACROSS
    }

    /// How many dots there are from the bottom to the top.
    pub(super) const fn dots_up(&self) -> usize {
        self.rows * DOWN
    }

    fn cell(&mut self, x: usize, y: usize) -> Option<&mut Cell> {
        let (column, row) = (x / ACROSS, (self.dots_up() - 1).checked_sub(y)? / DOWN);
        (column < self.columns).then(|| &mut self.cells[row * self.columns + column])
    }

    fn dot(&mut self, x: usize, y: usize, ink: Ink) {
        let bit = DOTS[DOWN - 1 - y % DOWN][x % ACROSS];
        if let Some(cell) = self.cell(x, y) {
            cell.dots |= bit;
            cell.ink = ink;
        }
    }

    /// A straight line from dot to dot.
    pub(super) fn line(&mut self, from: (usize, usize), to: (usize, usize), ink: Ink) {
        let ((x0, y0), (x1, y1)) = (from, to);
        let steps = x0.abs_diff(x1).max(y0.abs_diff(y1)).max(1);
        let between = |a: usize, b: usize, n: usize| {
            let moved = (a.abs_diff(b) * n + steps / 2) / steps;
            if b >= a { a + moved } else { a - moved }
        };
        for n in 0..=steps {
            self.dot(between(x0, x1, n), between(y0, y1, n), ink);
        }
    }

    /// Shades the characters of one dot's column from dot to dot.
    pub(super) fn shade(&mut self, x: usize, low: usize, high: usize) {
        for y in low..=high {
            if let Some(cell) = self.cell(x, y) {
                cell.is_shaded = true;
            }
        }
    }

    /// One row of characters, the first being the top one; without blanks at its end.
    pub(super) fn row(&self, row: usize, paint: Paint) -> String {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        let mut text = String::new();
        let is_seen = |cell: &Cell| cell.dots != 0 || cell.is_shaded;
        let end = cells.iter().rposition(is_seen).map_or(0, |last| last + 1);
        for run in cells[..end].chunk_by(|a, b| look(a).1 == look(b).1) {
            let characters: String = run.iter().map(|cell| look(cell).0).collect();
            text.push_str(&paint.ink(&characters, look(&run[0]).1));
        }
        text
    }

    /// How many characters a row has, without blanks at its end.
    pub(super) fn row_len(&self, row: usize) -> usize {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        cells.iter().rposition(|cell| cell.dots != 0 || cell.is_shaded).map_or(0, |last| last + 1)
    }
}

/// A cell's character and its colour.
fn look(cell: &Cell) -> (char, Ink) {
    match (cell.dots, cell.is_shaded) {
        (0, false) => (' ', Ink::Plain),
        (0, true) => (SHADE, Ink::Faint),
        (dots, _) => (char::from_u32(BLANK_PATTERN + u32::from(dots)).unwrap_or('*'), cell.ink),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_dots_from_the_bottom_left() {
        let mut canvas = Canvas::new(4, 2);
        canvas.line((0, 0), (7, 7), Ink::Plain);
        canvas.shade(7, 0, 2);
        assert_eq!([canvas.row(0, Paint::None), canvas.row(1, Paint::None)], ["  ⡠⠊", "⡠⠊ ░"]);
        canvas.line((99, 99), (99, 120), Ink::Plain);
        assert_eq!(canvas.row(0, Paint::None), "  ⡠⠊");
    }
}
