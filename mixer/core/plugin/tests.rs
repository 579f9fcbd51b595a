//! Good plugins, and plugins with one mistake each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::file::LoadState;
use super::registry::PluginRegistry;
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

/// Path of a plugin that cargo builds for the tests.
fn built(name: &str) -> PathBuf {
    let name = format!("libpromemu_{name}.{}", std::env::consts::DLL_EXTENSION);
    std::env::current_exe().unwrap().with_file_name(name)
}

fn demo() -> PathBuf {
    built("demo")
}

/// Puts the plugins of shipped configs, and `crowd`, which saves no state, into the registry of this process, for all its tests.
pub(crate) fn bring_plugins() {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for library in ["memcached", "population", "processes"].map(built) {
            fs::copy(&library, folder.path().join(library.file_name().unwrap())).unwrap();
        }
        let crowd = folder.path().join("crowd").with_extension(std::env::consts::DLL_EXTENSION);
        compile("tests/plugins/crowd.c", &[], &crowd);
        registry::set_folders(vec![folder.path().to_owned()], Vec::new());
        assert!(registry::model("processes").is_some() && registry::model("crowd").is_some());
        folder
    });
}

/// All refusals in one text.
fn joined<T>(outcome: Result<T, Vec<Refusal>>) -> Result<T, String> {
    outcome.map_err(|refusals| join(&refusals))
}

fn load(path: &Path) -> Result<&'static PluginDecl, String> {
    match file::load(path) {
        LoadState::Skipped(why) => Err(why),
        LoadState::Loaded(declared) => declared,
    }
}

/// A host that notes events and wake-ups.
struct FakeHost {
    rng: Rng,
    emitted: Vec<(String, String)>,
    wakes: Vec<Time>,
}

impl FakeHost {
    fn new() -> Self {
        Self { rng: Seed::new(1).rng(), emitted: Vec::new(), wakes: Vec::new() }
    }
}

impl HostContext for FakeHost {
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

fn at(secs: u64) -> PluginTick<'static> {
    let t_secs = f64::from(u32::try_from(secs).unwrap());
    PluginTick {
        now: Time::from_unix_secs(secs),
        t_secs,
        dt_secs: 1.0,
        value: 0.0,
        host_name: "h",
        event: None,
        is_live: false,
    }
}

/// The scenario with its defaults, except for the first parameters.
fn configure(
    scenario: &'static ScenarioDecl,
    first: &[ParamValue],
) -> Result<Arc<ConfiguredScenario>, String> {
    let defaults = scenario.params.iter().skip(first.len()).map(|param| param.default.clone().unwrap());
    let params = first.iter().cloned().chain(defaults).collect();
    joined(ConfiguredScenario::new(scenario, params, (0.0, 10.0), 0.0)).map(Arc::new)
}

#[test]
fn the_demo_declares_itself_and_gives_values() {
    let plugin = load(&demo()).unwrap();
    assert_eq!((plugin.name.as_str(), plugin.version.as_str()), ("promemu-demo", env!("CARGO_PKG_VERSION")));
    let [staircase] = plugin.scenarios.as_slice() else { panic!("it has one scenario") };
    let step = &staircase.params[0];
    assert_eq!((step.name.as_str(), &step.param_type), ("step", &ParamType::Number));
    assert_eq!((step.default.as_ref(), step.default_text.as_str()), (Some(&ParamValue::Number(1.0)), "1"));
    let steps = configure(staircase, &[ParamValue::Number(4.0)]).unwrap();
    let mut instance = ScenarioInstance::start(&steps, 0.0);
    let mut host = FakeHost::new();
    let values: Vec<f64> = (0..5).map(|n| instance.next_value(&at(n), &mut host).unwrap().unwrap()).collect();
    assert_eq!(values, [0.0, 4.0, 8.0, 0.0, 4.0]);
    let refused = configure(staircase, &[ParamValue::Number(-1.0)]).unwrap_err();
    assert_eq!(refused, "step must be above 0, but is -1");
}

#[test]
fn random_numbers_are_those_of_the_metric() {
    let plugin = load(&demo()).unwrap();
    let noisy = configure(&plugin.scenarios[0], &[ParamValue::Number(1.0), ParamValue::Number(0.5)]).unwrap();
    let run = || {
        let (mut instance, mut host) = (ScenarioInstance::start(&noisy, 0.0), FakeHost::new());
        (0..9).map(|n| instance.next_value(&at(n), &mut host).unwrap().unwrap().to_bits()).collect::<Vec<_>>()
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
    let mut instance = ScenarioInstance::start(&configure(boost, &numbers).unwrap(), 0.0);
    let mut host = FakeHost::new();
    assert_eq!(instance.next_value(&at(0), &mut host), Ok(Some(10.0)));
    let event = Some(PluginEvent { name: "boost", source: "other", data: "0.5" });
    assert_eq!(instance.next_value(&PluginTick { event, ..at(1) }, &mut host), Ok(Some(10.0)));
    assert_eq!(host.wakes, [Time::from_unix_secs(6)]);
    let risen = instance.next_value(&at(2), &mut host).unwrap().unwrap();
    assert!((risen - (50.0 - 40.0 * (-1.0f64).exp())).abs() < 1e-9, "{risen}");
    assert!(instance.next_value(&at(6), &mut host).unwrap().unwrap() > risen);
    let fallen = instance.next_value(&at(7), &mut host).unwrap().unwrap();
    assert!(fallen < risen, "{fallen}");
    let said: Vec<&str> = host.emitted.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(said, ["boost_started", "boost_ended"]);
    assert_eq!(host.emitted[0].1, "10.0");
}

#[test]
fn wrong_declarations_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let refusals = (1..=19).map(|case| {
        let library = dir.path().join(format!("{case}.so"));
        compile("tests/plugins/hostile.c", &[&format!("-DCASE={case}")], &library);
        let registry = PluginRegistry::new(Vec::new(), vec!["sine_wave"]);
        let outcome = load(&library).and_then(|plugin| registry.check_built_ins(plugin));
        format!("{case:02}: {}", outcome.unwrap_err())
    });
    insta::assert_snapshot!(refusals.collect::<Vec<_>>().join("\n"), @r#"
    01: built for version 1.9 of the plugin interface, but this promemu has 2.1; rebuild it
    02: built for another version of the plugin interface than 2, which this promemu has; rebuild it
    03: function promemu_plugin_v2 is not exported
    04: promemu_plugin_v2 returned no table
    05: table has 16 bytes, but needs 104; rebuild it
    06: name is missing
    07: name "odd name" is invalid; use up to 64 letters, digits and _
    08: scenario rogue: summary is not UTF-8, or has control characters
    09: 4000000000 scenarios are too many; at most 1000 are allowed
    10: array of scenarios is null or misaligned
    11: scenarios have 8 bytes each, but need 112; rebuild it
    12: scenario rogue: function update is missing
    13: name "rogue" is used twice
    14: scenario rogue: parameter mode: default is invalid: "quiet" is not one of good, nan, infinite, status, panic, speechless, babble, stranger, no_json, flood, past, chatter, stateless, refusal, keep, low, kept, complaint, census
    15: scenario rogue: parameter mode: unknown kind 99
    16: scenario rogue: summary is null or longer than 10000 bytes
    17: array of scenarios is null or misaligned
    18: scenario sine_wave has the name of a built-in; rename it
    19: config rogue_config: function build is missing
    "#);
}

#[test]
fn a_file_is_checked_before_it_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.so");
    let refusal = |text: &str| {
        fs::write(&path, text).unwrap();
        load(&path).unwrap_err()
    };
    assert_eq!(refusal("no library"), "file is not a plugin: function promemu_plugin_v2 is missing");
    let two = refusal("promemu_plugin_v22 promemu_plugin_v3");
    assert!(two.starts_with("built for another version of the plugin interface than 2"), "{two}");
    let odd = refusal("promemu_plugin_v2");
    assert!(odd.starts_with("loading failed: ") && !odd.contains("/a.so"), "{odd}");
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&path, 0o646);
    assert_eq!(load(&path).unwrap_err(), "file is writable by others; protect it with chmod go-w");
    set(&path, 0o644);
    set(dir.path(), 0o757);
    assert_eq!(load(&path).unwrap_err(), "folder is writable by others; protect it with chmod go-w");
    set(dir.path(), 0o700);
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(load(&path).unwrap_err(), "file is no plugin: it has more than 512 MiB");
    fs::remove_file(&path).unwrap();
    assert!(load(&path).unwrap_err().starts_with("file cannot be read: "));
}

#[test]
fn a_small_table_that_declares_endless_parameters_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let outcome = |fanout: usize| {
        let library = dir.path().join(format!("nested{fanout}.so"));
        compile("tests/plugins/nested.c", &[&format!("-DFANOUT={fanout}")], &library);
        load(&library)
    };
    assert_eq!(outcome(1).unwrap().scenarios[0].params.len(), 1);
    assert_eq!(outcome(2).unwrap().scenarios[0].params.len(), 2, "510 of them are within the bound");
    for fanout in [4, 8] {
        let error = outcome(fanout).unwrap_err();
        assert!(error.ends_with("parameters are more than 10000, nested ones counted"), "{error}");
    }
}

#[test]
fn an_incomplete_library_is_refused_before_it_is_loaded() {
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
            assert!(refusal.starts_with(&format!("file is incomplete: it has {len} bytes, ")), "{refusal}");
        }
        fs::write(&path, &whole).unwrap();
        load(&path).unwrap();
    }
}

#[test]
fn a_failing_scenario_costs_its_metric_one_value() {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("hostile.so");
    compile("tests/plugins/hostile.c", &[], &library);
    let rogue = &load(&library).unwrap().scenarios[0];
    let configure = |mode: &str| configure(rogue, &[ParamValue::Text(mode.to_owned())]);
    let mut lines = Vec::new();
    let modes =
        ["good", "keep", "nan", "infinite", "status", "panic", "speechless", "babble", "stranger", "no_json"];
    for mode in modes.into_iter().chain(["flood", "past", "chatter"]) {
        let mut instance = ScenarioInstance::start(&configure(mode).unwrap(), 0.0);
        let mut host = FakeHost::new();
        let first = instance.next_value(&at(1), &mut host);
        let again = instance.next_value(&at(2), &mut host);
        let outcome = match first {
            Ok(value) => format!("{value:?}"),
            Err(error) => error.replace(char::REPLACEMENT_CHARACTER, "").trim_end().to_owned(),
        };
        lines.push(format!("{mode}: {outcome}"));
        if mode == "panic" {
            lines.push(format!("  again: {}", again.unwrap_err()));
        }
        assert!(host.emitted.len() <= 2_000, "{mode}");
    }
    for mode in ["stateless", "refusal", "kept", "complaint", "census"] {
        lines.push(format!("{mode}: {}", configure(mode).unwrap_err()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    good: Some(7.0)
    keep: None
    nan: rogue of plugin hostile: returned NaN, which is not a finite number
    infinite: rogue of plugin hostile: returned inf, which is not a finite number
    status: rogue of plugin hostile: returned status 12345, which the ABI does not define
    panic: rogue of plugin hostile: panicked: everything is lost
      again: rogue of plugin hostile: no longer called after its panic
    speechless: rogue of plugin hostile: failed without a reason
    babble: rogue of plugin hostile:
    stranger: rogue of plugin hostile: emitted undeclared event "host_stopped"
    no_json: rogue of plugin hostile: data of event done are not JSON of at most 1 MiB
    flood: rogue of plugin hostile: more than 1000 events and wake-ups in one update
    past: Some(7.0)
    chatter: Some(7.0)
    stateless: create returned no state
    refusal: this is refused
    kept: create returned no state
    complaint: emitted undeclared event "host_stopped"
    census: no other is alive
    "#);
    let low = configure("low").unwrap();
    let refused = ScenarioInstance::start(&low, 5.0).next_value(&at(1), &mut FakeHost::new()).unwrap_err();
    assert_eq!(refused, "rogue of plugin hostile: create failed: 5 is too much");
    let tried = ConfiguredScenario::new(rogue, vec![ParamValue::Text("low".to_owned())], (0.0, 10.0), 5.0);
    assert_eq!(joined(tried).unwrap_err(), "5 is too much", "the metric's first value is checked");
}

#[test]
fn the_registry_follows_files_that_come_change_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("boost.{}", std::env::consts::DLL_EXTENSION));
    let mut registry = PluginRegistry::new(vec![dir.path().into(), dir.path().join("nowhere")], Vec::new());
    assert!(!registry.refresh(true));
    compile("plugins/boost/boost.c", &[], &path);
    assert!(registry.refresh(true) && !registry.refresh(true));
    let first: *const PluginDecl = registry.active().next().unwrap();
    compile("plugins/boost/boost.c", &["-O1"], &path);
    assert!(registry.refresh(true));
    let second: *const PluginDecl = registry.active().next().unwrap();
    assert_ne!(first, second, "it is another library");
    fs::write(&path, "promemu_plugin_v2").unwrap();
    assert!(!registry.refresh(true), "a broken one leaves what there was");
    assert_eq!(registry.active().next().map(std::ptr::from_ref), Some(second));
    let twin = dir.path().join(format!("twin.{}", std::env::consts::DLL_EXTENSION));
    compile("plugins/boost/boost.c", &[], &twin);
    assert!(!registry.refresh(true), "the name is taken");
    let half = fs::read(&twin).unwrap();
    fs::write(&path, &half[..half.len() / 2]).unwrap();
    assert!(!registry.refresh(true), "half of one leaves what there was");
    assert_eq!(registry.active().next().map(std::ptr::from_ref), Some(second));
    fs::remove_file(&path).unwrap();
    assert!(registry.refresh(true));
    assert_eq!(registry.active().count(), 1, "now the other one has the name");
    fs::remove_file(&twin).unwrap();
    assert!(registry.refresh(true));
    assert_eq!(registry.active().count(), 0);
}

#[test]
fn a_library_refused_for_its_name_is_not_loaded_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(format!("{name}.{}", std::env::consts::DLL_EXTENSION));
    let mut registry = PluginRegistry::new(vec![dir.path().into()], Vec::new());
    compile("plugins/boost/boost.c", &[], &file("a"));
    let loads = dir.path().join("loads");
    let counted = format!("-DCOUNTED_IN=\"{}\"", loads.display());
    compile("tests/plugins/counted.c", &[&counted], &file("b"));
    assert!(registry.refresh(true));
    let count = || fs::read(&loads).unwrap().len();
    assert_eq!((registry.active().count(), count()), (1, 1));
    for text in ["no", "plugin"] {
        fs::write(file("c"), text).unwrap();
        assert!(!registry.refresh(true));
    }
    assert_eq!(count(), 1, "another file has changed");
    fs::remove_file(file("a")).unwrap();
    assert!(registry.refresh(true));
    assert_eq!((registry.active().count(), count()), (1, 1), "what is loaded already is taken");
}

#[test]
fn wrong_models_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let refusals = (1..=13).map(|case| {
        let library = dir.path().join(format!("{case}.so"));
        compile("tests/plugins/crowd.c", &[&format!("-DCASE={case}")], &library);
        let described = load(&library).and_then(|plugin| {
            joined(ConfiguredModel::new(&plugin.models[0], vec![ParamValue::Text("good".to_owned())]))
        });
        format!("{case}: {}", described.unwrap_err())
    });
    insta::assert_snapshot!(refusals.collect::<Vec<_>>().join("\n"), @r#"
    1: table has 103 bytes, but needs 104; rebuild it
    2: model crowd: function describe is missing
    3: table crowd: metrics are missing
    4: metric crowd_height: unknown kind 9
    5: table crowd: metric crowd steps: name "crowd steps" is invalid; use up to 64 letters, digits and _
    6: table crowd: rows_max must be 1 without labels, but is 3
    7: table crowd: name "who" is used twice
    8: models have 8 bytes each, but need 152; rebuild it
    9: model crowd: function stop is missing
    10: table crowd: metric crowd_height: it is declared twice with the same labels
    11: table crowd: metric crowd_steps_total: label value "{left}" is invalid; use letters, digits, _, -, . and /
    12: table crowd: metric crowd_steps_total: name "who" is used twice
    13: table crowd: metric crowd_height: it is declared twice with another kind or help
    "#);
}

#[test]
fn a_metric_is_rounded_unless_it_says_so_and_one_of_an_older_version_has_no_flags() {
    let dir = tempfile::tempdir().unwrap();
    let described = |name: &str, bytes: &str| {
        let library = dir.path().join(name);
        let flags = ["-DFAMILY_FLAGS=PROMEMU_UNROUNDED", &format!("-DFAMILY_BYTES={bytes}")];
        compile("tests/plugins/crowd.c", &flags, &library);
        let model = &load(&library).unwrap().models[0];
        joined(ConfiguredModel::new(model, vec![ParamValue::Text("good".to_owned())]))
            .map(|model| model.tables()[0].families[0].is_rounded)
    };
    assert_eq!(described("now.so", "sizeof(promemu_family)"), Ok(false));
    assert_eq!(described("before.so", "offsetof(promemu_family, flags)"), Ok(true));
    let refused = described("short.so", "offsetof(promemu_family, states)").unwrap_err();
    assert!(refused.ends_with("; rebuild it"), "{refused}");
}

/// The test model in this mode.
fn crowd(dir: &Path, mode: &str) -> Result<Arc<ConfiguredModel>, String> {
    let library = dir.join("crowd.so");
    compile("tests/plugins/crowd.c", &["-Wextra"], &library);
    let model = &load(&library)?.models[0];
    joined(ConfiguredModel::new(model, vec![ParamValue::Text(mode.to_owned())])).map(Arc::new)
}

#[test]
fn a_model_begins_and_ends_rows_and_writes_values() {
    let dir = tempfile::tempdir().unwrap();
    let configured = crowd(dir.path(), "good").unwrap();
    let [table] = configured.tables() else { panic!("it has one table") };
    assert_eq!((table.rows_max, table.labels.join(" ")), (3, "who where".to_owned()));
    let kinds = table.families.iter().map(|it| (it.name.as_str(), it.kind.clone()));
    let expected = [("crowd_height", FamilyKind::Gauge), ("crowd_steps_total", FamilyKind::Counter)];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    let (mut crowd, mut changes) = (ModelInstance::start(&configured), TickChanges::default());
    assert_eq!(crowd.advance(&at(5), &mut FakeHost::new(), &mut changes), Ok(true));
    let ann = Row { began: Time::from_unix_secs(5), labels: vec!["ann".to_owned(), "hall".to_owned()] };
    let begun = RowChange { table: 0, slot: 1, row: Some(ann) };
    assert_eq!(changes.rows, [begun, RowChange { table: 0, slot: 0, row: None }]);
    assert_eq!(crowd.rows(0).collect::<Vec<_>>(), [[0.0, 0.0], [1.5, 12.0], [0.0, 0.0]]);
    assert!(crowd.copied().unwrap_err().ends_with("its state cannot be saved"));
}

#[test]
fn a_failing_model_is_contained() {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for mode in ["keep", "nan", "far", "flood", "gauge", "latin", "long", "bare", "debt", "panic"] {
        let mut crowd = ModelInstance::start(&crowd(dir.path(), mode).unwrap());
        let mut changes = TickChanges::default();
        let first = crowd.advance(&at(1), &mut FakeHost::new(), &mut changes);
        assert!(changes.rows.len() <= 6, "{mode}");
        lines.push(format!("{mode}: {first:?}, {} row changes", changes.rows.len()));
        if mode == "panic" {
            let again = crowd.advance(&at(2), &mut FakeHost::new(), &mut changes).unwrap_err();
            lines.push(format!("  again: {again}"));
        }
    }
    for mode in ["none", "many", "refusal"] {
        lines.push(format!("{mode}: {}", crowd(dir.path(), mode).unwrap_err()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    keep: Ok(false), 0 row changes
    nan: Err("crowd of plugin crowds: crowd_steps_total in row 1 is NaN, which is not a finite number"), 2 row changes
    far: Err("crowd of plugin crowds: table 1 does not exist; the model has 1"), 2 row changes
    flood: Err("crowd of plugin crowds: more rows begin and end in one update than twice the tables' rows"), 6 row changes
    gauge: Err("crowd of plugin crowds: row 1 has no histogram 0, which was to observe 1.5"), 2 row changes
    latin: Err("crowd of plugin crowds: label \"h�ll\" is not UTF-8"), 2 row changes
    long: Err("crowd of plugin crowds: a label is null or longer than 1000 bytes"), 2 row changes
    bare: Err("crowd of plugin crowds: the labels of row 2 are null or misaligned"), 2 row changes
    debt: Err("crowd of plugin crowds: crowd_steps_total in row 2 is -1, but a counter is not below 0"), 2 row changes
    panic: Err("crowd of plugin crowds: panicked: everything is lost"), 2 row changes
      again: crowd of plugin crowds: no longer called, as create failed or an update panicked
    none: table crowd: rows_max must be from 1 to 4194304, but is 0
    many: table crowd: rows_max must be from 1 to 4194304, but is 4000000000
    refusal: this is refused
    "#);
}
