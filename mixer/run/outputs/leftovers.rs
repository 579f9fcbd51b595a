//! Clean-up after outputs that end before they are driven: the run is stopped, or another output fails, while they start.
//!
//! An output that is dropped cannot wait for its server. It leaves that work here, and the run is over when it is done.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Time limit of all clean-up together.
const PATIENCE: Duration = Duration::from_secs(5);

/// Clean-up that is under way.
#[derive(Debug, Default)]
pub(crate) struct Leftovers(Mutex<JoinSet<()>>);

impl Leftovers {
    /// Begins some clean-up, which is cut off when the run is over.
    pub(crate) fn clean_up(&self, work: impl Future<Output = ()> + Send + 'static) {
        // Without a runtime there is no run.
        if let Ok(runtime) = Handle::try_current() {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn_on(work, &runtime);
        }
    }

    /// Waits until all that was begun is done.
    pub(crate) async fn are_gone(&self) {
        let mut begun = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let _is_cut_off =
            timeout(PATIENCE, async { while begun.join_next().await.is_some() {} }).await.is_err();
    }
}
