//! The chart of one alert: its truth as a band, pending and firing as bars, the value of its expression and the threshold.

use indexmap::IndexMap;
use promemu_core::number::Shown;
use promemu_core::plan::{Scope, Verdict};
use promemu_core::time::Time;
use promemu_core::verdict::{AlertSeries, Firing, truth_of};

use super::{Page, ticks};
use crate::html_escape::escaped;
use crate::test::report::Report;

/// Width of the drawing, in its own units.
const WIDTH: f64 = 1_000.0;
/// Height of the values, in their own units.
const HEIGHT: f64 = 100.0;
/// Room above the highest and below the lowest value, so that no line is cut.
const MARGIN: f64 = 3.0;
/// The classes and names of the bars.
const KEY: [(&str, &str); 3] = [("t", "expected"), ("p", "pending"), ("f", "firing")];
/// Number of label sets that are drawn.
const SETS_MAX: usize = 20;

pub(super) struct AlertChart<'a> {
    pub(super) report: &'a Report,
    pub(super) name: &'a str,
}

impl AlertChart<'_> {
    /// Adds the chart to a page.
    pub(super) fn put(&self, page: &mut Page) {
        let seen = &self.report.seen;
        page.push(&format!("<section>\n<h2>{}</h2>\n", escaped(self.name)));
        let bands = self.bands();
        let lines = self.put_values(&bands, page);
        let of_name = |alerts: &[AlertSeries]| -> Vec<AlertSeries> {
            alerts.iter().filter(|alert| alert.name == self.name).cloned().collect()
        };
        let own = of_name(&seen.alerts);
        if own.is_empty() {
            self.put_bars("never pending", &bands, &AlertSeries::default(), page);
        }
        for alert in own.iter().take(SETS_MAX) {
            self.put_bars(&alert.to_string(), &bands, alert, page);
        }
        if own.len() > SETS_MAX {
            page.push(&format!(
                "<p class=\"note\">{} more label sets are not shown</p>\n",
                own.len() - SETS_MAX
            ));
        }
        for alert in of_name(seen.twin.as_deref().unwrap_or_default()).iter().take(SETS_MAX) {
            self.put_bars(&format!("{alert} without the faults"), "", alert, page);
        }
        page.push("<div class=\"axis\">");
        for tick in ticks(seen.grid.to.since(seen.grid.from)) {
            page.push(&format!("<span>{tick}</span>"));
        }
        page.push("</div>\n<p class=\"note key\">");
        for (class, name) in KEY.into_iter().chain(lines) {
            page.push(&format!("<span><i class=\"{class}\"></i>{name}</span> "));
        }
        page.push("</p>\n</section>\n");
    }

    /// The place of a time on the axis.
    fn x(&self, time: Time) -> f64 {
        let grid = &self.report.seen.grid;
        let length = grid.to.since(grid.from).as_secs_f64();
        (time.min(grid.to).since(grid.from).as_secs_f64() / length * WIDTH).clamp(0.0, WIDTH)
    }

    /// The times at which the alert is expected, as shapes.
    fn bands(&self) -> String {
        let subject = &self.report.subject;
        let of_verdicts = subject.verdicts.iter().filter(|verdict| match &verdict.verdict {
            Verdict::Fires { alert, .. }
            | Verdict::Resolves { alert, .. }
            | Verdict::Notifies { alert, .. } => alert.name == self.name,
            _ => false,
        });
        let scopes: Vec<Scope> =
            of_verdicts.map(|verdict| verdict.scope.clone()).filter(|scope| *scope != Scope::Run).collect();
        let windows = truth_of(&subject.run.plan, &self.report.seen, self.name, &scopes);
        windows.into_iter().map(|(begin, end)| self.bar("truth", begin, end, HEIGHT)).collect()
    }

    fn bar(&self, class: &str, begin: Time, end: Time, height: f64) -> String {
        let (from, to) = (self.x(begin), self.x(end));
        format!(
            "<rect class=\"{class}\" x=\"{from:.2}\" y=\"0\" width=\"{:.2}\" height=\"{height}\"/>",
            (to - from).max(1.0)
        )
    }

    /// Draws the values of the expression, a line for each label set, and the threshold. Returns the lines that it draws: their
    /// classes and names.
    fn put_values(&self, bands: &str, page: &mut Page) -> Vec<(&'static str, &'static str)> {
        let seen = &self.report.seen;
        let Some(chart) = self.report.subject.charts.get(self.name) else { return Vec::new() };
        let Some(Ok(answer)) = seen.answers.get(&chart.key) else { return Vec::new() };
        let mut lines: IndexMap<&str, Vec<(Time, f64)>> = IndexMap::new();
        for (at, elements) in seen.grid.iter().zip(answer) {
            for element in elements.iter().filter(|element| element.value.is_finite()) {
                lines.entry(&element.labels).or_default().push((at, element.value));
            }
        }
        let seen_values = || lines.values().flatten().map(|(_, value)| *value);
        let all = || seen_values().chain(chart.threshold);
        let (low, high) = (all().fold(0.0, f64::min), all().fold(0.0, f64::max));
        let share = |value: f64| (value - low) / (high - low).max(f64::MIN_POSITIVE);
        let y = |value: f64| HEIGHT - MARGIN - share(value) * (HEIGHT - 2.0 * MARGIN);
        let mut shapes = bands.to_owned();
        for points in lines.values().take(SETS_MAX) {
            let pieces = points.chunk_by(|(a, _), (b, _)| b.since(*a) <= seen.grid.step);
            for piece in pieces {
                let places: Vec<String> =
                    piece.iter().map(|(at, value)| format!("{:.1},{:.1}", self.x(*at), y(*value))).collect();
                shapes.push_str("<polyline class=\"value\" points=\"");
                shapes.push_str(&places.join(" "));
                shapes.push_str("\"/>");
            }
        }
        if let Some(threshold) = chart.threshold {
            let at = y(threshold);
            let line =
                format!("<line class=\"threshold\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
            shapes.push_str(&line);
        }
        let (least, most) =
            seen_values().fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(value), b.max(value)));
        let range = if lines.is_empty() {
            "no data".to_owned()
        } else {
            format!("{} to {}", Shown::rounded(least), Shown::rounded(most))
        };
        let threshold = chart.threshold.map(|threshold| format!(", threshold {}", Shown::rounded(threshold)));
        page.push(&format!(
            "<div class=\"label\"><code>{}</code>: {range}{}</div>\n<svg class=\"values\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\">{shapes}</svg>\n",
            escaped(&chart.query),
            threshold.unwrap_or_default(),
        ));
        let value = (!lines.is_empty()).then_some(("v", "value"));
        value.into_iter().chain(chart.threshold.map(|_| ("h", "threshold"))).collect()
    }

    fn put_bars(&self, label: &str, bands: &str, alert: &AlertSeries, page: &mut Page) {
        let bars = |class: &str, times: &[Firing]| -> String {
            times.iter().map(|on| self.bar(class, on.begin, on.end, HEIGHT)).collect()
        };
        page.push(&format!("<div class=\"label\">{}</div>\n<svg class=\"bars\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\">{bands}{}{}</svg>\n",
            escaped(label),
            bars("pending", &alert.pending),
            bars("firing", &alert.firing)));
    }
}
