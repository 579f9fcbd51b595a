//! The cells that the metrics of a host show.
//!
//! A row of them is kept. Hosts whose metrics are all gauges may do without: a gauge shows its value, rounded, unless it is
//! overridden or has no sample.

use std::borrow::Cow;

use super::{Metric, MetricValues};
use crate::metric::{ABSENT, Aggregation, is_absent};
use crate::plan::{HostShape, MetricPlan};

/// The cells of all series, as [`crate::metric`] describes them.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    Row(Box<[f64]>),
    /// Of at most 64 gauges: a bit for each that has a sample.
    Few(u64),
    /// Of more gauges.
    Many(Box<[u64]>),
}

impl Shown {
    /// No samples.
    pub(super) fn nothing(shape: &HostShape) -> Self {
        Self::Row(vec![ABSENT; shape.width].into())
    }

    /// `true` if the metric has a sample.
    #[inline]
    pub(super) fn has_sample(&self, plan: &MetricPlan, index: usize) -> bool {
        let bits = match self {
            Self::Row(row) => return !is_absent(row[plan.offset]),
            Self::Few(bits) => std::slice::from_ref(bits),
            Self::Many(bits) => bits,
        };
        bits[index / 64] & (1 << (index % 64)) != 0
    }

    /// The cell of a gauge of this value.
    #[inline]
    pub(super) fn show(&mut self, plan: &MetricPlan, index: usize, level: f64) {
        let bits = match self {
            Self::Row(row) => return row[plan.offset] = plan.rounding.round(level),
            Self::Few(bits) => std::slice::from_mut(bits),
            Self::Many(bits) => bits,
        };
        bits[index / 64] |= 1 << (index % 64);
    }

    /// Removes the sample of a metric.
    pub(super) fn hide(&mut self, plan: &MetricPlan, index: usize) {
        let bits = match self {
            Self::Row(row) => {
                return row[plan.offset..plan.offset + plan.cells.sample_width()].fill(ABSENT);
            }
            Self::Few(bits) => std::slice::from_mut(bits),
            Self::Many(bits) => bits,
        };
        bits[index / 64] &= !(1 << (index % 64));
    }

    /// The cells of one metric; `None` for a gauge of a host that keeps no row.
    pub(super) fn cells_mut(&mut self, plan: &MetricPlan) -> Option<&mut [f64]> {
        match self {
            Self::Row(row) => Some(&mut row[plan.offset..plan.offset + plan.cells.width()]),
            Self::Few(_) | Self::Many(_) => None,
        }
    }
}

impl MetricValues {
    /// The first cell of a metric.
    pub(super) fn first_cell(&self, plan: &MetricPlan, index: usize) -> f64 {
        match &self.shown {
            Shown::Row(row) => row[plan.offset],
            _ => gauge_cell(&self.shown, plan, index, &self.metrics[index]),
        }
    }

    /// The cells of all series, as [`crate::metric`] describes them.
    pub(in crate::host) fn row(&self, shape: &HostShape) -> Cow<'_, [f64]> {
        match &self.shown {
            Shown::Row(row) => Cow::Borrowed(row),
            shown => {
                let gauges = shape.metrics.iter().zip(&self.metrics).enumerate();
                gauges.map(|(index, (plan, metric))| gauge_cell(shown, plan, index, metric)).collect()
            }
        }
    }

    /// The same where they are kept; empty after [`Self::shed_row`].
    pub(in crate::host) fn kept_row(&self) -> &[f64] {
        match &self.shown {
            Shown::Row(row) => row,
            Shown::Few(_) | Shown::Many(_) => &[],
        }
    }

    /// Gives back the memory of the row if what it shows follows from the values of the metrics.
    pub(in crate::host) fn shed_row(&mut self, shape: &HostShape) {
        let is_gauge = |plan: &MetricPlan| matches!(plan.cells.aggregation(), Aggregation::Gauge);
        if self.rare.is_some() || shape.replay.is_some() || !shape.metrics.iter().all(is_gauge) {
            return;
        }
        let mut bits = vec![0; shape.metrics.len().div_ceil(64).max(1)];
        for (index, plan) in shape.metrics.iter().enumerate() {
            bits[index / 64] |= u64::from(self.shown.has_sample(plan, index)) << (index % 64);
        }
        self.shown = match bits[..] {
            [few] => Shown::Few(few),
            _ => Shown::Many(bits.into()),
        };
    }

    /// Shows these cells of all series, but for those that are overridden.
    pub(in crate::host) fn show_row(&mut self, shape: &HostShape, cells: &[f64]) {
        let overridden: Vec<usize> = match &self.rare {
            Some(rare) => rare.overrides.iter().map(|(metric, ..)| metric).collect(),
            None => Vec::new(),
        };
        let Shown::Row(row) = &mut self.shown else { return };
        for (index, (plan, metric)) in shape.metrics.iter().zip(&mut self.metrics).enumerate() {
            let own = plan.offset..plan.offset + plan.cells.width();
            if !is_absent(cells[own.start]) {
                metric.level = cells[own.start];
            }
            if !overridden.contains(&index) {
                row[own.clone()].copy_from_slice(&cells[own]);
            }
        }
    }

    /// Keeps the row, as a gauge is about to show something else than its value.
    pub(super) fn keep_row(&mut self, shape: &HostShape) {
        if !matches!(self.shown, Shown::Row(_)) {
            self.shown = Shown::Row(self.row(shape).into_owned().into());
        }
    }
}

fn gauge_cell(shown: &Shown, plan: &MetricPlan, index: usize, metric: &Metric) -> f64 {
    if shown.has_sample(plan, index) { plan.rounding.round(metric.level) } else { ABSENT }
}
