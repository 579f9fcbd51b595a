//! The head of an SVG: its title and description for those who hear it, and its colours on a dark ground.

use std::fmt::Write;

use plotters::style::RGBColor;

use super::palette::{AXIS, FAULTS, GRID, LINES, LINES_MAX, MARKS, PHASES, SOFT_TEXT, TEXT};
use crate::html_escape::escaped;

const WHITE: RGBColor = RGBColor(255, 255, 255);
/// The colours on a dark ground, which are those of the live page; in the order of the palette.
const DARK_LINES: [RGBColor; LINES_MAX] = [
    RGBColor(140, 123, 254),
    RGBColor(221, 151, 21),
    RGBColor(99, 219, 182),
    RGBColor(100, 91, 189),
    RGBColor(237, 212, 0),
    RGBColor(234, 72, 123),
    RGBColor(187, 168, 255),
    RGBColor(145, 97, 8),
];
const DARK_MARKS: [RGBColor; 6] = [
    RGBColor(240, 130, 118),
    RGBColor(110, 205, 165),
    RGBColor(160, 160, 235),
    RGBColor(225, 185, 80),
    RGBColor(210, 140, 210),
    RGBColor(190, 190, 190),
];
const DARK_FAULTS: [RGBColor; 6] = [
    RGBColor(255, 143, 134),
    RGBColor(245, 175, 70),
    RGBColor(200, 140, 220),
    RGBColor(90, 195, 195),
    RGBColor(195, 155, 120),
    RGBColor(165, 165, 178),
];
const DARK_PHASES: [RGBColor; 2] = [RGBColor(32, 39, 52), RGBColor(42, 38, 30)];
/// Ground, text, soft text, grid and axis.
const REST: [(RGBColor, RGBColor); 5] = [
    (WHITE, RGBColor(24, 29, 37)),
    (TEXT, RGBColor(228, 232, 238)),
    (SOFT_TEXT, RGBColor(154, 166, 182)),
    (GRID, RGBColor(43, 51, 63)),
    (AXIS, RGBColor(109, 122, 140)),
];

/// Adds the head to an SVG.
pub(super) fn with_head(svg: &str, heading: &str, charts: &[&str]) -> String {
    let Some((open, rest)) = svg.split_once('>') else { return svg.to_owned() };
    let (title, charts) = (escaped(heading), escaped(&charts.join(", ")));
    let head = format!(
        "{open} role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{title}</title>\n\
         <desc id=\"desc\">Charts over time of {charts}</desc>\n<style>{}</style>",
        dark_style()
    );
    head + rest
}

/// Other colours where the reader prefers a dark ground.
fn dark_style() -> String {
    let pairs = LINES.into_iter().zip(DARK_LINES).chain(MARKS.into_iter().zip(DARK_MARKS));
    let pairs = pairs.chain(FAULTS.into_iter().zip(DARK_FAULTS)).chain(PHASES.into_iter().zip(DARK_PHASES));
    let mut css = String::from("@media (prefers-color-scheme: dark) {");
    for (light, dark) in pairs.chain(REST) {
        let (light, dark) = (hex(light), hex(dark));
        for part in ["fill", "stroke"] {
            // Writing to a string never fails.
            let _is_written = write!(css, " [{part}=\"{light}\" i] {{ {part}: {dark} }}").is_ok();
        }
    }
    css + " }"
}

fn hex(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
