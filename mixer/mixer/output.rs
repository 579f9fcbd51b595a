//! Where the jobs go, and the loop that brings them there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::hosts::Fleet;
use super::{RunSettings, sleep_until};
use crate::clock::{Clock, Span, Time};
use crate::error::Error;
use crate::event::METRICS_PUSHED;
use crate::host::START_SPREAD;
use crate::self_metrics::SelfMetrics;
use crate::sink::Health;
use crate::sink::http::HttpOptions;
use crate::sink::pushgateway::{PushgatewayClient, PushgatewaySink, RunInfo};
use crate::sink::scrape::{Publisher, ScrapeSink};

/// How long a push that is under way at the end may take before it is dropped.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// So long after the last host has begun, its first report is in.
const FIRST_REPORT: Span = Span::from_nanos(200_000_000);

/// Where the jobs go.
#[derive(Debug)]
pub(super) enum Output {
    Pushgateway(Box<PushgatewaySink>),
    Embedded(ScrapeSink),
}

impl Output {
    /// Looks at the gateway, or takes the address to serve at.
    pub(super) async fn open(
        fleet: &Fleet,
        settings: &RunSettings,
        own: &Arc<SelfMetrics>,
    ) -> Result<Self, Error> {
        let own = Arc::clone(own);
        if settings.embedded {
            return Ok(Self::Embedded(ScrapeSink::bind(&settings.pushgateway_url, fleet.jobs(), own).await?));
        }
        let (url, options) = (settings.pushgateway_url.clone(), HttpOptions::default());
        let client = PushgatewayClient::new(url, &options, settings.push_timeout)?;
        let owner = RunInfo::new(&fleet.plan().config, settings.push.interval);
        let push = settings.push.clone();
        let mut sink = PushgatewaySink::new(client, fleet.jobs(), owner, push, fleet.clock().real(), own);
        sink.start().await?;
        Ok(Self::Pushgateway(Box::new(sink)))
    }

    pub(super) fn health(&self) -> &Arc<Health> {
        match self {
            Self::Pushgateway(sink) => sink.health(),
            Self::Embedded(sink) => sink.health(),
        }
    }

    pub(super) const fn scrape_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Embedded(sink) => Some(sink.address()),
            Self::Pushgateway(_) => None,
        }
    }

    /// Pushes, or serves, the newest fleet's jobs until `stopped`; then ends what is under way and cleans up.
    pub(super) async fn drive(
        self,
        fleets: watch::Receiver<Arc<Fleet>>,
        interval: Span,
        stopped: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        match self {
            Self::Pushgateway(mut sink) => {
                push_until_stopped(&mut sink, fleets, interval, stopped).await;
                sink.finish().await;
                Ok(())
            }
            Self::Embedded(sink) => {
                let (publisher, serving) = sink.serve();
                tokio::select! {
                    outcome = serving => outcome,
                    () = publish_until_stopped(&publisher, fleets, interval, stopped) => Ok(()),
                }
            }
        }
    }
}

async fn publish_until_stopped(
    publisher: &Publisher,
    mut fleets: watch::Receiver<Arc<Fleet>>,
    interval: Span,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            Ok(()) = fleets.changed() => publisher.replace_jobs(fleets.borrow_and_update().jobs()),
            () = tokio::time::sleep(interval.duration()) => {
                if publisher.publish() {
                    fleets.borrow().publish_own(METRICS_PUSHED);
                }
            }
        }
    }
}

/// When all hosts have begun and reported, in real time from their start.
fn first_push(clock: &Clock) -> Span {
    Span::from_nanos(clock.real_span(START_SPREAD).as_nanos() + FIRST_REPORT.as_nanos())
}

/// Rounds are paced by the wall, however fast emulated time runs: the gateway and what scrapes it do not run
/// faster.
async fn push_until_stopped(
    sink: &mut PushgatewaySink,
    mut fleets: watch::Receiver<Arc<Fleet>>,
    interval: Span,
    mut stopped: watch::Receiver<bool>,
) {
    let first_push = first_push(fleets.borrow().clock());
    let clock = fleets.borrow().clock().real();
    let mut next_round = clock.now() + interval.min(first_push);
    // Beside the rhythm, there is one round more when all hosts of a new fleet have begun.
    let mut first_of_fleet = Time::NEVER;
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            Ok(()) = fleets.changed() => {
                sink.replace_jobs(fleets.borrow_and_update().jobs());
                first_of_fleet = clock.now() + first_push;
                continue;
            }
            () = sleep_until(&clock, next_round.min(first_of_fleet)) => {}
        }
        let pushed = {
            let mut round = std::pin::pin!(sink.round());
            tokio::select! {
                pushed = &mut round => pushed,
                _ = stopped.changed() => {
                    // A push that is dropped half-way may still arrive, after its group was deleted.
                    let _is_cut_off = tokio::time::timeout(LAST_PUSH, round).await.is_err();
                    break;
                }
            }
        };
        if pushed > 0 {
            fleets.borrow().publish_own(METRICS_PUSHED);
        }
        // Rounds keep their rhythm; those that a slow gateway swallowed are left out.
        while next_round <= clock.now() {
            next_round += interval;
        }
        if first_of_fleet <= clock.now() {
            first_of_fleet = Time::NEVER;
        }
        if let Some(retry_at) = sink.retry_at() {
            next_round = next_round.min(retry_at.max(clock.now()));
        }
    }
    if !sink.cleans_up() {
        if matches!(fleets.has_changed(), Ok(true)) {
            sink.replace_jobs(fleets.borrow_and_update().jobs());
        }
        let _cut_off = tokio::time::timeout(LAST_PUSH, sink.round()).await.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Speed;

    #[test]
    fn the_first_push_comes_when_all_hosts_have_begun_at_any_speed() {
        let at_speed = |speed| first_push(&Clock::start().at_speed(Speed::parse(speed).unwrap()));
        assert_eq!(at_speed("1x"), Span::from_nanos(2_200_000_000));
        assert_eq!(at_speed("20x"), Span::from_nanos(300_000_000));
        assert_eq!(at_speed("0.5x"), Span::from_nanos(4_200_000_000));
    }
}
