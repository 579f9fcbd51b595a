//! The two modes of `promemu test` on random runs and rules: promtool and a Prometheus with promemu's states of alerts agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

use serde_json::Value;

use crate::processes::promemu_command;

/// A random number of `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>), the same for each seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// Faults that move a lever and overlap, and one of a host that is down.
fn faults(random: &mut Random) -> String {
    let mut faults = String::new();
    for number in 0..2 + random.below(3) {
        let (at, lasts, load) = (1 + random.below(30), 30 + random.below(600), 40 + random.below(60));
        let shape = random.one_of(&["", "ramp"]);
        let set = if shape.is_empty() {
            format!("{load}")
        } else {
            format!("ramp(to: {load}, over: \"{}s\")", lasts / 2)
        };
        write!(
            faults,
            "Fault(id: \"f{number}\", at: \"{at}m\", lasts: \"{lasts}s\", set: {{ \"load\": {set} }}),"
        )
        .unwrap();
    }
    write!(
        faults,
        "Fault(id: \"down\", at: \"{}m\", lasts: \"{}s\", hosts: \"h-2\", kind: host_down),",
        2 + random.below(25),
        20 + random.below(400)
    )
    .unwrap();
    faults
}

/// A run with faults, whose hosts flap, leave gaps and are reset, and series that come and go.
fn config(random: &mut Random) -> String {
    let faults = faults(random);
    let mut hosts = String::new();
    for number in 1..=4 {
        let fault = match random.below(5) {
            0 => format!("gap(every: \"{}m\", lasts: \"{}s\")", 4 + random.below(5), 20 + random.below(200)),
            1 => format!(
                "flapping(up: \"{}s\", down: \"{}s\")",
                60 + random.below(200),
                20 + random.below(100)
            ),
            2 => format!("counter_reset(every: \"{}m\")", 3 + random.below(9)),
            3 => format!("nan(probability: 0.{})", 1 + random.below(3)),
            _ => String::new(),
        };
        write!(
            hosts,
            r#"Host(name: "h-{number}", interval: "{}s", metric_sets: ["own"], faults: [{fault}],
                pools: [Pool(name: "p", count: 2, lifetime: "{}s", labels: {{ "id": "{{slot}}" }}, metric_sets: ["part"])]),"#,
            random.one_of(&["5", "15", "10"]),
            120 + random.below(600),
        )
        .unwrap();
    }
    let holds = random.one_of(&[
        "load_percent > 15",
        "job:load:avg < 60",
        "sum(rate(requests_total[1m])) > 5",
        "up == 1",
        "count(part_level) > 3",
        "ALERTS{alertname=\\\"Busy\\\"}",
    ]);
    format!(
        r#"Config(levers: {{ "load": 20 }}, faults: [{faults}],
        verdicts: [no_other_alerts(), holds(query: "{holds}"), first(query: "{holds}"), series(total: 1)],
        default_job_name: "j", hosts: [{hosts}],
        metric_sets: {{
            "own": [
                Metric(name: "load_percent", update_interval: "5s", scenario: script(source: "run.load + 9 * sin(t / 97)")),
                Metric(name: "requests_total", metric_type: counter, accumulate: per_second, value_range: (0, 9), update_interval: "5s",
                    scenario: random_walk),
                Metric(name: "walk", value_range: (0, 100), update_interval: "5s", scenario: random_walk),
            ],
            "part": [Metric(name: "part_level", value_range: (0, 4), decimals: 0, update_interval: "15s", scenario: random_in_range)],
        }})"#
    )
}

/// Rules on the run: recorded series of recorded series, alerts on all of them, and an alert on another alert.
fn rules(random: &mut Random) -> String {
    let records = String::from(
        r#"- name: records
  rules:
  - { record: "instance:requests:rate", expr: "rate(requests_total[2m])", labels: { kind: recorded } }
  - { record: "job:load:avg", expr: "avg by (job) (load_percent)" }
  - { record: "job:requests:rate", expr: "sum by (job) (instance:requests:rate)" }
  - { record: "job:load:peak", expr: "max_over_time(job:load:avg[3m])" }
"#,
    );
    let mut alerts = String::from("- name: alerts\n  rules:\n");
    let expressions = [
        "load_percent > 45",
        "load_percent > 28 < 31",
        "job:load:avg > 40",
        "job:load:peak > 35 unless job:load:avg > 55",
        "walk > 60",
        "{__name__=~\\\"walk|nothing\\\"} < 30",
        "instance:requests:rate < 4",
        "job:requests:rate < 16",
        "rate(requests_total[1m]) > 5",
        "resets(requests_total[5m]) > 0",
        "up == 0",
        "changes(up[5m]) > 1",
        "absent(load_percent{instance=\\\"h-2\\\"})",
        "absent_over_time(walk{instance=\\\"h-1\\\"}[1m])",
        "part_level > 2",
        "count by (instance) (part_level) < 2",
        "load_percent > 40 and on (instance) walk > 30",
        "avg_over_time(load_percent[4m]) > 30 or up == 0",
    ];
    for number in 0..6 + random.below(5) {
        let (hold, keep) = (
            random.one_of(&["0s", "15s", "1m", "100s", "3m30s"]),
            random.one_of(&["", "", "keep_firing_for: 1m,", "keep_firing_for: 200s,"]),
        );
        let labels = random.one_of(&[
            "",
            "severity: page",
            "who: \"{{ $labels.job }}/{{ $labels.instance }}\"",
            "kind: \"\", value: \"v{{ $value }}\"",
        ]);
        let expression = random.one_of(&expressions);
        // A label with the value is another alert at each value, and this one has few of them.
        let expression = if labels.contains("value") { "part_level" } else { expression };
        let (name, expression) = if number == 0 {
            ("Busy".to_owned(), "load_percent > 40")
        } else {
            (format!("A{number}"), expression)
        };
        writeln!(
            alerts,
            "  - {{ alert: {name}, expr: \"{expression}\", for: {hold}, {keep} labels: {{ {labels} }} }}"
        )
        .unwrap();
    }
    alerts.push_str(
        "  - { alert: Meta, expr: \"count by (job) (ALERTS{alertname=\\\"Busy\\\",alertstate=\\\"firing\\\"}) >= 1\", for: 30s }\n",
    );
    // Groups that read others may stand before them.
    let [first, second] = if random.below(2) == 0 { [records, alerts] } else { [alerts, records] };
    format!("groups:\n{first}{second}")
}

/// A test with the rules of a file of the folder, and its report; null if it wrote none.
fn tested(dir: &Path, mode: &str, (rules, flags): (&str, &[&str])) -> (Output, Value) {
    let file = |name: &str| dir.join(name).display().to_string();
    let (config, rules, json) = (file("c.ron"), file(rules), file(&format!("{mode}.json")));
    let args =
        ["test", &config, "--rules", &rules, "--json", &json, "--for", "40m", "--mode", mode, "--seed", "7"];
    let output = promemu_command(&[&args[..], flags].concat()).output().unwrap();
    let report = std::fs::read_to_string(json).map(|text| serde_json::from_str(&text).unwrap());
    (output, report.unwrap_or(Value::Null))
}

/// Begin and end of each time that an alert is on, in seconds; the end is none if it is on at the end of the run.
pub(crate) type Times = Vec<(f64, Option<f64>)>;

/// The times of each alert: when it is pending, and when it fires.
pub(crate) fn times(report: &Value, alerts: &str) -> BTreeMap<String, [Times; 2]> {
    let on = |times: &Value| -> Times {
        let times = times.as_array().unwrap().iter();
        times.map(|on| (on["begin_seconds"].as_f64().unwrap(), on["end_seconds"].as_f64())).collect()
    };
    let Some(alerts) = report[alerts].as_array() else { return BTreeMap::new() };
    alerts
        .iter()
        .map(|alert| {
            let name = format!("{}{}", alert["alert"], alert["labels"]);
            (name, [on(&alert["pending"]), on(&alert["firing"])])
        })
        .collect()
}

/// Outcomes and findings of verdicts, without the labels of one of many elements.
fn verdicts(report: &Value) -> Vec<String> {
    let verdicts = report["verdicts"].as_array().unwrap().iter();
    let text = |verdict: &Value| {
        let findings = verdict["findings"].to_string();
        let (about, rest) = findings.split_once("false for ").unwrap_or((&findings, ""));
        let (_, rest) = rest.rsplit_once("} ").unwrap_or(("", rest));
        format!("{} {about}{rest}", verdict["outcome"])
    };
    verdicts.map(text).collect()
}

pub(crate) fn knows_keep_firing_for() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("r.yml");
    std::fs::write(&rules, "groups: [{ name: g, rules: [{ alert: A, expr: up, keep_firing_for: 1m }] }]")
        .unwrap();
    Command::new("promtool").args(["check", "rules"]).arg(&rules).output().unwrap().status.success()
}

/// Compares both modes on a random run. Returns the number of firings.
fn compare(case: u64, has_keep: bool) -> usize {
    let random = &mut Random(case);
    let dir = tempfile::tempdir().unwrap();
    let (config, mut rules) = (config(random), rules(random));
    if !has_keep {
        let kept = rules.lines().filter(|line| !line.contains("keep_firing_for"));
        rules = kept.collect::<Vec<_>>().join("\n");
    }
    std::fs::write(dir.path().join("c.ron"), &config).unwrap();
    std::fs::write(dir.path().join("rules.yml"), &rules).unwrap();
    let [(exact, exact_report), (large, large_report)] =
        ["exact", "large"].map(|mode| tested(dir.path(), mode, ("rules.yml", &[])));
    let said = |output: &Output| format!("{}: {}\n", output.status, String::from_utf8_lossy(&output.stderr));
    let about = || format!("case {case}: {config}\n{rules}\n{}{}", said(&exact), said(&large));
    assert!(!exact_report.is_null() && !large_report.is_null(), "{}", about());
    assert_eq!(large_report["mode"], "large");
    let mut firings = 0;
    for alerts in ["alerts", "alerts_without_faults"] {
        let [in_exact, in_large] = [&exact_report, &large_report].map(|report| times(report, alerts));
        let names: BTreeSet<&String> = in_exact.keys().chain(in_large.keys()).collect();
        let none = [Times::new(), Times::new()];
        for name in names {
            let [exact, large] = [&in_exact, &in_large].map(|all| all.get(name).unwrap_or(&none));
            assert_eq!(exact, large, "{name} in {alerts}\n{}", about());
            firings += exact[1].len();
        }
    }
    assert_eq!(exact_report["series"], large_report["series"], "{}", about());
    assert_eq!(verdicts(&exact_report)[1..], verdicts(&large_report)[1..], "{}", about());
    firings
}

#[test]
fn exact_and_large_mode_agree_on_every_pending_firing_and_resolved_time() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, cases) = (number("PROMEMU_CASES_FIRST", 0), number("PROMEMU_CASES", 20));
    let has_keep = knows_keep_firing_for();
    let halves = [0, 1].map(|half| {
        thread::spawn(move || -> usize {
            (first + half..first + cases).step_by(2).map(|case| compare(case, has_keep)).sum()
        })
    });
    let firings: usize = halves.into_iter().map(|half| half.join().unwrap()).sum();
    println!("{cases} runs, {firings} firings, each the same in both modes");
    assert!(firings as u64 > 5 * cases, "only {firings} firings in {cases} runs");
}

/// The rules, with an interval for groups of this name.
fn with_interval(rules: &str, group: &str, interval: &str) -> String {
    let head = format!("- name: {group}");
    assert!(rules.contains(&head));
    rules.replace(&head, &format!("{head}\n  interval: {interval}"))
}

#[test]
fn the_large_mode_follows_the_intervals_of_groups() {
    let (random, dir) = (&mut Random(3), tempfile::tempdir().unwrap());
    let (config, rules) = (config(random), rules(random));
    let rules: Vec<&str> = rules.lines().filter(|line| !line.contains("keep_firing_for")).collect();
    let rules = rules.join("\n");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("c.ron", &config);
    write("rules.yml", &rules);
    write("minutes.yml", &with_interval(&with_interval(&rules, "records", "1m"), "alerts", "1m"));
    let (_, exact) = tested(dir.path(), "exact", ("rules.yml", &["--evaluation-interval", "1m"]));
    let (_, large) = tested(dir.path(), "large", ("minutes.yml", &[]));
    let [exact, large] = [exact, large].map(|report| times(&report, "alerts"));
    assert!(exact == large && exact.values().any(|[_, firing]| !firing.is_empty()), "{exact:?}\n{large:?}");

    // Groups with different intervals: what one records every two minutes another one sees at these times only.
    write(
        "mixed.yml",
        r#"groups:
- { name: slow, interval: 2m, rules: [{ record: "slow:load", expr: "max(load_percent)" }] }
- { name: quick, rules: [{ alert: Slow, expr: "slow:load > 40" }, { alert: Quick, expr: "max(load_percent) > 40" }] }"#,
    );
    let (output, report) = tested(dir.path(), "large", ("mixed.yml", &[]));
    let seen = times(&report, "alerts");
    let [slow, quick] = ["\"Slow\"{}", "\"Quick\"{}"].map(|name| seen[name][1].clone());
    assert!(!slow.is_empty() && slow.iter().all(|(begin, _)| begin % 120.0 == 0.0), "{slow:?}");
    assert!(quick.iter().any(|(begin, _)| begin % 120.0 != 0.0), "{quick:?}: {output:?}");

    let (output, report) = tested(dir.path(), "exact", ("mixed.yml", &[]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        report["mode"] == "exact" && said.contains("use --mode large, which follows its interval"),
        "{said}"
    );
}
