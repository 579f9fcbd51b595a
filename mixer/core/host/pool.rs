//! The pools of a host: members that come and go, each with labels and series of its own.
//!
//! A member is a [`super::metric_set::MetricSet`] without a host's name, reports and faults; its values come from the
//! seed, its slot and its generation, and its labels are drawn in `lifecycle`. In a pool with a plugin's model (`model`)
//! it is a row of cells, and the model gives labels and values.

mod agenda;
mod draws;
mod failures;
mod lifecycle;
mod model;
mod model_rows;
mod pools;
mod slot;

pub(super) use pools::Pools;
