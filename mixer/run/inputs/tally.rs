//! promemu's own metrics of recordings, with the label `source`.

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Opts};

/// Metrics of one source. Clones share the same numbers.
#[derive(Clone, Debug)]
pub(super) struct SourceTally {
    pub(super) rows: IntCounter,
    pub(super) bytes: IntCounter,
    pub(super) slices: IntCounter,
    pub(super) errors: IntCounter,
    pub(super) lag: Gauge,
}

/// Metrics of all sources.
#[derive(Debug)]
pub(super) struct RecordTallies {
    rows: IntCounterVec,
    bytes: IntCounterVec,
    slices: IntCounterVec,
    errors: IntCounterVec,
    lag: GaugeVec,
}

impl RecordTallies {
    pub(super) fn new() -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| IntCounterVec::new(Opts::new(name, help), &["source"]);
        Ok(Self {
            rows: counter("promemu_record_rows_total", "samples in the recording; by source")?,
            bytes: counter("promemu_record_bytes_total", "bytes of the recording's files; by source")?,
            slices: counter("promemu_record_slices_total", "slices in the recording; by source")?,
            errors: counter(
                "promemu_record_errors_total",
                "scrapes and requests that failed, and samples that were refused; by source",
            )?,
            lag: GaugeVec::new(
                Opts::new(
                    "promemu_record_lag_seconds",
                    "age of the newest sample in the recording when its slice was written; by source",
                ),
                &["source"],
            )?,
        })
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 5] {
        [
            Box::new(self.rows.clone()),
            Box::new(self.bytes.clone()),
            Box::new(self.slices.clone()),
            Box::new(self.errors.clone()),
            Box::new(self.lag.clone()),
        ]
    }

    pub(super) fn of(&self, source: &str) -> SourceTally {
        let label = &[source];
        SourceTally {
            rows: self.rows.with_label_values(label),
            bytes: self.bytes.with_label_values(label),
            slices: self.slices.with_label_values(label),
            errors: self.errors.with_label_values(label),
            lag: self.lag.with_label_values(label),
        }
    }
}
