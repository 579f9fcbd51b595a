//! Environments that need plugins: a learned one beside the run of its model, and the replicas of a service.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promemu_core::config::{ConfigDirs, LoadOptions};
use promemu_core::expression::Value;
use promemu_core::plan::Action;
use promemu_core::plugin;
use promemu_core::time::Span;
use promemu_core::timeline::Targets;
use promemu_core::world::World;

use crate::action::Choice;
use crate::environment::{Environment, Episode, START};
use crate::learned_system::{Learned, LearnedSystem};
use crate::setup::{Setup, read_model};
use crate::shipped;
use crate::spec::Spec;

/// Plugins belong to the process, so tests take turns with them.
static PLUGINS: Mutex<()> = Mutex::new(());

/// A process with this plugin.
fn with_plugin(name: &str) -> (MutexGuard<'static, ()>, tempfile::TempDir) {
    let turn = PLUGINS.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let file = format!("libpromemu_{name}.{}", std::env::consts::DLL_EXTENSION);
    let built = std::env::current_exe().unwrap().with_file_name(&file);
    fs::copy(built, folder.path().join(file)).unwrap();
    plugin::set_folders(vec![folder.path().to_owned()], Vec::new());
    (turn, folder)
}

fn example() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/python/python/promemu");
    folder.join("example.promemu-model").to_str().unwrap().to_owned()
}

#[test]
fn a_learned_environment_has_the_values_of_a_run_of_its_model() {
    let _turn = with_plugin("dynamics_plugin");
    let mut options = LoadOptions::starting_at(START);
    options.arguments.insert("model".to_owned(), Value::from(&*example()));
    let plan = Arc::new(ConfigDirs::usual().load("learned", &options).unwrap().plan);
    let learned = Arc::new(Learned::new(read_model(&example()).unwrap()));
    let step = learned.step();
    for seed in [1, 77] {
        let mut world = World::new(Arc::clone(&plan), seed, START).unwrap();
        let mut system = LearnedSystem::new(Arc::clone(&learned), seed, START);
        let mut now = START + Span::from_secs(12);
        let mut compared = 0;
        for number in 0..200u32 {
            world.advance(now);
            system.advance(now);
            for (place, column) in learned.model.roles[0].role.columns.iter().enumerate() {
                let found = shown(&world, &column.metric);
                let own = system.value(0, place);
                assert_eq!(found.to_bits(), own.to_bits(), "step {number}: {} {found} {own}", column.metric);
                compared += 1;
            }
            if number % 7 == 3 {
                let value = f64::from(number % 5) / 4.0;
                let action = Action::Lever { lever: 0, value, lasts: Span::FOREVER };
                world.act(&Targets::All, "agent", action).unwrap();
                system.move_lever(0, value);
            }
            now += step;
        }
        assert_eq!(compared, 800);
    }
}

/// The value of the series of a metric of the only host.
fn shown(world: &World, metric: &str) -> f64 {
    let shape = &world.plan().hosts[0].shape;
    let place = shape.pools.iter().enumerate().find_map(|(pool, plan)| {
        let own = plan.shape.metrics.iter().find(|own| *own.name == *metric)?;
        Some((pool, own.offset))
    });
    let (pool, offset) = place.unwrap();
    world.member(0, pool, 0).unwrap().1[offset]
}

#[test]
fn replicas_that_are_taken_away_make_requests_slow_and_those_that_are_added_make_them_fast() {
    let _turn = with_plugin("population");
    let mut spec: Spec = shipped::environment("autoscale").unwrap().unwrap();
    spec.steps = 60;
    let setup = Arc::new(Setup::new(spec).unwrap());
    let mut environment = Environment::new(Arc::clone(&setup)).unwrap();
    let mut seen = vec![0.0; setup.observation_len()];
    let episode = Episode { level: setup.spec.level(Some("none")).unwrap(), fault_seed: None };
    let latency = setup.columns.iter().position(|column| column.name == "latency_p95").unwrap();
    let replicas = setup.columns.iter().position(|column| column.name == "replicas").unwrap();
    environment.reset(5, &episode, &mut seen).unwrap();
    let mut play = |kind: usize, steps: usize| {
        for _ in 0..steps {
            environment.step(Choice { kind, target: 0 }, &mut seen).unwrap();
        }
        [latency, replicas].map(|column| environment.numbers()[column])
    };
    let [at_first, before] = play(0, 8);
    let [slow, few] = play(2, 9);
    assert!(before - few > 8.5 && slow > 3.0 * at_first, "{at_first} {slow}");
    play(1, 20);
    let [fast, _] = play(0, 8);
    assert!(fast < 2.0 * at_first, "{at_first} {fast}");
}

#[test]
fn a_replica_that_is_taken_back_before_it_has_started_never_comes() {
    let _turn = with_plugin("population");
    let setup = Arc::new(Setup::new(shipped::environment("autoscale").unwrap().unwrap()).unwrap());
    let mut environment = Environment::new(Arc::clone(&setup)).unwrap();
    let mut seen = vec![0.0; setup.observation_len()];
    let episode = Episode { level: setup.spec.level(Some("none")).unwrap(), fault_seed: None };
    environment.reset(5, &episode, &mut seen).unwrap();
    // A replica takes two steps to start; the number that runs is what it costs.
    let costs = [1, 1, 2, 0, 0, 1, 0, 0, 2, 0].map(|kind| {
        let terms = environment.step(Choice { kind, target: 0 }, &mut seen).unwrap().terms.0;
        (-terms[1] / 0.06).round()
    });
    assert_eq!(
        costs.map(f64::to_bits),
        [10.0, 10.0, 11.0, 11.0, 11.0, 11.0, 11.0, 12.0, 11.0, 11.0f64].map(f64::to_bits)
    );
}
