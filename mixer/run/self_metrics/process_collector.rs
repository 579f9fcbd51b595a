//! Metrics of the process, as all Prometheus clients have them.

use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};

use crate::process;

/// The value of a gauge, if the system shows it.
type Reading = fn() -> Option<f64>;

/// Metrics of this process, with the names and HELP texts of all Prometheus clients
/// (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>). Values that the system does not show
/// are left out.
pub(super) struct ProcessCollector {
    /// Set by one gathering at a time.
    cpu_seconds: Mutex<Counter>,
    cpu_desc: Vec<Desc>,
    gauges: Vec<(Gauge, Reading)>,
}

impl ProcessCollector {
    pub(super) fn new() -> prometheus::Result<Self> {
        let cpu_seconds =
            Counter::new("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.")?;
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
            cpu_desc: cpu_seconds.desc().into_iter().cloned().collect(),
            cpu_seconds: Mutex::new(cpu_seconds),
            gauges: gauges.collect::<prometheus::Result<_>>()?,
        })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.cpu_desc.iter().chain(self.gauges.iter().flat_map(|(gauge, _)| gauge.desc())).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = Vec::new();
        if let Some(seconds) = process::cpu_seconds() {
            let counter = self.cpu_seconds.lock().unwrap_or_else(PoisonError::into_inner);
            counter.reset();
            counter.inc_by(seconds);
            families.extend(counter.collect());
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
