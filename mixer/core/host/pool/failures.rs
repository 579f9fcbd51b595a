//! Failures of a pool, each reported once.

use std::sync::Arc;

use crate::host::outbox::Outbox;

/// Maximum number of failures that are remembered; further ones to act on events are only counted.
const FAILURES_MAX: usize = 64;

/// The failures so far: metrics, the pool's name, or kinds of failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Vec<Arc<str>>);

impl Failures {
    /// Reports a failure of a metric, or of the labels, if it is the first one.
    pub(super) fn note(&mut self, name: &Arc<str>, error: String, out: &mut Outbox) {
        if !self.0.contains(name) {
            self.0.push(Arc::clone(name));
            out.failures.push((Arc::clone(name), error));
        }
    }

    /// Reports a failure to act on an event, each kind of failure once.
    pub(super) fn note_of_event(&mut self, name: &Arc<str>, error: String, out: &mut Outbox) {
        let kind: Arc<str> = format!("{name}: {error}").into();
        if self.0.len() < FAILURES_MAX && !self.0.contains(&kind) {
            self.0.push(kind);
            out.failures.push((Arc::clone(name), error));
        }
    }

    /// Takes back the outbox's failures from this one on whose metric has failed before.
    pub(super) fn keep_first(&mut self, from: usize, out: &mut Outbox) {
        let mut index = from;
        while let Some((metric, _)) = out.failures.get(index) {
            if self.0.contains(metric) {
                out.failures.swap_remove(index);
            } else {
                self.0.push(Arc::clone(metric));
                index += 1;
            }
        }
    }

    /// Number of entries kept.
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}
