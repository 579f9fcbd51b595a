//! Plugins as users meet them: the demo, the one in C, and such as are no good.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::processes::{Process, eventually, free_port, get, promemu_command, series, value};

/// A folder with a config and a folder of plugins.
struct Folder(tempfile::TempDir);

impl Folder {
    /// With the demo, which cargo builds for the tests.
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("plugins")).unwrap();
        let name = library("libpromemu_demo");
        let demo = std::env::current_exe().unwrap().with_file_name(&name);
        fs::copy(demo, folder.path("plugins").join(name)).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles a plugin in C.
    fn compile(&self, source: &str, name: &str) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let status = Command::new("cc")
            .args(["-std=c11", "-O1", "-shared", "-fPIC", "-I"])
            .arg(root.join("plugins/api"))
            .arg("-o")
            .args([self.path("plugins").join(library(name)), root.join(source)])
            .arg("-lm")
            .status();
        assert!(status.unwrap().success());
    }

    fn write(&self, metrics: &str) {
        let config = format!("Config(hosts: [Host(name: \"h\", interval: \"1s\", metrics: [{metrics}])])");
        fs::write(self.path("a.ron"), config).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = promemu_command(args);
        command.current_dir(self.0.path());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }
}

fn library(name: &str) -> String {
    format!("{name}.{}", std::env::consts::DLL_EXTENSION)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_list_says_what_was_found_what_it_brings_and_what_was_refused() {
    let folder = Folder::new();
    fs::write(folder.path("plugins").join(library("other")), "no library").unwrap();
    let output = folder.run(&["plugins"]);
    insta::assert_snapshot!(text(&output.stdout), @r#"
    promemu-demo 0.1.0: The smallest plugin of promemu, to start from
        from plugins/libpromemu_demo.so

        scenario staircase: climbs by a step with each update, and begins anew at
        the top of the value_range
            PARAMETER  TYPE    DEFAULT  HELP
            step       number  1        how much it climbs with each update
            noise      number  0        how much a value may be off, up or down

        config staircases: hosts that climb stairs, each faster than the one before
        it
            ARGUMENT  TYPE    DEFAULT  HELP
            hosts     number  3        how many there are

    plugins/other.so is refused:
        it is no plugin: it has no function promemu_plugin_v1
    "#);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));

    fs::remove_dir_all(folder.path("plugins")).unwrap();
    let none = text(&folder.run(&["plugins"]).stdout);
    assert!(
        none.starts_with("there are no plugins in plugins, ") && none.ends_with("--plugins-dir\n"),
        "{none}"
    );
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
    error: a.ron:4:54: staircase: step must be above 0, but is -1
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
    assert!(list.contains("staircases: hosts that climb stairs, each faster"), "{list}");
    let check = |args: &[&str]| {
        let output = folder.run(&[&["check", "staircases"], args].concat());
        text(&output.stdout) + &text(&output.stderr)
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
    run.wait_for_log("metric \"panics\" of host \"h\" has no new value: rogue of plugin hostile: it panicked: everything is lost");
    run.wait_for_log("rogue of plugin hostile: it gave NaN, which is no finite number");
    eventually("the others go on, and failures are counted", || {
        let page = get(port, "/metrics")?;
        let good = series(&page, "good").first().is_some_and(|line| value(line) > 5.0);
        let own = get(port, "/promemu/metrics")?;
        let errors = own.lines().find_map(|line| line.strip_prefix("promemu_scenario_errors_total "))?;
        (good && errors.parse::<f64>().ok()? > 5.0).then_some(())
    });
    assert_eq!(run.count_in_log("everything is lost"), 1, "it is told once");
    assert_eq!(run.terminate(), Some(0));
}
