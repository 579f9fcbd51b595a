//! `promemu test --live`: a run in real time, judged by the alerts of a Prometheus that runs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

use crate::processes::{Process, Prometheus, eventually, free_port, get, promemu_command};
use crate::verdict_modes::{Random, Times, knows_keep_firing_for, times};

/// Time between two evaluations, and between two scrapes.
const STEP_SECS: f64 = 1.0;
const SCRAPE_SECS: f64 = 0.25;

/// A Prometheus that finds the hosts of a live test at a port, and has rules.
struct Watched {
    prometheus: Prometheus,
    port: u16,
    dir: tempfile::TempDir,
}

impl Watched {
    fn new(rules: &str) -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let file = dir.path().join("rules.yml");
        std::fs::write(&file, rules).unwrap();
        let prometheus = Prometheus::configured(&format!(
            "global: {{ scrape_interval: {SCRAPE_SECS}s, scrape_timeout: {SCRAPE_SECS}s, evaluation_interval: {STEP_SECS}s }}\n\
             rule_files: ['{}']\nalerting: {{ alertmanagers: [{{ file_sd_configs: [{{ files: ['{}'] }}] }}] }}\nscrape_configs:\n  - job_name: j\n    honor_labels: true\n    \
             http_sd_configs: [{{ url: 'http://127.0.0.1:{port}/http_sd', refresh_interval: 300ms }}]\n",
            file.display(),
            dir.path().join("alertmanagers.json").display()
        )
        .replace("0.25s", "250ms"));
        Self { prometheus, port, dir }
    }

    fn command(&self, config: &str, length: &str) -> Command {
        let file = self.dir.path().join("c.ron");
        std::fs::write(&file, config).unwrap();
        let mut command =
            promemu_command(&["test", "--live", "--for", length, "--prometheus", &self.prometheus.url()]);
        command.arg("--json").arg(self.dir.path().join("live.json"));
        command.args(["--output", &format!("scrape=127.0.0.1:{}", self.port)]).arg(file);
        command
    }

    /// Lets the Prometheus send its alerts to the Alertmanager at a port.
    fn add_alertmanager(&self, port: u16) {
        let targets = format!("[{{ \"targets\": [\"127.0.0.1:{port}\"] }}]");
        std::fs::write(self.dir.path().join("alertmanagers.json"), targets).unwrap();
    }

    fn report(&self) -> Value {
        report(&self.dir.path().join("live.json"))
    }

    /// The outcome of a live test, and its report.
    fn tested(&self, config: &str, length: &str) -> (Output, Value) {
        let output = self.command(config, length).output().unwrap();
        (output, self.report())
    }
}

fn report(path: &Path) -> Value {
    std::fs::read_to_string(path).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

/// Two hosts that are busy from 8 s to 14 s; one is down from 16 s to 20 s.
const CONFIG: &str = r#"Config(
    levers: { "load": 10 },
    faults: [
        Fault(id: "busy", at: "8s", lasts: "6s", set: { "load": 95 }, truth: Truth(alerts: ["Busy"])),
        Fault(id: "down", at: "16s", lasts: "4s", hosts: "h-2", kind: host_down, truth: Truth(alerts: ["Down"])),
    ],
    verdicts: [VERDICTS],
    default_job_name: "j", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", interval: "200ms",
        metrics: [Metric(name: "load_percent", update_interval: "200ms", scenario: script(source: "run.load"))])])"#;

const RULES: &str = r"
groups:
  - name: load
    rules:
      - record: instance:load:max
        expr: max_over_time(load_percent[1s])
      - alert: Busy
        expr: avg by (job) (load_percent) > 90
        for: 1s
      - alert: Down
        expr: up == 0
      - alert: Always
        expr: vector(1)
      - alert: Never
        expr: load_percent > 1000
";

/// Outcome and findings of each verdict.
fn outcomes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let verdicts = report["verdicts"].as_array().unwrap().iter();
    verdicts.map(|verdict| (text(&verdict["outcome"]), verdict["findings"].to_string())).collect()
}

#[test]
fn a_live_run_is_judged_by_the_alerts_that_a_running_prometheus_has() {
    let watched = Watched::new(RULES);
    eventually("an alert fires before the run", || watched.prometheus.query("ALERTS{alertname=\"Always\"}"));
    let verdicts = r#"fires(alert: "Busy", within: "5s", of: "busy"), resolves(alert: "Busy", within: "5s", of: "busy"),
        fires(alert: "Down", labels: { "name": "h-2" }, of: "down"), no_other_alerts(), holds(query: "load_percent > 90", of: "down"),
        first(query: "avg(load_percent) > 90", between: ("7s", "12s")), series(total: 4, each: 2), fires(alert: "Never")"#;
    let (output, report) = watched.tested(&CONFIG.replace("VERDICTS", verdicts), "22s");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found = outcomes(&report);
    let words: Vec<&str> = found.iter().map(|(outcome, _)| outcome.as_str()).collect();
    let expected = ["passed", "passed", "passed", "passed", "failed", "passed", "passed", "failed"];
    assert_eq!(words, expected, "{found:?} {said}");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!((&report["mode"], &report["why"]), (&"live".into(), &"as --live says".into()));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("22s of real time, 4 series, evaluated every 1s"), "{shown}");
}

#[test]
fn a_prometheus_that_ends_starts_again_or_does_not_see_the_run_leaves_a_live_test_undecided() {
    let verdicts = CONFIG.replace(
        "VERDICTS",
        r#"fires(alert: "Busy", of: "busy"), no_other_alerts(), holds(query: "up == 1"), series(total: 100)"#,
    );
    let ends = thread::spawn({
        let verdicts = verdicts.clone();
        move || {
            let watched = Watched::new(RULES);
            let run = watched.command(&verdicts, "9s").stderr(Stdio::null()).stdout(Stdio::null()).spawn();
            eventually("the run is seen", || watched.prometheus.query("load_percent"));
            let Watched { prometheus, dir, .. } = watched;
            drop(prometheus);
            (run.unwrap().wait().unwrap().code(), outcomes(&report(&dir.path().join("live.json"))))
        }
    });
    let mut unseen = Watched::new(RULES);
    // Not where the Prometheus looks for it.
    unseen.port = free_port();
    let output = unseen.command(&verdicts, "7s").output().unwrap();
    let unseen = (output.status.code(), outcomes(&unseen.report()));
    for ((code, found), why) in
        [(ends.join().unwrap(), "Prometheus is away"), (unseen, "has no series of the run")]
    {
        assert_eq!(code, Some(1), "{found:?}");
        assert!(
            found.len() == 4
                && found.iter().all(|(outcome, text)| outcome == "undecided" && text.contains(why)),
            "{found:?}"
        );
    }
}

#[test]
fn a_live_test_says_what_it_needs_before_it_begins() {
    let watched = Watched::new(RULES);
    let url = watched.prometheus.url();
    let closed = format!("http://127.0.0.1:{}", free_port());
    let file = watched.dir.path().join("c.ron").display().to_string();
    std::fs::write(&file, CONFIG.replace("VERDICTS", r#"fires(alert: "Bussy", of: "busy")"#)).unwrap();
    for (args, code, text) in [
        (
            &["--live"][..],
            2,
            "--live needs the address of a Prometheus that runs; add --prometheus http://127.0.0.1:9090",
        ),
        (&["--live", "--prometheus", &url, "--rules", "r.yml"], 2, "--rules"),
        (&["--live", "--prometheus", &url], 2, "did you mean \"Busy\"?"),
        (&["--live", "--prometheus", &closed], 1, "cannot be asked for its rules"),
        (&["--live", "--prometheus", &format!("{url},usr=me")], 2, "did you mean \"user\"?"),
        (&["--prometheus", &url], 2, "an address is for --live"),
        (&["--output", "scrape=127.0.0.1:0"], 2, "--output is for a live test; add --live"),
    ] {
        let output = promemu_command(&[&["test", &file], args].concat()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?} {said}");
        assert!(said.contains(text), "{args:?} {said}");
    }
}

/// Length of a random run.
const LENGTH_SECS: f64 = 46.0;

/// Faults one after the other from 8 s on, as Prometheus takes up to 5 s until it scrapes what it has found. All of them last so
/// long that the alerts do not depend on the moments of evaluations.
fn random_config(random: &mut Random) -> String {
    let (mut faults, mut at) = (String::new(), 8 + random.below(3));
    let down = random.below(3);
    for number in 0..3 {
        let (lasts, load) = (6 + random.below(3), 70 + random.below(20));
        let set = random.one_of(&["LOAD", "ramp(to: LOAD, over: \"2s\")"]).replace("LOAD", &load.to_string());
        let what = if number == down {
            "hosts: \"h-2\", kind: host_down".to_owned()
        } else {
            format!("set: {{ \"load\": {set} }}")
        };
        write!(faults, "Fault(id: \"f{number}\", at: \"{at}s\", lasts: \"{lasts}s\", {what}),").unwrap();
        at += lasts + 5 + random.below(2);
    }
    format!(
        r#"Config(levers: {{ "load": 20 }}, faults: [{faults}], verdicts: [series(total: 1000)], default_job_name: "j", hosts: [
            Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "h-{{i}}", interval: "100ms", metrics: [
                Metric(name: "load_percent", update_interval: "100ms", scenario: script(source: "run.load"))])])"#
    )
}

fn random_rules(random: &mut Random, has_keep: bool) -> String {
    let expressions = [
        "load_percent > 45",
        "avg by (job) (load_percent) > 40",
        "job:load:avg > 40",
        "max_over_time(load_percent[2s]) > 40",
        "up == 0",
        "count(up == 1) < 3",
        "absent(load_percent{instance=\\\"h-2\\\"})",
        "sum(load_percent > bool 45) >= 2",
        "min_over_time(up[2s]) == 0",
        "load_percent > 40 and on (instance) up == 1",
    ];
    let mut rules = String::from(
        "groups:\n- name: all\n  rules:\n  - { record: \"job:load:avg\", expr: \"avg by (job) (load_percent)\" }\n",
    );
    for number in 0..6 {
        let (expression, hold) = (random.one_of(&expressions), random.one_of(&["0s", "1s", "2s"]));
        let keep = if has_keep { random.one_of(&["", "keep_firing_for: 1s,"]) } else { "" };
        writeln!(
            rules,
            "  - {{ alert: A{number}, expr: \"{expression}\", for: {hold}, {keep} labels: {{ a: b }} }}"
        )
        .unwrap();
    }
    rules
}

/// The times without those from before all hosts are scraped, and with the end of the run for a missing one.
fn settled(times: &Times) -> Vec<(f64, f64)> {
    let ends = times.iter().map(|(begin, end)| (*begin, end.unwrap_or(LENGTH_SECS)));
    ends.filter(|(begin, _)| *begin > 7.0).collect()
}

/// The number of firings of a random run that a live Prometheus and promtool agree on.
fn compare(case: u64, has_keep: bool) -> usize {
    let random = &mut Random::new(case);
    let (config, rules) = (random_config(random), random_rules(random, has_keep));
    let watched = Watched::new(&rules);
    let (live, in_live) = watched.tested(&config, "46s");
    let path = |name: &str| watched.dir.path().join(name).display().to_string();
    let (json, file, rule_file) = (path("exact.json"), path("c.ron"), path("rules.yml"));
    let args = ["test", &file, "--rules", &rule_file, "--json", &json, "--for", "46s", "--step", "250ms"];
    let exact =
        promemu_command(&args).args(["--evaluation-interval", "1s", "--mode", "exact"]).output().unwrap();
    let in_exact = report(Path::new(&json));
    let about = || {
        let said =
            [&live, &exact].map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).concat();
        format!("case {case}: {config}\n{rules}\n{said}")
    };
    assert!(!in_live.is_null() && !in_exact.is_null(), "{}", about());
    let [of_live, of_exact]: [BTreeMap<String, [Times; 2]>; 2] =
        [&in_live, &in_exact].map(|report| times(report, "alerts"));
    let mut firings = 0;
    for name in of_live.keys().chain(of_exact.keys()) {
        let none = [Times::new(), Times::new()];
        let [live, exact] = [&of_live, &of_exact].map(|all| all.get(name).unwrap_or(&none));
        for (live, exact) in live.iter().zip(exact) {
            let (live, exact) = (settled(live), settled(exact));
            // A sample is seen at the next scrape, and a scrape at the next evaluation.
            let near = |a: f64, b: f64| (a - b).abs() <= STEP_SECS + SCRAPE_SECS;
            let agree = live.len() == exact.len()
                && live.iter().zip(&exact).all(|(a, b)| near(a.0, b.0) && near(a.1, b.1));
            assert!(agree, "{name}: live {live:?}, exact {exact:?}\n{}", about());
        }
        firings += settled(&live[1]).len();
    }
    firings
}

#[test]
fn random_live_runs_have_the_alerts_of_the_exact_mode() {
    let cases: u64 = std::env::var("PROMEMU_LIVE_CASES").map_or(2, |cases| cases.parse().unwrap());
    let first: u64 = std::env::var("PROMEMU_LIVE_FIRST").map_or(0, |first| first.parse().unwrap());
    let has_keep = knows_keep_firing_for();
    let running: Vec<_> =
        (first..first + cases).map(|case| thread::spawn(move || compare(case, has_keep))).collect();
    let firings: usize = running.into_iter().map(|case| case.join().unwrap()).sum();
    assert!(firings > 2, "only {firings} firings in {cases} runs");
}

/// An Alertmanager that notifies one receiver of alerts on hosts, and another one of all others.
pub(crate) struct Alertmanager {
    pub(crate) port: u16,
    _process: Process,
    _dir: tempfile::TempDir,
}

impl Alertmanager {
    pub(crate) fn notifying(webhook: u16) -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let file = dir.path().join("alertmanager.yml");
        let receiver = |name: &str| {
            format!("  - {{ name: {name}, webhook_configs: [{{ url: 'http://127.0.0.1:{webhook}/' }}] }}\n")
        };
        let config = format!(
            "route:\n  {{ receiver: mail, group_by: ['...'], group_wait: 100ms, group_interval: 1s, \
             routes: [{{ receiver: pager, match: {{ alertname: Down }} }}] }}\nreceivers:\n{}{}",
            receiver("mail"),
            receiver("pager")
        );
        std::fs::write(&file, config).unwrap();
        let process = Process::start(
            Command::new("prometheus-alertmanager")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", dir.path().join("data").display()))
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .arg("--cluster.listen-address="),
        );
        eventually("the Alertmanager is ready", || get(port, "/-/ready"));
        Self { port, _process: process, _dir: dir }
    }
}

/// A live test with notifications, whose Alertmanager may end when the run is seen.
fn notified(ends: bool) -> (Option<i32>, Vec<(String, String)>) {
    let webhook = free_port();
    let alertmanager = Alertmanager::notifying(webhook);
    let watched = Watched::new(RULES);
    watched.add_alertmanager(alertmanager.port);
    let verdicts = r#"notifies(receiver: "pager", alert: "Down", labels: { "instance": "h-2" }, within: "6s", of: "down"),
        notifies(receiver: "pager", alert: "Busy", within: "6s", of: "busy"),
        query(query: "up", p95: "1h", runs: 3), query(query: "up", p95: "0.000000001s"), query(query: "no_such_metric", p95: "1h"), query(query: "up(", p95: "1h")"#;
    let mut command = watched.command(&CONFIG.replace("VERDICTS", verdicts), "23s");
    command.args(["--webhook", &format!("127.0.0.1:{webhook}"), "--alertmanager"]);
    command.arg(format!("http://127.0.0.1:{}", alertmanager.port)).stdout(Stdio::null());
    let mut run = Process::start(&mut command);
    run.wait_for_log("is judged at its end");
    if ends {
        drop(alertmanager);
    }
    let code = run.wait();
    (code, outcomes(&watched.report()))
}

#[test]
fn notifications_of_an_alertmanager_are_judged_by_receiver_and_one_that_ends_leaves_them_undecided() {
    let ended = thread::spawn(|| notified(true));
    let (code, found) = notified(false);
    let words =
        |found: &[(String, String)]| found.iter().map(|(outcome, _)| outcome.clone()).collect::<Vec<_>>();
    assert_eq!(words(&found), ["passed", "failed", "passed", "failed", "failed", "undecided"], "{found:?}");
    assert!(found[1].1.contains(r#"it reached \"mail\""#), "{found:?}");
    assert_eq!(code, Some(3));
    let (_, found) = ended.join().unwrap();
    assert_eq!(words(&found)[..2], ["undecided", "undecided"], "{found:?}");
    assert!(
        found[0].1.contains("the Alertmanager at http://127.0.0.1:") && found[0].1.contains("is away"),
        "{found:?}"
    );
}
