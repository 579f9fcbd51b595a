//! Actions that clients send to hosts, and requests to single hosts: end, start again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use promemu_core::event::HostId;
use promemu_core::plan::Action;
use promemu_core::time::Time;
use promemu_core::timeline::SentAction;

use super::command_queue::{ACTIONS_WAITING_MAX, ActiveOverride};
use super::live_fleet::Fleet;

/// The source of actions that clients send.
const CLIENT_SOURCE: &str = "api";

impl Fleet {
    /// Sends an action to a host: it acts after the delay of an event, or when the host starts. Gives `false`, and
    /// sends nothing, if too many actions wait for the host.
    pub(crate) fn send_action(&self, id: HostId, action: Action) -> bool {
        self.send_action_at(self.clock.now(), id, action)
    }

    /// The same for an action that several hosts get, as of one time.
    pub(crate) fn send_action_at(&self, time: Time, id: HostId, action: Action) -> bool {
        let mut commands = self.table().commands();
        let waiting = commands.waiting.entry(id).or_default();
        if waiting.len() >= ACTIONS_WAITING_MAX {
            return false;
        }
        let sequence = self.counters.own_events.fetch_add(1, Ordering::Relaxed);
        let sent = SentAction { action, time, source: CLIENT_SOURCE.into(), sequence };
        let acts_at = sent.acts_at();
        let noted = match sent.action {
            Action::Override { metric, value, lasts, .. } => {
                Some((metric, Some(ActiveOverride { value, until: acts_at + lasts })))
            }
            Action::Release { metric } => Some((metric, None)),
            _ => None,
        };
        waiting.push(Arc::new(sent));
        match noted {
            Some((metric, Some(active))) => drop(commands.overrides.insert((id, metric), active)),
            Some((metric, None)) => drop(commands.overrides.swap_remove(&(id, metric))),
            None => {}
        }
        drop(commands);
        self.state(id).has_commands.store(true, Ordering::Release);
        self.mailbox(id).wake();
        true
    }

    /// Takes the actions that wait for a host.
    pub(crate) fn take_actions(&self, id: HostId) -> Vec<Arc<SentAction>> {
        let has_some = self.state(id).has_commands.swap(false, Ordering::Acquire);
        let waiting = has_some.then(|| self.table().commands().waiting.swap_remove(&id));
        waiting.flatten().unwrap_or_default()
    }

    /// The overrides that are active at this time, sorted by host and metric.
    pub(crate) fn active_overrides(&self, now: Time) -> Vec<(HostId, usize, ActiveOverride)> {
        let mut commands = self.table().commands();
        commands.overrides.retain(|_, active| active.until > now);
        let active = commands.overrides.iter();
        let mut all: Vec<_> = active.map(|((id, metric), active)| (*id, *metric, *active)).collect();
        all.sort_by_key(|(id, metric, _)| (*id, *metric));
        all
    }

    /// A metric's override that is active at this time.
    pub(crate) fn active_override(&self, id: HostId, metric: usize, now: Time) -> Option<ActiveOverride> {
        let commands = self.table().commands();
        commands.overrides.get(&(id, metric)).filter(|active| active.until > now).copied()
    }

    /// Takes over the commands and overrides of a host of another fleet.
    pub(super) fn inherit_commands(&self, id: HostId, old: &Self, from: HostId) {
        let (mut commands, mut known) = (self.table().commands(), old.table().commands());
        let overrides = known.overrides.iter().filter(|((host, _), _)| *host == from);
        commands.overrides.extend(overrides.map(|((_, metric), active)| ((id, *metric), *active)));
        if let Some(waiting) = known.waiting.swap_remove(&from) {
            commands.waiting.insert(id, waiting);
            self.state(id).has_commands.store(true, Ordering::Release);
        }
    }

    /// Forgets the commands and overrides of a host that has ended.
    pub(super) fn forget_commands(&self, id: HostId) {
        // Most runs never have a command, and hosts end by the thousand.
        let mut commands = self.table().commands();
        if !commands.overrides.is_empty() || !commands.waiting.is_empty() {
            commands.overrides.retain(|(host, _), _| *host != id);
            commands.waiting.swap_remove(&id);
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
