//! Charts as text for a terminal, one below the other.

use std::ops::Range;

use super::axis::{ValueAxis, times};
use super::canvas::{ACROSS, Canvas, ON_SHADE, SHADE};
use super::chart::{Chart, Curve, stretches};
use super::figure::Figure;
use super::marks::by_place;
use super::style::{ColourMode, Style};

/// More curves are drawn as a band; without colours, fewer can be told apart.
const LINES_MAX: usize = 8;
const LINES_MAX_PLAIN: usize = 4;
/// Rows of curves of all charts together, about; and the limits of one chart.
const ROWS_TOGETHER: usize = 72;
const ROWS_MIN: usize = 6;
const ROWS_MAX: usize = 15;
/// Columns of a time below a chart, with blanks.
const TIME_COLUMNS: usize = 12;
/// More faults are not drawn below a chart.
const FAULTS_MAX: usize = 6;
/// The marks of kinds of events, and the mark of several at one place. More kinds are not marked.
const SYMBOLS: [char; 6] = ['▲', '▼', '◆', '●', '■', '★'];
const SEVERAL: char = '*';

/// Number of dots across a chart, about, for the choice of a step.
pub(super) const fn dots_across(width: usize) -> usize {
    width.saturating_sub(14) * ACROSS
}

/// All charts.
pub(super) fn draw(figure: &Figure, width: usize, colours: ColourMode) -> String {
    let rows = (ROWS_TOGETHER / figure.charts.len().max(1)).clamp(ROWS_MIN, ROWS_MAX);
    let tick_count = if rows < 10 { 3 } else { 5 };
    let axes = figure
        .charts
        .iter()
        .map(|chart| chart.extent().map(|(low, high)| ValueAxis::new(low, high, chart.unit, tick_count)));
    let axes: Vec<Option<ValueAxis>> = axes.collect();
    let labels = axes.iter().flatten().flat_map(|axis| &axis.ticks).map(|(_, text)| text.chars().count());
    let lines_max = if colours == ColourMode::None { LINES_MAX_PLAIN } else { LINES_MAX };
    let is_numbered = |chart: &Chart| (2..=lines_max).contains(&chart.curves.len());
    let numbers = if figure.charts.iter().any(is_numbered) { lines_max } else { 0 };
    let label_columns = labels.max().unwrap_or(0);
    let sheet = Sheet {
        figure,
        width,
        colours,
        rows,
        lines_max,
        label_columns,
        columns: columns_of(figure, width.saturating_sub(label_columns + 2 + numbers).max(10)),
    };
    let charts = figure.charts.iter().zip(&axes).map(|(chart, axis)| sheet.chart(chart, axis.as_ref()));
    charts.collect::<Vec<_>>().join("\n")
}

/// The layout that all charts share.
struct Sheet<'a> {
    figure: &'a Figure,
    width: usize,
    colours: ColourMode,
    rows: usize,
    lines_max: usize,
    label_columns: usize,
    /// Columns of the part with the curves.
    columns: usize,
}

impl Sheet<'_> {
    fn chart(&self, chart: &Chart, axis: Option<&ValueAxis>) -> String {
        let mut text = self.title(chart);
        let mut legend = Vec::new();
        let Some(axis) = axis else { return text + "  no values at any of these times\n" };
        text.push_str(&self.plot(chart, axis, &mut legend));
        text.push_str(&self.time_axis());
        text.push_str(&self.phases());
        text.push_str(&self.faults(chart, &mut legend));
        text.push_str(&self.marks(chart, &mut legend));
        text.push_str(&self.legend(&legend));
        text
    }

    fn title(&self, chart: &Chart) -> String {
        let reading = if chart.reading.is_empty() { String::new() } else { format!(", {}", chart.reading) };
        let help = if chart.help.is_empty() { String::new() } else { format!(": {}", chart.help) };
        let rest = cut(&format!("{reading}{help}"), self.width.saturating_sub(chart.name.len()));
        format!("{}{rest}\n", self.colours.paint(&cut(&chart.name, self.width), Style::Bold))
    }

    /// The rows with the values' ticks and the curves.
    fn plot(&self, chart: &Chart, axis: &ValueAxis, legend: &mut Vec<Item>) -> String {
        let rows = rows_of(axis, self.rows);
        let mut canvas = Canvas::new(self.columns, rows);
        let mut numbers: Vec<String> = vec![String::new(); rows];
        if chart.curves.len() > self.lines_max {
            let band = chart.band();
            self.shade(&mut canvas, axis, &band.low, &band.high);
            self.curve(&mut canvas, axis, &band.median, Style::Line(0));
            let range = format!("range of {} series", chart.curves.len());
            let (ground, line) = match self.colours {
                ColourMode::None => ((SHADE, Style::Plain), ON_SHADE),
                ColourMode::Ansi => ((' ', Style::Ground(None)), '─'),
            };
            legend.push(Item { sign: ground.0, style: ground.1, text: range });
            legend.push(Item { sign: line, style: Style::Line(0), text: "median".to_owned() });
        } else {
            for (n, Curve { label, values }) in chart.curves.iter().enumerate() {
                self.curve(&mut canvas, axis, values, Style::Line(n));
                let last = values.iter().rfind(|value| !value.is_nan());
                let sign = char::from_digit(u32::try_from(n + 1).unwrap_or(0), 10).unwrap_or('+');
                let is_one = chart.curves.len() == 1;
                if let Some(last) = last.filter(|_| !is_one) {
                    let row = row_of(axis.place(*last), rows);
                    numbers[row].push_str(&self.colours.paint(&sign.to_string(), Style::Line(n)));
                }
                legend.push(Item {
                    sign: if is_one { '─' } else { sign },
                    style: Style::Line(n),
                    text: label.clone(),
                });
            }
        }
        let mut labels = vec![""; rows];
        for (value, label) in &axis.ticks {
            labels[row_of(axis.place(*value), rows)] = label;
        }
        let mut text = String::new();
        for row in 0..rows {
            let edge = if labels[row].is_empty() { '│' } else { '┤' };
            let gap = if numbers[row].is_empty() { 0 } else { self.columns - canvas.row_len(row) };
            let (curves, numbers) = (canvas.row(row, self.colours), &numbers[row]);
            let line =
                format!("{:>2$} {edge}{curves}{:3$}{numbers}", labels[row], "", self.label_columns, gap);
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn curve(&self, canvas: &mut Canvas, axis: &ValueAxis, values: &[f64], style: Style) {
        let (across, up) = (canvas.dots_across(), canvas.dots_up());
        let places = self.figure.places();
        for stretch in stretches(values) {
            let dots = stretch.map(|n| (nearest(places[n], across), nearest(axis.place(values[n]), up)));
            let dots: Vec<_> = dots.collect();
            if let [dot] = dots[..] {
                canvas.line(dot, dot, style);
            }
            dots.windows(2).for_each(|ends| canvas.line(ends[0], ends[1], style));
        }
    }

    /// Shades the area between two curves.
    fn shade(&self, canvas: &mut Canvas, axis: &ValueAxis, low: &[f64], high: &[f64]) {
        let (across, up) = (canvas.dots_across(), canvas.dots_up());
        let places = self.figure.places();
        for stretch in stretches(low) {
            for n in stretch.clone() {
                let next = if n < *stretch.end() { n + 1 } else { n };
                for x in nearest(places[n], across)..=nearest(places[next], across) {
                    canvas.shade(x, nearest(axis.place(low[n]), up), nearest(axis.place(high[n]), up));
                }
            }
        }
    }

    /// The line below the curves, and the times below that.
    fn time_axis(&self) -> String {
        let mut line = vec!['─'; self.columns];
        let mut labels = vec![' '; self.label_columns + 2 + self.columns];
        for (time, text) in times(self.figure.grid.from, self.figure.to, self.columns / TIME_COLUMNS + 1) {
            let column = nearest(self.figure.place(time), self.columns);
            line[column] = '┬';
            let from = (self.label_columns + 2 + column).saturating_sub(text.len() / 2);
            let from = from.min(labels.len().saturating_sub(text.len()));
            write_at(&mut labels, from, &text);
        }
        let (line, labels): (String, String) = (line.into_iter().collect(), labels.into_iter().collect());
        format!("{:1$} └{line}\n{2}\n", "", self.label_columns, labels.trim_end())
    }

    /// The phases, one after the other, on one line.
    fn phases(&self) -> String {
        let mut row = vec![' '; self.columns];
        let phases = self.figure.phases.iter().flat_map(|phase| {
            let ranges = phase.columns(self.figure, self.columns).into_iter();
            ranges.map(move |range| (range, &phase.name))
        });
        let mut phases: Vec<_> = phases.collect();
        phases.sort_by_key(|(range, _)| range.start);
        for (range, name) in phases {
            // A phase begins in the column in which the one before it ends.
            let begin = if row[range.start] == ' ' { '├' } else { '┼' };
            row[range.clone()].fill('─');
            row[range.start] = begin;
            if range.len() > 1 {
                row[range.end - 1] = '┤';
            }
            let room = range.len().saturating_sub(2);
            let name = cut(name, room);
            let spaced = if name.chars().count() + 2 <= room { format!(" {name} ") } else { name };
            if spaced != "…" {
                write_at(&mut row, range.start + 1, &spaced);
            }
        }
        self.strip(&row, Style::Faint)
    }

    /// The faults, each on a line with its id.
    fn faults(&self, chart: &Chart, legend: &mut Vec<Item>) -> String {
        let mut text = String::new();
        let on = chart.faults.iter().map(|fault| (fault, fault.columns(self.figure, self.columns)));
        let mut on = on.filter(|(_, ranges)| !ranges.is_empty());
        for (fault, ranges) in on.by_ref().take(FAULTS_MAX) {
            let mut row = vec![' '; self.columns];
            for range in &ranges {
                row[range.clone()].fill('━');
            }
            let name = cut(&fault.name, self.columns / 2);
            if let Some(column) = place_of_name(&ranges, self.columns, name.chars().count() + 2) {
                write_at(&mut row, column, &format!(" {name} "));
            } else {
                legend.push(Item { sign: '━', style: Style::Plain, text: fault.name.to_string() });
            }
            text.push_str(&self.strip(&row, Style::Plain));
        }
        let more = on.count();
        if more > 0 {
            legend.push(Item { sign: '…', style: Style::Plain, text: format!("{more} more faults") });
        }
        text
    }

    /// A line below the chart; nothing for an empty one.
    fn strip(&self, row: &[char], style: Style) -> String {
        let row: String = row.iter().collect();
        if row.trim_end().is_empty() {
            return String::new();
        }
        format!("{:1$}{2}\n", "", self.label_columns + 2, self.colours.paint(row.trim_end(), style))
    }

    /// The marks of events.
    fn marks(&self, chart: &Chart, legend: &mut Vec<Item>) -> String {
        let kinds = by_place(&chart.marks, |time| nearest(self.figure.place(time), self.columns));
        if kinds.is_empty() {
            return String::new();
        }
        let mut row = vec![' '; self.columns];
        for ((names, columns), symbol) in kinds.iter().zip(SYMBOLS) {
            for column in columns {
                row[*column] = if row[*column] == ' ' { symbol } else { SEVERAL };
            }
            legend.push(Item { sign: symbol, style: Style::Plain, text: names.clone() });
        }
        if row.contains(&SEVERAL) {
            legend.push(Item { sign: SEVERAL, style: Style::Plain, text: "several".to_owned() });
        }
        if let Some(more @ 1..) = kinds.len().checked_sub(SYMBOLS.len()) {
            legend.push(Item {
                sign: '…',
                style: Style::Plain,
                text: format!("{more} more kinds of events"),
            });
        }
        self.strip(&row, Style::Plain)
    }

    /// The meaning of the signs, in as many lines as needed.
    fn legend(&self, items: &[Item]) -> String {
        let indent = self.label_columns + 2;
        let mut legend = String::new();
        let mut columns = 0;
        for Item { sign, style, text } in items {
            let label = cut(text, self.width.saturating_sub(indent + 2));
            let needed = label.chars().count() + 2;
            if columns > 0 && columns + 2 + needed <= self.width {
                legend.push_str("  ");
                columns += 2 + needed;
            } else {
                legend.push_str(if columns > 0 { "\n" } else { "" });
                legend.push_str(&" ".repeat(indent));
                columns = indent + needed;
            }
            legend.push_str(&self.colours.paint(&sign.to_string(), *style));
            legend.push(' ');
            legend.push_str(&label);
        }
        if legend.is_empty() { legend } else { legend + "\n" }
    }
}

/// The number of rows of a chart, about as many as wanted: between two ticks there are as many as between two others.
fn rows_of(axis: &ValueAxis, wanted: usize) -> usize {
    let gaps = axis.ticks.len().saturating_sub(1).max(1);
    let apart = (wanted.saturating_sub(1) + gaps / 2) / gaps;
    let apart = if apart * gaps > wanted { apart - 1 } else { apart };
    gaps * apart.max(1) + 1
}

/// The row of a place between 0 at the bottom and 1 at the top.
fn row_of(place: f64, rows: usize) -> usize {
    let dots = rows * 4;
    (dots - 1 - nearest(place, dots)) / 4
}

/// The number of columns, as many as there is room for or a few less: between two times there are as many as between two others.
fn columns_of(figure: &Figure, room: usize) -> usize {
    let times = times(figure.grid.from, figure.to, room / TIME_COLUMNS + 1);
    let [(first, _), (second, _), ..] = times[..] else { return room };
    let span = figure.to.since(figure.grid.from).as_nanos();
    let apart = second.since(first).as_nanos();
    let few = |columns: &usize| {
        let dots = *columns as u64 - 1;
        span > 0 && apart.saturating_mul(dots) % span == 0
    };
    (room.saturating_sub(room / 10).max(2)..=room).rev().find(few).unwrap_or(room)
}

/// The column of a name of so many columns, with its blanks: in the first gap behind a range that has room for it, else
/// before the first one, else within one.
fn place_of_name(ranges: &[Range<usize>], columns: usize, width: usize) -> Option<usize> {
    let ends = ranges.iter().map(|range| range.end);
    let begins = ranges.iter().skip(1).map(|range| range.start).chain([columns + 1]);
    let behind = ends.zip(begins).find(|(from, to)| from + width <= *to).map(|(from, _)| from);
    let before = || ranges.first()?.start.checked_sub(width);
    let within = || ranges.iter().find(|range| range.len() >= width + 2).map(|range| range.start + 1);
    behind.or_else(before).or_else(within)
}

/// Writes a text into a row from a column on.
fn write_at(row: &mut [char], column: usize, text: &str) {
    for (place, character) in row.iter_mut().skip(column).zip(text.chars()) {
        *place = character;
    }
}

/// An entry of a legend.
struct Item {
    sign: char,
    style: Style,
    text: String,
}

/// The nearest of `dots` dots to a place between 0 and 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "places are between 0 and 1, and a canvas is small"
)]
fn nearest(place: f64, dots: usize) -> usize {
    let last = dots.saturating_sub(1);
    ((place * last as f64).round() as usize).min(last)
}

/// Text on one line, cut to fit.
fn cut(text: &str, columns: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= columns {
        return text;
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}
