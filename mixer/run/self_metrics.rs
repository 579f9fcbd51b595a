//! promemu's own metrics: counters and measurements of its runs, for monitoring promemu itself.
//!
//! Those of the main run and of the process have no label that names them; those of another run have the label `run`.
//!
//! A [`Tally`] is updated while the run goes on: each metric is one or a few atomic numbers, without a lock, and none is
//! updated per sample. [`SelfMetrics`] gathers them, together with gauges that are read on each scrape. A name keeps its
//! type for good: a Pushgateway refuses another one.

mod outputs;
mod process_collector;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntGauge, Opts, PullingGauge, Registry, TextEncoder,
};

use promemu_core::error::Error;

pub use outputs::{DeliveryTally, OutputTallies, OutputTally, OutputTotals, ScrapeTally};
use process_collector::ProcessCollector;

/// Prefix of promemu's own names.
pub const PREFIX: &str = "promemu_";

/// From the timer's resolution up to an overloaded machine.
const LATENESS_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Metrics of a run. Clones share the same numbers.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Values made.
    pub updates: IntCounter,
    /// Values left out because they were overdue.
    pub updates_skipped: IntCounter,
    /// Scenarios and conditions that failed.
    pub scenario_errors: IntCounter,
    /// Events emitted.
    pub events: IntCounter,
    /// Events dropped because too many waited, or because they followed from too many others.
    pub events_dropped: IntCounter,
    /// Series not made because there would be too many.
    pub series_refused: IntCounter,
    /// Lateness of hosts, in seconds of real time.
    pub lateness: Histogram,
}

impl Tally {
    fn new() -> prometheus::Result<Self> {
        let lateness = HistogramOpts::new(
            "promemu_lateness_seconds",
            "delay of a host's work after it was due, in real time; hosts wake together, every 10 ms",
        );
        Ok(Self {
            updates: IntCounter::new("promemu_updates_total", "metric values updated")?,
            updates_skipped: IntCounter::new(
                "promemu_updates_skipped_total",
                "updates skipped because they were overdue by more than one interval",
            )?,
            scenario_errors: IntCounter::new(
                "promemu_scenario_errors_total",
                "values and conditions that a scenario or a formula failed to give",
            )?,
            events: IntCounter::new("promemu_events_total", "events that hosts and promemu emitted")?,
            events_dropped: IntCounter::new(
                "promemu_events_dropped_total",
                "events dropped, because too many were waiting or their chain was too long",
            )?,
            series_refused: IntCounter::new(
                "promemu_series_refused_total",
                "series of pools that were not made, because of --max-series, or because two had the same labels",
            )?,
            lateness: Histogram::with_opts(lateness.buckets(LATENESS_BUCKETS.to_vec()))?,
        })
    }

    fn collectors(&self) -> [Box<dyn Collector>; 7] {
        [
            Box::new(self.updates.clone()),
            Box::new(self.updates_skipped.clone()),
            Box::new(self.scenario_errors.clone()),
            Box::new(self.events.clone()),
            Box::new(self.events_dropped.clone()),
            Box::new(self.series_refused.clone()),
            Box::new(self.lateness.clone()),
        ]
    }
}

/// All of a run's own metrics; with those of the process, and of its other runs, if it is the main run.
#[derive(Debug)]
pub struct SelfMetrics {
    tally: Tally,
    outputs: OutputTallies,
    registry: Registry,
    /// The other runs, while they last.
    runs: Mutex<Vec<Weak<Self>>>,
}

impl SelfMetrics {
    /// The metrics of a main run that has not begun, and those of the process.
    pub fn new() -> Result<Self, Error> {
        let own = Self::in_registry(Registry::new())?;
        let build_info = Opts::new("promemu_build_info", "1, with the version as a label")
            .const_label("version", env!("CARGO_PKG_VERSION"));
        let build_info = IntGauge::with_opts(build_info).map_err(bug)?;
        build_info.set(1);
        own.add(Box::new(build_info))?;
        own.add(Box::new(ProcessCollector::new().map_err(bug)?))?;
        Ok(own)
    }

    /// The metrics of another run that has not begun. They are on the page of these until they are dropped.
    pub fn of_run(&self, id: &str) -> Result<Arc<Self>, Error> {
        let labels = [("run".to_owned(), id.to_owned())];
        let registry = Registry::new_custom(None, Some(labels.into_iter().collect())).map_err(bug)?;
        let own = Arc::new(Self::in_registry(registry)?);
        let mut runs = self.runs();
        runs.retain(|run| run.strong_count() > 0);
        runs.push(Arc::downgrade(&own));
        Ok(own)
    }

    fn in_registry(registry: Registry) -> Result<Self, Error> {
        let (tally, outputs) = (Tally::new().map_err(bug)?, OutputTallies::new().map_err(bug)?);
        let own = Self { registry, tally, outputs, runs: Mutex::default() };
        for collector in own.tally.collectors().into_iter().chain(own.outputs.collectors()) {
            own.add(collector)?;
        }
        Ok(own)
    }

    fn runs(&self) -> MutexGuard<'_, Vec<Weak<Self>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Metrics of the run.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Metrics of each output.
    #[must_use]
    pub const fn outputs(&self) -> &OutputTallies {
        &self.outputs
    }

    /// Adds gauges of the fleet, read on each scrape: the numbers of series and of hosts.
    #[expect(clippy::cast_precision_loss, reason = "there are never so many")]
    pub fn add_fleet(
        &self,
        series: impl Fn() -> usize + Send + Sync + 'static,
        hosts: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.add_gauge("promemu_series", "series that have a sample now", move || series() as f64)?;
        self.add_gauge("promemu_hosts_active", "hosts that live now", move || hosts() as f64)
    }

    /// Adds a gauge that is read on each scrape.
    pub fn add_gauge(
        &self,
        name: &str,
        help: &str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.add(Box::new(PullingGauge::new(name, help, Box::new(read)).map_err(bug)?))
    }

    /// Adds a family of its own.
    pub(crate) fn add(&self, collector: Box<dyn Collector>) -> Result<(), Error> {
        self.registry.register(collector).map_err(bug)
    }

    /// All metrics now, those of the other runs included, in the text format.
    pub fn page(&self) -> Result<Vec<u8>, Error> {
        let runs: Vec<Arc<Self>> = self.runs().iter().filter_map(Weak::upgrade).collect();
        let mut families: BTreeMap<String, MetricFamily> = BTreeMap::new();
        let gathered = runs.iter().flat_map(|run| run.registry.gather());
        for mut family in self.registry.gather().into_iter().chain(gathered) {
            match families.entry(family.name().to_owned()) {
                Entry::Vacant(entry) => drop(entry.insert(family)),
                Entry::Occupied(mut entry) => entry.get_mut().mut_metric().extend(family.take_metric()),
            }
        }
        encode(&families.into_values().collect::<Vec<_>>())
    }

    /// The metrics without those of other runs, in the text format.
    pub fn own_page(&self) -> Result<Vec<u8>, Error> {
        encode(&self.registry.gather())
    }
}

fn encode(families: &[MetricFamily]) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    TextEncoder::new().encode(families, &mut page).map_err(bug)?;
    Ok(page)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes it by value")]
fn bug(error: prometheus::Error) -> Error {
    Error::Run(format!("promemu's own metrics are broken by a bug: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(own: &SelfMetrics) -> String {
        String::from_utf8(own.page().unwrap()).unwrap()
    }

    #[test]
    fn updates_show_at_the_next_scrape() {
        let own = SelfMetrics::new().unwrap();
        let tally = own.tally().clone();
        tally.updates.inc_by(7);
        tally.lateness.observe(0.002);
        own.add_gauge("promemu_series", "x", || 3.0).unwrap();
        let page = page(&own);
        for line in [
            "# TYPE promemu_updates_total counter",
            "promemu_updates_total 7",
            "promemu_updates_skipped_total 0",
            "promemu_lateness_seconds_bucket{le=\"0.001\"} 0",
            "promemu_lateness_seconds_bucket{le=\"0.0025\"} 1",
            "promemu_series 3",
            &format!("promemu_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")),
            "# TYPE process_cpu_seconds_total counter",
            "# TYPE process_open_fds gauge",
        ] {
            assert!(page.lines().any(|shown| shown == line), "{line} in {page}");
        }
        assert!(own.add_gauge("promemu_series", "again", || 0.0).is_err());
    }

    #[test]
    fn each_output_counts_for_itself() {
        let own = SelfMetrics::new().unwrap();
        assert!(!page(&own).contains("promemu_push_failures_total"));
        own.outputs().pushing("a").push_failures.inc();
        let _unused = own.outputs().pushing("b");
        let page = page(&own);
        for line in [
            "promemu_push_failures_total{output=\"a\"} 1",
            "promemu_push_failures_total{output=\"b\"} 0",
            "promemu_push_seconds_count{output=\"b\"} 0",
        ] {
            assert!(page.lines().any(|shown| shown == line), "{line} in {page}");
        }
    }

    #[test]
    fn another_run_is_on_the_page_with_its_label_until_it_is_over() {
        let own = SelfMetrics::new().unwrap();
        own.tally().updates.inc_by(7);
        let run = own.of_run("two").unwrap();
        run.tally().updates.inc_by(3);
        let updates = |page: &str| {
            let lines = page.lines().filter(|line| line.contains("promemu_updates_total"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let [help, kind, ..] = &updates(&page(&own))[..] else { panic!("the family is there") };
        let samples = ["promemu_updates_total 7", "promemu_updates_total{run=\"two\"} 3"];
        assert_eq!(updates(&page(&own)), [help, kind, samples[0], samples[1]]);
        assert!(
            !updates(&String::from_utf8(own.own_page().unwrap()).unwrap()).contains(&samples[1].to_owned())
        );
        drop(run);
        assert_eq!(updates(&page(&own)), [help, kind, samples[0]]);
    }

    #[test]
    fn processor_time_is_not_added_twice() {
        let own = SelfMetrics::new().unwrap();
        let seconds = || {
            let page = page(&own);
            let line = page.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total "));
            line.unwrap().parse::<f64>().unwrap()
        };
        let (first, second) = (seconds(), seconds());
        assert!(second >= first && second <= crate::process::cpu_seconds().unwrap(), "{first} {second}");
    }
}
