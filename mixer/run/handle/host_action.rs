//! Actions of clients on all hosts that a pattern selects. An action is refused as a whole, or sent to all at one moment.

use std::sync::Arc;

use promemu_core::event::HostId;
use promemu_core::plan::{Action, HostPlan, HostSelection, unmatched_hint};
use promemu_core::time::{Span, Time};

use super::command_params::Override;
use super::error::CommandError;
use super::lookup::{NAMES_COMPARED_MAX, metric_of, shortened};
use super::value_check::{check_fall, check_value};
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;

/// A change of hosts.
#[derive(Clone, Debug, PartialEq)]
pub enum HostAction {
    /// Takes them down for this emulated time; until [`Self::Up`] if `None`.
    Down {
        /// The emulated time.
        span: Option<Span>,
    },
    /// Brings them up again.
    Up,
    /// Ends them; they may be started again.
    Stop,
    /// Starts those again that have stopped or ended.
    Start,
    /// Removes them; at least one host stays.
    Remove,
    /// Sets the value that a metric shows, of those that have the metric.
    Override {
        /// The metric's name, with its own labels if it has some.
        metric: String,
        /// The value.
        wanted: Override,
    },
    /// Lets a metric show its scenario's values again, of those that have the metric.
    Release {
        /// The metric's name, with its own labels if it has some.
        metric: String,
    },
}

/// The hosts that an action concerned, and its emulated time.
#[derive(Clone, Debug)]
pub(super) struct Acted {
    pub(super) hosts: Vec<Arc<str>>,
    pub(super) time: Time,
}

impl HostAction {
    /// Carries out the action on the selected hosts that it can concern.
    pub(super) async fn apply(self, runner: &mut FleetRunner, pattern: &str) -> Result<Acted, CommandError> {
        let fleet = Arc::clone(runner.fleet());
        let ids = self.concerned(&fleet, &selected(&fleet, pattern)?)?;
        let time = fleet.clock().now();
        let ids = match self {
            Self::Down { span } => {
                send(&fleet, time, with(ids, &Action::Down { lasts: span.unwrap_or(Span::FOREVER) }))?
            }
            Self::Up => send(&fleet, time, with(ids, &Action::Up))?,
            Self::Stop => {
                for id in &ids {
                    fleet.stop_host(*id);
                }
                ids
            }
            Self::Start => {
                for id in &ids {
                    runner.start_again(*id);
                }
                ids
            }
            Self::Override { metric, wanted } => {
                send(&fleet, time, overrides(&fleet, ids, &metric, &wanted)?)?
            }
            Self::Remove => return Ok(Acted { hosts: remove(runner, &ids, pattern).await?, time }),
            Self::Release { metric } => {
                let release = |(id, _, metric)| (id, Action::Release { metric });
                send(&fleet, time, having(&fleet, ids, &metric)?.into_iter().map(release).collect())?
            }
        };
        let hosts = ids.iter().map(|id| Arc::clone(&fleet.host(*id).name)).collect();
        Ok(Acted { hosts, time })
    }

    /// The selected hosts that it can concern, at least one: those that run, or have ended if it starts them; all if it
    /// removes them.
    fn concerned(&self, fleet: &Fleet, selected: &[HostId]) -> Result<Vec<HostId>, CommandError> {
        if *self == Self::Remove {
            return Ok(selected.to_vec());
        }
        let starts = *self == Self::Start;
        let is_concerned = |id: &HostId| {
            if starts { fleet.has_ended(*id) } else { !fleet.has_ended(*id) && !fleet.is_stopped(*id) }
        };
        let ids: Vec<HostId> = selected.iter().copied().filter(is_concerned).collect();
        if !ids.is_empty() {
            return Ok(ids);
        }
        let first = fleet.host(selected[0]).name.to_string();
        Err(match (starts, fleet.is_stopped(selected[0])) {
            (true, true) => CommandError::HostStopping(first),
            (true, false) => CommandError::HostRunning(first),
            (false, _) => CommandError::HostNotRunning(first),
        })
    }
}

/// Ends hosts at one moment and removes them; gives their names. Refused if none would be left.
pub(super) async fn remove(
    runner: &mut FleetRunner,
    ids: &[HostId],
    pattern: &str,
) -> Result<Vec<Arc<str>>, CommandError> {
    let fleet = Arc::clone(runner.fleet());
    let names: Vec<Arc<str>> = ids.iter().map(|id| Arc::clone(&fleet.host(*id).name)).collect();
    if let Some(first) = names.first().filter(|_| ids.len() == fleet.host_count()) {
        return Err(match ids.len() {
            1 => CommandError::LastHost(first.to_string()),
            count => CommandError::AllHosts { pattern: shortened(pattern), count },
        });
    }
    for id in ids {
        fleet.stop_host(*id);
    }
    for id in ids {
        runner.remove(*id).await;
    }
    Ok(names)
}

/// The hosts that the pattern selects, at least one.
pub(super) fn selected(fleet: &Fleet, pattern: &str) -> Result<Vec<HostId>, CommandError> {
    let selection = HostSelection::parse(pattern).map_err(CommandError::InvalidPattern)?;
    let ids: Vec<HostId> = fleet.ids().filter(|id| selection.matches(&fleet.host(*id))).collect();
    if !ids.is_empty() {
        return Ok(ids);
    }
    let hosts: Vec<Arc<HostPlan>> = fleet.ids().take(NAMES_COMPARED_MAX).map(|id| fleet.host(id)).collect();
    let hint = unmatched_hint(pattern, &hosts);
    Err(CommandError::NoHostSelected { pattern: shortened(pattern), hint })
}

/// The hosts that have the metric, at least one, each with the metric's index.
fn having(
    fleet: &Fleet,
    ids: Vec<HostId>,
    metric: &str,
) -> Result<Vec<(HostId, Arc<HostPlan>, usize)>, CommandError> {
    let mut found = Vec::new();
    let mut missing = None;
    for id in ids {
        let host = fleet.host(id);
        match metric_of(&host, metric) {
            Ok((index, _)) => found.push((id, Arc::clone(&host), index)),
            // The first error is told; to make one for each of many hosts costs.
            Err(error) => drop(missing.get_or_insert(error)),
        }
    }
    match missing {
        Some(error) if found.is_empty() => Err(error),
        _ => Ok(found),
    }
}

fn overrides(
    fleet: &Fleet,
    ids: Vec<HostId>,
    metric: &str,
    wanted: &Override,
) -> Result<Vec<(HostId, Action)>, CommandError> {
    let Override { value, span, may_fall } = *wanted;
    let lasts = span.unwrap_or(Span::FOREVER);
    let action = |(id, host, metric): (HostId, Arc<HostPlan>, usize)| {
        let plan = &host.shape.metrics[metric];
        check_value(plan, value)?;
        check_fall(fleet, id, plan, wanted)?;
        Ok((id, Action::Override { metric, value, lasts, may_fall }))
    };
    having(fleet, ids, metric)?.into_iter().map(action).collect()
}

fn with(ids: Vec<HostId>, action: &Action) -> Vec<(HostId, Action)> {
    ids.into_iter().map(|id| (id, action.clone())).collect()
}

/// Sends all actions as of one time.
fn send(fleet: &Fleet, time: Time, actions: Vec<(HostId, Action)>) -> Result<Vec<HostId>, CommandError> {
    let ids = actions.iter().map(|(id, _)| *id).collect();
    if fleet.send_actions(time, actions) { Ok(ids) } else { Err(CommandError::RunLogFull) }
}
