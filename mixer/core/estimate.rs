//! The cost of a plan, without running it.

use std::fmt;

use crate::plan::{HostShape, Plan};
use crate::plural::plural;
use crate::time::Span;

/// Processor time of a Pushgateway for one sample of a protobuf push. Measured on Pushgateway 1.5.1: 2 to 4 µs.
const GATEWAY_SECS_PER_SAMPLE: f64 = 3e-6;
/// Additional processor time of its consistency check, on each push, for each series that it holds. Measured on
/// Pushgateway 1.5.1: 1.4 µs.
const GATEWAY_CHECK_SECS_PER_SERIES: f64 = 1.4e-6;
/// Smallest load of a Pushgateway that is worth a mention.
const GATEWAY_CORES_WORTH_A_WORD: f64 = 0.01;

/// The size of a plan, and the load that it causes.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Number of jobs.
    pub jobs: usize,
    /// Number of hosts.
    pub hosts: usize,
    /// Number of families.
    pub families: usize,
    /// Number of series.
    pub series: usize,
    /// [`Self::series`] in words; "up to" so many with pools.
    pub series_text: String,
    /// Memory of a live run in addition to promemu's own, in bytes.
    pub memory_bytes: usize,
    /// Updates of metrics per second.
    pub updates_per_sec: f64,
    /// Pushes per second.
    pub pushes_per_sec: f64,
    /// Pushed samples per second.
    pub samples_per_sec: f64,
    /// Approximate load of a Pushgateway, in cores.
    pub gateway_cores: f64,
    /// The same with the Pushgateway's consistency check.
    pub gateway_cores_with_check: f64,
}

impl Estimate {
    /// The estimate with all hosts alive, and every job changed between two pushes.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn of(plan: &Plan, push_interval: Span) -> Self {
        let per_sec = |shape: &HostShape| {
            let intervals =
                shape.metrics.iter().map(|metric| shape.schedules[metric.schedule].update_interval);
            intervals.map(|interval| 1.0 / interval.as_secs_f64()).sum::<f64>()
        };
        let updates_per_sec = (0..).zip(&plan.hosts).map(|(id, host)| {
            let pools = host.shape.pools.iter();
            let of_pools = pools.map(|pool| plan.members_max(id, pool) as f64 * per_sec(&pool.shape));
            per_sec(&host.shape) + of_pools.sum::<f64>()
        });
        let (jobs, series) = (plan.jobs.len(), plan.series_count());
        let pushes_per_sec = jobs as f64 / push_interval.as_secs_f64();
        let samples_per_sec = series as f64 / push_interval.as_secs_f64();
        let gateway_cores = samples_per_sec * GATEWAY_SECS_PER_SAMPLE;
        Self {
            jobs,
            hosts: plan.hosts.len(),
            families: plan.families.len(),
            series,
            series_text: plan.series_text(),
            memory_bytes: plan.memory_bytes(),
            // The sum of nothing is -0.
            updates_per_sec: updates_per_sec.sum::<f64>() + 0.0,
            pushes_per_sec,
            samples_per_sec,
            gateway_cores,
            gateway_cores_with_check: gateway_cores
                + pushes_per_sec * series as f64 * GATEWAY_CHECK_SECS_PER_SERIES,
        }
    }

    /// The memory in MiB, or in KiB if it is little.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub fn memory_text(&self) -> String {
        let mib = self.memory_bytes as f64 / f64::from(1 << 20);
        if mib < 0.1 { format!("{} KiB", self.memory_bytes >> 10) } else { format!("{mib:.1} MiB") }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |cores: f64| {
            if cores < 0.001 { "under 0.1 %".to_owned() } else { format!("about {:.1} %", cores * 100.0) }
        };
        write!(
            f,
            "{}, {}, {}, {}; {:.1} values/s; {:.2} pushes/s with {:.1} samples/s; {} of memory",
            plural(self.jobs, "job", "jobs"),
            plural(self.hosts, "host", "hosts"),
            plural(self.families, "family", "families"),
            self.series_text,
            self.updates_per_sec,
            self.pushes_per_sec,
            self.samples_per_sec,
            self.memory_text(),
        )?;
        if self.gateway_cores_with_check < GATEWAY_CORES_WORTH_A_WORD {
            return Ok(());
        }
        let (alone, checking) = (percent(self.gateway_cores), percent(self.gateway_cores_with_check));
        write!(f, "; a pushgateway needs {alone} of a core, {checking} with its consistency check")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    const START: Time = Time::from_unix_secs(1_767_600_000);

    fn plan() -> Plan {
        let text = r#"Config(default_job_name: "demo", hosts: [
            Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", host: "h", metrics: [
                Metric(name: "quick", update_interval: 1, default_value: 5),
                Metric(name: "slow_total", metric_type: counter, value_range: (1, 1), scenario: random_in_range),
                Metric(name: "later", start_time: "1h")])])"#;
        ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(START)).unwrap().plan
    }

    #[test]
    fn an_estimate_counts_what_would_run() {
        let estimate = Estimate::of(&plan(), Span::from_secs(15));
        let busy = Estimate { gateway_cores: 0.004, gateway_cores_with_check: 0.0101, ..estimate.clone() };
        insta::assert_snapshot!(busy, @"1 job, 2 hosts, 3 families, 6 series; 2.4 values/s; 0.07 pushes/s with 0.4 samples/s; 5 KiB of memory; a pushgateway needs about 0.4 % of a core, about 1.0 % with its consistency check");
        insta::assert_snapshot!(estimate, @"1 job, 2 hosts, 3 families, 6 series; 2.4 values/s; 0.07 pushes/s with 0.4 samples/s; 5 KiB of memory");
    }
}
