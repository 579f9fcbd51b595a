//! The cost of a plugin's call: a built-in that draws one random number, beside the demo's scenario, which does the
//! same and adds a step. One iteration is one update.

#![expect(clippy::expect_used, reason = "a bench ends when it cannot go on")]

use std::hint::black_box;

use criterion::Criterion;
use promemu_core::expression::Storage;
use promemu_core::plugin;
use promemu_core::rng::Seed;
use promemu_core::scenario::{
    Arguments, MetricContext, RunningScenario, ScenarioPlan, SideEffects, UpdateContext, kind,
};
use promemu_core::time::Time;

/// Beside this program, where cargo builds what it depends on.
fn shelve_demo() -> tempfile::TempDir {
    let name = format!("libpromemu_demo.{}", std::env::consts::DLL_EXTENSION);
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let built = std::env::current_exe().expect("this program is somewhere").with_file_name(&name);
    std::fs::copy(built, folder.path().join(&name)).expect("the demo is built");
    plugin::set_folders(vec![folder.path().into()], Vec::new());
    folder
}

fn plan(scenario: &str) -> ScenarioPlan {
    let kind = kind(scenario).expect("there is such a scenario");
    (kind.build)(&mut Arguments::new(MetricContext {
        range: Some((0.0, 1e9)),
        default_value: 0.0,
        ..MetricContext::default()
    }))
    .expect("it needs no parameters")
}

fn update(
    (plan, running): (&ScenarioPlan, &mut RunningScenario),
    storage: &mut Storage,
    effects: &mut SideEffects,
    tick: &mut (f64, promemu_core::rng::Rng),
) {
    let (t_secs, rng) = tick;
    *t_secs += 10.0;
    let mut context = UpdateContext {
        now: Time::from_unix_secs(1_767_600_000),
        t_secs: *t_secs,
        dt_secs: 0.0,
        value: 1.0,
        source_value: 0.0,
        event: None,
        host_name: "worker-000001",
        links: &[],
        levers: &[],
        lever_times: None,
        metric: 0,
        rng,
        storage,
        effects,
    };
    let value = plan.update(running, &mut context);
    black_box(value.expect("it gives values"));
}

fn main() {
    let _folder = shelve_demo();
    let mut criterion = Criterion::default().configure_from_args();
    for scenario in ["do_nothing", "random_in_range", "random_walk", "staircase"] {
        let plan = plan(scenario);
        let mut running = plan.start(0.0);
        let (mut storage, mut effects) = (Storage::default(), SideEffects::default());
        let mut tick = (0.0, Seed::new(1).rng());
        criterion.bench_function(scenario, |bencher| {
            bencher.iter(|| update((&plan, &mut running), &mut storage, &mut effects, &mut tick));
        });
    }
    criterion.final_summary();
}
