//! The driver of a run's effects: it follows the course of the run, shows what is seen, and takes everything back.

use std::sync::{Arc, Weak};
use std::time::Duration;

use promemu_core::rng::Seed;
use promemu_core::time::Time;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tracing::error;

use super::cleanup;
use super::owner::Owner;
use super::readings;
use super::session::Session;
use super::toxiproxy::Proxies;
use super::wanted::Wanted;
use crate::clock::sleep_until;
use crate::fleet::Fleet;

/// Time between two looks at the proxy.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Time after which the clean-up at the end of the run begins no other attempt; the watchdog goes on with it.
const CLEANUP_PATIENCE: Duration = Duration::from_secs(10);
/// Time of the whole clean-up at the end of the run: an exchange with a proxy that hangs holds it up no longer.
const CLEANUP_MAX: Duration = Duration::from_mins(1);
/// Time of the last look at the proxy.
const LAST_LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// The driver of a run's effects.
#[derive(Debug)]
pub(super) struct Driver {
    fleets: watch::Receiver<Arc<Fleet>>,
    seed: Seed,
    owner: Owner,
    /// The values that the run shows, and the fleet that has them.
    shown: Vec<f64>,
    shown_by: Weak<Fleet>,
}

impl Driver {
    pub(super) fn new(fleets: watch::Receiver<Arc<Fleet>>, seed: Seed) -> Self {
        Self { fleets, seed, owner: Owner::new(), shown: Vec::new(), shown_by: Weak::new() }
    }

    /// Follows the run until it is stopped or an effect fails, and takes everything back. The error says what is left.
    pub(super) async fn drive(
        mut self,
        changed: Arc<Notify>,
        mut stopped: watch::Receiver<bool>,
        failed: watch::Sender<Option<String>>,
    ) -> Result<(), String> {
        let plan = self.fleet().plan().effects.clone().unwrap_or_default();
        let mut session = match Session::open(&plan, &self.owner).await {
            Ok(session) => session,
            Err(why) => {
                failed.send_replace(Some(why));
                return Ok(());
            }
        };
        let outcome = loop {
            let next = match self.step(&mut session).await {
                Ok(next) => next,
                Err(why) => break Err(why),
            };
            let clock = *self.fleet().clock();
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => break Ok(()),
                () = changed.notified() => {}
                _ = self.fleets.changed() => {}
                () = sleep_until(&clock, next) => {}
                () = sleep(LOOK_INTERVAL) => {}
            }
        };
        if let Err(why) = outcome {
            error!("{why}; the run ends");
            failed.send_replace(Some(why));
        }
        self.close(session).await
    }

    fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleets.borrow())
    }

    /// Brings what is real to what is to be on now, shows what is seen, and gives the moment at which that changes.
    async fn step(&mut self, session: &mut Session) -> Result<Time, String> {
        let fleet = self.fleet();
        let wanted = Wanted::at(fleet.plan(), &fleet.course(), self.seed, fleet.clock().now());
        let next = wanted.next;
        session.reach(wanted).await?;
        let seen = session.look().await?;
        self.show(&fleet, &seen);
        session.check(&seen)?;
        Ok(next)
    }

    fn show(&mut self, fleet: &Arc<Fleet>, seen: &Proxies) {
        let Some(plan) = &fleet.plan().effects else { return };
        if !self.shown_by.ptr_eq(&Arc::downgrade(fleet)) {
            // The hosts of another plan know no readings yet.
            (self.shown, self.shown_by) = (Vec::new(), Arc::downgrade(fleet));
        }
        let values = readings::values(plan, seen);
        readings::show(fleet, plan, &self.shown, &values);
        self.shown = values;
    }

    /// Takes everything back, and shows that.
    async fn close(&mut self, mut session: Session) -> Result<(), String> {
        session.end_loads().await;
        let cleaning = timeout(CLEANUP_MAX, cleanup::clean(session.journal.path(), CLEANUP_PATIENCE));
        let cleaned = cleaning.await.unwrap_or_else(|_| {
            Err(format!("the proxy has not done it within {}", humantime::format_duration(CLEANUP_MAX)))
        });
        if let Ok(Ok(seen)) = timeout(LAST_LOOK_PATIENCE, session.look()).await {
            self.show(&self.fleet(), &seen);
        }
        // It goes on with what is left.
        session.watchdog.release(cleaned.is_ok()).await;
        cleaned.map_err(|why| {
            let left = "effects of the run are left, which are taken back once the proxy answers";
            error!("{left}: {why}");
            format!("{left}: {why}")
        })
    }
}
