//! The colours of a terminal.

use std::io::IsTerminal;

use crate::logs::wants_colour;

/// The colours of the lines of one chart (ECMA-48, SGR 30 to 37 and 90 to 97).
const LINES: [u8; 8] = [36, 33, 35, 32, 34, 31, 96, 93];

/// A grey ground, on which these colours are seen in light and dark terminals.
const GROUND: u8 = 100;

/// The style of a text or a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// The terminal's own colour.
    #[default]
    Plain,
    /// Less bright.
    Faint,
    /// Brighter, for headings.
    Bold,
    /// The colour of the n-th line.
    Line(usize),
    /// A ground, and on it the n-th line.
    Ground(Option<usize>),
}

impl Style {
    /// The same on a ground.
    pub(super) fn on_ground(self) -> Self {
        match self {
            Self::Line(n) => Self::Ground(Some(n)),
            _ => Self::Ground(None),
        }
    }
}

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColourMode {
    None,
    Ansi,
}

impl ColourMode {
    /// Colours, if standard output is a terminal and they are wanted.
    pub(super) fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() && wants_colour() { Self::Ansi } else { Self::None }
    }

    /// Text in a style.
    pub(super) fn paint(self, text: &str, style: Style) -> String {
        let line = |n: usize| LINES[n % LINES.len()];
        let code = match (self, style) {
            (Self::None, _) | (_, Style::Plain) => return text.to_owned(),
            (_, Style::Faint) => "2".to_owned(),
            (_, Style::Bold) => "1".to_owned(),
            (_, Style::Line(n)) => line(n).to_string(),
            (_, Style::Ground(None)) => GROUND.to_string(),
            (_, Style::Ground(Some(n))) => format!("{GROUND};{}", line(n)),
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
