//! Plugins that are good, and those that are wrong in every way that could be thought of.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::registry::{Content, PluginRegistry};
use super::*;
use crate::rng::{Rng, Seed};
use crate::time::{Span, Time};

/// Compiles a plugin in C.
fn compile(source: &str, defines: &[&str], library: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Werror", "-shared", "-fPIC", "-I"])
        .arg(root.join("plugins/api"))
        .args(defines)
        .arg("-o")
        .args([library, &root.join(source)])
        .arg("-lm")
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
}

/// A plugin that cargo builds for the tests.
fn built(name: &str) -> PathBuf {
    let name = format!("libpromemu_{name}.{}", std::env::consts::DLL_EXTENSION);
    std::env::current_exe().unwrap().with_file_name(name)
}

fn demo() -> PathBuf {
    built("demo")
}

/// Puts the plugin `processes` on the registry of this process, for all its tests.
pub(crate) fn bring_processes() {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let (folder, library) = (tempfile::tempdir().unwrap(), built("processes"));
        fs::copy(&library, folder.path().join(library.file_name().unwrap())).unwrap();
        registry::look_in(vec![folder.path().to_owned()], Vec::new());
        assert!(registry::workload("processes").is_some());
        folder
    });
}

fn load(path: &Path) -> Result<&'static Declared, String> {
    match registry::load(path) {
        Content::Untouched(why) => Err(why),
        Content::Loaded(declared) => declared,
    }
}

/// What a scenario wants, and its random numbers.
struct Wants {
    rng: Rng,
    emitted: Vec<(String, String)>,
    wakes: Vec<Time>,
}

impl Wants {
    fn new() -> Self {
        Self { rng: Seed::new(1).rng(), emitted: Vec::new(), wakes: Vec::new() }
    }
}

impl HostContext for Wants {
    fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    fn emit(&mut self, event: &Arc<str>, data: serde_json::Value) {
        self.emitted.push((event.to_string(), data.to_string()));
    }

    fn wake(&mut self, at: Time) {
        self.wakes.push(at);
    }
}

fn at(secs: u64) -> Moment<'static> {
    let t_secs = f64::from(u32::try_from(secs).unwrap());
    Moment {
        now: Time::from_unix_secs(secs),
        t_secs,
        dt_secs: 1.0,
        value: 0.0,
        host_name: "h",
        event: None,
        is_live: false,
    }
}

/// The scenario with its defaults, but for the first parameters.
fn prepare(scenario: &'static DeclaredScenario, first: &[ParamValue]) -> Result<Arc<Prepared>, String> {
    let defaults = scenario.params.iter().skip(first.len()).map(|param| param.default.clone().unwrap());
    let given = first.iter().cloned().chain(defaults).collect();
    Prepared::new(scenario, given, (0.0, 10.0), 0.0).map(Arc::new)
}

#[test]
fn the_demo_declares_itself_and_gives_values() {
    let plugin = load(&demo()).unwrap();
    assert_eq!((plugin.name.as_str(), plugin.version.as_str()), ("promemu-demo", env!("CARGO_PKG_VERSION")));
    let [staircase] = plugin.scenarios.as_slice() else { panic!("it has one scenario") };
    let step = &staircase.params[0];
    assert_eq!((step.name.as_str(), &step.takes), ("step", &ParamType::Number));
    assert_eq!((step.default.as_ref(), step.default_text.as_str()), (Some(&ParamValue::Number(1.0)), "1"));
    let steps = prepare(staircase, &[ParamValue::Number(4.0)]).unwrap();
    let mut instance = Instance::start(&steps, 0.0);
    let mut wants = Wants::new();
    let values: Vec<f64> = (0..5).map(|n| instance.ask(&at(n), &mut wants).unwrap().unwrap()).collect();
    assert_eq!(values, [0.0, 4.0, 8.0, 0.0, 4.0]);
    let refused = prepare(staircase, &[ParamValue::Number(-1.0)]).unwrap_err();
    assert_eq!(refused, "step must be above 0, but is -1");
}

#[test]
fn random_numbers_are_those_of_the_metric() {
    let plugin = load(&demo()).unwrap();
    let noisy = prepare(&plugin.scenarios[0], &[ParamValue::Number(1.0), ParamValue::Number(0.5)]).unwrap();
    let run = || {
        let (mut instance, mut wants) = (Instance::start(&noisy, 0.0), Wants::new());
        (0..9).map(|n| instance.ask(&at(n), &mut wants).unwrap().unwrap().to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
    let mut rng = Seed::new(1).rng();
    assert_eq!(run()[0], rng.uniform(-0.5, 0.5).to_bits());
}

#[test]
fn a_plugin_in_c_has_state_and_events() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("boost.so");
    compile("plugins/boost/boost.c", &["-Wextra", "-Wpedantic"], &library);
    let boost = &load(&library).unwrap().scenarios[0];
    assert_eq!((boost.listens.as_slice(), boost.uses_dt), (&["boost".to_owned()][..], true));
    let numbers =
        [ParamValue::Number(10.0), ParamValue::Number(90.0), ParamValue::Duration(Span::from_secs(1))];
    let numbers =
        [&numbers[..], &[ParamValue::Duration(Span::from_secs(5)), ParamValue::Number(0.0)]].concat();
    let mut instance = Instance::start(&prepare(boost, &numbers).unwrap(), 0.0);
    let mut wants = Wants::new();
    assert_eq!(instance.ask(&at(0), &mut wants), Ok(Some(10.0)));
    let event = Some(Heard { name: "boost", source: "other", data: "0.5" });
    assert_eq!(instance.ask(&Moment { event, ..at(1) }, &mut wants), Ok(Some(10.0)));
    assert_eq!(wants.wakes, [Time::from_unix_secs(6)]);
    let risen = instance.ask(&at(2), &mut wants).unwrap().unwrap();
    assert!((risen - (50.0 - 40.0 * (-1.0f64).exp())).abs() < 1e-9, "{risen}");
    assert!(instance.ask(&at(6), &mut wants).unwrap().unwrap() > risen);
    let fallen = instance.ask(&at(7), &mut wants).unwrap().unwrap();
    assert!(fallen < risen, "{fallen}");
    let said: Vec<&str> = wants.emitted.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(said, ["boost_started", "boost_ended"]);
    assert_eq!(wants.emitted[0].1, "10.0");
}

#[test]
fn what_is_declared_wrongly_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let refusals = (1..=19).map(|case| {
        let library = dir.path().join(format!("{case}.so"));
        compile("tests/plugins/hostile.c", &[&format!("-DCASE={case}")], &library);
        let registry = PluginRegistry::new(Vec::new(), vec!["sine_wave"]);
        let outcome = load(&library).and_then(|plugin| registry.refuse_built_ins(plugin));
        format!("{case:02}: {}", outcome.unwrap_err())
    });
    insta::assert_snapshot!(refusals.collect::<Vec<_>>().join("\n"), @r#"
    01: it is built for version 2.9 of the plugin interface, and this promemu has 1.1; build it anew
    02: it is built for another version of the plugin interface than 1, which this promemu has; build it anew
    03: it exports no function promemu_plugin_v1
    04: promemu_plugin_v1 gives no table
    05: its table has 16 bytes, and 88 are needed; build it anew
    06: it has no name
    07: name "odd name" is not allowed; it has up to 64 letters, digits and _
    08: scenario rogue: summary is not plain UTF-8
    09: it says that it has 4000000000 scenarios, and 1000 are allowed
    10: its scenarios are nowhere
    11: its scenarios have 8 bytes each, and 112 are needed; build it anew
    12: scenario rogue has no function update
    13: name "rogue" is there twice
    14: scenario rogue: parameter mode has a wrong default: "quiet" is not one of good, nan, infinite, status, panic, speechless, babble, stranger, no_json, flood, past, chatter, stateless, refusal, keep, low, kept, complaint, census
    15: scenario rogue: parameter mode is of the kind 99, which there is not
    16: scenario rogue: summary is no text, or is longer than 10000 bytes
    17: its scenarios are nowhere
    18: the name of its scenario sine_wave is that of a built-in
    19: config rogue_config: it has no function build
    "#);
}

#[test]
fn a_file_is_looked_at_before_it_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.so");
    let refusal = |text: &str| {
        fs::write(&path, text).unwrap();
        load(&path).unwrap_err()
    };
    assert_eq!(refusal("no library"), "it is no plugin: it has no function promemu_plugin_v1");
    let two = refusal("promemu_plugin_v12 promemu_plugin_v2");
    assert!(two.starts_with("it is built for another version of the plugin interface than 1"), "{two}");
    let odd = refusal("promemu_plugin_v1");
    assert!(odd.starts_with("the system does not load it: ") && !odd.contains("/a.so"), "{odd}");
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&path, 0o646);
    assert_eq!(load(&path).unwrap_err(), "it is writable by others; take that away with chmod go-w");
    set(&path, 0o644);
    set(dir.path(), 0o757);
    assert_eq!(load(&path).unwrap_err(), "its folder is writable by others; take that away with chmod go-w");
    set(dir.path(), 0o700);
    fs::remove_file(&path).unwrap();
    assert!(load(&path).unwrap_err().starts_with("it cannot be read: "));
}

#[test]
fn a_library_that_is_not_whole_is_refused_before_it_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("half.so");
    let library = dir.path().join("boost.so");
    compile("plugins/boost/boost.c", &[], &library);
    for whole in [demo(), library] {
        let whole = fs::read(whole).unwrap();
        let eighths = (1..8).map(|n| whole.len() / 8 * n);
        for len in [8, 63, 64, 500, 3_000, 4_096, whole.len() - 1].into_iter().chain(eighths) {
            fs::write(&path, &whole[..len]).unwrap();
            let refusal = load(&path).unwrap_err();
            assert!(refusal.starts_with(&format!("it is incomplete: it has {len} bytes, ")), "{refusal}");
        }
        fs::write(&path, &whole).unwrap();
        load(&path).unwrap();
    }
}

#[test]
fn what_a_scenario_does_wrongly_costs_its_metric_one_value() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("hostile.so");
    compile("tests/plugins/hostile.c", &[], &library);
    let rogue = &load(&library).unwrap().scenarios[0];
    let prepare = |mode: &str| prepare(rogue, &[ParamValue::Text(mode.to_owned())]);
    let mut lines = Vec::new();
    let modes =
        ["good", "keep", "nan", "infinite", "status", "panic", "speechless", "babble", "stranger", "no_json"];
    for mode in modes.into_iter().chain(["flood", "past", "chatter"]) {
        let mut instance = Instance::start(&prepare(mode).unwrap(), 0.0);
        let mut wants = Wants::new();
        let first = instance.ask(&at(1), &mut wants);
        let again = instance.ask(&at(2), &mut wants);
        let outcome = match first {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.replace(char::REPLACEMENT_CHARACTER, "").trim_end().to_owned(),
        };
        lines.push(format!("{mode}: {outcome}"));
        if mode == "panic" {
            lines.push(format!("  again: {}", again.unwrap_err()));
        }
        assert!(wants.emitted.len() <= 2_000, "{mode}");
    }
    for mode in ["stateless", "refusal", "kept", "complaint", "census"] {
        lines.push(format!("{mode}: {}", prepare(mode).unwrap_err()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    good: Some(7.0)
    keep: None
    nan: rogue of plugin hostile: it gave NaN, which is no finite number
    infinite: rogue of plugin hostile: it gave inf, which is no finite number
    status: rogue of plugin hostile: it gave the status 12345, which there is not
    panic: rogue of plugin hostile: it panicked: everything is lost
      again: rogue of plugin hostile: it is not asked any more, as it has panicked
    speechless: rogue of plugin hostile: it failed without saying why
    babble: rogue of plugin hostile:
    stranger: rogue of plugin hostile: it emits "host_stopped", which it has not declared
    no_json: rogue of plugin hostile: what its event done carries is not JSON of at most 1 MiB
    flood: rogue of plugin hostile: it wants more than 1000 events and updates at once
    past: Some(7.0)
    chatter: Some(7.0)
    stateless: it made no state
    refusal: this is refused
    kept: it made no state
    complaint: it emits "host_stopped", which it has not declared
    census: no other is alive
    "#);
    let low = prepare("low").unwrap();
    let refused = Instance::start(&low, 5.0).ask(&at(1), &mut Wants::new()).unwrap_err();
    assert_eq!(refused, "rogue of plugin hostile: it could not be made: 5 is too much");
    let tried = Prepared::new(rogue, vec![ParamValue::Text("low".to_owned())], (0.0, 10.0), 5.0);
    assert_eq!(tried.unwrap_err(), "5 is too much", "what the metric begins with is tried");
}

#[test]
fn a_shelf_takes_what_comes_changes_and_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("boost.{}", std::env::consts::DLL_EXTENSION));
    let mut registry = PluginRegistry::new(vec![dir.path().into(), dir.path().join("nowhere")], Vec::new());
    assert!(!registry.look(true));
    compile("plugins/boost/boost.c", &[], &path);
    assert!(registry.look(true) && !registry.look(true));
    let first: *const Declared = registry.taken().next().unwrap();
    compile("plugins/boost/boost.c", &["-O1"], &path);
    assert!(registry.look(true));
    let second: *const Declared = registry.taken().next().unwrap();
    assert_ne!(first, second, "it is another library now");
    fs::write(&path, "promemu_plugin_v1").unwrap();
    assert!(!registry.look(true), "a broken one leaves what there was");
    assert_eq!(registry.taken().next().map(std::ptr::from_ref), Some(second));
    let twin = dir.path().join(format!("twin.{}", std::env::consts::DLL_EXTENSION));
    compile("plugins/boost/boost.c", &[], &twin);
    assert!(!registry.look(true), "its name is taken");
    let half = fs::read(&twin).unwrap();
    fs::write(&path, &half[..half.len() / 2]).unwrap();
    assert!(!registry.look(true), "half of one leaves what there was");
    assert_eq!(registry.taken().next().map(std::ptr::from_ref), Some(second));
    fs::remove_file(&path).unwrap();
    assert!(registry.look(true));
    assert_eq!(registry.taken().count(), 1, "now the other one has the name");
    fs::remove_file(&twin).unwrap();
    assert!(registry.look(true));
    assert_eq!(registry.taken().count(), 0);
}

#[test]
fn a_library_that_is_refused_for_its_name_is_not_loaded_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    let mut registry = PluginRegistry::new(vec![dir.path().into()], Vec::new());
    compile("plugins/boost/boost.c", &[], &file("a"));
    let loads = dir.path().join("loads");
    let counted = format!("-DCOUNTED_IN=\"{}\"", loads.display());
    compile("tests/plugins/counted.c", &[&counted], &file("b"));
    assert!(registry.look(true));
    let count = || fs::read(&loads).unwrap().len();
    assert_eq!((registry.taken().count(), count()), (1, 1));
    for text in ["no", "plugin"] {
        fs::write(file("c"), text).unwrap();
        assert!(!registry.look(true));
    }
    assert_eq!(count(), 1, "another file has changed");
    fs::remove_file(file("a")).unwrap();
    assert!(registry.look(true));
    assert_eq!((registry.taken().count(), count()), (1, 1), "what is loaded already is taken");
}

#[test]
fn workloads_that_are_declared_wrongly_are_refused_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let refusals = (1..=8).chain(10..=13).map(|case| {
        let library = dir.path().join(format!("{case}.so"));
        compile("tests/plugins/crowd.c", &[&format!("-DCASE={case}")], &library);
        format!("{case}: {}", load(&library).unwrap_err())
    });
    insta::assert_snapshot!(refusals.collect::<Vec<_>>().join("\n"), @r#"
    1: its table has 87 bytes, and 88 are needed; build it anew
    2: workload crowd has no function pool_size
    3: workload crowd: it has no metrics
    4: workload crowd: metric crowd_height is of the kind 9, which there is not
    5: workload crowd: name "crowd steps" is not allowed; it has up to 64 letters, digits and _
    6: workload crowd: it has 0 labels, and 1 to 16 are needed
    7: workload crowd: name "who" is there twice
    8: its workloads have 8 bytes each, and 144 are needed; build it anew
    10: workload crowd: metric crowd_height is there twice with the same labels
    11: workload crowd: metric crowd_steps_total: label value "{left}" is not allowed; it has letters, digits, _, -, . and /
    12: workload crowd: metric crowd_steps_total: name "who" is there twice
    13: workload crowd: metric crowd_height is there twice with another kind or help
    "#);
}

#[test]
fn a_table_of_an_earlier_version_brings_what_it_had_then() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("old.so");
    compile("tests/plugins/crowd.c", &["-DCASE=9"], &library);
    let plugin = load(&library).unwrap();
    assert_eq!((plugin.name.as_str(), plugin.workloads.len()), ("crowds", 0));
}

/// The workload of the crowds in this mode.
fn crowd(dir: &Path, mode: &str) -> Result<Arc<PreparedWorkload>, String> {
    let library = dir.join("crowd.so");
    compile("tests/plugins/crowd.c", &["-Wextra"], &library);
    let workload = &load(&library)?.workloads[0];
    PreparedWorkload::new(workload, vec![ParamValue::Text(mode.to_owned())]).map(Arc::new)
}

#[test]
fn a_workload_says_who_comes_and_goes_and_gives_values() {
    let dir = tempfile::tempdir().unwrap();
    let prepared = crowd(dir.path(), "good").unwrap();
    assert_eq!((prepared.pool_size(), prepared.workload().labels.join(" ")), (3, "who where".to_owned()));
    let kinds = prepared.workload().families.iter().map(|it| (it.name.as_str(), it.is_counter));
    assert_eq!(kinds.collect::<Vec<_>>(), [("crowd_height", false), ("crowd_steps_total", true)]);
    let (mut crowd, mut comings) = (ModelInstance::start(&prepared), Vec::new());
    assert_eq!(crowd.ask(&at(5), &mut Wants::new(), &mut comings), Ok(true));
    let ann = Arrival { began: Time::from_unix_secs(5), labels: vec!["ann".to_owned(), "hall".to_owned()] };
    assert_eq!(comings, [Coming { slot: 1, member: Some(ann) }, Coming { slot: 0, member: None }]);
    assert_eq!([crowd.values(0), crowd.values(1), crowd.values(3)], [&[0.0, 0.0][..], &[1.5, 12.0], &[]]);
}

#[test]
fn what_a_workload_does_wrongly_is_contained() {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for mode in ["keep", "nan", "far", "flood", "latin", "long", "panic"] {
        let (mut crowd, mut comings) = (ModelInstance::start(&crowd(dir.path(), mode).unwrap()), Vec::new());
        let first = crowd.ask(&at(1), &mut Wants::new(), &mut comings);
        assert!(comings.len() <= 6, "{mode}");
        lines.push(format!("{mode}: {first:?}, {} came or went", comings.len()));
        if mode == "panic" {
            let again = crowd.ask(&at(2), &mut Wants::new(), &mut comings).unwrap_err();
            lines.push(format!("  again: {again}"));
        }
    }
    for mode in ["none", "many", "refusal"] {
        lines.push(format!("{mode}: {}", crowd(dir.path(), mode).unwrap_err()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    keep: Ok(false), 0 came or went
    nan: Err("crowd of plugin crowds: it gave NaN for crowd_steps_total in slot 1, which is no finite number"), 2 came or went
    far: Err("crowd of plugin crowds: it speaks of slot 3, and has 3"), 2 came or went
    flood: Err("crowd of plugin crowds: more come and go at once than twice its slots"), 6 came or went
    latin: Err("crowd of plugin crowds: label \"h�ll\" is not UTF-8"), 2 came or went
    long: Err("crowd of plugin crowds: a label is no text, or is longer than 1000 bytes"), 2 came or went
    panic: Err("crowd of plugin crowds: it panicked: everything is lost"), 2 came or went
      again: crowd of plugin crowds: it is not asked any more, as it could not be made or has panicked
    none: it does not say how many slots it has
    many: it has 4000000000 slots, and 4194304 are allowed
    refusal: this is refused
    "#);
}
