//! The bytes that pass through an endpoint, as Toxiproxy counts them.

use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::toxic::Stream;

/// The labels of the counters.
const LABELS: [&str; 4] = ["direction", "proxy", "listener", "upstream"];

/// The counters of all endpoints.
#[derive(Clone, Debug)]
pub(super) struct Traffics {
    registry: Registry,
    received: IntCounterVec,
    sent: IntCounterVec,
}

/// The counters of one direction.
#[derive(Clone, Debug)]
pub(super) struct Traffic {
    received: IntCounter,
    sent: IntCounter,
}

impl Traffics {
    pub(super) fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), &LABELS)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let received =
            counter("toxiproxy_proxy_received_bytes_total", "bytes read from one side of a proxy")?;
        let sent = counter("toxiproxy_proxy_sent_bytes_total", "bytes written to the other side of a proxy")?;
        Ok(Self { registry, received, sent })
    }

    /// All counters.
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }

    pub(super) fn of(&self, stream: Stream, [proxy, listener, upstream]: [&str; 3]) -> Traffic {
        let labels = [stream.name(), proxy, listener, upstream];
        Traffic {
            received: self.received.with_label_values(&labels),
            sent: self.sent.with_label_values(&labels),
        }
    }
}

impl Traffic {
    pub(super) fn received(&self, bytes: usize) {
        self.received.inc_by(bytes as u64);
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.sent.inc_by(bytes as u64);
    }
}
