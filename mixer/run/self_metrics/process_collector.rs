//! Metrics of the process, as all Prometheus clients have them.

use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};

use crate::{log_queue, process};

/// The value of a metric, if the system shows it.
type Reading = fn() -> Option<f64>;

/// Metrics of this process, with the names and HELP texts of all Prometheus clients
/// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>). Values that the system does not show
/// are left out. Beside them, the log lines that did not get out of the process.
pub(super) struct ProcessCollector {
    /// Set by one gathering at a time.
    counters: Mutex<Vec<(Counter, Reading)>>,
    counter_descs: Vec<Desc>,
    gauges: Vec<(Gauge, Reading)>,
}

impl ProcessCollector {
    pub(super) fn new() -> prometheus::Result<Self> {
        let counters: [(&str, &str, Reading); 2] = [
            (
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                process::cpu_seconds,
            ),
            (
                "promemu_log_lines_dropped_total",
                "log lines dropped because standard error was not read; the log says so once it is read again",
                log_lines_dropped,
            ),
        ];
        let counters = counters.into_iter().map(|(name, help, read)| Ok((Counter::new(name, help)?, read)));
        let counters = counters.collect::<prometheus::Result<Vec<_>>>()?;
        let gauges: [(&str, &str, Reading); 5] = [
            (
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                process::resident_memory_bytes,
            ),
            ("process_virtual_memory_bytes", "Virtual memory size in bytes.", process::virtual_memory_bytes),
            ("process_open_fds", "Number of open file descriptors.", process::open_fds),
            ("process_max_fds", "Maximum number of open file descriptors.", process::max_fds),
            (
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                process::start_time_seconds,
            ),
        ];
        let gauges = gauges.into_iter().map(|(name, help, read)| Ok((Gauge::new(name, help)?, read)));
        Ok(Self {
            counter_descs: counters.iter().flat_map(|(counter, _)| counter.desc()).cloned().collect(),
            counters: Mutex::new(counters),
            gauges: gauges.collect::<prometheus::Result<_>>()?,
        })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.counter_descs.iter().chain(self.gauges.iter().flat_map(|(gauge, _)| gauge.desc())).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        for (counter, read) in &*self.counters.lock().unwrap_or_else(PoisonError::into_inner) {
            if let Some(value) = read() {
                counter.reset();
                counter.inc_by(value);
                families.extend(counter.collect());
            }
        }
        for (gauge, read) in &self.gauges {
            if let Some(value) = read() {
                gauge.set(value);
                families.extend(gauge.collect());
            }
        }
        families
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are never so many")]
#[expect(clippy::unnecessary_wraps, reason = "it is a reading as those of the system")]
fn log_lines_dropped() -> Option<f64> {
    Some(log_queue::stderr().dropped() as f64)
}
