//! Identities of counters that a model keeps by construction: sums, and parts of a constant sum.

use promemu_dynamics::schema::{Column, Kind, Parts};

/// A counter whose increases are the sum of those of two others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SumOf {
    pub(super) sum: usize,
    pub(super) of: [usize; 2],
}

/// Shares of a constant sum scatter no more than this around it.
const CONSTANT: f64 = 0.02;

/// The sums among whole counters; `rows` have the rate of each column, or NaN.
pub(super) fn sums(columns: &[Column], rows: &[&[f64]]) -> Vec<SumOf> {
    let is_counter = |n: &usize| columns[*n].kind == Kind::Counter && columns[*n].is_whole;
    let totals: Vec<f64> =
        (0..columns.len()).map(|n| rows.iter().map(|row| row[n]).filter(|x| x.is_finite()).sum()).collect();
    let counters: Vec<usize> = (0..columns.len()).filter(is_counter).filter(|n| totals[*n] > 0.0).collect();
    let mut found: Vec<SumOf> = Vec::new();
    for sum in &counters {
        let pairs = counters.iter().flat_map(|a| counters.iter().map(move |b| (*a, *b)));
        let is_pair = |(a, b): &(usize, usize)| {
            a < b
                && a != sum
                && b != sum
                && (totals[*a] + totals[*b] - totals[*sum]).abs() <= 1e-3 * totals[*sum]
        };
        let is_part =
            |n: usize, found: &[SumOf]| found.iter().any(|own| own.sum == n || own.of.contains(sum));
        let holds = |(a, b): &(usize, usize)| {
            let differs =
                |row: &&&[f64]| (row[*a] + row[*b] - row[*sum]).abs() > 1e-6 * row[*sum].abs().max(1e-9);
            !is_part(*a, &found) && !is_part(*b, &found) && !rows.iter().any(|row| differs(&row))
        };
        if let Some((a, b)) = pairs.filter(is_pair).find(holds) {
            found.push(SumOf { sum: *sum, of: [a, b] });
        }
    }
    found
}

/// Counters of one metric by `mode` whose rates have a constant sum.
pub(super) fn parts(columns: &[Column], rows: &[&[f64]]) -> Vec<Parts> {
    let of_mode = |column: &Column| {
        let has_mode = column.kind == Kind::Counter && column.labels.iter().any(|(name, _)| name == "mode");
        let others = column.labels.iter().filter(|(name, _)| name != "mode").cloned().collect::<Vec<_>>();
        has_mode.then(|| (column.metric.clone(), others))
    };
    let mut groups: std::collections::BTreeMap<_, Vec<usize>> = std::collections::BTreeMap::new();
    for (n, column) in columns.iter().enumerate() {
        if let Some(key) = of_mode(column) {
            groups.entry(key).or_default().push(n);
        }
    }
    let constant = |of: Vec<usize>| {
        let sums = rows.iter().map(|row| of.iter().map(|n| row[*n]).sum::<f64>());
        let sums: Vec<f64> = sums.filter(|sum| sum.is_finite()).collect();
        let (mean, deviation) = (crate::statistics::mean(&sums), crate::statistics::deviation(&sums));
        (of.len() > 1 && mean > 0.0 && deviation < CONSTANT * mean).then_some(Parts { of, sum: mean })
    };
    groups.into_values().filter_map(constant).collect()
}
