//! The rows of one series in one part of time.

use std::ops::Range;

use indexmap::IndexMap;
use promemu_core::rng::Seed;
use promemu_wire::prepared::{Column, ColumnKind};
use promemu_wire::samples::ReadSeries;

use super::actions::{ActionTime, names_on};
use super::augment::copied;
use super::cells::{Grid, levels, rates};
use super::features::feature;
use super::impute::impute;
use super::learned::SeriesLearned;
use super::outliers::flags;
use super::scaling::transformed;
use super::spec::{Part, PrepareSpec, Transform};
use super::split::{Stretch, part_at};
use crate::load::Floats;

/// Counts of the steps.
pub(super) type Counts = IndexMap<String, u64>;

/// A part of time with all that its rows depend on.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    spec: &'a PrepareSpec,
    stretches: &'a [Stretch],
    grid: Grid,
    /// Places of its own cells; others are around them.
    own: Range<usize>,
    /// Names of the actions that are on, and the part, of each cell.
    actions: Vec<String>,
    parts: Vec<Part>,
}

/// A series on the grid.
#[derive(Debug)]
pub(super) struct Cleaned {
    pub(super) values: Vec<f64>,
    is_gap: Vec<bool>,
    is_imputed: Vec<bool>,
    is_outlier: Vec<bool>,
}

/// The columns of rows.
pub(super) fn columns(spec: &PrepareSpec) -> Vec<(String, ColumnKind)> {
    let mut columns =
        vec![("timestamp", ColumnKind::Time), ("metric", ColumnKind::Text), ("labels", ColumnKind::Text)];
    if spec.augment.is_some() {
        columns.push(("copy", ColumnKind::Whole));
    }
    columns.extend([
        ("value", ColumnKind::Number),
        ("is_gap", ColumnKind::Flag),
        ("is_imputed", ColumnKind::Flag),
        ("is_outlier", ColumnKind::Flag),
        ("action", ColumnKind::Text),
        ("part", ColumnKind::Text),
    ]);
    let features = spec.features.iter().map(|feature| (feature.column.clone(), ColumnKind::Number));
    columns.into_iter().map(|(name, kind)| (name.to_owned(), kind)).chain(features).collect()
}

impl<'a> Chain<'a> {
    /// The part with rows in this range.
    pub(super) fn new(
        spec: &'a PrepareSpec,
        stretches: &'a [Stretch],
        actions: &[ActionTime],
        (from_ms, to_ms): (i64, i64),
    ) -> Self {
        let steps = |steps: usize| i64::try_from(steps).unwrap_or(0) * spec.step_ms;
        let around = (from_ms - steps(spec.steps_before()), to_ms + steps(spec.steps_after()));
        let grid = Grid::over(spec.step_ms, around);
        let own = grid.place_from(from_ms)..grid.place_from(to_ms);
        let times = || (0..grid.len).map(|place| grid.at_ms(place));
        Self {
            actions: times().map(|at| names_on(actions, at - spec.step_ms, at)).collect(),
            parts: times().map(|at| part_at(stretches, at)).collect(),
            spec,
            stretches,
            grid,
            own,
        }
    }

    /// The time of the samples that it needs: after the first, until the second.
    pub(super) fn needs_ms(spec: &PrepareSpec, (from_ms, to_ms): (i64, i64)) -> (i64, i64) {
        let steps = |steps: usize| i64::try_from(steps).unwrap_or(0) * spec.step_ms;
        let before = steps(spec.steps_before() + 1) + spec.rate_reach_ms();
        (from_ms - before, to_ms + steps(spec.steps_after() + 1))
    }

    /// The values of the grid; NaN for gaps. Resets and samples of own cells are counted.
    pub(super) fn aligned(&self, samples: &Floats, is_counter: bool, counts: &mut Counts) -> Vec<f64> {
        let is_own = |at: i64| self.grid.place(at).is_some_and(|place| self.own.contains(&place));
        add(counts, "extract.samples", samples.iter().filter(|(at, _)| is_own(*at)).count());
        if !is_counter {
            return levels(samples, &self.grid);
        }
        let found = rates(samples, &self.grid, self.spec.rate_reach_ms());
        add(counts, "clean.resets", found.resets.iter().filter(|place| self.own.contains(place)).count());
        found.values
    }

    /// `true` if an own cell has a value.
    pub(super) fn has_values(&self, values: &[f64]) -> bool {
        values[self.own.clone()].iter().any(|value| !value.is_nan())
    }

    /// Own values of training before a time.
    pub(super) fn of_training(&self, values: &[f64], until_ms: i64) -> impl Iterator<Item = f64> {
        self.own
            .clone()
            .filter(move |place| self.parts[*place] == Part::Train && self.grid.at_ms(*place) < until_ms)
            .map(|place| values[place])
            .filter(|value| !value.is_nan())
    }

    /// Flags outliers, fills gaps, and transforms.
    pub(super) fn cleaned(
        &self,
        series: &ReadSeries,
        mut values: Vec<f64>,
        learned: &SeriesLearned,
        counts: &mut Counts,
    ) -> Cleaned {
        let own = |flags: &[bool]| flags[self.own.clone()].iter().filter(|flag| **flag).count();
        let mut is_outlier = vec![false; values.len()];
        if let Some(outliers) = self.spec.outliers {
            is_outlier = flags(&values, (learned.center, learned.width), outliers.z);
            let is_on: Vec<bool> = self.actions.iter().map(|names| !names.is_empty()).collect();
            let is_gone = |place: usize| is_outlier[place] && outliers.is_removed && !is_on[place];
            let gone: Vec<bool> = (0..values.len()).map(is_gone).collect();
            let during: Vec<bool> = is_outlier.iter().zip(&is_on).map(|(flag, on)| *flag && *on).collect();
            for (value, _) in values.iter_mut().zip(&gone).filter(|(_, is_gone)| **is_gone) {
                *value = f64::NAN;
            }
            add(counts, "clean.outliers", own(&is_outlier));
            add(counts, "clean.outliers_removed", own(&gone));
            add(counts, "clean.outliers_during_actions", own(&during));
        }
        let is_gap: Vec<bool> = values.iter().map(|value| value.is_nan()).collect();
        add(counts, "clean.gaps", own(&is_gap));
        let mut is_imputed = vec![false; values.len()];
        if let Some(wanted) = self.spec.impute {
            is_imputed = impute(&mut values, wanted);
            add(counts, "clean.imputed", own(&is_imputed));
        }
        if let Some(by) = self.transform(series) {
            let before = self.present(&values);
            for value in &mut values {
                *value = transformed(*value, by);
            }
            add(counts, "features.outside_of_domain", before - self.present(&values));
        }
        Cleaned { values, is_gap, is_imputed, is_outlier }
    }

    fn transform(&self, series: &ReadSeries) -> Option<Transform> {
        let of_series = self.spec.transforms.iter().find(|(selector, _)| selector.matches(series));
        of_series.map(|(_, transform)| *transform)
    }

    /// Number of own values.
    fn present(&self, values: &[f64]) -> usize {
        values[self.own.clone()].iter().filter(|value| !value.is_nan()).count()
    }

    /// The rows of a series and of its copies.
    pub(super) fn rows(
        &self,
        series: &ReadSeries,
        mut cleaned: Cleaned,
        learned: &SeriesLearned,
        counts: &mut Counts,
    ) -> Vec<Vec<Column>> {
        if self.spec.scale.is_some() {
            let before = self.present(&cleaned.values);
            cleaned.values.iter_mut().for_each(|value| *value = (*value - learned.zero) / learned.unit);
            add(counts, "features.without_scale", before - self.present(&cleaned.values));
        }
        for part in [Part::Train, Part::Validation, Part::Test, Part::Unused] {
            let rows = self.parts[self.own.clone()].iter().filter(|own| **own == part).count();
            add(counts, &format!("split.{}", part.name()), rows);
        }
        let all: Vec<usize> = self.own.clone().collect();
        let mut rows = vec![self.table(series, &cleaned, &cleaned.values, (0, &all))];
        if let Some(augment) = self.spec.augment {
            let training: Vec<usize> =
                all.into_iter().filter(|place| self.parts[*place] == Part::Train).collect();
            for copy in 1..=augment.copies {
                let seed = Seed::new(augment.seed)
                    .child(&series.metric)
                    .child(&series.label_text())
                    .child_of_bytes(&copy.to_le_bytes());
                let around = (&self.grid, self.stretches);
                let values = copied(&cleaned.values, around, &augment, (seed, learned.deviation));
                rows.push(self.table(series, &cleaned, &values, (i64::from(copy), &training)));
                add(counts, "augment.rows", training.len());
            }
        }
        rows
    }

    fn table(
        &self,
        series: &ReadSeries,
        cleaned: &Cleaned,
        values: &[f64],
        (copy, places): (i64, &[usize]),
    ) -> Vec<Column> {
        let flags = |flags: &[bool]| Column::Flags(places.iter().map(|place| flags[*place]).collect());
        let numbers = |numbers: &[f64]| Column::Numbers(places.iter().map(|place| numbers[*place]).collect());
        let one = |text: String| Column::Texts(vec![(text, places.len())]);
        let texts = |text: &dyn Fn(usize) -> String| {
            Column::Texts(places.iter().map(|place| (text(*place), 1)).collect())
        };
        let mut columns = vec![
            Column::Times(places.iter().map(|place| self.grid.at_ms(*place)).collect()),
            one(series.metric.clone()),
            one(series.label_text()),
        ];
        if self.spec.augment.is_some() {
            columns.push(Column::Whole(vec![copy; places.len()]));
        }
        columns.extend([
            numbers(values),
            flags(&cleaned.is_gap),
            flags(&cleaned.is_imputed),
            flags(&cleaned.is_outlier),
            texts(&|place| self.actions[place].clone()),
            texts(&|place| self.parts[place].name().to_owned()),
        ]);
        columns.extend(self.spec.features.iter().map(|own| numbers(&feature(values, own.kind))));
        columns
    }
}

/// Adds to a count.
pub(super) fn add(counts: &mut Counts, name: &str, count: usize) {
    match counts.get_mut(name) {
        Some(own) => *own += count as u64,
        None => drop(counts.insert(name.to_owned(), count as u64)),
    }
}
