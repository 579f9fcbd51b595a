//! Hosts that are alike as one repeated host, and series of a metric that are alike as one repeated metric.
//!
//! Records of the same shape become one whose numbers are the same for all, or a list by host, by series, or both.

use indexmap::IndexMap;

use crate::call::{Call, HIGH, LOW};
use crate::inventory::Labels;
use crate::metric_fit::MetricFit;
use crate::statistics::sorted;

/// A host with its fitted metrics.
#[derive(Debug)]
pub(crate) struct HostFit {
    pub(crate) name: String,
    pub(crate) job: String,
    pub(crate) labels: Labels,
    /// Seconds from one sample to the next, of most of its series.
    pub(crate) sample_secs: f64,
    pub(crate) metrics: Vec<MetricFit>,
}

/// Hosts that are alike.
#[derive(Debug)]
pub(crate) struct HostGroup {
    pub(crate) hosts: Vec<HostHead>,
    pub(crate) job: String,
    pub(crate) sample_secs: f64,
    pub(crate) metrics: Vec<MetricGroup>,
    /// Metrics of single hosts that differ, by the place of the host.
    pub(crate) overrides: Vec<(usize, Vec<MetricGroup>)>,
}

/// Name and labels of a host in a group.
#[derive(Debug)]
pub(crate) struct HostHead {
    pub(crate) name: String,
    pub(crate) labels: Labels,
}

/// Series of a metric that are alike.
#[derive(Debug)]
pub(crate) struct MetricGroup {
    pub(crate) name: String,
    /// The labels of each row.
    pub(crate) rows: Vec<Labels>,
    pub(crate) record: Call,
    /// The numbers of the record, in the order of its text.
    pub(crate) cells: Vec<Cell>,
    pub(crate) measured: String,
}

/// A number for all, or several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Same(f64),
    ByRow(Vec<f64>),
    ByHost(Vec<f64>),
    /// By host, then by row.
    ByBoth(Vec<Vec<f64>>),
}

/// Rows that are fewer stand for themselves.
const ROWS_MIN: usize = 3;
/// The most items of a list in an expression, and so of rows or hosts whose labels differ.
const ITEMS_MAX: usize = 500;
/// A list with more numbers cannot be read: their median stands for them.
const LIST_MAX: usize = 64;
/// Numbers that differ by this share, or less, are the same.
const SAME: f64 = 0.01;

/// Groups hosts of the same job and metrics.
pub(crate) fn group(hosts: Vec<HostFit>) -> Vec<HostGroup> {
    let mut groups: IndexMap<String, Vec<HostFit>> = IndexMap::new();
    for host in hosts {
        let key = key(&host);
        groups.entry(key).or_default().push(host);
    }
    let mut all = Vec::new();
    for mut hosts in groups.into_values() {
        while hosts.len() > ITEMS_MAX {
            let rest = hosts.split_off(ITEMS_MAX);
            all.push(group_of(hosts));
            hosts = rest;
        }
        all.push(group_of(hosts));
    }
    all
}

/// A text that hosts of one group share.
fn key(host: &HostFit) -> String {
    let labels: Vec<&str> = host.labels.iter().map(|(name, _)| &**name).collect();
    let metrics: Vec<(&str, &Labels)> =
        host.metrics.iter().map(|metric| (&*metric.name, &metric.labels)).collect();
    format!("{:?} {labels:?} {} {metrics:?}", host.job, host.sample_secs)
}

fn group_of(hosts: Vec<HostFit>) -> HostGroup {
    let count = hosts.first().map_or(0, |host| host.metrics.len());
    let (mut alike, mut overrides): (Vec<Column<'_>>, IndexMap<usize, Vec<MetricGroup>>) =
        (Vec::new(), IndexMap::new());
    for place in 0..count {
        let fits: Vec<&MetricFit> = hosts.iter().filter_map(|host| host.metrics.get(place)).collect();
        let (column, others) = column(&fits);
        alike.push(column);
        for host in others {
            let row = rows(vec![Column { fits: vec![fits[host]], shape: fits[host].record.shape() }]);
            overrides.entry(host).or_default().extend(row);
        }
    }
    let (job, sample_secs) =
        hosts.first().map(|host| (host.job.clone(), host.sample_secs)).unwrap_or_default();
    let metrics = rows(alike);
    let mut overrides: Vec<(usize, Vec<MetricGroup>)> = overrides.into_iter().collect();
    overrides.sort_by_key(|(host, _)| *host);
    let hosts = hosts.into_iter().map(|host| HostHead { name: host.name, labels: host.labels }).collect();
    HostGroup { hosts, job, sample_secs, metrics, overrides }
}

/// A series of all hosts, in the shape that most of them have. A host of another shape has the fit of a neighbour here.
struct Column<'f> {
    fits: Vec<&'f MetricFit>,
    shape: String,
}

/// The column of a series, and the hosts of other shapes.
fn column<'f>(fits: &[&'f MetricFit]) -> (Column<'f>, Vec<usize>) {
    let mut shapes: IndexMap<String, Vec<usize>> = IndexMap::new();
    for (host, fit) in fits.iter().enumerate() {
        shapes.entry(fit.record.shape()).or_default().push(host);
    }
    // Of several the first one.
    let most = shapes.values().map(Vec::len).max().unwrap_or_default();
    let Some((shape, members)) = shapes.iter().find(|(_, members)| members.len() == most) else {
        return (Column { fits: fits.to_vec(), shape: String::new() }, Vec::new());
    };
    let stand_in = members.first().map(|host| fits[*host]);
    let is_member = |host: &usize| members.contains(host);
    let own = (0..fits.len())
        .map(|host| if is_member(&host) { fits[host] } else { stand_in.unwrap_or(fits[host]) });
    let others = (0..fits.len()).filter(|host| !is_member(host)).collect();
    (Column { fits: own.collect(), shape: shape.clone() }, others)
}

/// Columns of one metric and shape as rows of one group.
fn rows(columns: Vec<Column<'_>>) -> Vec<MetricGroup> {
    let mut groups: IndexMap<(String, Vec<String>, String), Vec<Column<'_>>> = IndexMap::new();
    for column in columns {
        let Some(fit) = column.fits.first() else { continue };
        let names = fit.labels.iter().map(|(name, _)| name.clone()).collect();
        groups.entry((fit.name.clone(), names, column.shape.clone())).or_default().push(column);
    }
    let mut all = Vec::new();
    for columns in groups.into_values() {
        if columns.len() >= ROWS_MIN {
            all.extend(columns.chunks(ITEMS_MAX).filter_map(metric_group));
        } else {
            all.extend(columns.into_iter().filter_map(|column| metric_group(&[column])));
        }
    }
    all
}

fn metric_group(rows: &[Column<'_>]) -> Option<MetricGroup> {
    let first = *rows.first()?.fits.first()?;
    // By row, then by host, then by place.
    let numbers: Vec<Vec<Vec<f64>>> =
        rows.iter().map(|row| row.fits.iter().map(|fit| numbers_of(&fit.record)).collect()).collect();
    let table = |place: usize| -> Vec<Vec<f64>> {
        numbers.iter().map(|row| row.iter().map(|host| host[place]).collect()).collect()
    };
    let fields: Vec<(usize, &str)> =
        first.record.numbers().into_iter().map(|(field, _)| field).enumerate().collect();
    // The numbers of a list, as quantiles that must not fall, are told in one way.
    let cells: Vec<Cell> = fields
        .chunk_by(|(_, field), (_, next)| field == next)
        .flat_map(|list| {
            let tables: Vec<_> = list.iter().map(|(place, _)| table(*place)).collect();
            cells(list[0].1, &tables)
        })
        .collect();
    let mut measured: Vec<&str> = Vec::new();
    for fit in rows.iter().flat_map(|row| &row.fits) {
        if !measured.contains(&&*fit.measured) {
            measured.push(&fit.measured);
        }
    }
    let more = measured.len() - 1;
    let measured = match more {
        0 => first.measured.clone(),
        _ => format!("{}, and the like", first.measured),
    };
    Some(MetricGroup {
        name: first.name.clone(),
        rows: rows.iter().filter_map(|row| Some(row.fits.first()?.labels.clone())).collect(),
        record: first.record.clone(),
        cells,
        measured,
    })
}

fn numbers_of(record: &Call) -> Vec<f64> {
    record.numbers().into_iter().map(|(_, number)| number).collect()
}

/// The cells of a field's numbers, each by row and host.
fn cells(field: &str, tables: &[Vec<Vec<f64>>]) -> Vec<Cell> {
    let each = |cell: &dyn Fn(&[Vec<f64>]) -> Cell| tables.iter().map(|table| cell(table)).collect();
    let all = |is_so: &dyn Fn(&[Vec<f64>]) -> bool| tables.iter().all(|table| is_so(table));
    let flat = |table: &[Vec<f64>]| table.iter().flatten().copied().collect::<Vec<f64>>();
    let (rows, hosts) =
        tables.first().map_or((0, 0), |table| (table.len(), table.first().map_or(0, Vec::len)));
    let of_host = |table: &[Vec<f64>], host: usize| table.iter().map(|row| row[host]).collect::<Vec<f64>>();
    let by_row = |table: &[Vec<f64>]| Cell::ByRow(table.iter().map(|row| middle(field, row)).collect());
    if all(&|table| are_same(field, &flat(table))) {
        return each(&|table| Cell::Same(middle(field, &flat(table))));
    }
    if rows <= LIST_MAX && all(&|table| table.iter().all(|row| are_same(field, row))) {
        return each(&by_row);
    }
    if hosts <= LIST_MAX && all(&|table| (0..hosts).all(|host| are_same(field, &of_host(table, host)))) {
        let of_hosts =
            |table: &[Vec<f64>]| (0..hosts).map(|host| middle(field, &of_host(table, host))).collect();
        return each(&|table| Cell::ByHost(of_hosts(table)));
    }
    if rows * hosts <= LIST_MAX {
        return each(&|table| Cell::ByBoth((0..hosts).map(|host| of_host(table, host)).collect()));
    }
    if rows > 1 && rows <= LIST_MAX {
        each(&by_row)
    } else {
        each(&|table| Cell::Same(middle(field, &flat(table))))
    }
}

/// `true` if one number can stand for all. Values that stand still must be right.
fn are_same(field: &str, numbers: &[f64]) -> bool {
    let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let is_exact = matches!(field, "default_value" | "decimals");
    if is_exact { high.to_bits() == low.to_bits() } else { high - low <= SAME * high.abs().max(low.abs()) }
}

/// The number that stands for all: the median, or one that leaves room for all.
fn middle(field: &str, numbers: &[f64]) -> f64 {
    let numbers = sorted(numbers);
    match field {
        "decimals" | HIGH => numbers.last().copied().unwrap_or_default(),
        LOW => numbers.first().copied().unwrap_or_default(),
        // One of them, not a number between two.
        _ => numbers.get(numbers.len().saturating_sub(1) / 2).copied().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_or_lists_by_row_by_host_or_both() {
        let of = |tables: &[&[&[f64]]]| {
            let tables: Vec<Vec<Vec<f64>>> =
                tables.iter().map(|table| table.iter().map(|row| row.to_vec()).collect()).collect();
            cells("step", &tables)
        };
        let cell = |table: &[&[f64]]| of(&[table]).remove(0);
        assert_eq!(cell(&[&[100.0, 100.5], &[100.2, 100.0]]), Cell::Same(100.0));
        assert_eq!(cell(&[&[1.0, 1.0], &[2.0, 2.0]]), Cell::ByRow(vec![1.0, 2.0]));
        assert_eq!(cell(&[&[1.0, 3.0], &[1.0, 3.0]]), Cell::ByHost(vec![1.0, 3.0]));
        assert_eq!(cell(&[&[1.0, 3.0], &[2.0, 4.0]]), Cell::ByBoth(vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
        let many: Vec<f64> = (0..65).map(f64::from).collect();
        assert_eq!(cell(&[&many]), Cell::Same(32.0));
        // The first number alone is the same.
        let list = of(&[&[&[10.0, 10.01]], &[&[10.0, 20.0]]]);
        assert_eq!(list, [Cell::ByHost(vec![10.0, 10.01]), Cell::ByHost(vec![10.0, 20.0])]);
        let middles = ["low", "high", "step"].map(|field| middle(field, &[3.0, 1.0, 2.0]).to_bits());
        assert_eq!(middles, [1.0, 3.0, 2.0].map(f64::to_bits));
    }

    #[test]
    fn more_rows_or_hosts_than_a_list_has_items_are_several_groups() {
        let metric = |n: usize| MetricFit {
            name: "size".to_owned(),
            labels: vec![("n".to_owned(), n.to_string())],
            record: Call::new("Metric", Vec::new()),
            measured: "constant".to_owned(),
            sample_secs: None,
        };
        let host = |n: usize, metrics: usize| HostFit {
            name: format!("web-{n}"),
            job: "web".to_owned(),
            labels: Vec::new(),
            sample_secs: 15.0,
            metrics: (0..metrics).map(metric).collect(),
        };
        let rows = &group(vec![host(0, 1_001)])[0].metrics;
        assert_eq!(rows.iter().map(|group| group.rows.len()).collect::<Vec<_>>(), [500, 500, 1]);
        let hosts = group((0..501).map(|n| host(n, 1)).collect());
        assert_eq!(hosts.iter().map(|group| group.hosts.len()).collect::<Vec<_>>(), [500, 1]);
    }
}
