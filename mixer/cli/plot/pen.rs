//! A pen: draws texts, lines and areas in pixels of an SVG, scaled to those of the image.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle};

use super::palette::TEXT;

/// The name under which the built-in font is known.
pub(super) const FONT_FAMILY: &str = "sans-serif";

pub(super) type Area<B> = DrawingArea<B, Shift>;
pub(super) type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Draws on an image.
pub(super) struct Pen<'a, B: DrawingBackend> {
    pub(super) root: &'a Area<B>,
    pub(super) scale: i32,
}

impl<B: DrawingBackend> Pen<'_, B> {
    fn style(&self, size: i32, colour: RGBColor) -> TextStyle<'static> {
        (FONT_FAMILY, size * self.scale).into_font().color(&colour)
    }

    fn point(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (x * self.scale, y * self.scale)
    }

    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        colour: RGBColor,
        anchor: HPos,
    ) -> Drawn<B> {
        let style = self.style(size, colour).pos(Pos::new(anchor, VPos::Center));
        self.root.draw(&Text::new(text.to_owned(), self.point(at), style))
    }

    pub(super) fn text_width(
        &self,
        text: &str,
        size: i32,
    ) -> Result<i32, DrawingAreaErrorKind<B::ErrorType>> {
        let (width, _) = self.root.estimate_text_size(text, &self.style(size, TEXT))?;
        Ok(i32::try_from(width).unwrap_or(i32::MAX) / self.scale)
    }

    /// Text on one line, cut to fit.
    pub(super) fn cut(
        &self,
        text: &str,
        size: i32,
        width: i32,
    ) -> Result<String, DrawingAreaErrorKind<B::ErrorType>> {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut is_cut = false;
        while !text.is_empty() && self.text_width(&text, size)? > width {
            text.pop();
            is_cut = true;
        }
        Ok(if is_cut { text + "…" } else { text })
    }

    pub(super) fn line(&self, points: &[(f64, f64)], colour: RGBColor, thickness: i32) -> Drawn<B> {
        let points: Vec<_> = points.iter().map(|point| self.fine(*point)).collect();
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled: false,
            stroke_width: (thickness * self.scale).unsigned_abs(),
        };
        self.root.draw(&PathElement::new(points, style))
    }

    pub(super) fn area(&self, points: &[(f64, f64)], colour: impl Color) -> Drawn<B> {
        let points: Vec<_> = points.iter().map(|point| self.fine(*point)).collect();
        self.root.draw(&Polygon::new(points, colour.filled()))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a place in a picture")]
    fn fine(&self, (x, y): (f64, f64)) -> (i32, i32) {
        let scaled = |value: f64| (value * f64::from(self.scale)).round() as i32;
        (scaled(x), scaled(y))
    }
}
