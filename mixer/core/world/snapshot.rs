//! Copies of worlds in the middle of their run, to go on from again and again.

use std::sync::Arc;

use super::batch::{State, WorldBatch};
use super::layout::Layout;
use crate::error::Error;
use crate::time::Time;

/// The state of a world, or of all worlds of a batch, at one moment. From there the same future follows, as long as the
/// same is done to it.
#[derive(Debug)]
pub struct Snapshot {
    layout: Arc<Layout>,
    state: State,
}

impl Snapshot {
    /// The emulated time at which it was taken.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.state.now()
    }
}

impl WorldBatch {
    /// Copies the state of all worlds. The error names the host, and its metric or pool whose plugin does not save its
    /// state.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(Snapshot { layout: Arc::clone(self.layout()), state: self.state()? })
    }

    /// Goes back, or on, to a snapshot of this batch, which can be used again. Nothing changes if it fails.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        if !Arc::ptr_eq(self.layout(), &snapshot.layout) {
            return Err(Error::Run("snapshot is of another world; restore it there".to_owned()));
        }
        self.put_state(snapshot.state.try_clone()?);
        Ok(())
    }
}
