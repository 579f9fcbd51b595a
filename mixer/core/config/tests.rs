//! Configs as users write them: the plans made of them, and the errors in them.

use super::*;
use crate::plan::{Action, Plan, Verdict};
use crate::plugin::tests::bring_plugins;
use crate::time::{Span, Time};

mod authors;
mod doubts;
mod extension;
mod fault;
mod identity;
mod language;
mod levers;
mod mutations;
mod playlist;
mod pool;
mod size;
mod storage;
mod timeline;
mod types;

const START: Time = Time::from_unix_secs(1_767_600_000);

fn plan_of(text: &str, arguments: &[(&str, &str)]) -> Result<LoadedConfig, ConfigError> {
    plan_with(&ConfigFile::from_text("test", text), arguments)
}

fn plan_with(file: &ConfigFile, arguments: &[(&str, &str)]) -> Result<LoadedConfig, ConfigError> {
    let given = arguments.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    file.plan(&LoadOptions { arguments: given, ..LoadOptions::starting_at(START) })
}

fn error_of(text: &str, arguments: &[(&str, &str)]) -> String {
    plan_of(text, arguments).expect_err("the config is wrong").to_string()
}

/// A config of one host with these metrics.
fn with_metrics(metrics: &str) -> String {
    format!("Config(hosts: [Host(name: \"a\", metrics: [\n{metrics}\n])])")
}

fn shipped(name: &str) -> ConfigFile {
    bring_plugins();
    ConfigFile::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../configs/{name}.ron")))
        .unwrap()
}

#[test]
fn a_job_name_may_have_the_runs_id() {
    let text = r#"Config(default_job_name: "shop_{run_id}", hosts: [Host(name: "a", metrics: [Metric(name: "m")])])"#;
    let job = |options: &LoadOptions| {
        ConfigFile::from_text("test", text).plan(options).unwrap().plan.jobs[0].name.to_string()
    };
    let main = LoadOptions::starting_at(START);
    assert_eq!(job(&main), "shop_main");
    assert_eq!(job(&LoadOptions { run_id: "blue".to_owned(), ..main }), "shop_blue");
}

#[test]
fn hosts_load_with_peaks_has_its_hosts_and_shapes() {
    let config = shipped("hosts_load_with_peaks");
    let plan = plan_with(&config, &[("hosts_count", "5")]).unwrap().plan;
    assert_eq!((plan.jobs.len(), plan.hosts.len(), plan.families.len(), plan.series_count()), (1, 6, 16, 76));
    assert_eq!(&*plan.jobs[0].name, "hosts_load_peaks_20260105-080000");
    assert_eq!(plan.job_families(&plan.jobs[0]), 16);
    assert_eq!(plan.hosts[0].labels.get("host"), Some("stress.balancer.node01.test.stage"));
    assert_eq!(&*plan.hosts[5].name, "worker-05");
    assert_eq!(plan.hosts[5].ttl, Span::from_secs(900));
    assert_eq!(plan.hosts[5].interval, (Span::from_secs(14), Span::from_secs(16)));
    let emits = |r: &Action| matches!(r, Action::Emit(event) if &**event == "load_peak_start");
    assert!(plan.hosts[0].shape.listeners.iter().any(|listener| emits(&listener.action)));
    assert!(std::sync::Arc::ptr_eq(&plan.hosts[1].shape, &plan.hosts[5].shape), "workers share one shape");

    let split = plan_with(&config, &[("split_jobs", "true")]).unwrap().plan;
    let names: Vec<&str> = split.jobs.iter().map(|job| &*job.name).collect();
    assert_eq!(names, ["hosts_load_peaks_balancer_20260105-080000", "hosts_load_peaks_20260105-080000"]);
}

#[test]
fn all_configs_of_the_repository_are_built_in() {
    let folder = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")).unwrap();
    let files =
        folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "ron"));
    let mut names: Vec<String> =
        files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, shipped::SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
}

#[test]
fn shipped_configs_have_no_problems() {
    for summary in ConfigDirs::new(Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs"))).list() {
        let file = shipped(&summary.name);
        if summary.name == "replay" {
            // The recording is a user's.
            assert!(plan_with(&file, &[]).unwrap_err().needs_more());
            continue;
        }
        let warnings = if summary.is_playlist {
            file.playlist(&IndexMap::new()).map(|playlist| playlist.warnings)
        } else {
            plan_with(&file, &[]).map(|loaded| loaded.warnings)
        };
        assert_eq!(warnings.map_err(|error| error.to_string()), Ok(vec![]));
        assert!(!summary.classes.unwrap()[0].description.is_empty(), "{}", summary.name);
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = r#"Config(
    args: { "n": Arg(default: 3, max: 5, hlep: "x") },
    hosts: [
        Host(name: "a", ttl: "soon", labels: { "job": "x" }, metrics: [
            Metric(name: "cpu usage", scenario: sine_wav(period: 0)),
            Metric(name: "ok", metrik_type: gauge, scenario: random_in_range),
        ]),
        Hots(name: "b"),
    ],
)"#;
    insta::assert_snapshot!(error_of(text, &[]), @r#"
    test.ron:2:42: Arg has no field "hlep"; did you mean "help"?
    test.ron:4:30: ttl: "soon" is not a duration; write 15m, 90s, 1h30m, inf, or seconds
    test.ron:4:48: label "job" is set by promemu itself; choose another name
    test.ron:5:26: metric name "cpu usage" is not allowed; use letters, digits, _ and :, not beginning with a digit
    test.ron:5:49: unknown scenario "sine_wav"; did you mean "sine_wave"?
    test.ron:6:32: Metric has no field "metrik_type"; did you mean "metric_type"?
    test.ron:6:62: random_in_range: needs the metric's value_range, as in (0, 100), or its own value_range
    test.ron:8:9: expected Host(…), found Hots(…)
    "#);
}

#[test]
fn problems_that_need_values_are_reported_at_once_too() {
    let text = r#"Config(
    args: { "n": Arg(default: 3, max: 5) },
    hosts: [
        Host(name: "a", labels: { "job": "x" }, metrics: [
            Metric(name: "cpu usage", scenario: sine_wave(period: 0)),
        ]),
        Host(name: "a", ttl: 0, interval: 0, metrics: [Metric(name: "m", metric_type: gage)]),
        Host(repeat: Repeat(var: "i", from: 1, to: 9), name: "w-{j}"),
    ],
)"#;
    insta::assert_snapshot!(error_of(text, &[("n", "7"), ("m", "1")]), @r#"
    test.ron: the config has no argument "m"; expected n
    test.ron: argument "n" must be at most 5, but is 7
    test.ron:4:35: label "job" is set by promemu itself; choose another name
    test.ron:5:26: metric name "cpu usage" is not allowed; use letters, digits, _ and :, not beginning with a digit
    test.ron:5:49: sine_wave: period must be longer than 0 and not endless, but is 0s
    test.ron:7:20: two hosts are called "a"; a host's name must be unique
    test.ron:7:30: ttl must be longer than 0; write "inf" for a host without an end
    test.ron:7:43: interval must be 1ms or longer and not endless, but is 0s..0s
    test.ron:7:87: unknown metric_type "gage"; did you mean "gauge"?
    test.ron:8:62: name: unknown name "j" in an expression; expected one of args, i, n, run_id, started_at
    "#);
}

const WRONG_METRICS: [&str; 32] = [
    r#"Metric(name: "m", value_range: (5, 1))"#,
    r#"Metric(name: "m", value_range: (0, 1), default_value: 3)"#,
    r#"Metric(name: "m", update_interval: 0)"#,
    r#"Metric(name: "m", decimals: 99)"#,
    r#"Metric(name: "m", buckets: [1, 2])"#,
    r#"Metric(name: "m", metric_type: histogram, buckets: [2, 1])"#,
    r#"Metric(name: "m", metric_type: histogram, labels: { "le": "1" })"#,
    r#"Metric(name: "m", metric_type: sumary)"#,
    r#"Metric(name: "m", accumulate: per_second)"#,
    r#"Metric(name: "m", labels: { "a b": "1" })"#,
    r#"Metric(name: "push_time_seconds")"#,
    r#"Metric(name: "m", scenario: random_walk)"#,
    r#"Metric(name: "m", scenario: variety_selection(values: [1, 2], varieties: [1]))"#,
    r#"Metric(name: "m", scenario: variety_selection(values: [1, 2], varieties: [0, 0]))"#,
    r#"Metric(name: "m", scenario: variety_selection(values: [1], varieties: [-1]))"#,
    r#"Metric(name: "m", scenario: variety_selection(values: [1], change_probability: 1.5))"#,
    r#"Metric(name: "m", scenario: update_by_trend(trend: sideways))"#,
    r#"Metric(name: "m", scenario: sine_wave(perod: 5))"#,
    r#"Metric(name: "m", scenario: feature_toggle(duration: 0))"#,
    r#"Metric(name: "m", scenario: relay_to_other_metric(source_metric_name: "n"))"#,
    r#"Metric(name: "m", scenario: relay_to_other_metric(source_metric_name: "m"))"#,
    r#"Metric(name: "m", scenario: relay_to_other_metric)"#,
    r#"Metric(name: "m"), Metric(name: "n", scenario: relay_to_other_metric(source_metric_name: "m", calc_function: "valu * 2"))"#,
    r#"Metric(name: "m"), Metric(name: "n", scenario: relay_to_other_metric(source_metric_name: "m", calc_function: "value *"))"#,
    r#"Metric(name: "m", scenario: calc_by_event(events_config: { "e": "\"text\"" }))"#,
    r#"Metric(name: "m", description: "x"), Metric(name: "m", description: "y", labels: { "a": "1" })"#,
    r#"Metric(name: "m"), Metric(name: "m", metric_type: histogram, labels: { "a": "1" })"#,
    r#"Metric(name: "m", metric_type: histogram), Metric(name: "m_count")"#,
    r#"Metric(name: "m", linked_metrics: ["n"])"#,
    r#"Metric(name: "m", scenario: gauge(1))"#,
    r#"Metric(name: "m", name: "n")"#,
    r#"Metric(name: "m", value_range: (inf, inf))"#,
];

#[test]
#[expect(clippy::too_many_lines, reason = "one snapshot of all messages")]
fn all_fields_of_metrics_are_checked() {
    let said: Vec<String> = WRONG_METRICS
        .iter()
        .map(|metric| format!("{metric}\n    {}", error_of(&with_metrics(metric), &[])))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    Metric(name: "m", value_range: (5, 1))
        test.ron:2:32: value_range (5, 1) has low above high; write (1, 5)
    Metric(name: "m", value_range: (0, 1), default_value: 3)
        test.ron:2:55: default_value 3 is outside of value_range (0, 1)
    Metric(name: "m", update_interval: 0)
        test.ron:2:36: update_interval must be 1ms or longer and not endless, but is 0s
    Metric(name: "m", decimals: 99)
        test.ron:2:29: decimals must be from 0 to 15, but is 99
    Metric(name: "m", buckets: [1, 2])
        test.ron:2:28: buckets is for a histogram, but this is a gauge
    Metric(name: "m", metric_type: histogram, buckets: [2, 1])
        test.ron:2:52: buckets must be one or more bounds, each above the one before; +Inf is added
    Metric(name: "m", metric_type: histogram, labels: { "le": "1" })
        test.ron:2:53: label "le" is set by promemu itself; choose another name
    Metric(name: "m", metric_type: sumary)
        test.ron:2:32: unknown metric_type "sumary"; did you mean "summary"?
    Metric(name: "m", accumulate: per_second)
        test.ron:2:31: accumulate is for a counter, but this is a gauge
    Metric(name: "m", labels: { "a b": "1" })
        test.ron:2:29: label name "a b" is not allowed; use letters, digits and _, not beginning with a digit or __
    Metric(name: "push_time_seconds")
        test.ron:2:14: metric name "push_time_seconds" is used by the Pushgateway or promemu; choose another
    Metric(name: "m", scenario: random_walk)
        test.ron:2:29: random_walk: needs the metric's value_range, as in (0, 100), or its own step
    Metric(name: "m", scenario: variety_selection(values: [1, 2], varieties: [1]))
        test.ron:2:29: variety_selection: varieties has 1 weights for 2 values; give one for each
    Metric(name: "m", scenario: variety_selection(values: [1, 2], varieties: [0, 0]))
        test.ron:2:29: variety_selection: varieties must have a weight above 0, and a finite sum
    Metric(name: "m", scenario: variety_selection(values: [1], varieties: [-1]))
        test.ron:2:29: variety_selection: varieties must not be negative, but one is -1
    Metric(name: "m", scenario: variety_selection(values: [1], change_probability: 1.5))
        test.ron:2:29: variety_selection: change_probability must be from 0 to 1, but is 1.5
    Metric(name: "m", scenario: update_by_trend(trend: sideways))
        test.ron:2:52: unknown trend "sideways"; expected one of hold, up, down
    Metric(name: "m", scenario: sine_wave(perod: 5))
        test.ron:2:39: sine_wave has no field "perod"; did you mean "period"?
    Metric(name: "m", scenario: feature_toggle(duration: 0))
        test.ron:2:29: feature_toggle: duration must be 1ms or longer, but is 0s
    Metric(name: "m", scenario: relay_to_other_metric(source_metric_name: "n"))
        test.ron:2:29: the host has no metric "n" to relay; expected m
    Metric(name: "m", scenario: relay_to_other_metric(source_metric_name: "m"))
        test.ron:2:14: metric "m" relays its own value through other metrics; remove one relay of the cycle
    Metric(name: "m", scenario: relay_to_other_metric)
        test.ron:2:29: relay_to_other_metric needs source_metric_name: the name of the other metric
    Metric(name: "m"), Metric(name: "n", scenario: relay_to_other_metric(source_metric_name: "m", calc_function: "valu * 2"))
        test.ron:2:111: unknown name "valu" in an expression; did you mean "value"?
    Metric(name: "m"), Metric(name: "n", scenario: relay_to_other_metric(source_metric_name: "m", calc_function: "value *"))
        test.ron:2:118: the expression "value *" is wrong: it ends too early
    Metric(name: "m", scenario: calc_by_event(events_config: { "e": "\"text\"" }))
        test.ron:2:65: the expression does not give a number: gives the text "text", not a number
    Metric(name: "m", description: "x"), Metric(name: "m", description: "y", labels: { "a": "1" })
        test.ron:2:51: metric "m" has the description "y" here and "x" elsewhere; a name has one
    Metric(name: "m"), Metric(name: "m", metric_type: histogram, labels: { "a": "1" })
        test.ron:2:33: metric "m" is a histogram here and a gauge elsewhere; give one of them another name
    Metric(name: "m", metric_type: histogram), Metric(name: "m_count")
        test.ron:2:57: metric "m_count" is a series of the histogram "m"; give one of them another name
    Metric(name: "m", linked_metrics: ["n"])
        test.ron:2:36: no metric "n" relays "m"; linked_metrics may be left out
    Metric(name: "m", scenario: gauge(1))
        test.ron:2:29: expected a scenario, as in sine_wave(period: 60); found gauge(…)
    Metric(name: "m", name: "n")
        test.ron:2:19: Metric has "name" twice; keep one
    Metric(name: "m", value_range: (inf, inf))
        test.ron:2:32: value_range (inf, inf) has no number; write (0, inf)
    "#);
}

#[test]
fn broken_files_are_one_error_with_a_place() {
    for text in [
        "",
        "Config(",
        "Config(hosts: [",
        "Config(hosts: \"x)",
        "{}",
        "5",
        "Config(hosts: [Host(name: \"a\",, )])",
    ] {
        let error = error_of(text, &[]);
        assert!(error.starts_with("test.ron:"), "{text:?}: {error}");
    }
    let deep = format!("Config(hosts: {})", "[".repeat(100_000));
    assert!(error_of(&deep, &[]).starts_with("test.ron:1:"));
}

#[test]
fn a_config_without_hosts_or_with_too_many_is_refused() {
    let empty = "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 0), name: \"h-{i}\")])";
    insta::assert_snapshot!(error_of(empty, &[]), @"test.ron:1:16: the config makes no hosts with these arguments; raise a count");
    let clash = "Config(hosts: [Host(name: \"a\", labels: { \"zone\": \"x\" }, metrics: [Metric(name: \"m\", labels: { \"zone\": \"y\" })])])";
    insta::assert_snapshot!(error_of(clash, &[]), @r#"test.ron:1:95: label "zone" is one of its host's already; choose another name"#);
    insta::assert_snapshot!(error_of("Config(hosts: [])", &[]), @"test.ron:1:1: the config has no hosts; add a Host(…) to hosts");
    let text = "Config(hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 1000000000000), name: \"h-{i}\", metrics: [Metric(name: \"m\")])])";
    insta::assert_snapshot!(error_of(text, &[]), @"test.ron:1:16: the config makes 1000000000000 series so far, more than 5000000; lower a count, or raise --max-series");
}

#[test]
fn counters_without_total_and_duplicates_are_warnings() {
    let text = with_metrics(
        r#"Metric(name: "requests", metric_type: counter), Metric(name: "m"), Metric(name: "m", default_value: 5)"#,
    );
    let loaded = plan_of(&text, &[]).unwrap();
    insta::assert_snapshot!(loaded.warnings.join("\n"), @r#"
    test.ron:2:14: counter "requests" does not end in _total, as counters should
    test.ron:2:81: metric "m" comes twice on a host with the same labels; the later one wins
    "#);
    assert_eq!(loaded.plan.hosts[0].shape.metrics.len(), 2);
    assert_eq!(loaded.plan.hosts[0].shape.metrics[1].default_value.to_bits(), 5.0f64.to_bits());
}

#[test]
fn relays_come_after_their_sources() {
    let text = with_metrics(
        r#"Metric(name: "c", scenario: relay_to_other_metric(source_metric_name: "b")),
           Metric(name: "b", scenario: relay_to_other_metric(source_metric_name: "a")),
           Metric(name: "a")"#,
    );
    let plan = plan_of(&text, &[]).unwrap().plan;
    let names: Vec<&str> = plan.hosts[0].shape.metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(plan.families.iter().map(|family| &*family.name).collect::<Vec<_>>(), ["c", "b", "a"]);
    let circle = with_metrics(
        r#"Metric(name: "a", scenario: relay_to_other_metric(source_metric_name: "b")),
           Metric(name: "b", scenario: relay_to_other_metric(source_metric_name: "a"))"#,
    );
    insta::assert_snapshot!(error_of(&circle, &[]), @r#"test.ron:2:14: metric "a" relays its own value through other metrics; remove one relay of the cycle"#);
}

#[test]
fn arguments_are_typed_by_their_defaults() {
    let text = r#"Config(
        args: { "n": 2, "share": 0.5, "on": false, "life": "15m", "every": "1s..2s", "who": "web" },
        default_job_name: "{who}_{n:03}_{life}_{share:.2}_{on}",
        hosts: [Host(name: "a", ttl: "{life * 2}", interval: "{every}", metrics: [Metric(name: "m")])],
    )"#;
    let plan = plan_of(text, &[]).unwrap().plan;
    assert_eq!(&*plan.jobs[0].name, "web_002_900_0.50_false");
    assert_eq!(plan.hosts[0].ttl, Span::from_secs(1800));
    let given =
        [("n", "7"), ("life", "160"), ("every", "3"), ("who", "db 1"), ("on", "true"), ("share", "1")];
    let plan = plan_of(text, &given).unwrap().plan;
    assert_eq!(&*plan.jobs[0].name, "db 1_007_160_1.00_true");
    assert_eq!(plan.hosts[0].interval, (Span::from_secs(3), Span::from_secs(3)));
    let wrong = [("n", "2.5"), ("life", "long"), ("every", "2s..1s"), ("on", "maybe"), ("share", "half")];
    insta::assert_snapshot!(error_of(text, &wrong), @r#"
    test.ron: argument "n" takes a whole number, not "2.5"
    test.ron: argument "share" takes a number, not "half"
    test.ron: argument "on" takes true or false, not "maybe"
    test.ron: argument "life" takes a duration, as in 15m, not "long"
    test.ron: argument "every" takes a duration or a range, as in 14s..16s, not "2s..1s"
    "#);
}

#[test]
fn a_default_that_the_argument_itself_refuses_has_its_place() {
    let text = r#"Config(
    args: {
        "low": Arg(default: 3, min: 5, help: "x"),
        "both": Arg(min: 0, max: 1, default: 1.5),
        "life": Arg(default: "2h", max: 3600),
        "size": Arg(default: "2GiB", choices: ["1GiB", "4GiB"]),
        "word": Arg(default: "stge", choices: ["stage", "live"]),
        "mixed": [1, "a"],
        "endless": inf,
    },
    hosts: [Host(name: "a", metrics: [Metric(name: "m")])],
)"#;
    insta::assert_snapshot!(error_of(text, &[]), @r#"
    test.ron:3:29: the default of argument "low" must be at least 5, but is 3
    test.ron:4:46: the default of argument "both" must be at least 0 and at most 1, but is 1.5
    test.ron:5:30: the default of argument "life" must be at most 3600, but is 7200
    test.ron:6:30: the default of argument "size" cannot be "2147483648"; expected one of 1GiB, 4GiB
    test.ron:7:30: the default of argument "word" cannot be "stge"; did you mean "stage"?
    test.ron:8:18: the default of argument "mixed" takes numbers, as in 1.5,2, not "1,a"
    test.ron:9:20: the default of argument "endless" takes a number, not "inf"
    "#);
    let good = [("low", "5"), ("both", "1"), ("life", "1h"), ("size", "1024MiB"), ("word", "live")];
    let text = text.replace("\"mixed\": [1, \"a\"],", "").replace("\"endless\": inf,", "");
    assert!(plan_of(&text, &good).is_ok(), "a default may stand for one that must be given");
    insta::assert_snapshot!(error_of(&text, &[&good[1..], &[("low", "x")]].concat()), @r#"
    test.ron: argument "low" takes a whole number, not "x"
    test.ron:3:29: the default of argument "low" must be at least 5, but is 3
    "#);
}

#[test]
fn a_class_is_chosen_by_name_or_by_its_ending() {
    let text = r#"{
        "Base": Config(default_job_name: "base", hosts: [Host(name: "a", metrics: [Metric(name: "m")])]),
        "StagingConfig": Config(default_job_name: "staging", hosts: [Host(name: "a", metrics: [Metric(name: "m")])]),
    }"#;
    let job = |class: Option<&str>| {
        let loaded = ConfigFile::from_text("test", text)
            .plan(&LoadOptions { class: class.map(str::to_owned), ..LoadOptions::starting_at(START) });
        loaded.map(|loaded| loaded.plan.jobs[0].name.to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(job(None).unwrap(), "staging");
    assert_eq!(job(Some("Base")).unwrap(), "base");
    insta::assert_snapshot!(job(Some("StagingConfg")).unwrap_err(), @r#"test.ron:1:1: the file has no class "StagingConfg"; did you mean "StagingConfig"?"#);
}

#[test]
fn hosts_that_depend_on_their_number_have_their_own_metrics() {
    let text = r#"Config(hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "h-{i}", metrics: [
        Metric(name: "m", default_value: "{i * 10}", labels: { "peer": "h-{i + 1}" }) ])])"#;
    let plan = plan_of(text, &[]).unwrap().plan;
    let defaults: Vec<f64> = plan.hosts.iter().map(|host| host.shape.metrics[0].default_value).collect();
    assert_eq!(defaults, [10.0, 20.0, 30.0]);
    assert_eq!(plan.hosts[2].shape.metrics[0].labels.get("peer"), Some("h-4"));
}
