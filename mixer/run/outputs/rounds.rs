//! Pace of an output: when its rounds are, and when they end.
//!
//! Rounds are paced by the wall, however fast emulated time runs: a server and what scrapes it do not run faster. It
//! knows no protocol.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{Clock, sleep_until};
use crate::fleet::Fleet;
use promemu_core::event::METRICS_PUSHED;
use promemu_core::host::START_SPREAD;
use promemu_core::series::Job;
use promemu_core::time::{Span, Time};

/// Time limit of a push that is under way when the run is stopped.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// The first report of the host that starts last is in after this time.
const FIRST_REPORT: Span = Span::from_nanos(200_000_000);

/// An output that sends in rounds.
pub(super) trait Pusher: Send {
    /// Goes on with these jobs.
    fn replace_jobs(&mut self, jobs: &[Arc<Job>]);

    /// Claims the jobs where other runs could take them, too, before the first round.
    fn claim(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// One round; `true` if anything new arrived.
    fn round(&mut self) -> impl Future<Output = bool> + Send;

    /// Latest time of the next round, while the server is away.
    fn retry_at(&self) -> Option<Time> {
        None
    }

    /// `true` if there is to be a last round after the run was stopped.
    fn leaves_last_values(&self) -> bool {
        false
    }

    /// `true` if nobody takes anything any more, for good.
    fn is_over(&self) -> bool {
        false
    }

    /// The end of the run.
    fn finish(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// The pace of one output, and the jobs it is to bring out.
#[derive(Debug)]
pub(crate) struct Rounds {
    pub(super) fleets: watch::Receiver<Arc<Fleet>>,
    pub(super) interval: Span,
    pub(super) stopped: watch::Receiver<bool>,
    /// `true` for the one output whose pushes the hosts hear of.
    pub(super) emits_pushed: bool,
}

impl Rounds {
    /// Publishes in each interval until the run is stopped. `publish` returns `true` if there was anything new.
    pub(super) async fn publish(
        mut self,
        replace_jobs: impl Fn(&[Arc<Job>]) + Send,
        publish: impl Fn() -> bool + Send,
    ) {
        loop {
            tokio::select! {
                _ = self.stopped.changed() => return,
                Ok(()) = self.fleets.changed() => replace_jobs(&self.fleets.borrow_and_update().jobs()),
                () = tokio::time::sleep(self.interval.duration()) => {
                    if publish() {
                        self.emit_pushed();
                    }
                }
            }
        }
    }

    /// Pushes until the run is stopped, and finishes.
    pub(super) async fn push(mut self, mut pusher: impl Pusher) {
        if self.until_stopped(pusher.claim()).await.is_some() {
            self.push_until_stopped(&mut pusher).await;
        }
        if pusher.leaves_last_values() && !pusher.is_over() {
            if matches!(self.fleets.has_changed(), Ok(true)) {
                pusher.replace_jobs(&self.fleets.borrow_and_update().jobs());
            }
            let _cut_off = tokio::time::timeout(LAST_PUSH, pusher.round()).await.is_err();
        }
        pusher.finish().await;
    }

    async fn push_until_stopped(&mut self, pusher: &mut impl Pusher) {
        let first_push = first_push(self.fleets.borrow().clock());
        let clock = self.fleets.borrow().clock().real();
        let mut next_round = clock.now() + self.interval.min(first_push);
        // Besides the regular rounds, there is one when all hosts of a new fleet have started.
        let mut first_of_fleet = Time::NEVER;
        loop {
            tokio::select! {
                biased;
                _ = self.stopped.changed() => return,
                Ok(()) = self.fleets.changed() => {
                    pusher.replace_jobs(&self.fleets.borrow_and_update().jobs());
                    first_of_fleet = clock.now() + first_push;
                    continue;
                }
                () = sleep_until(&clock, next_round.min(first_of_fleet)) => {}
            }
            let Some(has_pushed) = self.until_stopped(pusher.round()).await else { return };
            if pusher.is_over() {
                return;
            }
            if has_pushed {
                self.emit_pushed();
            }
            // Rounds keep their rhythm; those that a slow server swallowed are left out.
            while next_round <= clock.now() {
                next_round += self.interval;
            }
            if first_of_fleet <= clock.now() {
                first_of_fleet = Time::NEVER;
            }
            if let Some(retry_at) = pusher.retry_at() {
                next_round = next_round.min(retry_at.max(clock.now()));
            }
        }
    }

    fn emit_pushed(&self) {
        if self.emits_pushed {
            self.fleets.borrow().publish_own(METRICS_PUSHED);
        }
    }

    /// Work with a server; `None` if the run was stopped meanwhile.
    async fn until_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            outcome = &mut work => Some(outcome),
            _ = self.stopped.changed() => {
                // A push that is dropped half-way may still arrive, after its group was deleted.
                let _is_cut_off = tokio::time::timeout(LAST_PUSH, work).await.is_err();
                None
            }
        }
    }
}

/// The time in which all hosts start and report, in real time.
fn first_push(clock: &Clock) -> Span {
    Span::from_nanos(clock.real_span(START_SPREAD).as_nanos() + FIRST_REPORT.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use promemu_core::time::Speed;

    #[test]
    fn the_first_push_comes_when_all_hosts_have_started_at_any_speed() {
        let at_speed = |speed| first_push(&Clock::start().at_speed(Speed::parse(speed).unwrap()));
        assert_eq!(at_speed("1x"), Span::from_nanos(2_200_000_000));
        assert_eq!(at_speed("20x"), Span::from_nanos(300_000_000));
        assert_eq!(at_speed("0.5x"), Span::from_nanos(4_200_000_000));
    }
}
