//! A live run shows what a virtual one of the same seed shows at the same emulated times.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;
use prometheus::core::Metric;
use prometheus::proto::Bucket;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::self_metrics::{SelfMetrics, Tally};
use crate::stop_flag::StopFlag;
use promemu_core::backfill::{Backfill, drive};
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::event::HostId;
use promemu_core::host::{EmulatedHost, Outbox};
use promemu_core::plan::Plan;
use promemu_core::rng::Seed;
use promemu_core::time::{Span, Speed, Time};

const SEED: u64 = 7;

/// Hosts that change fast and react to each other's events.
const CONFIG: &str = r#"Config(hosts: [
    Host(name: "till", interval: "100ms", listen_events: { "feature_on": emit("go"), "answer": emit("thanks") }, metrics: [
        Metric(name: "on", scenario: feature_toggle(start_time: "300ms", duration: "400ms", interval: "300ms"))]),
    Host(repeat: Repeat(var: "i", from: 1, to: 5), name: "w-{i}", interval: "80ms..120ms", metrics: [
        Metric(name: "walk", value_range: (0, 100), update_interval: "70ms", scenario: random_walk),
        Metric(name: "load", value_range: (0, 100), update_interval: "90ms", listen_events: ["go", "thanks"],
            scenario: script(source: "if event.name == \"go\" { emit(\"answer\") } value + noise(5)")),
        Metric(name: "n_total", metric_type: counter, update_interval: "50ms", accumulate: per_second, value_range: (1, 9), scenario: random_in_range)]),
])"#;

/// All rows that a host reports in virtual time, as bits, in their order.
fn virtual_rows(run: &Backfill, id: HostId, until: Time) -> IndexSet<Vec<u64>> {
    let mut rows = IndexSet::new();
    let (mut host, mut out) = (run.host(id), Outbox::default());
    drive(&mut host, until, &mut out, |_, host, out| {
        if out.report {
            rows.insert(host.host().row().iter().map(|cell| cell.to_bits()).collect());
        }
    });
    rows
}

/// Polls the live rows for three seconds; returns the distinct rows of each host, in their order.
async fn live_rows(fleet: &Fleet, hosts: usize) -> Vec<IndexSet<Vec<u64>>> {
    let mut seen: Vec<IndexSet<Vec<u64>>> = vec![IndexSet::new(); hosts];
    let (jobs, end) = (fleet.jobs(), fleet.clock().now() + Span::from_secs(3));
    while fleet.clock().now() < end {
        for (row, seen) in seen.iter_mut().enumerate() {
            let store = jobs[0].store();
            let bits: Vec<u64> = store.row(row).iter().map(|cell| cell.to_bits()).collect();
            if bits.iter().all(|bits| !promemu_core::metric::is_absent(f64::from_bits(*bits))) {
                seen.insert(bits);
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    seen
}

fn plan(started_at: Time) -> Plan {
    ConfigFile::from_text("test", CONFIG).plan(&LoadOptions::starting_at(started_at)).unwrap().plan
}

/// A run whose hosts were never later than this shows exactly what a virtual one does: half the time that an event takes
/// from host to host at [`SPEED`].
const LATENESS_MAX_SECS: f64 = 0.1;

/// At a quarter of the normal speed an event takes 200 ms of real time, so a loaded machine rarely holds a run up.
const SPEED: &str = "0.25x";

/// A live run, compared with a virtual one.
struct Outcome {
    /// A host was later than [`LATENESS_MAX_SECS`], or skipped an update: the run proves nothing.
    was_held_up: bool,
    /// The first host that showed a row that is not in the virtual run.
    difference: Option<String>,
}

fn was_held_up(tally: &Tally) -> bool {
    let lateness = tally.lateness.metric();
    let lateness = lateness.get_histogram();
    let in_time = lateness.get_bucket().iter().filter(|bucket| bucket.upper_bound() <= LATENESS_MAX_SECS);
    let in_time = in_time.map(Bucket::cumulative_count).max().unwrap_or(0);
    tally.updates_skipped.get() > 0 || tally.events_dropped.get() > 0 || in_time < lateness.get_sample_count()
}

async fn compare() -> Outcome {
    let clock = Clock::start().at_speed(Speed::parse(SPEED).unwrap());
    let tally = SelfMetrics::new().unwrap().tally().clone();
    let fleet = Arc::new(Fleet::new(plan(clock.started_at()), clock, tally.clone(), Arc::default()));
    let hosts = fleet.plan().hosts.len();
    let mut runner = FleetRunner::start(
        Arc::clone(&fleet),
        Seed::new(SEED),
        clock.now(),
        None,
        Handle::current(),
        StopFlag::default(),
    )
    .await;
    let seen = live_rows(&fleet, hosts).await;
    runner.end().await;

    // The run's start follows from the moment at which a host has begun.
    let epoch = Time::from_unix_nanos(0);
    let spread = EmulatedHost::new(Arc::clone(&fleet.plan().hosts[0]), Seed::new(SEED), epoch).starts_at();
    let start = fleet.started_at(0).unwrap().before(spread.since(epoch));
    let until = clock.now();
    let run = Backfill::new(Arc::new(plan(clock.started_at())), SEED, start, until).unwrap();
    assert!(run.log().iter().any(|event| &*event.name == "answer"), "hosts talk");
    let difference = (0..).zip(&seen).find_map(|(id, seen)| {
        let expected = virtual_rows(&run, id, until);
        let places: Vec<Option<usize>> = seen.iter().map(|row| expected.get_index_of(row)).collect();
        assert!(id == 0 || seen.len() > 10, "host {id} has shown {} rows", seen.len());
        let is_same = places.iter().all(Option::is_some) && places.is_sorted();
        (!is_same).then(|| format!("host {id} has shown the rows {places:?} of the virtual run"))
    });
    Outcome { was_held_up: was_held_up(&tally), difference }
}

/// A run that the machine held up is repeated; one that was not and differs fails at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_run_that_is_not_held_up_shows_what_a_virtual_one_does() {
    for _ in 0..10 {
        let Outcome { was_held_up, difference } = compare().await;
        if !was_held_up {
            assert_eq!(difference, None);
            return;
        }
    }
    panic!("the machine held up each of ten runs");
}
