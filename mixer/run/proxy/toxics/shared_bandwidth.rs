//! `shared_bandwidth`: all connections of a proxy together pass only so many bytes in a second.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::super::stage::{Stage, Timed};
use super::bandwidth::throttle;

/// The parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct SharedBandwidth {
    /// Rate of all connections in one direction, in kB/s; no limit if it is 0 or negative.
    rate: i64,
}

#[derive(Debug)]
pub(super) struct SharedThrottle {
    rate: Option<u64>,
    /// The time at which the bytes of all connections so far have passed.
    free_at: Arc<Mutex<Instant>>,
}

impl SharedBandwidth {
    pub(super) fn stage(&self, free_at: Arc<Mutex<Instant>>) -> SharedThrottle {
        SharedThrottle { rate: u64::try_from(self.rate).ok().filter(|rate| *rate > 0), free_at }
    }
}

impl Stage for SharedThrottle {
    fn take(&mut self, timed: Timed, out: &mut Vec<Timed>) {
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        throttle(self.rate, &mut free_at, timed, out);
    }
}
