//! The levers of a run, as clients see and move them.

use std::sync::Arc;

use indexmap::IndexMap;

use promemu_core::error::suggestion;
use promemu_core::event::DELIVERY_DELAY;
use promemu_core::plan::{Action, HostSelection, RunPart};
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{HostLevers, LoggedAction, RunLog, Targets};

use super::command_params::LeverMove;
use super::commands::Command;
use super::error::CommandError;
use super::host_action::selected;
use super::lookup::shortened;
use super::run_handle::RunHandle;
use super::views::{LeverHostsView, LeverOverrideView, LeverView};
use crate::fleet::Fleet;

/// The most hosts whose levers are compared.
const HOSTS_COMPARED_MAX: usize = 10_000;
/// The most pairs of a host and a move that are compared.
const COMPARISONS_MAX: usize = 100_000;
/// The most hosts of a value that are named.
const HOSTS_NAMED_MAX: usize = 10;
/// The most values of a lever besides that of all hosts.
const GROUPS_MAX: usize = 100;

impl RunHandle {
    /// The levers of the run, in the config's order.
    #[must_use]
    pub fn levers(&self) -> Vec<LeverView> {
        self.levers_at(self.fleet().clock().now())
    }

    fn levers_at(&self, now: Time) -> Vec<LeverView> {
        let (fleet, log) = (self.fleet(), self.fleet().run_log());
        let everywhere = everywhere(&fleet, &log);
        let levers = fleet.plan().levers.iter().enumerate();
        let view = |(index, lever): (usize, &promemu_core::plan::LeverPlan)| LeverView {
            name: lever.name.to_string(),
            default: lever.default,
            value: everywhere.at(index, now),
            by_hosts: by_hosts(&fleet, &log, (index, now), everywhere.at(index, now)),
            faults: active_faults(&fleet, index, now),
            overrides: overrides(&log, index, now),
        };
        levers.map(view).collect()
    }

    /// A lever by its name, as it is when what was sent by now has begun to act.
    pub fn moved_lever(&self, name: &str) -> Result<LeverView, CommandError> {
        let fleet = self.fleet();
        lever_index(&fleet, name)?;
        let levers = self.levers_at(fleet.clock().now() + DELIVERY_DELAY);
        let found = levers.into_iter().find(|lever| lever.name == name);
        found.ok_or_else(|| unknown_lever(&fleet, name))
    }

    /// Moves a lever, whatever faults do.
    pub async fn move_lever(&self, lever: &str, wanted: LeverMove) -> Result<(), CommandError> {
        self.ask(Command::MoveLever { lever: lever.to_owned(), wanted }).await.map(drop)
    }

    /// Lets a lever follow the config again, for all hosts or those of a pattern.
    pub async fn release_lever(&self, lever: &str, hosts: Option<String>) -> Result<(), CommandError> {
        self.ask(Command::ReleaseLever { lever: lever.to_owned(), hosts }).await.map(drop)
    }

    /// All that came to the run from outside of its hosts so far, for a
    /// [backfill](promemu_core::backfill::Backfill::with_log) that gives the same values.
    #[must_use]
    pub fn run_log(&self) -> RunLog {
        self.fleet().run_log()
    }
}

/// Carries out a move of a lever.
pub(super) fn move_lever(fleet: &Fleet, name: &str, wanted: &LeverMove) -> Result<(), CommandError> {
    let lever = lever_index(fleet, name)?;
    let LeverMove { value, span, hosts } = wanted;
    let action = Action::Lever { lever, value: *value, lasts: span.unwrap_or(Span::FOREVER) };
    send(fleet, hosts.as_deref(), action)
}

/// Carries out the release of a lever.
pub(super) fn release_lever(fleet: &Fleet, name: &str, hosts: Option<&str>) -> Result<(), CommandError> {
    let lever = lever_index(fleet, name)?;
    send(fleet, hosts, Action::ReleaseLever { lever })
}

fn send(fleet: &Fleet, hosts: Option<&str>, action: Action) -> Result<(), CommandError> {
    let targets = match hosts {
        None => Targets::All,
        Some(pattern) => {
            selected(fleet, pattern)?;
            Targets::Selected(HostSelection::parse(pattern).map_err(CommandError::InvalidPattern)?)
        }
    };
    fleet.change_run(fleet.clock().now(), &targets, action).map(drop).map_err(|_| CommandError::RunLogFull)
}

fn lever_index(fleet: &Fleet, name: &str) -> Result<usize, CommandError> {
    let levers = &fleet.plan().levers;
    levers.iter().position(|lever| *lever.name == *name).ok_or_else(|| unknown_lever(fleet, name))
}

fn unknown_lever(fleet: &Fleet, name: &str) -> CommandError {
    let known: Vec<&str> = fleet.plan().levers.iter().map(|lever| &*lever.name).collect();
    let hint = if known.is_empty() { "; the config has none".to_owned() } else { suggestion(name, &known) };
    CommandError::UnknownLever { name: shortened(name), hint }
}

/// The levers of a host that no pattern matches.
fn everywhere(fleet: &Fleet, log: &RunLog) -> HostLevers {
    let plan = fleet.plan();
    let faults = plan.faults.iter().filter(|fault| fault.hosts.is_none()).cloned().collect();
    let timeline = Arc::clone(&plan.timeline);
    let part = Arc::new(RunPart { levers: Arc::clone(&plan.levers), faults, shown: Vec::new(), timeline });
    let mut levers = HostLevers::new(part, fleet.planned_course());
    for logged in log.actions().iter().filter(|logged| logged.targets == Targets::All) {
        levers.apply(&logged.sent);
    }
    levers
}

/// The values of a lever that are not `everywhere`, each with its hosts.
fn by_hosts(
    fleet: &Fleet,
    log: &RunLog,
    (lever, now): (usize, Time),
    everywhere: f64,
) -> Vec<LeverHostsView> {
    let is_move = |logged: &&LoggedAction| match logged.sent.action {
        Action::Lever { lever: moved, .. } | Action::ReleaseLever { lever: moved } => moved == lever,
        _ => false,
    };
    let moves: Vec<&LoggedAction> = log.actions().iter().filter(is_move).collect();
    let hosts_max = (COMPARISONS_MAX / moves.len().max(1)).min(HOSTS_COMPARED_MAX);
    // Hosts of one part that the same moves reach have the same value.
    let mut known: IndexMap<(*const RunPart, Vec<usize>), f64> = IndexMap::new();
    let mut groups: IndexMap<u64, LeverHostsView> = IndexMap::new();
    for (_, host) in fleet.hosts().take(hosts_max) {
        let Some(part) = host.run.as_ref().filter(|part| !part.levers.is_empty()) else { continue };
        let reaching = moves.iter().enumerate().filter(|(_, logged)| logged.targets.reach(&host));
        let reaching: Vec<usize> = reaching.map(|(index, _)| index).collect();
        let value = *known.entry((Arc::as_ptr(part), reaching)).or_insert_with_key(|(_, reaching)| {
            let mut levers = HostLevers::new(Arc::clone(part), fleet.planned_course());
            let of_timeline = log.actions().iter().filter(|logged| logged.sent.action.is_of_timeline());
            of_timeline.for_each(|logged| levers.apply(&logged.sent));
            for index in reaching {
                levers.apply(&moves[*index].sent);
            }
            levers.at(lever, now)
        });
        if value.to_bits() == everywhere.to_bits() {
            continue;
        }
        let group = groups.entry(value.to_bits());
        let group = group.or_insert_with(|| LeverHostsView { value, count: 0, hosts: Vec::new() });
        group.count += 1;
        if group.hosts.len() < HOSTS_NAMED_MAX {
            group.hosts.push(host.name.to_string());
        }
    }
    groups.into_values().take(GROUPS_MAX).collect()
}

/// The ids of the faults that change a lever now.
fn active_faults(fleet: &Fleet, lever: usize, now: Time) -> Vec<String> {
    let course = fleet.course();
    let plan = fleet.plan();
    let faults = plan.faults.iter().filter(|fault| {
        course.window(fault.timed(), now).is_some()
            && fault.changes.iter().any(|change| change.lever == lever)
    });
    faults.map(|fault| fault.id.to_string()).collect()
}

/// The values that were set by hand or by events and hold now, for each selection of hosts the newest one.
fn overrides(log: &RunLog, lever: usize, now: Time) -> Vec<LeverOverrideView> {
    let mut newest: Vec<(&Targets, Option<LeverOverrideView>)> = Vec::new();
    for logged in log.actions() {
        let view = match logged.sent.action {
            Action::Lever { lever: moved, value, lasts } if moved == lever => {
                let until = Some(logged.sent.acts_at() + lasts).filter(|until| *until != Time::NEVER);
                until.is_none_or(|until| now < until).then(|| LeverOverrideView {
                    hosts: match &logged.targets {
                        Targets::All => "*".to_owned(),
                        Targets::Selected(hosts) => hosts.to_string(),
                        Targets::Named(names) => names.join(", "),
                    },
                    value,
                    until: until.map(Time::rfc3339),
                    until_unix: until.map(Time::unix_millis_secs),
                })
            }
            Action::ReleaseLever { lever: moved } if moved == lever => None,
            _ => continue,
        };
        // A move for all hosts replaces everything before it.
        newest.retain(|(targets, _)| logged.targets != Targets::All && **targets != logged.targets);
        newest.push((&logged.targets, view));
    }
    newest.into_iter().filter_map(|(_, view)| view).collect()
}
