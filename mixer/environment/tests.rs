//! Environments of small configs, and the shipped ones that need no plugin.

mod plugins;

use std::sync::Arc;

use promemu_core::backfill::{Backfill, drive};
use promemu_core::host::Outbox;
use promemu_core::rng::Seed;

use crate::action::{ActionKind, Choice};
use crate::batch::{Autoreset, Batch, Results, episode_seed};
use crate::environment::{Environment, Episode, START};
use crate::faults;
use crate::reward::TERMS;
use crate::setup::Setup;
use crate::shipped;
use crate::spec::Spec;
use crate::system::System;

fn incident() -> Arc<Setup> {
    Arc::new(Setup::new(shipped::environment("incident").unwrap().unwrap()).unwrap())
}

fn episode(setup: &Setup, level: &str) -> Episode {
    Episode { level: setup.spec.level(Some(level)).unwrap(), fault_seed: None }
}

fn some_choice(number: u64) -> Choice {
    let mut rng = Seed::new(number).rng();
    let below = |bound, rng: &mut promemu_core::rng::Rng| usize::try_from(rng.below(bound)).unwrap();
    Choice { kind: below(7, &mut rng), target: below(3, &mut rng) }
}

#[test]
fn an_environment_has_the_values_of_a_backfill_with_its_log() {
    let setup = incident();
    let mut environment = Environment::new(Arc::clone(&setup)).unwrap();
    let mut seen = vec![0.0; setup.observation_len()];
    environment.reset(42, &episode(&setup, "compound"), &mut seen).unwrap();
    for number in 0..90 {
        environment.step(some_choice(number), &mut seen).unwrap();
    }
    let System::World(world) = environment.system() else { unreachable!("it is a config") };
    assert!(environment.outcome().mended > 0 && world.log().actions().len() > 10);
    let (plan, now) = (Arc::clone(world.plan()), world.now());
    let run = Backfill::with_log(Arc::clone(&plan), 42, (START, now), world.log()).unwrap();
    for id in 0..u32::try_from(plan.hosts.len()).unwrap() {
        let mut host = run.host(id);
        drive(&mut host, now, &mut Outbox::default(), |_, _, _| {});
        let bits = |row: &[f64]| row.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
        assert_eq!(
            bits(host.driven().host().row()),
            bits(world.world().row(id)),
            "{}",
            plan.hosts[id as usize].name
        );
    }
}

#[test]
fn the_first_episode_has_the_seed_and_the_others_have_their_own() {
    assert_eq!(episode_seed(7, 0), 7);
    let others: Vec<u64> = (1..100).map(|number| episode_seed(7, number)).collect();
    assert!(others.iter().all(|seed| *seed != 7 && *seed < 1 << 53));
    assert_ne!(others, (1..100).map(|number| episode_seed(8, number)).collect::<Vec<_>>());
}

#[test]
fn faults_come_one_after_the_other_or_as_many_at_once_as_a_level_says() {
    let spec = shipped::environment("incident").unwrap().unwrap();
    let at_once = |seed, most| {
        let drawn = faults::draw(&spec, 3, most, seed);
        assert!(drawn.iter().all(|fault| fault.kind < 3 && fault.target < 3 && fault.begin < fault.end));
        let on = |step: u32| drawn.iter().filter(|fault| fault.begin <= step && step < fault.end).count();
        (0..spec.steps).map(on).max().unwrap()
    };
    assert!((0..50).all(|seed| at_once(seed, 0) == 0 && at_once(seed, 1) == 1));
    assert!((0..50).all(|seed| at_once(seed, 2) <= 2) && (0..50).any(|seed| at_once(seed, 2) == 2));
}

#[test]
fn the_remedy_of_another_fault_or_on_another_target_does_not_help() {
    let setup = incident();
    let mut environment = Environment::new(Arc::clone(&setup)).unwrap();
    let mut seen = vec![0.0; setup.observation_len()];
    environment.reset(7, &episode(&setup, "single"), &mut seen).unwrap();
    let fault = environment.records()[0].drawn.clone();
    let remedies = [ActionKind::Restart, ActionKind::RaiseLimit, ActionKind::Drain].map(|kind| kind as usize);
    while environment.outcome().steps < fault.begin + 2 {
        environment.step(Choice::NOOP, &mut seen).unwrap();
    }
    for (kind, target) in (0..3).flat_map(|kind| (0..3).map(move |target| (kind, target))) {
        if (kind, target) != (fault.kind, fault.target) {
            environment.step(Choice { kind: remedies[kind], target }, &mut seen).unwrap();
            assert_eq!(environment.outcome().mended, 0);
        }
    }
    environment.step(Choice { kind: remedies[fault.kind], target: fault.target }, &mut seen).unwrap();
    assert_eq!(environment.outcome().mended, 1);
    assert_eq!(environment.active_faults().count(), 0);
}

#[test]
fn a_batch_that_ends_an_episode_begins_the_next_one_in_the_same_step_by_wish() {
    let mut spec = shipped::environment("incident").unwrap().unwrap();
    spec.steps = 2;
    let setup = Arc::new(Setup::new(spec).unwrap());
    let width = setup.observation_len();
    let mut batch =
        Batch::new(Arc::clone(&setup), 2, Autoreset::SameStep, episode(&setup, "none"), 2).unwrap();
    let (mut observations, mut lasts) = (vec![0.0; 2 * width], vec![0.0; 2 * width]);
    batch.reset(Some(&[1, 2]), None, &mut observations).unwrap();
    let (mut rewards, mut terms) = ([0.0; 2], [0.0; 2 * TERMS.len()]);
    let (mut terminated, mut truncated) = ([false; 2], [false; 2]);
    for step in 0..2 {
        let results = Results {
            observations: &mut observations,
            last_observations: &mut lasts,
            rewards: &mut rewards,
            terms: &mut terms,
            terminated: &mut terminated,
            truncated: &mut truncated,
        };
        batch.step(&[0; 4], results).unwrap();
        assert_eq!((truncated, terminated), ([step == 1; 2], [false; 2]));
    }
    assert!(batch.ended(0).is_some_and(|outcome| outcome.steps == 2));
    assert!(lasts.iter().any(|value| *value > 0.0) && lasts != observations);
    assert_eq!(batch.environment(0).unwrap().outcome().steps, 0);
}

#[test]
fn descriptions_without_a_meaning_are_refused() {
    let text = |change: &dyn Fn(&str) -> String| {
        Setup::new(Spec::parse(&change(shipped::ENVIRONMENTS[0].1))?).map(drop)
    };
    let refused = |from: &str, to: &str| {
        let error = text(&|text| text.replacen(from, to, 1)).unwrap_err();
        error.with_causes()
    };
    assert!(text(&str::to_owned).is_ok());
    for (from, to, why) in [
        ("steps: 180", "steps: 0", "must be above 0"),
        ("range: (0, 2)", "range: (2, 0)", "the smaller one first"),
        (
            "column: \"error_ratio\", above: 0.05, for",
            "column: \"x\", above: 0.05, for",
            "column \"x\" is not observed",
        ),
        ("metric: \"request_seconds\"", "metric: \"x\"", "no host has metric \"x\""),
        ("targets: [\"api-*\"]", "targets: [\"x-*\"]", "targets x-* match no host"),
        ("kind: drain", "kind: restart", "action restart is there already"),
        ("ends: [\"latency\"]", "ends: [\"x\"]", "ends fault \"x\", which is not in faults"),
        ("action: 0.2", "action: -1", "costs of the reward must be 0 or above"),
        ("warm_up", "warmup", "warmup"),
    ] {
        assert!(refused(from, to).contains(why), "{}", refused(from, to));
    }
}
