//! The overrides that are active, as clients and events have set them.

use indexmap::IndexMap;

use promemu_core::event::HostId;
use promemu_core::time::Time;

/// Overrides by host and metric, an index into the host's.
pub(super) type ActiveOverrides = IndexMap<(HostId, usize), ActiveOverride>;

/// An active override of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ActiveOverride {
    pub(crate) value: f64,
    /// The moment from which it counts.
    pub(crate) acts_at: Time,
    /// [`Time::NEVER`] until it is released.
    pub(crate) until: Time,
    pub(crate) stage: Stage,
}

/// The way of an override from the client that sent it to its host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    /// Its host has not read it.
    Sent,
    /// The metric shows it.
    Shown,
    /// It is released, but its host has not read that.
    Released,
}

impl ActiveOverride {
    /// `true` if it is active at this time.
    pub(super) fn is_active(&self, now: Time) -> bool {
        self.until > now && self.stage != Stage::Released
    }
}
