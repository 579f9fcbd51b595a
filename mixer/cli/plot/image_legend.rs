//! The legend below a chart of an image: an entry for every curve, fault and kind of event, in as many lines as they need.

use plotters::style::{IntoFont, RGBColor};

use super::chart::Chart;
use super::figure::Figure;
use super::marks::by_place;
use super::palette::{FAULTS, LINES, LINES_MAX, MARKS};
use super::pen::FONT_FAMILY;

/// The sign before the text of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Line,
    Bar,
    Triangle,
}

/// An entry, and its place: pixels from the left, and the line.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) sign: Sign,
    pub(super) colour: RGBColor,
    pub(super) text: String,
    pub(super) left: i32,
    pub(super) line: i32,
}

/// The width of a sign with the blank behind it, and the distance between entries.
pub(super) const SIGN: i32 = 20;
const GAP: i32 = 14;

/// The entries of a chart within this width, in places where `count` are across the plot.
pub(super) fn entries(figure: &Figure, chart: &Chart, size: i32, width: i32, count: usize) -> Vec<Entry> {
    let mut all = Vec::new();
    if chart.curves.len() > LINES_MAX {
        let label = format!("range of {} series, and their median", chart.curves.len());
        all.push((Sign::Line, LINES[0], label));
    } else {
        let curves = chart.curves.iter().zip(LINES);
        all.extend(curves.map(|(curve, colour)| (Sign::Line, colour, curve.label.clone())));
    }
    let faults = chart.faults.iter().filter(|fault| !fault.columns(figure, count).is_empty());
    let faults = faults.zip(FAULTS.into_iter().cycle());
    all.extend(faults.map(|(fault, colour)| (Sign::Bar, colour, fault.name.to_string())));
    let kinds = by_place(&chart.marks, |time| nearest(figure.place(time), count));
    let kinds = kinds.into_iter().zip(MARKS.into_iter().cycle());
    all.extend(kinds.map(|((names, _), colour)| (Sign::Triangle, colour, names)));
    placed(all, size, width)
}

/// Number of lines of some entries.
pub(super) fn lines(entries: &[Entry]) -> i32 {
    entries.last().map_or(0, |entry| entry.line + 1)
}

/// The nearest of `count` places to one between 0 and 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place in a picture"
)]
pub(super) fn nearest(place: f64, count: usize) -> usize {
    (place * count as f64).round() as usize
}

fn placed(all: Vec<(Sign, RGBColor, String)>, size: i32, width: i32) -> Vec<Entry> {
    let (mut left, mut line) = (0, 0);
    let mut found = Vec::with_capacity(all.len());
    for (sign, colour, text) in all {
        let text = fitted(&text, size, width - SIGN);
        let needed = SIGN + text_width(&text, size);
        if left > 0 && left + needed > width {
            (left, line) = (0, line + 1);
        }
        found.push(Entry { sign, colour, text, left, line });
        left += needed + GAP;
    }
    found
}

/// Text on one line, cut to a width.
fn fitted(text: &str, size: i32, width: i32) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text_width(&text, size) <= width {
        return text;
    }
    while !text.is_empty() && text_width(&text, size) > width {
        text.pop();
    }
    text + "…"
}

/// The width of a text, about; 0 without a font, which fails where the text is drawn.
fn text_width(text: &str, size: i32) -> i32 {
    let known = (FONT_FAMILY, size).into_font().box_size(text);
    known.map_or(0, |(width, _)| i32::try_from(width).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_do_not_fit_go_to_the_next_line_and_none_is_left_out() {
        let all =
            (0..8).map(|n| (Sign::Line, LINES[n], format!("{n}{}", "x".repeat(40)))).collect::<Vec<_>>();
        let found = placed(all, 14, 300);
        assert_eq!(found.len(), 8);
        assert!(
            found.windows(2).all(|pair| pair[0].line < pair[1].line || pair[0].left < pair[1].left),
            "{found:?}"
        );
        assert!(
            found.iter().all(|entry| entry.left + SIGN + text_width(&entry.text, 14) <= 300 + GAP),
            "{found:?}"
        );
    }
}
