//! Readiness of a process: from when a scrape is not empty.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::fleet::Fleet;

/// Readiness of the main run, if there is to be one. It turns `true` once and stays so.
#[derive(Debug)]
pub(crate) struct Readiness {
    awaits_main: bool,
    main: OnceLock<watch::Receiver<Arc<Fleet>>>,
}

impl Readiness {
    /// A process that waits for a main run, or one that is ready at once.
    pub(super) const fn new(awaits_main: bool) -> Self {
        Self { awaits_main, main: OnceLock::new() }
    }

    /// The main run has these fleets, one after the other.
    pub(super) fn follow(&self, fleets: watch::Receiver<Arc<Fleet>>) {
        let _is_first = self.main.set(fleets).is_ok();
    }

    /// `true` if all hosts of the main run that are due have reported, or there is none.
    pub(super) fn is_ready(&self) -> bool {
        let has_reported = |fleets: &watch::Receiver<Arc<Fleet>>| {
            let fleet = Arc::clone(&fleets.borrow());
            fleet.has_reported()
        };
        !self.awaits_main || self.main.get().is_some_and(has_reported)
    }
}
