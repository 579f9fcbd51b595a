//! `--watch`: an edited config is reloaded while the run goes on.

use std::path::Path;
use std::process::Command;

use crate::processes::{
    Process, Pushgateway, eventually, free_port, get, http, label, promemu, promemu_command, series, value,
};
use crate::terminals::terminal_command;

/// A host whose counter rises with every update, and never falls or is absent.
const KEPT: &str = r#"Host(name: "kept", interval: "100ms", metrics: [Metric(name: "kept_total",
    metric_type: counter, update_interval: "100ms", value_range: (1, 1), scenario: random_in_range)])"#;

fn host(name: &str, fields: &str, level: u32) -> String {
    format!("Host(name: \"{name}\", {fields} metrics: [Metric(name: \"level\", default_value: {level})])")
}

fn config(hosts: &[&str]) -> String {
    format!("Config(\n    default_job_name: \"watched\",\n    hosts: [\n{}],\n)", hosts.join(",\n"))
}

/// Replaces the file by a new one, as many editors do.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, path).unwrap();
}

fn start(path: &Path, url: &str, more: &[&str]) -> Process {
    let path = path.display().to_string();
    let args = ["--config", &path, "--pushgateway-url", url, "--push-interval", "200ms", "--watch"];
    promemu(&[&args, more].concat())
}

/// The last value of the kept host's counter.
struct Counter(f64);

impl Counter {
    fn check(&mut self, exposition: &str) {
        let lines = series(exposition, "kept_total");
        let total = lines.first().map_or(0.0, |line| value(line));
        assert!(total >= self.0, "{total} after {}: {exposition}", self.0);
        self.0 = total;
    }

    /// Waits until the counter has risen by more than 3.
    fn rises(&mut self, metrics: impl Fn() -> String) {
        let before = self.0;
        eventually("the counter goes on", || {
            self.check(&metrics());
            (self.0 > before + 3.0).then_some(())
        });
    }
}

/// The hosts and their levels, sorted by name.
fn levels(exposition: &str) -> Vec<(String, f64)> {
    let lines = series(exposition, "level");
    let mut levels: Vec<_> = lines.iter().map(|line| (label(line, "name").to_owned(), value(line))).collect();
    levels.sort_by(|a, b| a.0.cmp(&b.0));
    levels
}

/// The levels without the host `later`, which may be there early on a slow machine.
fn levels_without_later(exposition: &str) -> Vec<(String, f64)> {
    levels(exposition).into_iter().filter(|(name, _)| name != "later").collect()
}

fn level(name: &str, level: u32) -> (String, f64) {
    (name.to_owned(), f64::from(level))
}

#[test]
fn an_edit_adds_removes_and_changes_hosts_while_the_others_go_on() {
    let gateway = Pushgateway::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.ron");
    let brief = host("brief", "ttl: \"100ms\",", 1);
    let later = host("later", "start_time: \"6s\",", 5);
    let (goes, changes) = (host("goes", "", 1), host("changes", "", 1));
    let alone = host("alone", "job_name: \"other\",", 1);
    std::fs::write(&path, config(&[KEPT, &brief, &goes, &changes, &later, &alone])).unwrap();
    let mut run = start(&path, &gateway.url(), &["--debug"]);
    let mut counter = Counter(0.0);
    eventually("the hosts are there, and the brief one has ended", || {
        let exposition = gateway.metrics();
        counter.check(&exposition);
        let levels = levels_without_later(&exposition);
        let are_there = levels == [level("alone", 1), level("changes", 1), level("goes", 1)];
        (are_there && counter.0 > 3.0 && run.log().contains("host_stopped\" source=\"brief\"")).then_some(())
    });
    assert_eq!(gateway.jobs(), ["other", "watched"]);

    let (changes, comes) = (host("changes", "", 2), host("comes", "job_name: \"third\",", 3));
    std::fs::write(&path, config(&[&comes, &brief, &changes, &later, KEPT])).unwrap();
    eventually("the edit is on the gateway", || {
        let exposition = gateway.metrics();
        counter.check(&exposition);
        (levels_without_later(&exposition) == [level("changes", 2), level("comes", 3)]).then_some(())
    });
    assert_eq!(gateway.jobs(), ["third", "watched"], "a job without hosts has left");
    counter.rises(|| gateway.metrics());
    eventually("a host that waited for its start still starts", || {
        levels(&gateway.metrics()).contains(&level("later", 5)).then_some(())
    });
    let log = run.log();
    assert!(log.contains("config reloaded kept=3 new=1 gone=2 changed=1"), "{log}");
    let events = |name: &str, source: &str| log.matches(&format!("{name}\" source=\"{source}\"")).count();
    for (source, starts, stops) in
        [("kept", 1, 0), ("brief", 1, 1), ("goes", 1, 1), ("changes", 2, 1), ("comes", 1, 0), ("later", 1, 0)]
    {
        assert_eq!(
            (events("host_started", source), events("host_stopped", source)),
            (starts, stops),
            "{source}"
        );
    }
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn a_broken_edit_is_logged_with_its_place_and_changes_nothing() {
    let gateway = Pushgateway::start();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.ron");
    std::fs::write(&path, config(&[KEPT])).unwrap();
    let mut run = start(&path, &gateway.url(), &[]);
    let mut counter = Counter(0.0);
    counter.rises(|| gateway.metrics());
    std::fs::write(&path, config(&[KEPT, "Hots(name: \"a\")"])).unwrap();
    run.wait_for_log("config is not reloaded and the run goes on as before; correct it");
    let place = format!("ERROR {}:6:1: expected Host(…), found Hots(…)", path.display());
    assert_eq!(run.count_in_log(&place), 1, "{}", run.log());
    counter.rises(|| gateway.metrics());

    let text = config(&[KEPT, &host("comes", "", 4)]).replace("Config(", "Config(cleanup_on_finish: false,");
    replace(&path, &text);
    eventually("the correction is on the gateway", || {
        let exposition = gateway.metrics();
        counter.check(&exposition);
        (levels(&exposition) == [level("comes", 4)]).then_some(())
    });
    counter.rises(|| gateway.metrics());
    let log = run.log();
    assert!(log.contains("restart it to apply them settings=\"cleanup_on_finish\""), "{log}");
    assert_eq!(
        (run.count_in_log("config reloaded kept=1 new=1"), run.count_in_log("ERROR")),
        (1, 2),
        "{log}"
    );
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn a_new_job_with_a_foreign_group_is_left_out_and_the_run_goes_on() {
    let gateway = Pushgateway::start();
    http("PUT", gateway.port, "/metrics/job/taken", "handmade 1\n").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.ron");
    std::fs::write(&path, config(&[KEPT])).unwrap();
    let mut run = start(&path, &gateway.url(), &[]);
    let mut counter = Counter(0.0);
    counter.rises(|| gateway.metrics());
    let (refused, comes) =
        (host("refused", "job_name: \"taken\",", 1), host("comes", "job_name: \"free\",", 2));
    replace(&path, &config(&[KEPT, &refused, &comes]));
    run.wait_for_log("WARN job \"taken\" on the pushgateway was pushed by something else and is not touched");
    eventually("the other new job is on the gateway", || {
        (levels(&gateway.metrics()) == [level("comes", 2)]).then_some(())
    });
    counter.rises(|| gateway.metrics());
    assert_eq!(run.terminate(), Some(0));
    assert!(gateway.metrics().contains("handmade{instance=\"\",job=\"taken\"} 1"));
    assert_eq!(gateway.groups(), ["taken"]);
}

/// As a `ConfigMap` is mounted: the file is a link through a link, and only the latter is replaced.
#[test]
fn an_edit_behind_links_is_served_without_a_gateway() {
    let dir = tempfile::tempdir().unwrap();
    let version = |name: &str, text: &str| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        std::fs::write(dir.path().join(name).join("w.ron"), text).unwrap();
        std::os::unix::fs::symlink(name, dir.path().join("data_new")).unwrap();
        std::fs::rename(dir.path().join("data_new"), dir.path().join("data")).unwrap();
    };
    version("1", &config(&[KEPT, &host("goes", "", 1)]));
    let path = dir.path().join("w.ron");
    std::os::unix::fs::symlink("data/w.ron", &path).unwrap();
    let port = free_port();
    let mut run = start(&path, &format!("127.0.0.1:{port}"), &["--embedded"]);
    let metrics = || eventually("the page is there", || get(port, "/metrics"));
    let mut counter = Counter(0.0);
    counter.rises(metrics);
    version("2", &config(&[KEPT, &host("comes", "job_name: \"other\",", 2)]));
    std::fs::remove_dir_all(dir.path().join("1")).unwrap();
    eventually("the edit is served", || {
        let exposition = metrics();
        counter.check(&exposition);
        // A job has a push time from the first scrape that begins after its hosts have reported.
        let pushed = series(&exposition, "push_time_seconds").len();
        (levels(&exposition) == [level("comes", 2)] && pushed == 2).then_some(())
    });
    counter.rises(metrics);
    version("3", &config(&[&host("last", "ttl: \"100ms\",", 3)]));
    assert_eq!(run.wait(), Some(0), "all hosts have ended");
    assert!(run.log().contains("config reloaded kept=0 new=1 gone=2 changed=0"), "{}", run.log());
}

#[test]
fn a_hang_up_reloads_the_config_without_a_watch() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.ron");
    std::fs::write(&path, config(&[KEPT, &host("goes", "", 1)])).unwrap();
    let port = free_port();
    let address = format!("scrape=127.0.0.1:{port}");
    let mut run = promemu(&["run", path.to_str().unwrap(), "--output", &address]);
    let metrics = || eventually("the page is there", || get(port, "/metrics"));
    let mut counter = Counter(0.0);
    counter.rises(metrics);
    eventually("all hosts are there", || (levels(&metrics()) == [level("goes", 1)]).then_some(()));
    run.signal("-HUP");
    run.wait_for_log("config is as it was, and is not reloaded");
    replace(&path, &config(&[KEPT, &host("comes", "", 2)]));
    counter.rises(metrics);
    assert_eq!(levels(&metrics()), [level("goes", 1)], "edits are not watched");
    run.signal("-HUP");
    eventually("the edit is served", || (levels(&metrics()) == [level("comes", 2)]).then_some(()));
    counter.rises(metrics);
    std::fs::write(&path, "Config(hosts: 5)").unwrap();
    run.signal("-HUP");
    run.wait_for_log("config is not reloaded and the run goes on as before");
    counter.rises(metrics);
    assert_eq!(run.terminate(), Some(0));
}

/// The command on which a hang-up acts as on any other, also if the tests run under nohup.
fn with_hang_ups(of: &Command) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal=HUP").arg(of.get_program()).args(of.get_args()).env("PME_LISTEN", "off");
    command
}

#[test]
fn a_hang_up_ends_no_run_without_a_file_but_a_closed_terminal_does() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let address = format!("scrape=127.0.0.1:{port}");
    let args = ["run", "single_host_load", "--output", &address];
    let mut command = with_hang_ups(&promemu_command(&args));
    let mut built_in = Process::start(command.current_dir(dir.path()));
    eventually("the page is there", || get(port, "/metrics"));
    built_in.signal("-HUP");
    built_in.wait_for_log("there is none with a file; promemu goes on as before");
    assert_eq!(built_in.terminate(), Some(0));

    let path = dir.path().join("w.ron");
    std::fs::write(&path, config(&[KEPT])).unwrap();
    let args = ["run", path.to_str().unwrap(), "--output", &address];
    let terminal = Process::start(&mut terminal_command(&with_hang_ups(&promemu_command(&args))));
    eventually("the page is there", || get(port, "/metrics"));
    // The terminal is closed, as by a window that is.
    terminal.signal("-KILL");
    eventually("the run has ended", || std::net::TcpListener::bind(("127.0.0.1", port)).ok());
}

#[test]
fn a_config_without_a_file_cannot_be_watched() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--config", "single_host_load", "--embedded", "--watch"];
    let mut run = Process::start(promemu_command(&args).current_dir(dir.path()));
    assert_eq!(run.wait(), Some(2));
    assert!(run.log().contains("built into promemu and has no file to watch; save it as"), "{}", run.log());
}

/// A config whose fault moves a lever, with a host that reads it, one that shows a fault, and one of neither.
fn config_with_faults(levers: &str, faults: &str) -> String {
    format!(
        r#"Config(default_job_name: "watched", levers: {{ {levers} }}, faults: [{faults}], hosts: [
            Host(name: "reads", interval: "100ms", metrics: [
                Metric(name: "level", update_interval: "100ms", scenario: script(source: "run.load")),
                Metric(name: "reads_total", metric_type: counter, update_interval: "100ms", value_range: (1, 1), scenario: random_in_range)]),
            Host(name: "shows", interval: "100ms", metrics: [Metric(name: "shown", default_value: 1)]),
            {KEPT}])"#
    )
}

#[test]
fn an_edit_of_faults_and_levers_alone_keeps_all_hosts_and_acts_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f.ron");
    let name = path.display().to_string();
    std::fs::write(&path, config_with_faults("\"load\": 1", "")).unwrap();
    let port = free_port();
    let mut run =
        promemu(&["--config", &name, "--output", &format!("scrape=127.0.0.1:{port}"), "--watch", "--debug"]);
    let metrics = || get(port, "/metrics").unwrap_or_default();
    let (mut kept, mut reads) = (Counter(0.0), 0.0);
    let mut edit = |levers: &str, faults: &str, wanted: f64, is_shown: bool, told: &str| {
        replace(&path, &config_with_faults(levers, faults));
        eventually(&format!("{levers} {faults}"), || {
            let text = metrics();
            kept.check(&text);
            let of = |name: &str| series(&text, name).first().map(|line| value(line));
            let total = of("reads_total").unwrap_or(0.0);
            assert!(total >= reads, "{total} after {reads}: {text}");
            reads = total;
            let is_there = of("level") == Some(wanted) && of("shown").is_some() == is_shown;
            (is_there && run.log().contains(told)).then_some(())
        });
    };
    edit("\"load\": 1", "", 1.0, true, "");
    edit("\"load\": 2, \"unused\": 0", "", 2.0, true, "config reloaded kept=3 new=0 gone=0 changed=0");
    let (surge, gap) = (
        r#"Fault(id: "surge", set: { "load": 5 })"#,
        r#"Fault(id: "lost", at: 0, hosts: ["shows"], kind: host_down())"#,
    );
    edit("\"load\": 2", surge, 5.0, true, "fault_started");
    edit("\"load\": 2", &format!("{gap}, {surge}"), 5.0, false, "fault_host_down_started");
    edit("\"load\": 2", gap, 2.0, false, "fault_finished");
    edit("\"load\": 2", &gap.replace("at: 0", "at: \"1h\""), 2.0, true, "fault_host_down_finished");
    let log = run.log();
    assert!(!log.contains("host_stopped") && !log.contains("changed=1"), "{log}");
    assert_eq!(run.terminate(), Some(0));
}
