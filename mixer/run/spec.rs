//! The specification of a run: everything that whoever starts one decides. It is complete and checked.

use std::sync::Arc;

use promemu_core::plan::Plan;

use crate::clock::Clock;
use crate::event_tap::EventTap;
use crate::history::History;
use crate::settings::RunSettings;
use crate::transport::ShardPart;
use crate::watch::Watch;

/// A run to start; see [`Run::start`](crate::run::Run::start).
#[derive(Debug)]
pub struct RunSpec {
    /// The run's id, unique among the runs of the process. That of the main run is
    /// [`MAIN_RUN`](promemu_core::config::MAIN_RUN).
    pub id: Arc<str>,
    /// Its hosts and jobs: of all shards, if there are several. With a history they start where that begins.
    pub plan: Plan,
    /// The shard that it is; `None` for the whole run.
    pub shard: Option<ShardPart>,
    /// Its outputs, seed and duration.
    pub settings: RunSettings,
    /// Its clock, started before the plan was made.
    pub clock: Clock,
    /// The history before it, if it has one.
    pub history: Option<History>,
    /// Its config's files, whose edits it follows; `None` if it goes on with its plan.
    pub watch: Option<Watch>,
    /// The tap of its events.
    pub events: Arc<EventTap>,
    /// `true` if its last metrics stay readable when it is over; see
    /// [`Run::last_metrics`](crate::run::Run::last_metrics).
    pub keeps_last_metrics: bool,
}
