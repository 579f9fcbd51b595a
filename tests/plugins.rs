//! Plugins through the program: the demo, the one in C, and bad ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock, Once};

use procfs_core::FromRead;
use procfs_core::process::Status;
use promemu_core::backfill::Backfill;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::plan::Plan;
use promemu_core::plugin;
use promemu_core::preview::{FirstValues, first_failures};
use promemu_core::time::{Span, Time};
use promemu_core::world::{World, WorldBatch};

use crate::fuzz;
use crate::processes::{Process, eventually, free_port, get, label, promemu_command, series, value};

/// A folder with a config and a folder of plugins.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with the demo, which cargo builds for the tests.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("plugins")).unwrap();
        let name = library("libpromemu_demo");
        let demo = std::env::current_exe().unwrap().with_file_name(&name);
        fs::copy(demo, folder.path("plugins").join(name)).unwrap();
        folder
    }

    /// A folder with the plugin `processes` too.
    pub(crate) fn of_processes() -> Self {
        let folder = Self::new();
        let name = library("libpromemu_processes");
        let built = std::env::current_exe().unwrap().with_file_name(&name);
        fs::copy(built, folder.path("plugins").join(name)).unwrap();
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles a plugin in C into the folder of plugins.
    fn compile(&self, source: &str, name: &str) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        Self::compile_to(&source, &[], &self.path("plugins").join(library(name)));
    }

    /// Compiles a case of the hostile plugin, and replaces the previous one.
    fn compile_case(&self, case: u8) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins/hostile.c");
        let next = self.path("plugins/next");
        Self::compile_to(&source, &[&format!("-DCASE={case}")], &next);
        fs::rename(next, self.path("plugins").join(library("hostile"))).unwrap();
    }

    fn compile_to(source: &Path, defines: &[&str], library: &Path) {
        let status = Command::new("cc")
            .args(["-std=c11", "-O1", "-shared", "-fPIC", "-I"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/api"))
            .args(defines)
            .arg("-o")
            .args([library, source])
            .arg("-lm")
            .status();
        assert!(status.unwrap().success());
    }

    fn write(&self, metrics: &str) {
        let config = format!("Config(hosts: [Host(name: \"h\", interval: \"1s\", metrics: [{metrics}])])");
        fs::write(self.path("a.ron"), config).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = promemu_command(args);
        command.current_dir(self.0.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

pub(crate) fn library(name: &str) -> String {
    format!("{name}.{}", std::env::consts::DLL_EXTENSION)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_list_shows_plugins_their_contents_and_refused_files() {
    let folder = Folder::new();
    fs::write(folder.path("plugins").join(library("other")), "no library").unwrap();
    let output = folder.run(&["plugins"]);
    insta::assert_snapshot!(text(&output.stdout), @r#"
    promemu-demo 0.2.0: The smallest plugin of promemu, to start from
        from plugins/libpromemu_demo.so

        scenario staircase: climbs by a step with each update, and starts again at
        the top of the value_range
            PARAMETER  TYPE    DEFAULT  HELP
            step       number  1        climb per update
            noise      number  0        maximum deviation of a value, up or down

        config staircases: hosts that climb stairs, each faster than the one before
        it
            ARGUMENT  TYPE    DEFAULT  HELP
            hosts     number  3        number of hosts

    plugins/other.so is refused:
        file is not a plugin: function promemu_plugin_v2 is missing
    "#);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));

    fs::remove_dir_all(folder.path("plugins")).unwrap();
    let none = text(&folder.run(&["plugins"]).stdout);
    assert!(none.starts_with("no plugins in plugins, ") && none.ends_with("--plugins-dir\n"), "{none}");
    let output = folder.run(&["plugins", "--plugins-dir", "plugins"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("--plugins-dir or PME_PLUGINS_DIR: plugins is not a folder"), "{said}");
}

#[test]
fn parameters_of_plugins_are_checked_as_those_of_built_ins() {
    let folder = Folder::new();
    folder.write(
        "
    Metric(name: \"a\", value_range: (0, 9), scenario: staircase(stp: 1)),
    Metric(name: \"b\", value_range: (0, 9), scenario: stairase),
    Metric(name: \"c\", value_range: (0, 9), scenario: staircase(step: -1)),
    Metric(name: \"d\", value_range: (0, 9), scenario: staircase(step: \"much\")),
    Metric(name: \"e\", scenario: staircase),
",
    );
    let output = folder.run(&["check", "a.ron"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stderr), @r#"
    error: a.ron:2:64: staircase has no field "stp"; did you mean "step"?
    error: a.ron:3:54: unknown scenario "stairase"; did you mean "staircase"?
    error: a.ron:4:70: staircase: step must be above 0, but is -1
    error: a.ron:5:70: step: expected a finite number (or a size, as in "1.5GiB"), found text "much"
    error: a.ron:6:33: staircase: the metric needs a value_range, as in (0, 100)
    "#);
    folder.write("Metric(name: \"a\", value_range: (0, 9), scenario: staircase(step: \"{1 + 2}\"))");
    let output = folder.run(&["check", "a.ron"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = text(&folder.run(&["scenarios", "staircase"]).stdout);
    assert!(page.contains("scenario: staircase(step: 1, noise: 0)"), "{page}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_plugins_too() {
    let folder = Folder::new();
    folder.compile("plugins/boost/boost.c", "boost");
    folder.write(
        "
    Metric(name: \"stairs\", value_range: (0, 50), scenario: sum(of: [staircase(noise: 2), sine_wave])),
    Metric(name: \"boosted\", value_range: (0, 100), scenario: boost(duration: 30)),
    Metric(name: \"boosts_total\", metric_type: counter, scenario: calc_by_event(
        events_config: { \"boost_started\": \"value + 1\", \"boost_ended\": \"value + 100\" })),
    Metric(name: \"trigger\", scenario: script(source: \"if t == 60 { emit(\\\"boost\\\") } t\")),
",
    );
    let export = |threads: &str| {
        let args = ["export", "a.ron", "--seed", "7", "--for", "10m", "--to", "2026-01-05T00:00Z"];
        let output = folder.run(&[&args[..], &["--threads", threads]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let exported = export("1");
    assert_eq!(exported, export("2"));
    let values = |family: &str| -> Vec<f64> {
        let number = |line: &str| line.split(' ').nth(1).unwrap().parse().unwrap();
        series(&exported, family).into_iter().map(number).collect()
    };
    assert_eq!(values("boosts_total").last(), Some(&101.0), "one boost began and ended");
    let boosted = values("boosted");
    assert!(boosted.iter().any(|value| *value > 70.0), "{boosted:?}");
    assert!(*boosted.last().unwrap() < 20.0, "{boosted:?}");
    assert_ne!(exported, text(&folder.run(&["export", "a.ron", "--seed", "8", "--for", "10m"]).stdout));
}

#[test]
fn a_config_of_a_plugin_takes_arguments_and_is_listed() {
    let folder = Folder::new();
    let list = text(&folder.run(&["--list-configs"]).stdout);
    let row = list.lines().find(|line| line.starts_with("staircases ")).unwrap_or_default();
    assert!(row.contains("  hosts that climb stairs, each faster"), "{list}");
    let check = |args: &[&str]| {
        let output = folder.run(&[&["check", "staircases"], args].concat());
        text(&output.stdout) + text(&output.stderr).as_str()
    };
    assert!(check(&[]).starts_with("staircases: 1 job, 3 hosts, 1 family, 3 series"), "{}", check(&[]));
    assert!(check(&["--config-args", "hosts=5"]).contains(" 5 hosts, "));
    insta::assert_snapshot!(
        [
            check(&["--config-args", "hosts=0"]),
            check(&["--config-args", "hosts=many"]),
            check(&["--config-args", "hots=2"]),
        ]
        .concat(),
        @r#"
    error: staircases of plugin promemu-demo: hosts must be a whole number above 0, but is 0
    error: staircases of plugin promemu-demo: argument "hosts" takes a number, not "many"
    error: staircases of plugin promemu-demo: the config has no argument "hots"; did you mean "hosts"?
    "#
    );
    let mut variable = folder.command(&["check", "staircases"]);
    let output = variable.env("PME_ARG_HOSTS", "4").output().unwrap();
    assert!(text(&output.stdout).contains(" 4 hosts, "), "{}", text(&output.stderr));
    let once = text(&folder.run(&["--config", "staircases", "--once"]).stdout);
    assert_eq!(series(&once, "floor").len(), 3, "{once}");
}

#[test]
fn a_scenario_that_panics_costs_its_metric_and_not_the_run() {
    let folder = Folder::new();
    folder.compile("tests/plugins/hostile.c", "hostile");
    folder.write(
        "
    Metric(name: \"good\", update_interval: \"50ms\", value_range: (0, 1e9), scenario: staircase),
    Metric(name: \"panics\", update_interval: \"50ms\", default_value: 3, scenario: rogue(mode: panic)),
    Metric(name: \"no_number\", update_interval: \"50ms\", default_value: 3, scenario: rogue(mode: nan)),
",
    );
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let mut run =
        Process::start(&mut folder.command(&["--config", "a.ron", "--embedded", "--pushgateway-url", &url]));
    run.wait_for_log("rogue of plugin hostile: panicked: everything is lost");
    run.wait_for_log("rogue of plugin hostile: returned NaN, which is not a finite number");
    eventually("the others go on, and failures are counted", || {
        let page = get(port, "/metrics")?;
        let good = series(&page, "good").first().is_some_and(|line| value(line) > 5.0);
        let own = get(port, "/promemu/metrics")?;
        let errors = own.lines().find_map(|line| line.strip_prefix("promemu_scenario_errors_total "))?;
        (good && errors.parse::<f64>().ok()? > 5.0).then_some(())
    });
    assert_eq!(run.count_in_log("everything is lost"), 1, "it is logged once");
    assert_eq!(run.terminate(), Some(0));
}

/// Anonymous resident memory of a process, in KiB.
fn anonymous_kib(pid: u32) -> u64 {
    Status::from_file(format!("/proc/{pid}/status")).unwrap().rssanon.unwrap()
}

/// Swaps two builds of a plugin a hundred times while promemu runs. The second build has the second of `texts` in place
/// of the first, and so shows another value.
fn rebuild(source: &str, texts: [&str; 2], metrics_and_pools: &str, family: &str, values: [f64; 2]) {
    const REBUILDS: usize = 100;
    let folder = Folder::new();
    let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(source)).unwrap();
    let builds = texts.map(|text| {
        let changed = source.replace(texts[0], text);
        assert!(changed.contains(text));
        let (file, library) = (folder.path("built.c"), folder.path("built.so"));
        fs::write(&file, changed).unwrap();
        Folder::compile_to(&file, &[], &library);
        fs::read(library).unwrap()
    });
    let place = folder.path("plugins").join(library("rebuilt"));
    let put = |build: &[u8]| {
        // Compilers and package managers also replace a file by a rename.
        fs::write(folder.path("plugins/next"), build).unwrap();
        fs::rename(folder.path("plugins/next"), &place).unwrap();
    };
    put(&builds[0]);
    let config = format!("Config(hosts: [Host(name: \"h\", interval: \"1s\", {metrics_and_pools})])");
    fs::write(folder.path("a.ron"), config).unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = ["--config", "a.ron", "--embedded", "--watch", "--pushgateway-url", &url];
    let mut run = Process::start(&mut folder.command(&args));
    let shows = |wanted: f64| {
        eventually("the value of the build", || {
            let page = get(port, "/metrics")?;
            series(&page, family).first().filter(|line| (value(line) - wanted).abs() < 0.01).map(|_| ())
        });
    };
    shows(values[0]);
    let mut early = 0;
    for rebuild in 1..=REBUILDS {
        put(&builds[rebuild % 2]);
        eventually("the plugin is reloaded", || {
            (run.count_in_log("plugin reloaded") == rebuild).then_some(())
        });
        if rebuild == REBUILDS / 10 {
            shows(values[0]);
            early = anonymous_kib(run.id());
        }
        if rebuild % 25 == 1 {
            shows(values[rebuild % 2]);
        }
    }
    shows(values[0]);
    let grown = anonymous_kib(run.id()).saturating_sub(early);
    assert!(grown < 4_096, "{grown} KiB more after {REBUILDS} rebuilds");
    let maps = fs::read_to_string(format!("/proc/{}/maps", run.id())).unwrap();
    let images =
        maps.lines().filter(|line| line.contains("r-xp") && line.contains(&library("rebuilt"))).count();
    assert_eq!(images, REBUILDS + 1, "each stays loaded, under a path of its own");
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_scenario_rebuilt_a_hundred_times_is_reloaded_and_only_its_images_grow() {
    let texts = ["\"idle\", \"10\"", "\"idle\", \"20\""];
    let metrics =
        "metrics: [Metric(name: \"boosted\", update_interval: \"100ms\", scenario: boost(noise: 0))]";
    rebuild("plugins/boost/boost.c", texts, metrics, "boosted", [10.0, 20.0]);
}

#[test]
fn a_model_rebuilt_a_hundred_times_is_reloaded_and_only_its_images_grow() {
    let pools = "pools: [Pool(workload: crowd, update_interval: \"100ms\")]";
    let texts = ["values[2] = 1.5;", "values[2] = 2.5;"];
    rebuild("tests/plugins/crowd.c", texts, pools, "crowd_height", [1.5, 2.5]);
}

/// Builds a package outside this workspace.
fn build(package: &Path) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let target = package.join("target");
    let output = Command::new(cargo)
        .args(["build", "--offline"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success() && !said.contains("warning"), "{said}");
    target.join("debug")
}

#[test]
fn a_plugin_made_by_new_builds_outside_the_workspace_and_runs() {
    let folder = Folder::new();
    let output = folder.run(&["new", "my-climb", "--plugin"]);
    insta::assert_snapshot!(text(&output.stdout) + text(&output.stderr).as_str(), @"
    my-climb/ is written: a plugin with the scenario my_climb, in my-climb/src/lib.rs. Next:

      cd my-climb && cargo build --release
        # build it
      promemu plugins --plugins-dir target/release
        # show what it provides
      promemu run example.ron --plugins-dir target/release --embedded --watch
        # run it; a rebuilt plugin is reloaded
    ");
    let package = folder.path("my-climb");
    let plugins = build(&package).display().to_string();
    assert!(package.join("Cargo.lock").is_file(), "it has a lock file of its own");
    let config = package.join("example.ron").display().to_string();
    let list = text(&folder.run(&["plugins", "--plugins-dir", &plugins]).stdout);
    assert!(
        list.contains("my-climb 0.1.0: A plugin of promemu") && list.contains("scenario my_climb: "),
        "{list}"
    );
    let export = |seed: &str| {
        let args = [
            "export",
            &config,
            "--plugins-dir",
            &plugins,
            "--seed",
            seed,
            "--for",
            "1m",
            "--to",
            "2026-01-05",
        ];
        let output = folder.run(&args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(export("1").contains("stairs{") && export("1") == export("1") && export("1") != export("2"));

    let source = package.join("src/lib.rs");
    let good = fs::read_to_string(&source).unwrap();
    let bad =
        good.replace("Ok(Some(tick.value()", "assert!(tick.value() > 1e9, \"so low\"); Ok(Some(tick.value()");
    assert_ne!(good, bad);
    fs::write(&source, bad).unwrap();
    build(&package);
    let once = folder.run(&["--config", &config, "--plugins-dir", &plugins, "--once"]);
    assert_eq!(once.status.code(), Some(0));
    let said = text(&once.stderr);
    assert!(said.contains("my_climb of plugin my-climb: panicked: so low (src/lib.rs:"), "{said}");
    assert!(!said.contains("thread '"), "nothing is printed past the log, which waits for no reader: {said}");
}

#[test]
fn new_refuses_names_that_a_plugin_cannot_have() {
    let folder = Folder::new();
    for (args, complaint) in [
        (&["new", "plugins", "--plugin"][..], "plugins exists; choose another name"),
        (&["new", "sine-wave", "--plugin"], "is the name of a built-in scenario"),
        (&["new", "7up", "--plugin"], "begin it with a letter"),
        (&["new", "a/b", "--plugin"], "name \"a/b\" is not allowed"),
        (&["new", "climb", "--plugin", "--hosts", "3"], "--plugin writes no config; leave out --hosts"),
    ] {
        let output = folder.run(args);
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(complaint), "{args:?}: {said}");
    }
    let names: Vec<_> =
        fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["plugins"], "nothing was written");
}

#[test]
fn the_guide_shows_what_new_writes() {
    let read = |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (guide, template) = (read("docs/plugins.md"), read("plugins/template/lib.rs"));
    let shown = guide.split_once("```rust\n").unwrap().1.split_once("```").unwrap().0;
    let is_code = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("//");
    let written = template.replace("SCENARIO", "climb");
    let written: Vec<&str> = written.lines().filter(is_code).collect();
    assert_eq!(shown.lines().filter(is_code).collect::<Vec<_>>(), written);
}

#[test]
fn a_config_of_a_plugin_is_watched_by_its_library() {
    let folder = Folder::new();
    folder.compile_case(21);
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = ["--config", "rogue_config", "--embedded", "--watch", "--pushgateway-url", &url];
    let mut run = Process::start(&mut folder.command(&args));
    let shows = |hosts: usize| {
        eventually("the hosts", || (series(&get(port, "/metrics")?, "level").len() == hosts).then_some(()));
    };
    shows(1);
    folder.compile_case(23);
    shows(3);
    folder.compile_case(20);
    run.wait_for_log("rogue_config of plugin hostile:1:16: expected Host(field: …), found Hots(…)");
    run.wait_for_log("config is not reloaded and the run goes on as before");
    shows(3);
    folder.compile_case(1);
    run.wait_for_log("built for version 1.9 of the plugin interface");
    folder.compile_case(22);
    shows(2);
    assert_eq!(run.terminate(), Some(0));
}

/// The config of a host with a pool of this workload.
fn host_of(workload: &str, metrics: &str) -> String {
    format!(
        "Config(hosts: [Host(name: \"h\", interval: \"15s\", metrics: [{metrics}], pools: [\n{workload}\n])])"
    )
}

#[test]
fn processes_come_and_go_and_their_number_stays() {
    let folder = Folder::of_processes();
    let metrics = r#"
        Metric(name: "killer", scenario: script(source: "if t == 60 { emit(\"kill\", #{ pattern: \"systemd\", priority: \"critical\" }) } t")),
        Metric(name: "heard_total", metric_type: counter, scenario: calc_by_event(
            events_config: { "simulation_started": "value + 1", "simulation_completed": "value + 10" })),
    "#;
    let workload =
        "Pool(workload: processes(process_count: 30, churn_rate: 0.5, duration: 280), update_interval: 15),";
    fs::write(folder.path("a.ron"), host_of(workload, metrics)).unwrap();
    let export = |threads: &str| {
        let args = ["export", "a.ron", "--seed", "7", "--for", "5m", "--to", "2026-01-05T00:00Z"];
        let output = folder.run(&[&args[..], &["--threads", threads]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let exported = export("1");
    assert_eq!(exported, export("2"));
    let number = |line: &str| line.split(' ').nth(1).unwrap().parse::<f64>().unwrap();
    let time = |line: &str| line.split(' ').nth(2).unwrap().to_owned();
    let of =
        |family: &str| -> Vec<String> { series(&exported, family).iter().map(ToString::to_string).collect() };
    let cpu = of("process_cpu_seconds_total");
    let mut moments: Vec<String> = cpu.iter().map(|line| time(line)).collect();
    moments.sort();
    let by_moment: Vec<usize> = moments.chunk_by(|a, b| a == b).map(<[String]>::len).collect();
    // The last report before the end is at 270 s; then all have ended.
    assert_eq!(by_moment, [30; 19]);
    let mut pids: Vec<String> = cpu.iter().map(|line| label(line, "pid").to_owned()).collect();
    pids.sort();
    pids.dedup();
    assert!(pids.len() > 60, "{pids:?}");
    let systemds: Vec<String> = cpu
        .iter()
        .filter(|line| label(line, "process") == "systemd")
        .map(|line| label(line, "pid").to_owned())
        .collect();
    let pids_of_systemd = systemds.chunk_by(|a, b| a == b).count();
    assert_eq!(pids_of_systemd, 2, "it was killed once: {systemds:?}");
    let uptimes = of("process_uptime_seconds");
    assert_eq!(uptimes.len(), cpu.len());
    for (cpu, uptime) in cpu.iter().zip(&uptimes) {
        assert_eq!((label(cpu, "pid"), time(cpu)), (label(uptime, "pid"), time(uptime)));
        assert!(number(cpu) <= 8.0 * number(uptime), "{cpu} {uptime}");
    }
    let heard: Vec<f64> = of("heard_total").iter().map(|line| number(line)).collect();
    assert_eq!(heard.last(), Some(&11.0), "{heard:?}");
}

#[test]
fn models_are_checked_when_a_config_is_loaded_and_contained_when_it_runs() {
    let folder = Folder::new();
    folder.compile("tests/plugins/crowd.c", "crowd");
    let said = [
        "crwd",
        "crowd(mod: good)",
        "crowd(mode: odd)",
        "crowd(mode: refusal)",
        "crowd(mode: many)",
        "crowd, count: 3",
        "crowd), Pool(workload: crowd",
        "crowd(mode: refusal)), Pool(name: \"b\", workload: crowd(mode: many)), Pool(name: \"c\", workload: crowd(mode: refusal)",
    ]
    .map(|workload| {
        fs::write(folder.path("a.ron"), host_of(&format!("Pool(workload: {workload})"), "")).unwrap();
        let output = folder.run(&["check", "a.ron"]);
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    });
    insta::assert_snapshot!(said.concat(), @r#"
    error: a.ron:2:16: unknown workload "crwd"; did you mean "crowd"?
    error: a.ron:2:22: crowd has no field "mod"; did you mean "mode"?
    error: a.ron:2:28: unknown mode "odd"; expected one of good, keep, nan, far, flood, latin, long, panic, none, many, refusal, echo, gauge, bare, debt
    error: a.ron:2:16: crowd: this is refused
    error: a.ron:2:16: crowd: table crowd: rows_max must be from 1 to 4194304, but is 4000000000
    error: a.ron:2:23: Pool has no field "count"; expected one of repeat, name, workload, update_interval
    error: a.ron:2:24: two pools of the host are called "crowd"; give one of them another name
    error: a.ron:2:16: crowd: this is refused
    error: a.ron:2:65: crowd: table crowd: rows_max must be from 1 to 4194304, but is 4000000000
    error: a.ron:2:111: crowd: this is refused
    "#);
    let kinds = ["good", "nan", "far", "panic", "echo"]
        .map(|mode| format!("Pool(name: \"{mode}\", workload: crowd(mode: {mode})),"));
    for (kind, mode) in kinds.iter().zip(["good", "nan", "far", "panic", "echo"]) {
        fs::write(folder.path("a.ron"), host_of(kind, "Metric(name: \"up\")")).unwrap();
        let output =
            folder.run(&["export", "a.ron", "--seed", "7", "--for", "1m", "--to", "2026-01-05T00:00Z"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let (page, said) = (text(&output.stdout), text(&output.stderr));
        let is_good = ["good", "echo"].contains(&mode);
        assert_eq!(said.contains("scenarios failed"), !is_good, "{said}");
        assert_eq!(series(&page, "up").len(), 4, "{mode}");
        let seen = if is_good { 4 } else { 0 };
        assert_eq!(series(&page, "crowd_steps_total").len(), seen, "{mode}");
    }
}

const PROFILE: &str = r#"Profile(
    churn_rate: 0.25,
    programs: [
        Program(name: "gateway", owner: "www-data", priority: critical, weight: 0, cpu_cores: spiky(0.1, 2),
            memory_mib: growing(64, 512.5), threads: (4, 16), open_fds: (20, 300)),
        Program(name: "job", cpu_cores: random(0, 1), memory_mib: steady(8, 8)),
    ],
)"#;

#[test]
fn a_profile_in_the_config_and_one_in_a_file_give_the_same_processes() {
    let folder = Folder::of_processes();
    let export = |profile: &str| {
        let pool = format!("Pool(workload: processes(process_count: 9, profile: {profile}))");
        fs::write(folder.path("a.ron"), host_of(&pool, "")).unwrap();
        let output =
            folder.run(&["export", "a.ron", "--seed", "7", "--for", "1m", "--to", "2026-01-05T00:00Z"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    fs::write(folder.path("own.ron"), PROFILE).unwrap();
    let exported = export("\"own.ron\"");
    assert_eq!(exported, export(PROFILE));
    assert_eq!(series(&exported, "process_threads").len(), 36);
    assert!(exported.contains("process=\"gateway\"") && exported.contains("process=\"job\""), "{exported}");
}

#[test]
fn all_errors_in_a_profile_stand_at_their_places() {
    let folder = Folder::of_processes();
    let pool = "Pool(workload: processes(process_count: 0.5, profile: \"own.ron\"))";
    fs::write(folder.path("a.ron"), host_of(pool, "")).unwrap();
    let refused = |changes: &[(&str, &str)]| {
        let profile = changes.iter().fold(PROFILE.to_owned(), |profile, (from, to)| {
            assert!(profile.contains(from), "{from}");
            profile.replacen(from, to, 1)
        });
        fs::write(folder.path("own.ron"), profile).unwrap();
        let output = folder.run(&["check", "a.ron"]);
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    };
    let all = [
        refused(&[
            ("churn_rate", "chrn_rate"),
            ("critical", "urgent"),
            ("spiky(0.1, 2)", "spicky(0.1, 2)"),
            ("(4, 16)", "(4, \"x\")"),
            ("name: \"job\", ", ""),
        ]),
        refused(&[("spiky(0.1, 2)", "spiky(-1, 2)"), ("weight: 0", "weight: -1"), ("\"job\"", "\"\"")]),
        refused(&[("random(0, 1)", "random(3, 1)"), ("(20, 300)", "(20)")]),
        refused(&[("Profile", "Profle")]),
        refused(&[("\n)", "\n")]),
    ];
    fs::remove_file(folder.path("own.ron")).unwrap();
    let missing = text(&folder.run(&["check", "a.ron"]).stderr);
    insta::assert_snapshot!(all.concat() + missing.as_str(), @r#"
    error: own.ron:2:5: Profile has no field "chrn_rate"; did you mean "churn_rate"?
    error: own.ron:4:93: unknown cpu_cores "spicky"; did you mean "spiky"?
    error: own.ron:5:58: threads: expected a finite number (or a size, as in "1.5GiB"), found text "x"
    error: own.ron:6:9: Program needs name: name of the program
    error: own.ron:4:81: processes: profile.programs[0].weight must have whole numbers from 0 on, but has -1
    error: own.ron:6:23: processes: profile.programs[1].name must not be empty
    error: own.ron:5:73: open_fds takes a pair, as in (0, 100); found a tuple of 1
    error: own.ron:1:1: expected Profile(…), found Profle(…)
    error: a.ron:2:41: processes: process_count must be a whole number from 0 to 1000000000, but is 0.5
    error: own.ron:7:7: the file ends, but the ( of line 1 is open; close it with )
    error: a.ron:2:41: processes: process_count must be a whole number from 0 to 1000000000, but is 0.5
    error: a.ron:2:55: config own.ron cannot be read; check that it is a readable text file: No such file or directory (os error 2)
    "#);
}

/// The folder of a plugin that is built outside of this workspace: the model `shops` and the generator `sleeper`.
static BUILT: LazyLock<PathBuf> = LazyLock::new(build_outside);

/// A folder with this plugin.
fn outside() -> Folder {
    let folder = Folder::new();
    let name = library("libshops");
    fs::copy(BUILT.join(&name), folder.path("plugins").join(name)).unwrap();
    folder
}

/// Builds the plugin, and gives the folder of its library. The tests share it, so it is built once.
fn build_outside() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("shops");
    fs::create_dir_all(package.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"shops\"\ndescription = \"Shops\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [lib]\ncrate-type = [\"cdylib\"]\n[dependencies]\npromemu-plugin = {{ path = \"{}\" }}\n[workspace]\n",
        root.join("plugins/api").display()
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("tests/plugins/outside/shops.rs"), package.join("src/lib.rs")).unwrap();
    build(&package)
}

/// Writes a config whose model `shops` has these.
fn write_shops(folder: &Folder, shops: &str) {
    let pool = format!("Pool(workload: shops(shops: {shops}), update_interval: 15)");
    fs::write(folder.path("a.ron"), host_of(&pool, "")).unwrap();
}

const GENERATOR_REFUSAL: &str =
    "generator sleeper of plugin shops does real work and has no virtual time; run the config live";

/// The plan of a config with plugins from outside, in this process.
fn plan_here(config: &str, start: Time) -> Arc<Plan> {
    static LIBRARIES: Once = Once::new();
    LIBRARIES.call_once(|| {
        let here = fuzz::plugin::folder();
        let name = library("libshops");
        fs::copy(BUILT.join(&name), here.join(name)).unwrap();
        // Another test may have looked before these were there.
        let _has_changed = plugin::refresh();
    });
    let config = ConfigFile::from_text("shops", config);
    Arc::new(config.plan(&LoadOptions::starting_at(start)).unwrap().plan)
}

#[test]
fn worlds_and_first_values_refuse_a_generator_that_a_check_accepts() {
    let start = Time::from_unix_secs(1_767_600_000);
    let plan = plan_here(&host_of("Pool(workload: sleeper)", ""), start);
    let refusals = [
        World::new(Arc::clone(&plan), 7, start).unwrap_err(),
        WorldBatch::new(Arc::clone(&plan), &[1, 2], start).unwrap_err(),
        Backfill::new(Arc::clone(&plan), 7, start, start + Span::from_secs(60)).unwrap_err(),
        FirstValues::of(&plan, 7, start).unwrap_err(),
    ];
    for refusal in refusals {
        assert_eq!(refusal.to_string(), GENERATOR_REFUSAL);
    }
    assert_eq!(first_failures(&plan, 7, start), Vec::<String>::new());
}

#[test]
fn a_world_with_a_model_from_outside_has_the_same_future_from_a_snapshot() {
    let pool = r#"Pool(workload: shops(shops: [(city: "Ulm", prices: {"nut": 1.5}), (city: "Bonn")]), update_interval: 1)"#;
    let start = Time::from_unix_secs(1_767_600_000);
    let mut world = World::new(plan_here(&host_of(pool, ""), start), 7, start).unwrap();
    let seconds = |world: &mut World, from: u64| -> Vec<String> {
        let shown = (from + 1..=from + 1_000).map(|secs| {
            world.advance(start + Span::from_secs(secs));
            format!("{:?}", [0, 1].map(|row| world.member(0, 0, row)))
        });
        shown.collect()
    };
    for from in [0, 500] {
        world.advance(start + Span::from_secs(from));
        let snapshot = world.snapshot().unwrap();
        let expected = seconds(&mut world, from);
        assert!(expected[999].contains("Ulm") && expected[999] != expected[998], "{}", expected[999]);
        world.restore(&snapshot).unwrap();
        assert!(seconds(&mut world, from) == expected, "from {from} s on");
        world.restore(&snapshot).unwrap();
    }
}

#[test]
fn scenarios_and_models_outside_of_the_workspace_follow_a_lever_at_its_edges() {
    let start = Time::from_unix_secs(1_767_600_000);
    let config = r#"Config(levers: { "load": 1 },
        faults: [Fault(id: "peak", at: 20, lasts: 7, set: { "load": 5 }), Fault(id: "else", at: 23, hosts: "other", set: { "load": 9 })],
        hosts: [Host(name: "other"), Host(name: "h",
            metrics: [
                Metric(name: "plain", update_interval: "1h", scenario: pace),
                Metric(name: "part", update_interval: "1h", scenario: sum(of: [pace, pace])),
            ],
            pools: [
                Pool(name: "members", count: 1, labels: { "of": "pool" }, metrics: [Metric(name: "own", update_interval: "1h", scenario: pace)]),
                Pool(workload: shops(shops: [(city: "Ulm")]), update_interval: "1h"),
            ])])"#;
    let mut world = World::new(plan_here(config, start), 7, start).unwrap();
    let mut shown = |secs: f64| {
        world.advance(start + Span::from_secs_f64(secs).unwrap());
        let member = |pool: usize| world.member(1, pool, 0).unwrap().1[0];
        [world.row(1)[0], world.row(1)[1], member(0), member(1)].map(|value| value.to_string())
    };
    // The shop sells 2 times the load in each tick.
    assert_eq!(shown(19.9), ["1", "2", "1", "2"]);
    assert_eq!(shown(20.0), ["5", "10", "5", "12"]);
    assert_eq!(shown(26.9), ["5", "10", "5", "12"]);
    assert_eq!(shown(27.0), ["1", "2", "1", "14"]);
}

#[test]
fn a_model_outside_of_the_workspace_has_tables_and_histograms_and_reads_levers() {
    let folder = outside();
    write_shops(
        &folder,
        r#"[Shop(city: "Ulm", basket: (1, 3), prices: {"nut": 1.5, "bolt": 0.5}), (city: "Bonn", prices: {"nut": 2})]"#,
    );
    let args = ["export", "a.ron", "--seed", "7", "--for", "1m", "--to", "2026-01-05T00:00Z"];
    let output = folder.run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = text(&output.stdout);
    assert_eq!(page, text(&folder.run(&args).stdout), "the same seed gives the same rows");
    let of = |family: &str, wanted: &str| -> Vec<String> {
        let lines = series(&page, family).into_iter().filter(|line| line.contains(wanted));
        lines.map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(of("shop_sales_total", "Ulm"), ["2", "4", "6", "8"]);
    assert_eq!(
        of("shop_basket_euros_bucket", "le=\"+Inf\",").len() + of("shop_basket_euros_count", "Ulm").len(),
        4
    );
    assert_eq!(of("shop_basket_euros_count", "Ulm"), ["2", "4", "6", "8"]);
    assert_eq!(of("shop_price_euros", "article=\"bolt\""), ["0.5"; 4]);
    assert_eq!(series(&page, "shop_price_euros").len(), 12);
    assert_eq!(of("shop_state", "shop_state=\"open\"").first().map(String::as_str), Some("1"));

    let config = fs::read_to_string(folder.path("a.ron")).unwrap();
    fs::write(folder.path("a.ron"), config.replacen("Config(", "Config(levers: {\"load\": 3}, ", 1)).unwrap();
    let moved = text(&folder.run(&args).stdout);
    let last = series(&moved, "shop_sales_total").into_iter().rfind(|line| line.contains("Ulm")).unwrap();
    assert_eq!(last.split(' ').nth(1), Some("24"), "it reads the lever: {last}");
}

#[test]
fn wrong_nested_parameters_of_a_model_are_told_at_their_places() {
    let folder = outside();
    write_shops(
        &folder,
        r#"[(city: "Ulm"), (city: "Ulm", prices: {"nut": -1}), (city: 7, basket: (2, 1), bsket: 1), (prices: 4)]"#,
    );
    let wrong = text(&folder.run(&["check", "a.ron"]).stderr);
    write_shops(&folder, r#"[(city: "Ulm"), (city: "Ulm", prices: {"nut": -1})]"#);
    let refused = text(&folder.run(&["check", "a.ron"]).stderr);
    insta::assert_snapshot!(wrong + refused.as_str(), @r#"
    error: a.ron:2:107: Shop has no field "bsket"; did you mean "basket"?
    error: a.ron:2:118: Shop needs city: where it is
    error: a.ron:2:127: prices takes a map, as in { "a": b }; found 4
    error: a.ron:2:52: shops: shops[1].city must differ from those before it, but is "Ulm"
    error: a.ron:2:75: shops: shops[1].prices["nut"] must be 0 or more
    "#);
}

#[test]
fn a_generator_outside_of_the_workspace_has_no_virtual_time_and_stops_within_its_deadline() {
    let folder = outside();
    let sleeper = |stubborn: &str| {
        let pool = format!("Pool(workload: sleeper(stubborn: {stubborn}), update_interval: \"100ms\")");
        fs::write(folder.path("a.ron"), host_of(&pool, "").replace("15s", "100ms")).unwrap();
    };
    sleeper("false");
    for args in
        [&["export", "a.ron", "--for", "1m"][..], &["plot", "a.ron"], &["--config", "a.ron", "--once"]]
    {
        let output = folder.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(GENERATOR_REFUSAL), "{said}");
    }
    for (stubborn, is_told) in [("false", 0), ("true", 1)] {
        sleeper(stubborn);
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut run = Process::start(&mut folder.command(&[
            "--config",
            "a.ron",
            "--embedded",
            "--pushgateway-url",
            &url,
        ]));
        eventually("the generator counts", || {
            let page = get(port, "/metrics")?;
            series(&page, "sleeps_total").first().filter(|line| value(line) > 1.0).map(|_| ())
        });
        assert_eq!(run.terminate(), Some(0), "the run ends");
        assert_eq!(run.count_in_log("did not stop within its deadline; it is left behind"), is_told);
    }
}
