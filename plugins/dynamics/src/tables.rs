//! The tables that show the metrics of a role: one for each set of label names with the same metrics, and a row for each set of values.

use std::collections::BTreeMap;

use promemu_dynamics::numbers::index;
use promemu_dynamics::schema::{Kind, Labels, Role};
use promemu_dynamics::series::Series;
use promemu_plugin::{Family, Table, Tables};
use serde::{Deserialize, Serialize};

/// The place of each metric in tables.
#[derive(Debug)]
pub(crate) struct Layout {
    tables: Vec<TableLayout>,
}

#[derive(Debug)]
struct TableLayout {
    labels: Vec<String>,
    metrics: Vec<Metric>,
    rows: Vec<Row>,
}

/// A metric of a table: its name, and its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Metric {
    name: String,
    help: String,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Gauge,
    Counter,
    Histogram,
}

#[derive(Debug)]
struct Row {
    values: Vec<String>,
    /// For each metric of the table its origin.
    sources: Vec<Source>,
}

/// The origin of a value: columns of the role.
#[derive(Clone, Debug)]
enum Source {
    Column(usize),
    Sum(Vec<usize>),
    Histogram(Buckets),
}

/// The buckets of a histogram: their columns with their upper bounds, and the column of the sum.
#[derive(Clone, Debug, Default)]
struct Buckets {
    bounds: Vec<(f64, usize)>,
    sum: Option<usize>,
}

/// Totals that histograms have been told of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen(Vec<f64>);

impl Seen {
    pub(crate) fn of(series: &Series) -> Self {
        Self(series.values().to_vec())
    }
}

impl Layout {
    pub(crate) fn of(role: &Role) -> Self {
        let mut by_labels: BTreeMap<Labels, Vec<(Metric, Source)>> = BTreeMap::new();
        let mut put = |labels: &Labels, name: &str, help: &str, shape: Shape, source: Source| {
            let metric = Metric { name: name.to_owned(), help: help.to_owned(), shape };
            by_labels.entry(labels.clone()).or_default().push((metric, source));
        };
        let mut histograms: BTreeMap<(&str, &Labels), (&str, Buckets)> = BTreeMap::new();
        for (n, column) in role.columns.iter().enumerate() {
            let histogram = || (&*column.help, Buckets::default());
            match &column.kind {
                Kind::Gauge => {
                    put(&column.labels, &column.metric, &column.help, Shape::Gauge, Source::Column(n));
                }
                Kind::Counter => {
                    put(&column.labels, &column.metric, &column.help, Shape::Counter, Source::Column(n));
                }
                Kind::Bucket(le) => {
                    let (_, buckets) =
                        histograms.entry((&column.metric, &column.labels)).or_insert_with(histogram);
                    buckets.bounds.push((le.parse().unwrap_or(f64::INFINITY), n));
                }
                Kind::Sum => {
                    histograms.entry((&column.metric, &column.labels)).or_insert_with(histogram).1.sum =
                        Some(n);
                }
            }
        }
        for ((name, labels), (help, buckets)) in histograms {
            put(labels, name, help, Shape::Histogram, Source::Histogram(buckets));
        }
        for sum in &role.sums {
            put(&sum.labels, &sum.metric, &sum.help, Shape::Counter, Source::Sum(sum.of.clone()));
        }
        let mut tables: BTreeMap<(Vec<String>, Vec<Metric>), Vec<Row>> = BTreeMap::new();
        for (labels, mut metrics) in by_labels {
            metrics.sort_by(|a, b| a.0.cmp(&b.0));
            let (names, values) = labels.into_iter().unzip();
            let (metrics, sources) = metrics.into_iter().unzip();
            tables.entry((names, metrics)).or_default().push(Row { values, sources });
        }
        let tables =
            tables.into_iter().map(|((labels, metrics), rows)| TableLayout { labels, metrics, rows });
        Self { tables: tables.collect() }
    }

    pub(crate) fn describe(&self) -> Vec<Table> {
        let table = |(n, table): (usize, &TableLayout)| Table {
            name: format!("metrics_{n}"),
            labels: table.labels.join(","),
            rows_max: u32::try_from(table.rows.len()).unwrap_or(u32::MAX),
            families: table.metrics.iter().enumerate().map(|(n, metric)| family(metric, table, n)).collect(),
        };
        self.tables.iter().enumerate().map(table).collect()
    }

    pub(crate) fn begin(&self, now: u64, tables: &mut Tables<'_>) {
        for (table, row, own) in self.rows() {
            let values: Vec<&str> = own.values.iter().map(String::as_str).collect();
            tables.begin(table, row, now, &values);
        }
    }

    fn rows(&self) -> impl Iterator<Item = (u32, u32, &Row)> {
        (0u32..)
            .zip(&self.tables)
            .flat_map(|(table, own)| (0u32..).zip(&own.rows).map(move |(row, own)| (table, row, own)))
    }

    /// Writes the values, and observes what histograms have not been told of yet.
    pub(crate) fn write(&self, series: &Series, seen: &mut Seen, tables: &mut Tables<'_>) {
        for (table, row, own) in self.rows() {
            for (family, source) in own.sources.iter().enumerate() {
                match source {
                    Source::Column(column) => tables.set(table, row, family, series.value(*column)),
                    Source::Sum(of) => tables.set(table, row, family, series.sum(of)),
                    Source::Histogram(buckets) => {
                        let family = u32::try_from(family).unwrap_or(u32::MAX);
                        for (value, count) in buckets.observations(series, seen) {
                            tables.observe(table, row, family, value, count);
                        }
                    }
                }
            }
        }
        seen.0.copy_from_slice(series.values());
    }
}

impl Buckets {
    /// The new observations of each bucket, all at the same share of its width, so that their sum is that of the model, as far as the
    /// buckets allow.
    fn observations(&self, series: &Series, seen: &Seen) -> Vec<(f64, u64)> {
        let new = |column: usize| (series.value(column) - seen.0[column]).max(0.0);
        let mut low = self.bounds.first().map_or(0.0, |(bound, _)| bound.min(0.0));
        let mut buckets = Vec::new();
        for (bound, column) in &self.bounds {
            // Above the last bound nothing is known.
            let high = if bound.is_finite() { *bound } else { low + low.abs().max(1.0) };
            buckets.push((low, high, new(*column)));
            low = high;
        }
        let least: f64 = buckets.iter().map(|(low, _, count)| low * count).sum();
        let room: f64 = buckets.iter().map(|(low, high, count)| (high - low) * count).sum();
        let share = match self.sum {
            Some(sum) if room > 0.0 => ((new(sum) - least) / room).clamp(1e-6, 1.0),
            _ => 0.5,
        };
        let counted = buckets.into_iter().filter(|(_, _, count)| *count >= 1.0);
        counted.map(|(low, high, count)| (low + share * (high - low), index(count) as u64)).collect()
    }
}

fn family(metric: &Metric, table: &TableLayout, place: usize) -> Family {
    let Metric { name, help, shape } = metric;
    match shape {
        Shape::Gauge => Family::gauge(name, help).unrounded(),
        Shape::Counter => Family::counter(name, help).unrounded(),
        Shape::Histogram => {
            let bounds = table.rows.first().and_then(|row| match &row.sources[place] {
                Source::Histogram(buckets) => Some(buckets.bounds.iter().map(|(bound, _)| *bound)),
                _ => None,
            });
            let bounds: Vec<f64> = bounds.into_iter().flatten().filter(|bound| bound.is_finite()).collect();
            Family::histogram(name, help, &bounds)
        }
    }
}
