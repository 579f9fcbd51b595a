//! The labels that series have from their way into a Prometheus: `job`, and `instance` of a host that is a target.
//!
//! A series with a label of such a name keeps its own.

use promemu_core::plan::{HostPlan, Plan};

/// Name of the label that tells targets of one job apart.
pub(super) const INSTANCE: &str = "instance";

/// The way of the samples into a Prometheus, as far as it decides on labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetLabels {
    /// Pushed, by remote write or through a Pushgateway: `job` alone.
    #[default]
    Pushed,
    /// Each host is a target, found by `/http_sd`: its name is the `instance`, and it has a series `up`.
    Scraped,
}

impl TargetLabels {
    /// Names and values for the series of a host.
    pub(super) fn of<'p>(
        self,
        plan: &'p Plan,
        host: &'p HostPlan,
    ) -> impl Iterator<Item = (&'p str, &'p str)> {
        let has_instance = self == Self::Pushed || host.labels.get(INSTANCE).is_some();
        let instance = (!has_instance).then_some((INSTANCE, &*host.name));
        std::iter::once(("job", &*plan.jobs[host.job].name)).chain(instance)
    }
}
