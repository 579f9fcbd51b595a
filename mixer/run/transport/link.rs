//! The state of the connection to the bus, what it carries, and the end to send with.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_nats::Event as LinkEvent;
use promemu_core::error::Error;
use prometheus::{IntCounter, IntGauge};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use super::message::Payload;
use crate::self_metrics::SelfMetrics;

/// Sends messages to the other shards. It never waits.
#[derive(Clone, Debug)]
pub(crate) struct BusSender {
    pub(super) outgoing: mpsc::Sender<Outgoing>,
    pub(super) tally: BusTally,
}

impl BusSender {
    /// Sends what other shards need; what `is_kept` also to those that come later. What finds no room is lost, and counted.
    pub(crate) fn send(&self, payload: Payload, is_kept: bool) {
        if self.outgoing.try_send(Outgoing { payload, is_kept }).is_err() {
            self.tally.lost.inc();
        }
    }

    pub(crate) fn count_received(&self, is_late: bool) {
        self.tally.received.inc();
        self.tally.late.inc_by(u64::from(is_late));
    }
}

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) payload: Payload,
    /// `true` for one that also those get that come later.
    pub(super) is_kept: bool,
}

/// The state of the connection.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) server: String,
    pub(super) tally: BusTally,
    is_away: AtomicBool,
    /// Number of lost messages when it went away.
    lost_before: AtomicU64,
    /// The number of times that it has come back.
    returns: watch::Sender<u64>,
}

/// The traffic of the bus, as promemu's own metrics.
#[derive(Clone, Debug)]
pub(super) struct BusTally {
    pub(super) sent: IntCounter,
    pub(super) received: IntCounter,
    /// Messages that came after the moment at which they act.
    pub(super) late: IntCounter,
    pub(super) lost: IntCounter,
    pub(super) present: IntGauge,
}

impl BusTally {
    fn new() -> Result<Self, Error> {
        let counter =
            |name: &str, help: &str| IntCounter::new(name, help).map_err(|bug| Error::Run(bug.to_string()));
        Ok(Self {
            sent: counter("promemu_bus_sent_total", "events and actions sent to other shards")?,
            received: counter(
                "promemu_bus_received_total",
                "events and actions that came from other shards",
            )?,
            late: counter(
                "promemu_bus_late_total",
                "events and actions from other shards that came after the moment at which they act",
            )?,
            lost: counter(
                "promemu_bus_lost_total",
                "events and actions for other shards that were dropped, as the bus was away or too slow",
            )?,
            present: IntGauge::new(
                "promemu_shards_present",
                "shards of the run that are there, this one included",
            )
            .map_err(|bug| Error::Run(bug.to_string()))?,
        })
    }

    pub(super) fn register(&self, own: &SelfMetrics) -> Result<(), Error> {
        for counter in [&self.sent, &self.received, &self.late, &self.lost] {
            own.add(Box::new(counter.clone()))?;
        }
        own.add(Box::new(self.present.clone()))
    }
}

impl Link {
    pub(super) fn new(server: String) -> Result<Self, Error> {
        let (is_away, lost_before) = (AtomicBool::new(false), AtomicU64::new(0));
        Ok(Self { server, tally: BusTally::new()?, is_away, lost_before, returns: watch::channel(0).0 })
    }

    /// Changes each time that the server is back.
    pub(super) fn returns(&self) -> watch::Receiver<u64> {
        self.returns.subscribe()
    }

    /// Tells once that the server is away, and once that it is back.
    pub(super) fn note(&self, event: &LinkEvent) {
        match event {
            LinkEvent::Disconnected if !self.is_away.swap(true, Ordering::Relaxed) => {
                self.lost_before.store(self.tally.lost.get(), Ordering::Relaxed);
                warn!(
                    "the bus at {} is away; events for other shards are dropped and counted meanwhile",
                    self.server
                );
            }
            LinkEvent::Connected if self.is_away.swap(false, Ordering::Relaxed) => {
                let lost = self.tally.lost.get() - self.lost_before.load(Ordering::Relaxed);
                warn!(lost, "the bus at {} is back", self.server);
                self.returns.send_modify(|returns| *returns += 1);
            }
            _ => {}
        }
    }
}
