//! A world, a backfill and a live run of the same plan and seed, with the same things from outside, give the same.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed};
use tokio::runtime::Handle;

use promemu_core::backfill::{Backfill, drive};
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::event::{DELIVERY_DELAY, HostId, RUN_STARTED};
use promemu_core::fault::Course;
use promemu_core::host::{DrivenHost, Outbox};
use promemu_core::plan::{Action, Plan, RunFault};
use promemu_core::rng::Seed;
use promemu_core::series::SeriesStore;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{Targets, skip_to};
use promemu_core::world::{JobStores, World};

use super::random_run::{Outside, RUN_SECS, RandomRun, random_run};
use super::tally;
use crate::clock::{Clock, sleep_until};
use crate::fleet::Fleet;
use crate::fleet::runner::FleetRunner;
use crate::stop_flag::StopFlag;

const START: Time = Time::from_unix_secs(1_767_600_000);

/// Interval at which a live run is compared with a world.
const STRIDE: Span = Span::from_nanos(250_000_000);

/// A live run acts up to this later than a virtual one: the timers' resolution, and the test's own turn.
const LATENESS: Span = Span::from_nanos(4_000_000);

fn plan(config: &str) -> Arc<Plan> {
    let file = ConfigFile::from_text("test", config);
    let loaded = file.plan(&LoadOptions::starting_at(START));
    Arc::new(loaded.unwrap_or_else(|error| panic!("{error}\n{config}")).plan)
}

fn at_millis(millis: u64) -> Time {
    START + Span::from_nanos(millis * 1_000_000)
}

/// An action of a host or on the timeline, by its number.
fn action(plan: &Plan, (number, host): (usize, usize), at: (&Course, Time)) -> (HostId, Action) {
    if number >= 9 {
        return (0, timeline_action(plan, (number, host), at));
    }
    // The host of the ground truth has no such metric.
    let hosts = plan.hosts.iter().filter(|host| host.name.starts_with("h-")).count();
    let host = host % hosts;
    let shape = &plan.hosts[host].shape;
    let fixed = shape.metrics.iter().position(|metric| &*metric.name == "fixed").unwrap();
    let action = match number {
        0 => Action::Override { metric: fixed, value: 8.0, lasts: Span::from_secs(5), may_fall: true },
        1 => Action::Release { metric: fixed },
        2 => Action::StopMetric(fixed),
        3 => Action::StartMetric(fixed),
        4 => Action::Down { lasts: Span::from_secs(4) },
        5 if !shape.pools.is_empty() => Action::ReplaceMembers(0),
        5 => Action::Up,
        6 => Action::Stop,
        7 => Action::Lever { lever: host % 2, value: 0.5, lasts: Span::from_secs(6) },
        _ => Action::ReleaseLever { lever: 0 },
    };
    (HostId::try_from(host).unwrap(), action)
}

/// An action on the timeline or a fault of the run.
fn timeline_action(plan: &Plan, (number, of): (usize, usize), (course, now): (&Course, Time)) -> Action {
    let RunFault { id, times, .. } = &*plan.faults[of % plan.faults.len()];
    let fault = Arc::clone(id);
    match number {
        9 | 10 if !plan.timeline.phases.is_empty() => {
            let phase = &plan.timeline.phases[of % plan.timeline.phases.len()].name;
            skip_to(&plan.timeline, course, phase, now + DELIVERY_DELAY).unwrap()
        }
        10 | 11 => Action::BeginFault { fault, lasts: times.lasts },
        12 => Action::BeginFault { fault, lasts: times.lasts.min(Span::from_secs(3)) },
        _ => Action::EndFault { fault },
    }
}

/// The hosts that an action is for: a move of a lever is for all.
fn target(plan: &Plan, host: HostId, action: &Action) -> Targets {
    match action {
        Action::Lever { .. } | Action::ReleaseLever { .. } => Targets::All,
        _ if action.is_of_timeline() => Targets::All,
        _ => Targets::host(&plan.hosts[host as usize].name),
    }
}

fn send(world: &mut World, outside: &Outside) {
    match outside {
        Outside::Event { name, source } => world.inject(name, source, serde_json::Value::Null),
        Outside::Action(number, host) => {
            let (host, action) = action(world.plan(), (*number, *host), (world.course(), world.now()));
            let target = target(world.plan(), host, &action);
            world.act(&target, "api", action).unwrap();
        }
    }
}

/// All that a step changed, as text.
fn digest(at: Time, driven: &DrivenHost, out: &Outbox) -> String {
    let bits = |cells: &[f64]| cells.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
    let members = out.members.iter().map(|change| {
        let shown = driven.host().slot(change.pool, change.slot);
        shown.map(|(labels, cells)| (labels.clone(), bits(cells)))
    });
    let members: Vec<_> = members.collect();
    let (host, events) = (driven.host(), &out.events);
    format!("{at:?} {} {:?} {:?} {members:?} {events:?}", out.report, host.stamp(), bits(host.row()))
}

/// All samples of a store, as text.
fn samples(store: &SeriesStore) -> Vec<String> {
    let families: Vec<_> = store.families().map(|family| Arc::clone(&family.name)).collect();
    let mut samples = Vec::new();
    for (family, name) in families.iter().enumerate() {
        store.for_each_sample(family, |sample| {
            let cells: Vec<u64> = sample.cells.iter().map(|cell| cell.to_bits()).collect();
            let labels = [sample.host_labels, sample.metric_labels].map(|labels| labels.as_text().to_vec());
            samples.push(format!("{name} {labels:?} {cells:?} {:?}", sample.own_time));
        });
    }
    samples
}

/// The steps of each host of a world through the whole run, with what comes from outside.
fn world_steps(world: &mut World, run: &RandomRun) -> Vec<Vec<String>> {
    let mut steps = vec![Vec::new(); world.plan().hosts.len()];
    let mut advance = |world: &mut World, to| {
        world.advance_with(to, |step| {
            steps[step.host as usize].push(digest(step.at, step.driven, step.out));
        });
    };
    for (at, outside) in &run.outside {
        advance(world, at_millis(*at));
        send(world, outside);
    }
    advance(world, at_millis(RUN_SECS * 1000));
    steps
}

fn backfill_steps(backfill: &Backfill) -> Vec<Vec<String>> {
    let ids = (0..).take(backfill.plan().hosts.len());
    ids.map(|id: HostId| {
        let mut steps = Vec::new();
        let until = at_millis(RUN_SECS * 1000);
        let take = |at, host: &DrivenHost, out: &Outbox| steps.push(digest(at, host, out));
        drive(&mut backfill.host(id), until, &mut Outbox::default(), take);
        steps
    })
    .collect()
}

/// Sleeps until then, and tells of the phases and faults of the run on the way, as the loop of a run does.
async fn sleep_with_edges(fleet: &Fleet, told_to: &mut Time, until: Time) {
    loop {
        let edge = fleet.next_run_edge(*told_to);
        tokio::select! {
            // An event has begun a fault: there may be an earlier edge.
            () = fleet.course_changed() => continue,
            () = sleep_until(fleet.clock(), edge.min(until)) => {}
        }
        if edge > until {
            return;
        }
        fleet.tell_edges(edge);
        *told_to = edge;
    }
}

/// Runs a fleet under a paused clock, beside a world, and compares all samples whenever no host has just acted. Returns the
/// number of comparisons.
async fn compare_live(run: &RandomRun) -> Result<usize, TestCaseError> {
    let (plan, clock) = (plan(&run.config), Clock::start_at(START));
    let fleet = Arc::new(Fleet::new(Plan::clone(&plan), clock, tally(), Arc::default()));
    let start = fleet.publish_own(RUN_STARTED);
    let mut runner = FleetRunner::start(
        Arc::clone(&fleet),
        Seed::new(run.seed),
        start,
        None,
        Handle::current(),
        StopFlag::default(),
    )
    .await;
    let (mut world, mut stores) =
        (World::new(Arc::clone(&plan), run.seed, start).unwrap(), JobStores::new(&plan));
    let (mut outside, mut compared, mut last) = (run.outside.iter().peekable(), 0, start);
    let mut advance = |world: &mut World, to| {
        world.advance_with(to, |step| {
            stores.take(step);
            last = last.max(step.at);
        });
        let shown: Vec<_> = stores.stores().iter().map(samples).collect();
        (shown, last)
    };
    let (mut at, mut told_to) = (start, start.before(Span::from_nanos(1)));
    while at < at_millis(RUN_SECS * 1000) {
        at += STRIDE;
        while let Some((sent, outside)) = outside.next_if(|(sent, _)| at_millis(*sent) <= at) {
            sleep_with_edges(&fleet, &mut told_to, at_millis(*sent)).await;
            advance(&mut world, clock.now());
            match outside {
                Outside::Event { name, source } => {
                    fleet.publish_from(name, source, serde_json::Value::Null);
                }
                Outside::Action(number, host) => {
                    let (host, action) = action(&plan, (*number, *host), (&fleet.course(), clock.now()));
                    match target(&plan, host, &action) {
                        all @ Targets::All => drop(fleet.change_run(clock.now(), &all, action).unwrap()),
                        _ if fleet.has_ended(host) => {}
                        _ => assert!(fleet.send_action(host, action)),
                    }
                }
            }
            send(&mut world, outside);
        }
        sleep_with_edges(&fleet, &mut told_to, at).await;
        sleep_until(&clock, at + LATENESS).await;
        let (shown, last) = advance(&mut world, at);
        if at.since(last) > LATENESS && world.due() > at + LATENESS + LATENESS {
            let live: Vec<_> = fleet.jobs().iter().map(|job| samples(&job.store())).collect();
            prop_assert!(live == shown, "{} s\n{live:#?}\n{shown:#?}", at.since(start).as_secs_f64());
            prop_assert_eq!(tally_updates(&fleet), world.counts().updates);
            compared += 1;
        }
    }
    runner.end().await;
    Ok(compared)
}

fn tally_updates(fleet: &Fleet) -> u64 {
    fleet.counters.tally.updates.get()
}

/// 20 runs that are always the same; others, and as many as it says, with `PROPTEST_CASES`.
fn runs() -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let rng_seed = if cases.is_some() { RngSeed::Random } else { RngSeed::Fixed(7) };
    let cases = cases.unwrap_or(20);
    Config {
        cases,
        rng_seed,
        rng_algorithm: RngAlgorithm::ChaCha,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(runs())]
    #[test]
    fn a_world_a_backfill_and_a_live_run_give_the_same(run in random_run()) {
        let plan = plan(&run.config);
        let mut world = World::new(Arc::clone(&plan), run.seed, START).unwrap();
        let steps = world_steps(&mut world, &run);
        let until = at_millis(RUN_SECS * 1000);
        let backfill = Backfill::with_log(Arc::clone(&plan), run.seed, (START, until), world.log());
        let of_backfill = backfill_steps(&backfill.unwrap());
        for (host, (of_world, of_backfill)) in steps.iter().zip(&of_backfill).enumerate() {
            let differs = of_world.iter().zip(of_backfill).find(|(a, b)| a != b);
            prop_assert_eq!(differs, None, "host {}", host);
            prop_assert_eq!(of_world.len(), of_backfill.len());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let compared = runtime.unwrap().block_on(compare_live(&run))?;
        prop_assert!(compared >= 20, "{compared} comparisons");
    }

    #[test]
    fn the_same_1000_steps_follow_from_a_snapshot(run in random_run()) {
        let stride = Span::from_nanos(20_000_000);
        let mut world = World::new(plan(&run.config), run.seed, START).unwrap();
        for _ in 0..1000 {
            world.advance(world.now() + stride);
        }
        let snapshot = world.snapshot().unwrap();
        let mut future = || {
            world.restore(&snapshot).unwrap();
            let (mut outside, mut steps) = (run.outside.iter().peekable(), Vec::new());
            for _ in 0..1000 {
                if let Some((_, outside)) = outside.next_if(|(at, _)| at_millis(*at) <= world.now()) {
                    send(&mut world, outside);
                }
                world.advance_with(world.now() + stride, |step| {
                    steps.push((step.host, digest(step.at, step.driven, step.out)));
                });
            }
            steps
        };
        let first = future();
        prop_assert!(first == future());
        prop_assert!(first == future());
    }
}
