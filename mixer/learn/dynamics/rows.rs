//! The rows of a recording: for each host a state at each step, scaled, with marks of gaps and the levels of actions.

use std::collections::BTreeMap;

use promemu_dynamics::bounds::Bounds;
use promemu_dynamics::schema::{Column, Host, Kind, Predictor};
use promemu_wire::recording::Recording;

use super::identities::{self, SumOf};
use super::levels::Levels;
use crate::counter::increase;
use crate::grid::{GridSeries, millis, whole_millis};
use crate::inventory::{Content, RecordedHost, RecordedMetric, inventory};
use crate::load::{Floats, Samples};
use crate::statistics::{deviation, index, mean, number, sorted};

/// The bend near a bound, in standard deviations.
const SOFTNESS: f64 = 0.1;
/// A state stays within the recorded range and this share of it on both sides.
const BEYOND: f64 = 0.5;
/// The most values of a host.
const VALUES_MAX: usize = 200_000_000;

/// The values of a host at each step, or its rates; NaN at gaps.
#[derive(Clone, Debug)]
pub(super) struct HostTable {
    pub(super) host: Host,
    pub(super) columns: Vec<Column>,
    pub(super) begin_ms: i64,
    pub(super) values: Vec<f64>,
}

/// A host's rows for a model.
#[derive(Clone, Debug)]
pub(super) struct HostRows {
    pub(super) begin_ms: i64,
    pub(super) step_ms: f64,
    pub(super) width: usize,
    /// Values and rates; NaN at gaps.
    pub(super) values: Vec<f64>,
    /// States; a gap goes on with the last value.
    pub(super) x: Vec<f64>,
    pub(super) missing: Vec<bool>,
    /// The mean level of each action in the step that ends with a row.
    pub(super) levels: Vec<Vec<f64>>,
}

/// The tables of all hosts, the step, and notes on what is left out.
pub(super) fn tables(
    recording: &Recording,
    samples: &Samples,
    step_secs: Option<f64>,
) -> (Vec<HostTable>, f64, Vec<String>) {
    let found = inventory(recording, samples);
    let steps: Vec<f64> = samples
        .floats
        .values()
        .filter(|floats| floats.len() > 2)
        .map(|floats| GridSeries::of(floats).step_secs)
        .collect();
    let steps = sorted(&steps);
    let step_secs = step_secs.unwrap_or_else(|| steps.get(steps.len() / 2).copied().unwrap_or(15.0));
    let mut left_out = found.left_out;
    let tables = found.hosts.iter().filter_map(|host| table(host, step_secs, &mut left_out)).collect();
    left_out.sort();
    left_out.dedup();
    (tables, step_secs, left_out)
}

fn table(host: &RecordedHost<'_>, step_secs: f64, left_out: &mut Vec<String>) -> Option<HostTable> {
    let mut parts: Vec<(Column, Vec<&Floats>)> = Vec::new();
    for metric in &host.metrics {
        match &metric.content {
            Content::Gauge(floats) => parts.push((column(metric, Kind::Gauge, floats), vec![*floats])),
            Content::Counter(floats) => parts.push((column(metric, Kind::Counter, floats), vec![*floats])),
            Content::Histogram(histogram) => {
                let mut below: Option<&Floats> = None;
                for (bound, floats) in &histogram.by_bound {
                    let le = if bound.is_finite() { bound.to_string() } else { "+Inf".to_owned() };
                    let column = Column { is_whole: true, ..column(metric, Kind::Bucket(le), floats) };
                    parts.push((column, [Some(*floats), below].into_iter().flatten().collect()));
                    below = Some(floats);
                }
                parts.extend(histogram.sum.map(|floats| (column(metric, Kind::Sum, floats), vec![floats])));
            }
            Content::Info => left_out.push(format!("{}, which is an info", metric.name)),
            Content::Summary(_) | Content::Native(_) => {
                left_out.push(format!("{}: summaries and native histograms are not learned", metric.name));
            }
        }
    }
    parts.retain(|(_, floats)| floats.iter().all(|floats| floats.len() > 1));
    let all = || parts.iter().flat_map(|(_, floats)| floats).flat_map(|floats| floats.iter());
    let (begin_ms, end_ms) = (all().map(|(at, _)| *at).min()?, all().map(|(at, _)| *at).max()?);
    let count = index(libm::round(millis(end_ms - begin_ms) / (step_secs * 1000.0))) + 1;
    let width = parts.len();
    if count.saturating_mul(width) > VALUES_MAX {
        left_out.push(format!(
            "host {}: it has more than {VALUES_MAX} values; fit a part of it, with --match",
            host.name
        ));
        return None;
    }
    let mut values = vec![f64::NAN; count * width];
    for (n, (column, floats)) in parts.iter().enumerate() {
        let mut own = placed(floats[0], &column.kind, begin_ms, step_secs, count);
        if let Some(below) = floats.get(1) {
            let below = placed(below, &column.kind, begin_ms, step_secs, count);
            own.iter_mut().zip(below).for_each(|(own, below)| *own = (*own - below).max(0.0 * *own));
        }
        own.into_iter().enumerate().for_each(|(row, value)| values[row * width + n] = value);
    }
    let columns = parts.into_iter().map(|(column, _)| column).collect();
    let host = Host { name: host.name.clone(), job: host.job.clone(), labels: host.labels.clone() };
    Some(HostTable { host, columns, begin_ms, values })
}

/// A column without scales.
fn column(metric: &RecordedMetric<'_>, kind: Kind, floats: &Floats) -> Column {
    Column {
        metric: metric.name.clone(),
        labels: metric.labels.clone(),
        help: metric.help.clone(),
        is_whole: floats.iter().all(|(_, value)| libm::rint(*value).to_bits() == value.to_bits()),
        kind,
        bounds: Bounds::NONE,
        mean: 0.0,
        deviation: 1.0,
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
        by: Predictor::Linear,
        noise: 1.0,
        noise_factor: 1.0,
    }
}

/// Values by step, or rates by the time between samples; a rate over a gap is one, too.
fn placed(floats: &Floats, kind: &Kind, begin_ms: i64, step_secs: f64, count: usize) -> Vec<f64> {
    let mut values = vec![f64::NAN; count];
    let place = |at: i64| index(libm::round(millis(at - begin_ms) / (step_secs * 1000.0)));
    if *kind == Kind::Gauge {
        for (at, value) in floats {
            values[place(*at).min(count - 1)] = *value;
        }
        return values;
    }
    let mut before: Option<(i64, f64)> = None;
    for (at, total) in floats {
        let Some((from, start)) = before else {
            before = Some((*at, *total));
            continue;
        };
        // Samples nearer than half a step are one.
        let secs = millis(at - from) / 1000.0;
        if secs < 0.5 * step_secs {
            continue;
        }
        values[place(*at).min(count - 1)] = increase(start, *total) / secs;
        before = Some((*at, *total));
    }
    values
}

/// Tables of hosts with the same metrics.
pub(super) fn by_role(tables: Vec<HostTable>) -> Vec<Vec<HostTable>> {
    let mut roles: BTreeMap<Vec<String>, Vec<HostTable>> = BTreeMap::new();
    for table in tables {
        let key =
            table.columns.iter().map(|column| format!("{} {:?}", column.shown(), column.kind)).collect();
        roles.entry(key).or_default().push(table);
    }
    roles.into_values().collect()
}

/// Takes the sums of others out of the tables of a role.
pub(super) fn without_sums(tables: &mut [HostTable]) -> Vec<(Column, [usize; 2])> {
    let Some(width) = tables.first().map(|table| table.columns.len()) else { return Vec::new() };
    let columns = tables[0].columns.clone();
    let rows: Vec<&[f64]> = tables.iter().flat_map(|table| table.values.chunks_exact(width)).collect();
    let found = identities::sums(&columns, &rows);
    let is_kept = |n: usize| found.iter().all(|own| own.sum != n);
    let place = |n: usize| (0..n).filter(|other| is_kept(*other)).count();
    let kept: Vec<usize> = (0..width).filter(|n| is_kept(*n)).collect();
    for table in tables.iter_mut() {
        table.values =
            table.values.chunks_exact(width).flat_map(|row| kept.iter().map(|n| row[*n])).collect();
        table.columns = kept.iter().map(|n| columns[*n].clone()).collect();
    }
    found.iter().map(|SumOf { sum, of }| (columns[*sum].clone(), of.map(place))).collect()
}

/// The columns with bounds and scales from these values, of which the last share is not looked at.
pub(super) fn scaled(tables: &[HostTable], learned: f64) -> Vec<Column> {
    let Some(first) = tables.first() else { return Vec::new() };
    let width = first.columns.len();
    let scale = |(n, column): (usize, &Column)| {
        let of_table = |table: &HostTable| {
            let rows = table.values.len() / width;
            let values = table.values.iter().skip(n).step_by(width).take(index(number(rows) * learned));
            values.copied().filter(|value| value.is_finite()).collect::<Vec<f64>>()
        };
        let all = tables.iter().flat_map(|table| table.values.iter().skip(n).step_by(width));
        let all: Vec<f64> = all.copied().filter(|value| value.is_finite()).collect();
        let is_whole = tables.iter().all(|table| table.columns[n].is_whole);
        let values: Vec<f64> = tables.iter().flat_map(of_table).collect();
        scaled_column(&Column { is_whole, ..column.clone() }, &values, &all)
    };
    first.columns.iter().enumerate().map(scale).collect()
}

fn scaled_column(column: &Column, values: &[f64], all: &[f64]) -> Column {
    let high = |values: &[f64]| values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    let share = match &column.metric {
        name if name.ends_with("_ratio") => Some(1.0),
        name if name.ends_with("_percent") || name.ends_with("_percentage") => Some(100.0),
        _ => None,
    };
    let is_gauge = column.kind == Kind::Gauge;
    let spread = deviation(values);
    let size = high(all).abs().max(1e-300);
    let bounds = Bounds {
        is_positive: !is_gauge || least >= 0.0,
        high: share.filter(|share| is_gauge && least >= 0.0 && high(all) <= *share),
        softness: (SOFTNESS * spread).max(1e-6 * size),
    };
    let free: Vec<f64> = values.iter().map(|value| bounds.free(*value)).collect();
    let deviation = deviation(&free);
    let (mean, deviation) = (mean(&free), if deviation > 1e-9 * size { deviation } else { size.max(1e-9) });
    let states = free.iter().map(|free| (free - mean) / deviation);
    let (low, top) = states.fold((0.0f64, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    let beyond = BEYOND * (top - low);
    Column { bounds, mean, deviation, low: low - beyond, high: top + beyond, ..column.clone() }
}

impl HostRows {
    /// The rows of a table for these columns.
    pub(super) fn of(table: &HostTable, columns: &[Column], step_secs: f64, levels: &Levels) -> Self {
        let width = columns.len();
        let step_ms = step_secs * 1000.0;
        let mut last = vec![0.0; width];
        let mut rows = Self {
            begin_ms: table.begin_ms,
            step_ms,
            width,
            values: table.values.clone(),
            x: Vec::with_capacity(table.values.len()),
            missing: table.values.iter().map(|value| !value.is_finite()).collect(),
            levels: Vec::new(),
        };
        for (n, row) in table.values.chunks_exact(width).enumerate() {
            for ((value, column), last) in row.iter().zip(columns).zip(&mut last) {
                if value.is_finite() {
                    *last = column.state(*value).clamp(column.low, column.high);
                }
                rows.x.push(*last);
            }
            let at_ms = table.begin_ms + whole_millis(number(n) * step_secs);
            rows.levels.push(levels.mean(&table.host.name, at_ms - whole_millis(step_secs), at_ms));
        }
        rows
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn x(&self, row: usize) -> &[f64] {
        &self.x[row * self.width..(row + 1) * self.width]
    }

    pub(super) fn missing(&self, row: usize) -> &[bool] {
        &self.missing[row * self.width..(row + 1) * self.width]
    }

    pub(super) fn value(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.width + column]
    }

    /// The time of a row, in milliseconds since the Unix epoch.
    pub(super) fn at_ms(&self, row: usize) -> i64 {
        self.begin_ms + whole_millis(number(row) * self.step_ms / 1000.0)
    }

    /// The time of a row, in seconds since the Unix epoch.
    pub(super) fn at_secs(&self, row: usize) -> f64 {
        (millis(self.begin_ms) + number(row) * self.step_ms) / 1000.0
    }

    /// The last states up to a row, the newest first.
    pub(super) fn history(&self, row: usize, lags: usize) -> Vec<f64> {
        (0..lags).flat_map(|lag| self.x(row.saturating_sub(lag)).iter().copied()).collect()
    }

    /// The same rows with the actions of another time.
    pub(super) fn with_shifted_actions(&self) -> Self {
        let mut shifted = self.clone();
        let by = index(0.37 * number(self.len()));
        shifted.levels.rotate_left(by);
        shifted
    }
}
