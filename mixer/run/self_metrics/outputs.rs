//! promemu's own metrics of outputs, with the label `output`. A series is there once its output is.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

/// Up to the default push timeout.
const PUSH_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Metrics of one output. Clones share the same numbers.
#[derive(Clone, Debug)]
pub struct OutputTally {
    /// Duration of pushes, in seconds.
    pub push_seconds: Histogram,
    /// Pushes that failed, and scans of a gateway that is away.
    pub push_failures: IntCounter,
    /// Bytes of requests that arrived, as sent.
    pub bytes_sent: IntCounter,
    /// Samples dropped because they could not be sent in time or were rejected.
    pub samples_dropped: IntCounter,
}

/// Metrics of an output that sends samples.
#[derive(Clone, Debug)]
pub struct DeliveryTally {
    /// Metrics that all outputs have.
    pub output: OutputTally,
    /// Samples that arrived.
    pub samples_sent: IntCounter,
    /// Pushes that were retried.
    pub push_retries: IntCounter,
    /// Samples in the queue.
    pub samples_waiting: IntGauge,
}

/// Metrics of an output that is scraped.
#[derive(Clone, Debug)]
pub struct ScrapeTally {
    /// Scrapes and lists of hosts that were requested.
    pub scrapes: IntCounter,
    /// Those that were refused because too many were under way.
    pub refused: IntCounter,
    /// Those whose client went away or stalled before it had all.
    pub cut_off: IntCounter,
}

/// Metrics of all outputs, with the label `output`.
#[derive(Debug)]
pub struct OutputTallies {
    scrapes: IntCounterVec,
    scrapes_refused: IntCounterVec,
    scrapes_cut_off: IntCounterVec,
    push_seconds: HistogramVec,
    push_failures: IntCounterVec,
    samples_dropped: IntCounterVec,
    samples_sent: IntCounterVec,
    bytes_sent: IntCounterVec,
    push_retries: IntCounterVec,
    samples_waiting: IntGaugeVec,
}

impl OutputTallies {
    pub(super) fn new() -> prometheus::Result<Self> {
        let push_seconds = HistogramOpts::new(
            "promemu_push_seconds",
            "duration of one push, from encoding to the answer, failed ones included; by output, as KIND=TARGET",
        );
        let counter = |name: &str, help: &str| IntCounterVec::new(Opts::new(name, help), &["output"]);
        Ok(Self {
            scrapes: counter(
                "promemu_scrapes_total",
                "requests for all emulated metrics, and for the list of hosts; by output",
            )?,
            scrapes_refused: counter(
                "promemu_scrapes_refused_total",
                "scrapes refused because too many were in progress; by output",
            )?,
            scrapes_cut_off: counter(
                "promemu_scrapes_cut_off_total",
                "scrapes whose client left, or took nothing for 30 s, before the end; by output",
            )?,
            push_seconds: HistogramVec::new(push_seconds.buckets(PUSH_BUCKETS.to_vec()), &["output"])?,
            push_failures: counter(
                "promemu_push_failures_total",
                "failed pushes, and failed attempts to list the groups of an unreachable Pushgateway; by output",
            )?,
            samples_dropped: counter(
                "promemu_samples_dropped_total",
                "samples that an output dropped, because they could not be sent in time or were refused; by output",
            )?,
            samples_sent: counter(
                "promemu_samples_sent_total",
                "samples delivered by an output that sends samples one by one; by output",
            )?,
            bytes_sent: counter(
                "promemu_sent_bytes_total",
                "bytes of the delivered samples, as sent; by output",
            )?,
            push_retries: counter("promemu_push_retries_total", "retried pushes; by output")?,
            samples_waiting: IntGaugeVec::new(
                Opts::new("promemu_samples_waiting", "samples in the queue; by output"),
                &["output"],
            )?,
        })
    }

    pub(super) fn collectors(&self) -> [Box<dyn Collector>; 10] {
        [
            Box::new(self.scrapes.clone()),
            Box::new(self.scrapes_refused.clone()),
            Box::new(self.scrapes_cut_off.clone()),
            Box::new(self.push_seconds.clone()),
            Box::new(self.push_failures.clone()),
            Box::new(self.samples_dropped.clone()),
            Box::new(self.samples_sent.clone()),
            Box::new(self.bytes_sent.clone()),
            Box::new(self.push_retries.clone()),
            Box::new(self.samples_waiting.clone()),
        ]
    }

    /// Metrics of an output that pushes; its name becomes the label `output`.
    #[must_use]
    pub fn pushing(&self, name: &str) -> OutputTally {
        OutputTally {
            push_seconds: self.push_seconds.with_label_values(&[name]),
            push_failures: self.push_failures.with_label_values(&[name]),
            bytes_sent: self.bytes_sent.with_label_values(&[name]),
            samples_dropped: self.samples_dropped.with_label_values(&[name]),
        }
    }

    /// Metrics of an output that sends samples.
    #[must_use]
    pub fn delivering(&self, name: &str) -> DeliveryTally {
        DeliveryTally {
            output: self.pushing(name),
            samples_sent: self.samples_sent.with_label_values(&[name]),
            push_retries: self.push_retries.with_label_values(&[name]),
            samples_waiting: self.samples_waiting.with_label_values(&[name]),
        }
    }

    /// Metrics of an output that is scraped.
    #[must_use]
    pub fn scraped(&self, name: &str) -> ScrapeTally {
        ScrapeTally {
            scrapes: self.scrapes.with_label_values(&[name]),
            refused: self.scrapes_refused.with_label_values(&[name]),
            cut_off: self.scrapes_cut_off.with_label_values(&[name]),
        }
    }

    /// Totals of an output so far.
    #[must_use]
    pub fn totals(&self, name: &str) -> OutputTotals {
        let Self { push_seconds, push_failures, bytes_sent, samples_sent, samples_dropped, .. } = self;
        // Asking for a label makes its series, so only existing ones are asked for.
        let has = |vec: &dyn Collector| {
            let families = vec.collect();
            let mut metrics = families.iter().flat_map(MetricFamily::get_metric);
            metrics.any(|metric| metric.get_label().iter().any(|label| label.value() == name))
        };
        let count = |vec: &IntCounterVec| if has(vec) { vec.with_label_values(&[name]).get() } else { 0 };
        let (attempts, attempt_seconds) = if has(push_seconds) {
            let seconds = push_seconds.with_label_values(&[name]);
            (seconds.get_sample_count(), seconds.get_sample_sum())
        } else {
            (0, 0.0)
        };
        OutputTotals {
            attempts,
            attempt_seconds,
            failures: count(push_failures),
            sent_bytes: count(bytes_sent),
            samples_sent: count(samples_sent),
            samples_dropped: count(samples_dropped),
        }
    }
}

/// Totals of one output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OutputTotals {
    /// Pushes, failed ones included.
    pub attempts: u64,
    /// Seconds that they took.
    pub attempt_seconds: f64,
    /// Pushes that failed.
    pub failures: u64,
    /// Bytes that arrived.
    pub sent_bytes: u64,
    /// Samples that arrived, of an output that sends samples.
    pub samples_sent: u64,
    /// Samples that were dropped.
    pub samples_dropped: u64,
}
