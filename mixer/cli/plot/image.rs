//! Charts as an image: small multiples in SVG or PNG.
//!
//! No font of the system is needed: a built-in font measures texts, and draws those of a PNG.

use std::ops::Range;
use std::path::Path;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, FontStyle, RGBColor, WHITE, register_font};
use promemu_core::error::Error;

use super::axis::{ValueAxis, times};
use super::chart::{Chart, Curve, stretches};
use super::figure::Figure;
use super::image_legend::{self, Entry, Sign, nearest};
use super::marks::by_place;
use super::palette::{AXIS, FAULTS, GRID, LINES, LINES_MAX, MARKS, PHASES, SOFT_TEXT, TEXT};
use super::pen::{Area, Drawn, FONT_FAMILY, Pen};
use super::svg_head;

const FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// Sizes of texts in the unit of plotters: an em is about four fifths of it.
const LARGE: i32 = 20;
const MIDDLE: i32 = 17;
const SMALL: i32 = 14;
/// Sizes, in pixels of an SVG.
const CHART: (i32, i32) = (620, 280);
const MARGIN: i32 = 20;
const HEADING: i32 = 46;
const NOTE: i32 = 20;
const LABELS: i32 = 72;
const TITLE: i32 = 28;
/// The height below the curves: times, marks, two lines of legend.
const BELOW: i32 = 74;
/// The height of the names of phases above the curves, and of the bar of a fault.
const PHASE: i32 = 18;
const FAULT: i32 = 5;
/// The height of a line of the legend, and the lines for which every chart has room.
const LEGEND_LINE: i32 = 17;
const LEGEND_LINES: i32 = 2;
const TIMES_MAX: usize = 6;
const TICKS: u32 = 4;
const DASH: i32 = 14;
/// Maximum number of charts side by side.
const COLUMNS_MAX: usize = 2;
/// Pixels of a PNG for one of an SVG, in each direction.
const PNG_SCALE: i32 = 2;

/// The width of the part of a chart with the curves, in pixels.
pub(super) const PLOT_WIDTH: i32 = CHART.0 - LABELS;
/// Number of places of marks and of columns of strips: every second pixel.
const PLACES: u32 = PLOT_WIDTH.unsigned_abs() / 2;

/// The format of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageFormat {
    Svg,
    Png,
}

impl ImageFormat {
    pub(super) fn of(path: &Path) -> Result<Self, Error> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match &*extension {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => Err(Error::Usage(format!(
                "--out or PME_PLOT_OUT: {} is neither .svg nor .png; choose one of them",
                path.display()
            ))),
        }
    }

    /// The file's bytes.
    pub(super) fn draw(self, figure: &Figure, heading: &str, notes: &[String]) -> Result<Vec<u8>, Error> {
        // A failure shows as an error of the first text.
        let _is_known = register_font(FONT_FAMILY, FontStyle::Normal, FONT).is_ok();
        let sheet = Sheet::new(figure, notes.len(), if self == Self::Png { PNG_SCALE } else { 1 });
        let (width, height) = sheet.size();
        match self {
            Self::Svg => {
                let mut text = String::new();
                let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
                sheet.draw(&root, heading, notes).map_err(undrawn)?;
                drop(root);
                let names: Vec<&str> = figure.charts.iter().map(|chart| &*chart.name).collect();
                Ok(svg_head::with_head(&text, heading, &names).into_bytes())
            }
            Self::Png => {
                let mut pixels = vec![0; width as usize * height as usize * 3];
                let root = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
                sheet.draw(&root, heading, notes).map_err(undrawn)?;
                drop(root);
                encode(&pixels, width, height).map_err(undrawn)
            }
        }
    }
}

fn undrawn(error: impl std::fmt::Display) -> Error {
    Error::Run(format!("charts cannot be drawn: {error}; choose fewer with --metric REGEX"))
}

fn encode(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// The layout of the image: its charts, and their number across and down.
struct Sheet<'a> {
    figure: &'a Figure,
    columns: i32,
    rows: i32,
    notes: i32,
    scale: i32,
    /// The legends of the charts.
    legends: Vec<Vec<Entry>>,
}

impl<'a> Sheet<'a> {
    fn new(figure: &'a Figure, notes: usize, scale: i32) -> Self {
        let columns = figure.charts.len().clamp(1, COLUMNS_MAX);
        let whole = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let rows = figure.charts.len().div_ceil(columns);
        let of = |chart| image_legend::entries(figure, chart, SMALL, PLOT_WIDTH, PLACES as usize);
        let legends = figure.charts.iter().map(of).collect();
        Self { figure, columns: whole(columns), rows: whole(rows), notes: whole(notes), scale, legends }
    }

    fn size(&self) -> (u32, u32) {
        let width = self.columns * (CHART.0 + MARGIN) + MARGIN;
        let height = HEADING + self.rows * (self.chart_height() + MARGIN) + self.notes * NOTE + MARGIN;
        ((width * self.scale).unsigned_abs(), (height * self.scale).unsigned_abs())
    }

    /// All charts have the same height, with room for phases and for the longest legend.
    fn chart_height(&self) -> i32 {
        let lines = self.legends.iter().map(|entries| image_legend::lines(entries)).max().unwrap_or(0);
        CHART.1 + phase_height(self.figure) + (lines - LEGEND_LINES).max(0) * LEGEND_LINE
    }

    fn draw<B: DrawingBackend>(&self, root: &Area<B>, heading: &str, notes: &[String]) -> Drawn<B> {
        let pen = Pen { root, scale: self.scale };
        root.fill(&WHITE)?;
        pen.text(heading, (MARGIN, HEADING / 2), LARGE, TEXT, HPos::Left)?;
        for (n, (chart, legend)) in (0..).zip(self.figure.charts.iter().zip(&self.legends)) {
            let left = MARGIN + (n % self.columns) * (CHART.0 + MARGIN);
            let top = HEADING + (n / self.columns) * (self.chart_height() + MARGIN);
            Panel { pen: &pen, figure: self.figure, chart, legend, left, top }.draw()?;
        }
        let below = HEADING + self.rows * (self.chart_height() + MARGIN);
        for (n, note) in (0..).zip(notes) {
            pen.text(note, (MARGIN, below + n * NOTE + NOTE / 2), SMALL, SOFT_TEXT, HPos::Left)?;
        }
        root.present()
    }
}

const fn phase_height(figure: &Figure) -> i32 {
    if figure.phases.is_empty() { 0 } else { PHASE }
}

/// One chart at its place.
struct Panel<'a, B: DrawingBackend> {
    pen: &'a Pen<'a, B>,
    figure: &'a Figure,
    chart: &'a Chart,
    legend: &'a [Entry],
    left: i32,
    top: i32,
}

impl<B: DrawingBackend> Panel<'_, B> {
    fn draw(&self) -> Drawn<B> {
        self.title()?;
        let Some((low, high)) = self.chart.extent() else {
            let middle = (self.left + LABELS, self.top + CHART.1 / 2);
            return self.pen.text("no values at any of these times", middle, SMALL, SOFT_TEXT, HPos::Left);
        };
        let axis = ValueAxis::new(low, high, self.chart.unit, TICKS);
        self.phases()?;
        self.axes(&axis)?;
        self.curves(&axis)?;
        self.faults()?;
        self.marks()?;
        self.legend.iter().try_for_each(|entry| self.key(entry))
    }

    fn title(&self) -> Drawn<B> {
        let Chart { name, reading, help, .. } = self.chart;
        let at = |x: i32| (x, self.top + TITLE / 2);
        let name = self.pen.cut(name, MIDDLE, CHART.0)?;
        self.pen.text(&name, at(self.left), MIDDLE, TEXT, HPos::Left)?;
        let about = [reading, help].into_iter().filter(|text| !text.is_empty()).cloned();
        let about = about.collect::<Vec<_>>().join(": ");
        let from = self.pen.text_width(&name, MIDDLE)? + 8;
        let about = self.pen.cut(&about, SMALL, CHART.0 - from - 14)?;
        self.pen.text(&about, at(self.left + from), SMALL, SOFT_TEXT, HPos::Left)
    }

    fn x(&self, place: f64) -> f64 {
        f64::from(self.left + LABELS) + place * f64::from(PLOT_WIDTH)
    }

    fn bottom(&self) -> i32 {
        self.top + CHART.1 + phase_height(self.figure) - BELOW
    }

    fn y(&self, place: f64) -> f64 {
        // Names of phases stand above the curves.
        let height = CHART.1 - BELOW - TITLE - 4;
        f64::from(self.bottom()) - place * f64::from(height)
    }

    /// The place of a column of a strip.
    fn column(&self, column: usize) -> f64 {
        let place = f64::from(u32::try_from(column).unwrap_or(0)) / f64::from(PLACES - 1);
        self.x(place.min(1.0))
    }

    /// A rectangle over these columns.
    fn rectangle(&self, columns: &Range<usize>, (top, bottom): (f64, f64), colour: impl Color) -> Drawn<B> {
        let (left, right) = (self.column(columns.start), self.column(columns.end));
        let right = right.max(left + 1.0);
        self.pen.area(&[(left, top), (right, top), (right, bottom), (left, bottom)], colour)
    }

    /// The phases as bands behind the curves, with their names above.
    fn phases(&self) -> Drawn<B> {
        let (top, bottom) = (self.y(1.0) - f64::from(PHASE), f64::from(self.bottom()));
        let strips =
            self.figure.phases.iter().map(|phase| (phase, phase.columns(self.figure, PLACES as usize)));
        for ((phase, ranges), colour) in strips.zip(PHASES.into_iter().cycle()) {
            for range in ranges {
                self.rectangle(&range, (top, bottom), colour)?;
                let (left, right) = (self.column(range.start), self.column(range.end));
                #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
                let (left, width) = (left.round() as i32 + 4, (right - left) as i32 - 14);
                let name = self.pen.cut(&phase.name, SMALL, width)?;
                if name != "…" {
                    #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
                    let middle = top.round() as i32 + PHASE / 2;
                    self.pen.text(&name, (left, middle), SMALL, SOFT_TEXT, HPos::Left)?;
                }
            }
        }
        Ok(())
    }

    /// The faults: a bar at the top for each, and a shade below it.
    fn faults(&self) -> Drawn<B> {
        let on = self.chart.faults.iter().map(|fault| (fault, fault.columns(self.figure, PLACES as usize)));
        let on = on.filter(|(_, ranges)| !ranges.is_empty());
        for (n, ((_, ranges), colour)) in (0..).zip(on.zip(FAULTS.into_iter().cycle())) {
            let top = self.y(1.0) + f64::from(n * (FAULT + 1));
            for range in &ranges {
                self.rectangle(range, (top, top + f64::from(FAULT)), colour)?;
                self.rectangle(range, (top + f64::from(FAULT), f64::from(self.bottom())), colour.mix(0.12))?;
            }
        }
        Ok(())
    }

    fn axes(&self, axis: &ValueAxis) -> Drawn<B> {
        for (value, text) in &axis.ticks {
            let y = self.y(axis.place(*value));
            self.pen.line(&[(self.x(0.0), y), (self.x(1.0), y)], GRID, 1)?;
            #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
            self.pen.text(text, (self.left + LABELS - 6, y.round() as i32), SMALL, SOFT_TEXT, HPos::Right)?;
        }
        let bottom = f64::from(self.bottom());
        for (time, text) in times(self.figure.grid.from, self.figure.to, TIMES_MAX) {
            let x = self.x(self.figure.place(time));
            self.pen.line(&[(x, self.y(1.0)), (x, bottom + 4.0)], GRID, 1)?;
            #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
            self.pen.text(&text, (x.round() as i32, self.bottom() + 14), SMALL, SOFT_TEXT, HPos::Center)?;
        }
        self.pen.line(&[(self.x(0.0), bottom), (self.x(1.0), bottom)], AXIS, 1)
    }

    fn curves(&self, axis: &ValueAxis) -> Drawn<B> {
        let curves = &self.chart.curves;
        if curves.len() > LINES_MAX {
            let band = self.chart.band();
            let places = self.figure.places();
            for stretch in stretches(&band.low) {
                let upper = stretch.clone().map(|n| (self.x(places[n]), self.y(axis.place(band.high[n]))));
                let lower = stretch.rev().map(|n| (self.x(places[n]), self.y(axis.place(band.low[n]))));
                self.pen.area(&upper.chain(lower).collect::<Vec<_>>(), LINES[0].mix(0.25))?;
            }
            return self.curve(axis, &band.median, LINES[0]);
        }
        let mut coloured = curves.iter().zip(LINES);
        coloured.try_for_each(|(Curve { values, .. }, colour)| self.curve(axis, values, colour))
    }

    fn curve(&self, axis: &ValueAxis, values: &[f64], colour: RGBColor) -> Drawn<B> {
        let places = self.figure.places();
        for stretch in stretches(values) {
            let point = |n: usize| (self.x(places[n]), self.y(axis.place(values[n])));
            let mut points: Vec<_> = stretch.map(point).collect();
            if let [(x, y)] = points[..] {
                points.push((x + 1.0, y));
            }
            self.pen.line(&points, colour, 1)?;
        }
        Ok(())
    }

    fn marks(&self) -> Drawn<B> {
        let kinds = by_place(&self.chart.marks, |time| nearest(self.figure.place(time), PLACES as usize));
        for ((_, places), colour) in kinds.iter().zip(MARKS.into_iter().cycle()) {
            for place in places {
                let place = f64::from(u32::try_from(*place).unwrap_or(0)) / f64::from(PLACES);
                self.triangle((self.x(place), f64::from(self.bottom() + 24)), colour)?;
            }
        }
        Ok(())
    }

    /// A triangle with its point at the top.
    fn triangle(&self, (x, y): (f64, f64), colour: RGBColor) -> Drawn<B> {
        self.pen.area(&[(x, y), (x + 4.0, y + 7.0), (x - 4.0, y + 7.0)], colour)
    }

    /// An entry of the legend.
    fn key(&self, Entry { sign, colour, text, left, line }: &Entry) -> Drawn<B> {
        let (x, y) = (self.left + LABELS + left, self.bottom() + 44 + line * LEGEND_LINE);
        let (from, middle, right) = (f64::from(x), f64::from(y), f64::from(x + DASH));
        match sign {
            Sign::Line => self.pen.line(&[(from, middle), (right, middle)], *colour, 2)?,
            Sign::Bar => {
                let half = f64::from(FAULT) / 2.0;
                let (top, bottom) = (middle - half, middle + half);
                self.pen.area(&[(from, top), (right, top), (right, bottom), (from, bottom)], *colour)?;
            }
            Sign::Triangle => self.triangle((from + f64::from(DASH) / 2.0, middle - 4.0), *colour)?,
        }
        self.pen.text(text, (x + image_legend::SIGN, y), SMALL, TEXT, HPos::Left)
    }
}
