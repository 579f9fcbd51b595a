//! Health of an output, as the status report shows it.
//!
//! Shared between the output's task, which writes it, and the status, which reads it. It decides nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::sleep;

use super::reads::Reads;
use crate::status::OutputHealth;
use promemu_core::time::Time;

/// Time between two looks at the number of pushes.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Health of one output.
#[derive(Debug, Default)]
pub struct Health {
    state: Mutex<State>,
    /// The reads of a page; `None` for an output that sends.
    reads: Option<Arc<Reads>>,
}

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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Health of a page.
    pub(super) fn of_page(reads: Arc<Reads>) -> Self {
        Self { reads: Some(reads), ..Self::default() }
    }

    /// Waits until the present values were read or sent, if any were before.
    pub(super) async fn shown_again(&self) {
        if let Some(reads) = &self.reads {
            return reads.next().await;
        }
        let pushes = || self.state().pushes;
        let before = pushes();
        while before > 0 && pushes() == before && !self.is_away() {
            sleep(LOOK_INTERVAL).await;
        }
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
