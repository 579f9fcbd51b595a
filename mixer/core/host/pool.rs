//! The pools of a host: members that come and go, each with labels and series of its own.
//!
//! A member is a [`super::metric_set::MetricSet`] without a host's name, reports and faults. Its values come from
//! the seed, its slot and its generation; its labels are drawn in `lifecycle`, or given by a plugin's model (`model`).

mod agenda;
mod draws;
mod lifecycle;
mod model;
mod pools;
mod slot;

pub(super) use pools::Pools;
