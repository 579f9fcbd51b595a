//! Health of an output, as the status report shows it.
//!
//! Shared between the output's task, which writes it, and the status, which reads it. It decides nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

use crate::status::OutputHealth;
use promemu_core::time::Time;

/// Health of one output.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    pushes: u64,
    last_push: Option<Time>,
    away_since: Option<Time>,
    /// The reason for being away.
    last_error: Option<String>,
    refused: IndexMap<Arc<str>, String>,
}

impl Health {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a push that arrived.
    pub(super) fn pushed(&self, at: Time) {
        let mut state = self.state();
        state.pushes += 1;
        state.last_push = Some(at);
    }

    /// The server is away, for this reason.
    pub(super) fn set_away(&self, since: Time, error: String) {
        let mut state = self.state();
        (state.away_since, state.last_error) = (Some(since), Some(error));
    }

    /// The server is back.
    pub(super) fn set_back(&self) {
        let mut state = self.state();
        (state.away_since, state.last_error) = (None, None);
    }

    /// `true` while the server is away.
    pub(super) fn is_away(&self) -> bool {
        self.state().away_since.is_some()
    }

    /// The server refuses a job, for this reason; `None` if it takes the job again.
    pub(super) fn set_refused(&self, job: &Arc<str>, reason: Option<&str>) {
        let mut state = self.state();
        match reason {
            Some(reason) => drop(state.refused.insert(Arc::clone(job), reason.to_owned())),
            None => drop(state.refused.shift_remove(job)),
        }
    }

    /// The status at this time.
    #[must_use]
    pub fn status(&self, at: Time) -> OutputHealth {
        let state = self.state();
        OutputHealth {
            pushes: state.pushes,
            last_push: state.last_push.map(Time::rfc3339),
            away_for: state.away_since.map(|since| at.since(since).as_secs_f64()),
            last_error: state.last_error.clone(),
            refused: state.refused.iter().map(|(job, reason)| (job.to_string(), reason.clone())).collect(),
        }
    }
}
