//! One metric of a host.

use std::sync::Arc;

use crate::expression::Formula;
use crate::metric::{Aggregation, Cells, Distribution, Rounding};
use crate::scenario::ScenarioPlan;
use crate::series::LabelBlock;

/// One metric of a host.
#[derive(Debug)]
pub struct MetricPlan {
    /// The name.
    pub name: Arc<str>,
    /// The family, as an index into [`super::Plan::families`].
    pub family: usize,
    /// Cells that its values are aggregated into.
    pub cells: Cells,
    /// First cell in the host's row.
    pub offset: usize,
    /// Bounds that values are clamped to.
    pub value_range: (f64, f64),
    /// The value before the first update.
    pub default_value: f64,
    /// Rounding of shown values.
    pub rounding: Rounding,
    /// Index into [`super::HostShape::schedules`].
    pub schedule: usize,
    /// Its own labels, after the host's.
    pub labels: LabelBlock,
    /// The scenario that makes its values.
    pub scenario: ScenarioPlan,
    /// Source of a relay, as an index into the shape's metrics; it comes before this one.
    pub source: Option<usize>,
    /// The metrics that its formulas read, as indices into the shape's.
    pub links: Vec<usize>,
    /// Condition for a sample.
    pub when: Option<Formula>,
    /// Number of observations in an update of a histogram or summary; one if `None`.
    pub observations: Option<Formula>,
    /// Distribution of an update's observations; all equal the value if `None`.
    pub spread: Option<ObservationDistribution>,
}

impl MetricPlan {
    /// `true` if an update only clamps and rounds the scenario's value.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.source.is_none()
            && self.links.is_empty()
            && self.when.is_none()
            && self.observations.is_none()
            && matches!(self.cells.aggregation(), Aggregation::Gauge)
    }
}

/// Metrics are equal if they behave in the same way; families are numbered anew in each plan.
impl PartialEq for MetricPlan {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            name,
            family: _,
            cells,
            offset,
            value_range,
            default_value,
            rounding,
            schedule,
            labels,
            scenario,
            source,
            links,
            when,
            observations,
            spread,
        } = self;
        *name == other.name
            && *cells == other.cells
            && *offset == other.offset
            && *value_range == other.value_range
            && default_value.to_bits() == other.default_value.to_bits()
            && *rounding == other.rounding
            && *schedule == other.schedule
            && *labels == other.labels
            && *scenario == other.scenario
            && *source == other.source
            && *links == other.links
            && *when == other.when
            && *observations == other.observations
            && *spread == other.spread
    }
}

/// The distribution of an update's observations.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservationDistribution {
    /// The kind of distribution.
    pub kind: DistributionKind,
    /// Median, over the scenario's new value; that value if `None`.
    pub median: Option<Formula>,
    /// 0.99 quantile.
    pub p99: Option<Formula>,
}

impl ObservationDistribution {
    /// `true` if a formula reads `dt`, the time since the last update.
    #[must_use]
    pub fn uses_dt(&self) -> bool {
        [&self.median, &self.p99].into_iter().flatten().any(Formula::uses_dt)
    }

    /// The distribution with this median and 0.99 quantile.
    #[must_use]
    pub fn distribution(&self, median: f64, p99: f64) -> Distribution {
        match self.kind {
            DistributionKind::Normal => Distribution::normal(median, p99),
            DistributionKind::LogNormal => Distribution::lognormal(median, p99),
            DistributionKind::Exponential => Distribution::exponential(median),
            DistributionKind::Bimodal(share) => Distribution::bimodal(median, p99, share),
        }
    }
}

/// The kind of a distribution of observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DistributionKind {
    /// Symmetric around the median.
    Normal,
    /// Logarithms symmetric around the median's.
    LogNormal,
    /// Exponential; the median determines it.
    Exponential,
    /// Two humps, with this share of observations in the upper one.
    Bimodal(f64),
}
