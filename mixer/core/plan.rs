//! The plan: a run with every name resolved and every number checked. Data only.
//!
//! Hosts made from one template share their [`HostShape`], so a plan of 66 667 hosts with 15 metrics each
//! is 66 667 small [`HostPlan`]s and one shape. A plan knows neither configs nor how a run shows its state.

mod accepts;
mod action;
mod changes;
mod curve;
mod effects;
mod event_share;
mod host;
mod lever;
mod listener;
mod memory;
mod metric;
mod phase;
mod run;
mod run_fault;
mod selection;
mod selection_hint;
mod shape;
mod shard;
mod spare_rows;
mod store;
mod verdict;

pub use accepts::Accepts;
pub use action::Action;
pub use changes::Changes;
pub use curve::Curve;
pub use effects::{
    DOWN, EffectsPlan, LOSS_ATTRIBUTES, NewProxy, OUTCOME_LEVERS, OUTCOMES, PACKET_LOSS, Reading, TOXICITY,
    TRUTH_HOST, ToxiproxyPlan,
};
pub use event_share::{EventShare, LISTENERS_PER_SEC_MAX};
pub(crate) use event_share::{LEVER, share_events};
pub use host::{HostPlan, HostSetup};
pub use lever::{ChangeBy, LeverChange, LeverPlan};
pub use listener::{Condition, Listener};
pub use metric::{DistributionKind, MetricPlan, ObservationDistribution};
pub use phase::{PhaseChange, PhasePlan, TimedEvent, TimelineFrom, TimelinePlan};
pub use run::{JobPlan, Plan, RunDefaults};
pub use run_fault::{RunFault, RunPart, Truth};
pub use selection::HostSelection;
pub use selection_hint::unmatched_hint;
pub use shape::{HostShape, ModelPlan, PoolPlan, PoolSize, ReusePolicy, Schedule};
pub use shard::Shard;
pub use spare_rows::SpareRows;
pub use verdict::{AlertSelection, QUERY_RUNS, Scope, Verdict, VerdictPlan};
