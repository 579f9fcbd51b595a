//! Effects: faults that are done for real, while a live run says that they are on.
//!
//! [`Effects`] is a task beside a run's hosts. It follows the course of the run, applies what is to be on, reads back what
//! the proxy and the packet filter say, and removes everything of its own at the end, whatever the end is. When promemu itself is gone, a
//! [`watchdog`] does that, and when that is gone, too, the next start.
//!
//! # Invariants
//!
//! - Nothing of others is touched: a toxic says in its name whose it is, and what has no name is in a [`journal`] before it
//!   is done.
//! - A reading that the run shows is what the proxy says, never what was asked of it.
//! - An effect that cannot be done, or is gone while it should be on, ends the run as failed.

mod cleanup;
mod driver;
mod journal;
pub(crate) mod outcome;
mod owner;
mod packet_filter;
mod readings;
mod session;
mod stress;
mod toxiproxy;
mod wanted;
pub mod watchdog;

use std::sync::Arc;

use promemu_core::error::Error;
use promemu_core::plan::{EffectsPlan, Plan};
use promemu_core::rng::Seed;
use promemu_core::time::Speed;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::fleet::Fleet;
use driver::Driver;

/// The effects of a run, in a task of their own.
#[derive(Debug)]
pub(crate) struct Effects {
    /// The course of the run may have changed.
    changed: Arc<Notify>,
    stop: watch::Sender<bool>,
    failure: watch::Receiver<Option<String>>,
    /// Ends with the clean-up; the error says what is left.
    task: JoinHandle<Result<(), String>>,
}

impl Effects {
    /// Refuses a run whose effects would not last as long as its faults.
    ///
    /// # Errors
    ///
    /// The run is faster or slower than the wall.
    pub(crate) fn check(fleet: &Fleet) -> Result<(), Error> {
        if fleet.plan().effects.is_none() || fleet.clock().speed() == Speed::NORMAL {
            return Ok(());
        }
        let message = "the config's faults are done for real and have no other speed; run it without --speed";
        Err(Error::Usage(message.to_owned()))
    }

    /// Refuses an edit of a run's config that needs other proxies than the run has, or the first ones.
    ///
    /// # Errors
    ///
    /// The edit asks for that.
    pub(crate) fn check_edit(running: Option<&EffectsPlan>, edited: &Plan) -> Result<(), Error> {
        let message = match (running, edited.effects.as_deref()) {
            (_, None) => return Ok(()),
            (None, Some(_)) => {
                "the edited config has faults that are done for real, for which the run was not started; start it anew"
            }
            (Some(running), Some(edited)) if running.toxiproxy == edited.toxiproxy => return Ok(()),
            _ => "toxiproxy of the config cannot change while promemu runs; start the run anew",
        };
        Err(Error::Run(message.to_owned()))
    }

    /// Starts the task; `None` for a run that only emulates.
    pub(crate) fn start(fleets: watch::Receiver<Arc<Fleet>>, seed: Seed) -> Option<Self> {
        let is_real = fleets.borrow().plan().effects.is_some();
        if !is_real {
            return None;
        }
        let changed = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let (failed, failure) = watch::channel(None);
        let driver = Driver::new(fleets, seed);
        let driving = driver.drive(Arc::clone(&changed), stopped, failed);
        let task = tokio::spawn(driving.in_current_span());
        Some(Self { changed, stop, failure, task })
    }

    /// The times of faults may have changed.
    pub(crate) fn follow(&self) {
        self.changed.notify_one();
    }

    /// The reason why an effect has failed, once one has.
    pub(crate) async fn failed(&mut self) -> String {
        let failure = match self.failure.wait_for(Option::is_some).await {
            Ok(failure) => failure.clone(),
            Err(_) => Some("effects were ended by a bug; the log has its message".to_owned()),
        };
        match failure {
            Some(why) => why,
            None => std::future::pending().await,
        }
    }

    /// Removes all effects.
    ///
    /// # Errors
    ///
    /// One has failed, or cannot be removed.
    pub(crate) async fn end(self) -> Result<(), String> {
        self.stop.send_replace(true);
        let cleaned =
            self.task.await.unwrap_or_else(|bug| Err(format!("effects were ended by a bug: {bug}")));
        let failure = self.failure.borrow().clone();
        failure.map_or(Ok(()), Err).and(cleaned)
    }
}
