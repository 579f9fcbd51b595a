//! Actions that hosts have not taken yet, and the overrides that are active.

use std::sync::Arc;

use indexmap::IndexMap;

use promemu_core::event::HostId;
use promemu_core::time::Time;
use promemu_core::timeline::SentAction;

/// Maximum number of actions that wait for a host.
pub(super) const ACTIONS_WAITING_MAX: usize = 256;

/// Actions and overrides of all hosts. Overrides are of a host's metric, by its index.
#[derive(Debug, Default)]
pub(super) struct CommandQueue {
    pub(super) waiting: IndexMap<HostId, Vec<Arc<SentAction>>>,
    pub(super) overrides: IndexMap<(HostId, usize), ActiveOverride>,
}

/// An active override of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ActiveOverride {
    pub(crate) value: f64,
    /// [`Time::NEVER`] until it is released.
    pub(crate) until: Time,
}
