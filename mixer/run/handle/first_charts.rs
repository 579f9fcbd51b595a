//! The charts that a page opens with: what a client or a service does, what fails, how long it takes, how full it is. What never
//! changes comes last.

use std::sync::Arc;

use indexmap::IndexSet;

use promemu_core::metric::MetricType;
use promemu_core::series::Family;

use super::chart_lines::Sight;
use super::run_handle::RunHandle;
use super::series::hosts_of_families;
use super::views::ChartView;
use crate::fleet::Fleet;

/// The most charts.
const CHARTS_MAX: usize = 6;
/// Families that are looked at, the first ones of the config.
const FAMILIES_MAX: usize = 400;
/// The most lines of all charts.
const LINES_MAX: usize = 60;
/// Lines of all charts that one may add are read of runs of so many series at most.
const LIKELY_SERIES_MAX: usize = 20_000;

/// The sense of a family to somebody who looks at a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sense {
    /// The work that is done.
    Traffic,
    /// The work that fails.
    Errors,
    /// The time that work takes.
    Latency,
    /// The share of a resource that is used.
    Saturation,
    /// A state of several.
    State,
    /// Anything else.
    Other,
    /// A limit, a size, a time of start.
    Constant,
}

/// The senses of the first charts; the others follow in the order of [`Sense`].
const FIRST: [Sense; CHARTS_MAX] =
    [Sense::Traffic, Sense::Errors, Sense::Latency, Sense::Saturation, Sense::State, Sense::Saturation];
const REST: [Sense; 7] = [
    Sense::Saturation,
    Sense::Traffic,
    Sense::Errors,
    Sense::Latency,
    Sense::State,
    Sense::Other,
    Sense::Constant,
];

const TRAFFIC: [&str; 14] = [
    "requests",
    "request",
    "operations",
    "queries",
    "messages",
    "orders",
    "http",
    "rpc",
    "calls",
    "sessions",
    "jobs",
    "events",
    "received",
    "transmit",
];
const ERRORS: [&str; 12] = [
    "error",
    "errors",
    "failed",
    "failures",
    "failure",
    "rejected",
    "timeouts",
    "denied",
    "dropped",
    "exceptions",
    "retries",
    "5xx",
];
const LATENCY: [&str; 4] = ["latency", "duration", "response", "wait"];
const SATURATION: [&str; 16] = [
    "cpu",
    "memory",
    "mem",
    "usage",
    "used",
    "utilization",
    "load",
    "load1",
    "queue",
    "pool",
    "connections",
    "saturation",
    "throttled",
    "active",
    "busy",
    "filesystem",
];
const STATES: [&str; 4] = ["state", "up", "health", "status"];
const CONSTANTS: [&str; 12] = [
    "boot",
    "created",
    "start",
    "timestamp",
    "limit",
    "limits",
    "max",
    "quota",
    "capacity",
    "size",
    "cores",
    "version",
];

/// Begins of the names of metrics that say what the ribbon of a page says better.
const GROUND_TRUTH: [&str; 3] = ["fault_active", "scenario_phase", "scenario_runs"];

impl Sense {
    fn of(family: &Family) -> Option<Self> {
        if GROUND_TRUTH.iter().any(|begin| family.name.starts_with(begin)) {
            return Some(Self::Constant);
        }
        Self::of_name(&family.name, family.metric_type)
    }

    /// The sense of a family by its type and the words of its name; `None` for labels without a value.
    #[must_use]
    pub fn of_name(name: &str, metric_type: MetricType) -> Option<Self> {
        let words: Vec<&str> = name.split(['_', ':']).collect();
        let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
        let is_level = matches!(metric_type, MetricType::Gauge);
        Some(match metric_type {
            MetricType::Info => return None,
            _ if is_level && has(&CONSTANTS) => Self::Constant,
            MetricType::Histogram | MetricType::NativeHistogram | MetricType::Summary => Self::Latency,
            MetricType::StateSet => Self::State,
            _ if has(&ERRORS) => Self::Errors,
            _ if is_level && has(&LATENCY) => Self::Latency,
            MetricType::Counter if has(&TRAFFIC) => Self::Traffic,
            _ if words.last().is_some_and(|word| STATES.contains(word)) => Self::State,
            _ if has(&SATURATION) && (is_level || has(&["cpu"])) => Self::Saturation,
            _ => Self::Other,
        })
    }
}

impl RunHandle {
    /// The charts that a page of this run opens with.
    #[must_use]
    pub fn first_charts(&self) -> Vec<ChartView> {
        first_charts_of(&self.fleet())
    }

    /// The ids of the lines of the charts that a user may add, those that say most first: at most `count_max`, and none of a run whose
    /// series are many to read.
    #[must_use]
    pub fn likely_lines(&self, count_max: usize) -> Vec<Arc<str>> {
        let fleet = self.fleet();
        let mut ids: IndexSet<Arc<str>> = IndexSet::new();
        if fleet.series_count() > LIKELY_SERIES_MAX {
            return Vec::new();
        }
        for family in in_order(&fleet) {
            let Some(chart) = chart(&fleet, family) else { continue };
            if ids.len() + chart.lines.len() <= count_max {
                ids.extend(chart.ids());
            }
        }
        ids.into_iter().collect()
    }

    /// The chart of one family; `None` if the run has none of this name.
    #[must_use]
    pub fn chart(&self, metric: &str) -> Option<ChartView> {
        chart_of(&self.fleet(), metric)
    }
}

/// The charts that a page of this fleet opens with.
pub(crate) fn first_charts_of(fleet: &Fleet) -> Vec<ChartView> {
    let mut charts = Vec::new();
    let mut lines = 0;
    for family in in_order(fleet) {
        let Some(chart) = chart(fleet, family) else { continue };
        if charts.len() < CHARTS_MAX && lines + chart.lines.len() <= LINES_MAX {
            lines += chart.lines.len();
            charts.push(chart);
        }
    }
    charts
}

/// The chart of a family of this fleet; `None` without a series.
pub(crate) fn chart_of(fleet: &Fleet, metric: &str) -> Option<ChartView> {
    let family = fleet.plan().families.iter().position(|family| *family.name == *metric)?;
    chart(fleet, family)
}

fn chart(fleet: &Fleet, family: usize) -> Option<ChartView> {
    let lines = Sight::of(fleet, family)?.lines();
    (!lines.is_empty()).then(|| ChartView { metric: fleet.plan().families[family].name.to_string(), lines })
}

/// The families of a run, those that say most first.
fn in_order(fleet: &Fleet) -> IndexSet<usize> {
    let (plan, hosts) = (fleet.plan(), hosts_of_families(fleet));
    let mut known: Vec<(usize, Sense)> = Vec::new();
    for (index, family) in plan.families.iter().enumerate().take(FAMILIES_MAX) {
        if let Some(sense) = Sense::of(family).filter(|_| hosts[index] > 0) {
            known.push((index, sense));
        }
    }
    // Families of many hosts before others, and the CPU before all.
    known.sort_by_key(|(index, _)| {
        let is_cpu = plan.families[*index].name.contains("cpu");
        (hosts[*index] < 2, !is_cpu)
    });
    let mut order = IndexSet::new();
    for sense in FIRST {
        let next = known.iter().find(|(index, of)| *of == sense && !order.contains(index));
        order.extend(next.map(|(index, _)| *index));
    }
    for sense in REST {
        order.extend(known.iter().filter(|(_, of)| *of == sense).map(|(index, _)| *index));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_their_sense_by_type_and_name() {
        let sense = |name: &str, metric_type| Sense::of(&Family::new(name, "", metric_type));
        for (name, metric_type, expected) in [
            ("http_requests_total", MetricType::Counter, Some(Sense::Traffic)),
            ("http_requests_failed_total", MetricType::Counter, Some(Sense::Errors)),
            ("http_request_duration_seconds", MetricType::Histogram, Some(Sense::Latency)),
            ("cpu_usage_percent", MetricType::Gauge, Some(Sense::Saturation)),
            ("cpu_seconds_total", MetricType::Counter, Some(Sense::Saturation)),
            ("pool_created_total", MetricType::Counter, Some(Sense::Other)),
            ("breaker_state", MetricType::Gauge, Some(Sense::State)),
            ("node_boot_time_seconds", MetricType::Gauge, Some(Sense::Constant)),
            ("memory_limit_bytes", MetricType::Gauge, Some(Sense::Constant)),
            ("scenario_phase", MetricType::Gauge, Some(Sense::Constant)),
            ("build_info", MetricType::Info, None),
            ("temperature_celsius", MetricType::Gauge, Some(Sense::Other)),
        ] {
            assert_eq!(sense(name, metric_type), expected, "{name}");
        }
    }
}
