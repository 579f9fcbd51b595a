//! Actions that clients send to hosts, and requests to single hosts: end, start again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::event::HostId;
use promemu_core::host::{EmulatedHost, OverrideChange};
use promemu_core::plan::Action;
use promemu_core::time::Time;
use promemu_core::timeline::Targets;

use super::active_overrides::{ActiveOverride, Stage};
use super::live_fleet::Fleet;

impl Fleet {
    /// Sends an action to a host: it acts after the delay of an event, or when the host starts. Gives `false`, and
    /// sends nothing, if the run log is full.
    pub(crate) fn send_action(&self, id: HostId, action: Action) -> bool {
        self.send_actions(self.clock.now(), vec![(id, action)])
    }

    /// The same for several hosts, as of one time. Hosts that do the same share one entry of the log.
    pub(crate) fn send_actions(&self, time: Time, actions: Vec<(HostId, Action)>) -> bool {
        let mut alike: Vec<(Action, Vec<HostId>)> = Vec::new();
        for (id, action) in actions {
            match alike.iter_mut().find(|(known, _)| *known == action) {
                Some((_, ids)) => ids.push(id),
                None => alike.push((action, vec![id])),
            }
        }
        alike.into_iter().all(|(action, ids)| self.send_alike(time, action, &ids))
    }

    fn send_alike(&self, time: Time, action: Action, ids: &[HostId]) -> bool {
        let noted = match action {
            Action::Override { metric, value, lasts, .. } => Some((metric, Some((value, lasts)))),
            Action::Release { metric } => Some((metric, None)),
            _ => None,
        };
        let targets = Targets::hosts(ids.iter().map(|id| Arc::clone(&self.host(*id).name)));
        let Ok(acts_at) = self.log_action(time, &targets, action, ids) else { return false };
        let Some((metric, set)) = noted else { return true };
        let mut overrides = self.table().overrides();
        for id in ids {
            match set {
                Some((value, lasts)) => {
                    let until = acts_at + lasts;
                    let active = ActiveOverride { value, acts_at, until, stage: Stage::Sent };
                    overrides.insert((*id, metric), active);
                }
                None => {
                    if let Some(active) = overrides.get_mut(&(*id, metric)) {
                        (active.acts_at, active.stage) = (acts_at, Stage::Released);
                    }
                }
            }
        }
        true
    }

    /// Notes overrides that a host shows or has released. One that acts later stays: a client has just sent it.
    pub(super) fn note_overrides(&self, id: HostId, changes: impl Iterator<Item = OverrideChange>) {
        let mut overrides = self.table().overrides();
        for OverrideChange { metric, at, set } in changes {
            let key = (id, metric);
            if overrides.get(&key).is_some_and(|active| active.acts_at > at) {
                continue;
            }
            match set {
                Some((value, until)) => {
                    overrides.insert(key, ActiveOverride { value, acts_at: at, until, stage: Stage::Shown });
                }
                None => drop(overrides.swap_remove(&key)),
            }
        }
    }

    /// Notes the overrides that a host has when it goes on, as out of the history.
    pub(super) fn note_standing_overrides(&self, id: HostId, host: &EmulatedHost) {
        let at = self.clock.now();
        let standing = host.overrides();
        let changes =
            standing.map(|(metric, value, until)| OverrideChange { metric, at, set: Some((value, until)) });
        let mut changes = changes.peekable();
        // Most hosts have none.
        if changes.peek().is_some() {
            self.note_overrides(id, changes);
        }
    }

    /// The overrides that are active at this time, sorted by host and metric.
    pub(crate) fn active_overrides(&self, now: Time) -> Vec<(HostId, usize, ActiveOverride)> {
        let mut overrides = self.table().overrides();
        overrides.retain(|_, active| active.until > now);
        let active = overrides.iter().filter(|(_, active)| active.is_active(now));
        let mut all: Vec<_> = active.map(|((id, metric), active)| (*id, *metric, *active)).collect();
        all.sort_by_key(|(id, metric, _)| (*id, *metric));
        all
    }

    /// A metric's override that is active at this time.
    pub(crate) fn active_override(&self, id: HostId, metric: usize, now: Time) -> Option<ActiveOverride> {
        let overrides = self.table().overrides();
        overrides.get(&(id, metric)).filter(|active| active.is_active(now)).copied()
    }

    /// `true` if a running host has read all that clients have sent for the override of a metric.
    pub(crate) fn has_read_override(&self, id: HostId, metric: usize) -> bool {
        let overrides = self.table().overrides();
        overrides.get(&(id, metric)).is_none_or(|active| active.stage == Stage::Shown)
    }

    /// Takes over the overrides of a host of another fleet, and its actions that it has not read.
    pub(super) fn inherit_commands(&self, id: HostId, old: &Self, from: HostId) {
        let (mut overrides, known) = (self.table().overrides(), old.table().overrides());
        let of_host = known.iter().filter(|((host, _), _)| *host == from);
        overrides.extend(of_host.map(|((_, metric), active)| ((id, *metric), *active)));
        let has_actions = old.state(from).has_actions.load(Ordering::Acquire);
        self.state(id).has_actions.store(has_actions, Ordering::Release);
    }

    /// Forgets the overrides of a host that has ended.
    pub(super) fn forget_commands(&self, id: HostId) {
        // Most runs never have an override, and hosts end by the thousand.
        let mut overrides = self.table().overrides();
        if !overrides.is_empty() {
            overrides.retain(|(host, _), _| *host != id);
        }
    }

    /// Asks one host to end.
    pub(crate) fn stop_host(&self, id: HostId) {
        self.state(id).is_stopped.store(true, Ordering::Relaxed);
        self.mailbox(id).wake();
    }

    /// `true` if the host was asked to end.
    pub(crate) fn is_stopped(&self, id: HostId) -> bool {
        self.state(id).is_stopped.load(Ordering::Relaxed)
    }

    /// `true` if a host was stopped and may be started again.
    pub(crate) fn has_stopped_hosts(&self) -> bool {
        self.ids().any(|id| self.is_stopped(id))
    }
}
