//! Commands: the changes that a client may ask of a run. They are applied one after another, between two steps of the
//! run's loop.

use std::sync::Arc;

use promemu_core::event::HostId;
use promemu_core::plan::Action;
use promemu_core::time::{Span, Time};

use super::command_params::{LeverMove, NewHost, Override};
use super::error::CommandError;
use super::host_action::{Acted, HostAction, remove};
use super::levers::{move_lever, release_lever};
use super::lookup::{host_id, metric_of};
use super::new_host::new_host_plan;
use super::timeline;
use super::value_check::{check_fall, check_value};
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;

/// A change that a client asks of a run.
#[derive(Debug)]
pub(crate) enum Command {
    StopHost(String),
    StartHost(String),
    AddHost(NewHost),
    RemoveHost(String),
    SetOverride { host: String, metric: String, wanted: Override },
    ReleaseOverride { host: String, metric: String },
    Act { hosts: String, action: HostAction },
    MoveLever { lever: String, wanted: LeverMove },
    ReleaseLever { lever: String, hosts: Option<String> },
    SkipTo { phase: String },
    BeginFault { id: String, lasts: Option<Span> },
    EndFault { id: String },
    Emit { name: String, source: String, data: serde_json::Value },
}

/// The effect of a command.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The number of hosts that listen to the event; 0 for other commands.
    pub(crate) listeners: usize,
    /// The emulated time of the change.
    pub(crate) time: Time,
    /// The names of the hosts that an action concerned.
    pub(crate) hosts: Vec<Arc<str>>,
}

impl Command {
    /// Changes the run, or refuses and leaves it as it is.
    pub(crate) async fn apply(self, runner: &mut FleetRunner) -> Result<Outcome, CommandError> {
        let fleet = Arc::clone(runner.fleet());
        match self {
            Self::StopHost(name) => stop_host(&fleet, name)?,
            Self::StartHost(name) => {
                let id = host_id(&fleet, &name)?;
                match (fleet.has_ended(id), fleet.is_stopped(id)) {
                    (true, _) => runner.start_again(id),
                    (false, true) => return Err(CommandError::HostStopping(name)),
                    (false, false) => return Err(CommandError::HostRunning(name)),
                }
            }
            Self::AddHost(new) => {
                runner.add(new_host_plan(&fleet, &new)?);
            }
            Self::RemoveHost(name) => drop(remove(runner, &[host_id(&fleet, &name)?], &name).await?),
            Self::SetOverride { host, metric, wanted } => set_override(&fleet, &host, &metric, &wanted)?,
            Self::ReleaseOverride { host, metric } => {
                let id = host_id(&fleet, &host)?;
                let (index, _) = metric_of(&fleet.host(id), &metric)?;
                send(&fleet, id, Action::Release { metric: index })?;
            }
            Self::Act { hosts, action } => {
                let Acted { hosts, time } = action.apply(runner, &hosts).await?;
                return Ok(Outcome { listeners: 0, time, hosts });
            }
            Self::MoveLever { lever, wanted } => move_lever(&fleet, &lever, &wanted)?,
            Self::ReleaseLever { lever, hosts } => release_lever(&fleet, &lever, hosts.as_deref())?,
            Self::SkipTo { phase } => timeline::skip(&fleet, &phase)?,
            Self::BeginFault { id, lasts } => timeline::begin_fault(&fleet, &id, lasts)?,
            Self::EndFault { id } => timeline::end_fault(&fleet, &id)?,
            Self::Emit { name, source, data } => {
                let (listeners, time) = fleet.publish_from(&name, &source, data);
                return Ok(Outcome { listeners, time, hosts: Vec::new() });
            }
        }
        Ok(Outcome { listeners: 0, time: fleet.clock().now(), hosts: Vec::new() })
    }
}

fn stop_host(fleet: &Fleet, name: String) -> Result<(), CommandError> {
    let id = host_id(fleet, &name)?;
    if fleet.has_ended(id) || fleet.is_stopped(id) {
        return Err(CommandError::HostNotRunning(name));
    }
    fleet.stop_host(id);
    Ok(())
}

fn set_override(fleet: &Fleet, name: &str, metric: &str, wanted: &Override) -> Result<(), CommandError> {
    let id = host_id(fleet, name)?;
    let host = fleet.host(id);
    let (index, plan) = metric_of(&host, metric)?;
    check_value(plan, wanted.value)?;
    check_fall(fleet, id, plan, wanted)?;
    let Override { value, span, may_fall } = *wanted;
    let lasts = span.unwrap_or(Span::FOREVER);
    send(fleet, id, Action::Override { metric: index, value, lasts, may_fall })
}

fn send(fleet: &Fleet, id: HostId, action: Action) -> Result<(), CommandError> {
    let is_sent = fleet.send_action(id, action);
    is_sent.then_some(()).ok_or(CommandError::RunLogFull)
}
