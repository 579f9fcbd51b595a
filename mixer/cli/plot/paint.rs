//! Colours of a terminal.

use std::io::IsTerminal;

use crate::logs::wants_colour;

/// The colours of the lines of one chart (ECMA-48, SGR 30 to 37 and 90 to 97).
const LINES: [u8; 8] = [36, 33, 35, 32, 34, 31, 96, 93];

/// What something is drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ink {
    /// The terminal's own colour.
    #[default]
    Plain,
    /// Less bright.
    Faint,
    /// Brighter, for headings.
    Bold,
    /// That of the n-th line.
    Line(usize),
}

/// Whether there are colours at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// None.
    None,
    /// A terminal's.
    Ansi,
}

impl Paint {
    /// Colours, if standard output is a terminal that wants them.
    pub(super) fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() && wants_colour() { Self::Ansi } else { Self::None }
    }

    /// Text in a colour.
    pub(super) fn ink(self, text: &str, ink: Ink) -> String {
        let code = match (self, ink) {
            (Self::None, _) | (_, Ink::Plain) => return text.to_owned(),
            (_, Ink::Faint) => 2,
            (_, Ink::Bold) => 1,
            (_, Ink::Line(n)) => LINES[n % LINES.len()],
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
