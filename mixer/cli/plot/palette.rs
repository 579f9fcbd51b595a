//! The colours of an image.

use plotters::style::RGBColor;

/// More curves are drawn as a band.
pub(super) const LINES_MAX: usize = 8;
/// The colours of lines, which are those of the live page; of marks, and of the rest.
pub(super) const LINES: [RGBColor; LINES_MAX] = [
    RGBColor(31, 16, 201),
    RGBColor(187, 72, 16),
    RGBColor(39, 127, 110),
    RGBColor(133, 93, 186),
    RGBColor(205, 132, 4),
    RGBColor(131, 13, 117),
    RGBColor(107, 142, 255),
    RGBColor(79, 63, 37),
];
pub(super) const MARKS: [RGBColor; 6] = [
    RGBColor(192, 57, 43),
    RGBColor(22, 120, 90),
    RGBColor(70, 70, 160),
    RGBColor(150, 110, 0),
    RGBColor(110, 40, 110),
    RGBColor(60, 60, 60),
];
/// The colours of faults.
pub(super) const FAULTS: [RGBColor; 6] = [
    RGBColor(214, 39, 40),
    RGBColor(230, 140, 0),
    RGBColor(140, 60, 160),
    RGBColor(20, 130, 130),
    RGBColor(120, 80, 50),
    RGBColor(80, 80, 90),
];
/// The backgrounds of phases, in turn.
pub(super) const PHASES: [RGBColor; 2] = [RGBColor(240, 244, 250), RGBColor(250, 246, 238)];
pub(super) const TEXT: RGBColor = RGBColor(40, 40, 40);
pub(super) const SOFT_TEXT: RGBColor = RGBColor(110, 110, 110);
pub(super) const GRID: RGBColor = RGBColor(225, 225, 225);
pub(super) const AXIS: RGBColor = RGBColor(150, 150, 150);
