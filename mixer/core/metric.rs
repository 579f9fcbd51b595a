//! Metric types, and how a scenario's value becomes the cells of a series.
//!
//! A series is a run of cells (`f64`) in its host's row. Its [`Layout`] describes them: one cell for a gauge or a
//! counter, one per bucket and the sum for a histogram. [`ABSENT`] in the first cell means that the series has no
//! sample. Nothing here knows a config or an output format.

mod aggregation;
mod cells;
mod distribution;
mod histogram_quantile;
mod layout;
mod metric_type;
mod native;
mod observations;
pub mod promql;
mod rate;
mod recent;
mod rounding;
mod states;

pub use aggregation::{Accumulate, Aggregation};
pub use cells::{Cells, Update};
pub use distribution::Distribution;
pub use histogram_quantile::histogram_quantile;
pub use layout::{
    ABSENT, Buckets, Exemplar, Kind, Layout, Quantiles, buckets, is_absent, native_histogram, quantiles,
    whole,
};
pub use metric_type::MetricType;
pub use native::{BucketSpan, NativeBuckets, NativeHistogram, NativeLayout, SCHEMAS, bucket_of, upper_bound};
pub use rate::rate;
pub use rounding::Rounding;
pub use states::{Counter, StateIndexes, States};

/// The largest number of observations that one update makes.
pub const OBSERVATIONS_MAX: f64 = 1e6;

/// The default upper bounds of a histogram's buckets: `client_golang`'s `DefBuckets`.
pub const DEFAULT_BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
