//! `promemu export`: Prometheus' own tools accept the files, and a file is complete or missing.

use std::collections::BTreeMap;
use std::process::Command;

use crate::processes::{
    Process, Prometheus, eventually, free_port, get, log_number, promemu, promemu_command, series, value,
};

/// 2026-01-05T00:00:00Z
const START: u64 = 1_767_571_200;

fn export(args: &[&str]) -> std::process::Output {
    let mut command = promemu_command(&["export", "hosts_load_with_peaks", "--from", "2026-01-05"]);
    command.args(args).output().unwrap()
}

#[test]
fn prometheus_answers_from_blocks_of_the_export() {
    let dir = tempfile::tempdir().unwrap();
    let (file, data) = (dir.path().join("history.om"), dir.path().join("data"));
    let file_text = file.display().to_string();
    let args = ["--for", "6h", "--step", "30s", "--seed", "7", "--out", &file_text, "--config-args"];
    let output = export(&[&args[..], &["hosts_count=3", "hosts_ttl=inf"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(exported.ends_with("\n# EOF\n"));
    let of_worker = |line: &&str| line.starts_with("network_latency_ms{name=\"worker-02\"");
    let values: Vec<f64> = exported
        .lines()
        .filter(of_worker)
        .map(|line| line.split(' ').nth_back(1).unwrap().parse().unwrap())
        .collect();
    assert_eq!(values.len(), 720, "a sample every 30 s but the first, before its start");
    let highest = values.iter().copied().fold(f64::MIN, f64::max);

    let blocks = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h", &file_text])
        .arg(&data)
        .output()
        .unwrap();
    assert!(blocks.status.success(), "{}", String::from_utf8_lossy(&blocks.stderr));
    let prometheus = Prometheus::with_data(&data);
    let end = START + 6 * 3600;
    let ask = |query: &str| {
        eventually(query, || {
            prometheus.query_at(&format!("{query}(network_latency_ms{{name=\"worker-02\"}}[7h])"), end)
        })
    };
    assert_eq!((ask("max_over_time"), ask("count_over_time")), (highest, 720.0));
    let series = eventually("the series", || prometheus.query_at("count({job=~\".+\"})", end));
    assert_eq!(series.to_bits(), 46.0f64.to_bits(), "3 workers with 15 metrics, and the balancer's");
}

#[test]
fn samples_of_faulty_hosts_are_in_order_for_promtool() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dirty.om").display().to_string();
    let args = [
        "export",
        "dirty_data",
        "--from",
        "2026-01-05",
        "--for",
        "20m",
        "--step",
        "5s",
        "--seed",
        "7",
        "--out",
        &file,
    ];
    let output = promemu_command(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let blocks = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h", &file])
        .arg(dir.path().join("data"))
        .output()
        .unwrap();
    assert!(blocks.status.success(), "{}", String::from_utf8_lossy(&blocks.stderr));
    let text = std::fs::read_to_string(&file).unwrap();
    let of_host = |name: &str| text.lines().filter(|line| line.contains(&format!("name=\"{name}\""))).count();
    assert!(of_host("gap") < of_host("clean") && of_host("out-of-order") < of_host("clean"));
    assert!(text.contains("} NaN "));
}

#[test]
fn promtool_runs_the_exported_rule_test() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("test.yml").display().to_string();
    assert_eq!(export(&["--for", "10m", "--step", "1m", "--out", &file]).status.code(), Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    let expectation = "    promql_expr_test:\n      - expr: count(workers_count)\n        eval_time: 5m\n        exp_samples:\n          - value: 9\n";
    std::fs::write(&file, text + expectation).unwrap();
    let (is_good, said) = rule_test(&file);
    assert!(is_good, "{said}");
}

/// The outcome of promtool with this rule test: success, and what it printed.
fn rule_test(file: &str) -> (bool, String) {
    let outcome = Command::new("promtool").args(["test", "rules", file]).output().unwrap();
    (outcome.status.success(), String::from_utf8([outcome.stdout, outcome.stderr].concat()).unwrap())
}

#[test]
fn a_rule_test_names_its_rules_and_keeps_what_a_person_wrote_when_it_is_exported_again() {
    const RULES: &str = "groups:\n  - name: shop\n    rules:\n      - alert: Workers\n        expr: count(workers_count) > 5\n";
    const BY_HAND: &str = "      # by hand\n      - series: mine\n        values: 7x20\n    # the alert\n    alert_rule_test:\n      \
                           - eval_time: 5m\n        alertname: Workers\n        exp_alerts:\n          - exp_labels: {}\n    \
                           promql_expr_test:\n      - expr: mine\n        eval_time: 5m\n        exp_samples:\n          \
                           - labels: mine\n            value: 7\n";
    let dir = tempfile::tempdir().unwrap();
    for folder in ["rules", "tests"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let [rules, file] = ["rules/shop.yml", "tests/shop.yml"].map(|name| dir.path().join(name));
    std::fs::write(&rules, RULES).unwrap();
    let (rules, out) = (rules.display().to_string(), file.display().to_string());
    // A path from here, as a user gives it.
    let exported = |args: &[&str]| {
        let args = [&["--out", "tests/shop.yml"], args].concat();
        let args = [&["export", "hosts_load_with_peaks", "--from", "2026-01-05"][..], &args].concat();
        let output = promemu_command(&args).current_dir(dir.path()).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), log, std::fs::read_to_string(&file).unwrap_or_default())
    };
    let (code, log, text) =
        exported(&["--for", "10m", "--step", "1m", "--seed", "7", "--rules", "rules/shop.yml"]);
    assert!(code == Some(0) && text.contains("rule_files: [\"../rules/shop.yml\"]\n"), "{log}{text}");
    std::fs::write(&file, text.clone() + BY_HAND).unwrap();
    let (is_good, said) = rule_test(&out);
    assert!(is_good && !said.contains("WARNING"), "{said}");
    let (code, log, again) = exported(&["--for", "12m", "--step", "30s", "--seed", "8"]);
    assert!(code == Some(0) && again.ends_with(BY_HAND) && !log.contains("WARN"), "{log}");
    assert!(
        again.contains("rule_files: [\"../rules/shop.yml\"]\n") && again.contains("  - interval: 30000ms\n")
    );
    assert!(again.contains("\nevaluation_interval: 60000ms\n"), "a person's, too: {again}");
    assert_ne!(again.lines().nth(7), text.lines().nth(7), "the values are new");
    let (is_good, said) = rule_test(&out);
    assert!(is_good, "{said}");

    // Without rules no alert fires, which the log says before promtool does.
    std::fs::remove_file(&file).unwrap();
    let (_, log, _) = exported(&["--for", "10m", "--step", "1m"]);
    assert!(
        log.contains("the rule test names no rules, so no alert of it fires; name them with --rules"),
        "{log}"
    );
    let (code, log, _) = exported(&["--for", "10m", "--rules", "rules/shp.yml"]);
    assert!(code == Some(2) && log.contains("rules/shp.yml is not a file"), "{log}");
    std::fs::write(&file, RULES).unwrap();
    let (code, log, text) = exported(&["--for", "10m", "--rules", &rules]);
    assert!(code == Some(2) && log.contains("has no input_series that an export could refresh"), "{log}");
    assert_eq!(text, RULES, "a file that is no rule test stays");
    let wrong = export(&["--for", "1m", "--format", "csv", "--rules", &rules]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn promtool_reads_rule_tests_of_odd_names_and_labels() {
    let dir = tempfile::tempdir().unwrap();
    let [config, file] = ["odd.ron", "odd.yml"].map(|name| dir.path().join(name).display().to_string());
    // A label as it is in the config, and as PromQL has it.
    let labels = [
        (r"a\rb", r"a\rb"),
        (r"\u{1}\u{7f}\u{85}", r"\x01\x7f\u0085"),
        (r"it's: \u{2028}#", r"it's: \u2028#"),
    ];
    let names = ["on", "nan", "inf", "NaN", "group_left", "sum", "true", "on_time"];
    let metric = |name: &str| {
        let with = labels
            .iter()
            .map(|(label, _)| format!("Metric(name: \"{name}\", labels: {{ \"l\": \"{label}\" }})"));
        with.collect::<Vec<_>>().join(", ")
    };
    let metrics = names.map(metric).join(", ");
    std::fs::write(
        &config,
        format!("Config(hosts: [Host(name: \"h\", interval: 30, metrics: [{metrics}])])"),
    )
    .unwrap();
    let args = ["export", &config, "--from", "2026-01-05", "--for", "10m", "--step", "1m", "--out", &file];
    let output = promemu_command(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut text = std::fs::read_to_string(&file).unwrap() + "    promql_expr_test:\n";
    for name in names {
        for (_, label) in labels {
            let expr = format!("count({{__name__=\"{name}\",l=\"{label}\"}})").replace('\'', "''");
            text.push_str("      - expr: '");
            text.push_str(&expr);
            text.push_str("'\n        eval_time: 5m\n        exp_samples:\n          - value: 1\n");
        }
    }
    std::fs::write(&file, text).unwrap();
    let (is_good, said) = rule_test(&file);
    assert!(is_good, "{said}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads_and_to_a_pipe() {
    let bytes = |threads: &str| {
        let output = export(&["--for", "20m", "--seed", "5", "--threads", threads]);
        assert_eq!(output.status.code(), Some(0));
        output.stdout
    };
    let one = bytes("1");
    assert!(one.len() > 100_000);
    assert!(one == bytes("2") && one == bytes("8"));
}

#[test]
fn an_export_whose_hosts_all_end_before_it_does_names_the_argument_or_the_field_that_ends_them() {
    let dir = tempfile::tempdir().unwrap();
    let config = |name: &str, args: &str, ttl: &str| {
        let path = dir.path().join(name);
        let text = format!(
            "Config({args}hosts: [Host(name: \"a\", ttl: \"{ttl}\", metrics: [Metric(name: \"n\")])])"
        );
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let field = config("field.ron", "", "5m");
    let argument = config("argument.ron", "args: { \"life\": Arg(default: \"9m\") }, ", "{life}");
    let log = |config: &str, more: &[&str]| {
        let args = ["export", config, "--for", "1h", "--out", "/dev/null", "--format", "csv"];
        let out = promemu_command(&[&args[..], more].concat()).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stderr).unwrap()
    };
    for (config, remedy) in [
        (field.as_str(), "leave their ttl out of the config"),
        (&argument, "write life=inf"),
        ("hosts_load_with_peaks", "write hosts_ttl=inf"),
    ] {
        let log = log(config, &[]);
        assert!(log.contains("all hosts end by their ttl") && log.contains(remedy), "{log}");
    }
    for more in [["life=1h"], ["life=inf"]] {
        let log = log(&argument, &more);
        assert!(!log.contains("WARN"), "{log}");
    }
    let past = dir.path().join("past.om").display().to_string();
    let run = ["run", &argument, "--output", "scrape=127.0.0.1:0", "--history", "1h", "--history-out", &past];
    let out = promemu_command(&run).output().unwrap();
    assert!(String::from_utf8_lossy(&out.stderr).contains("write life=inf"), "{out:?}");
}

#[test]
fn the_next_export_removes_the_file_of_a_killed_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("big.csv").display().to_string();
    let args =
        ["export", "hosts_load_with_peaks", "--for", "60d", "--step", "10s", "--out", &file, "--config-args"];
    let mut run = Process::start(promemu_command(&args).args(["hosts_count=50", "hosts_ttl=inf"]));
    eventually("a file is open", || {
        std::fs::read_dir(format!("/proc/{}/fd", run.id())).ok()?.flatten().find(|fd| {
            let target = std::fs::read_link(fd.path());
            target.is_ok_and(|target| target.starts_with(dir.path()))
        })
    });
    run.signal("-KILL");
    run.wait();
    assert!(!std::path::Path::new(&file).exists());
    let next = dir.path().join("small.csv");
    // An empty file may be one that its process has not locked yet, for some seconds.
    eventually("the next export removes the file", || {
        let output = export(&["--for", "1m", "--out", &next.display().to_string()]);
        assert_eq!(output.status.code(), Some(0));
        let left = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        left.eq([next.clone()]).then_some(())
    });
}

#[test]
fn errors_name_the_flag_and_the_way_out() {
    let error = |args: &[&str]| {
        let output = export(&[args, &["--config-args", "hosts_ttl=inf"]].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
    };
    insta::assert_snapshot!(error(&["--out", "history.bin"]), @r#"error: file name "history.bin" has no known format; end it in .om, .csv, .parquet or .yml, or in / for a folder of blocks, or give --format"#);
    insta::assert_snapshot!(error(&["--to", "2026-01-04"]), @"error: --from 2026-01-05T00:00:00Z must be before --to 2026-01-04T00:00:00Z, and the range must have an end");
    insta::assert_snapshot!(error(&["--to", "tomorrow"]), @r#"error: --to or PME_EXPORT_TO: "tomorrow" is not a time; write 2026-01-05T08:00Z, or -1h for an hour ago"#);
    insta::assert_snapshot!(error(&["--to", "2026-01-06", "--for", "1h"]), @"error: --from, --to and --for exclude each other; give two of them");
    insta::assert_snapshot!(error(&["--step", "0"]), @r#"error: --step or PME_EXPORT_STEP must be 1ms or longer and not endless, but is "0""#);
    insta::assert_snapshot!(error(&["--out", "/nowhere/at/all.om"]), @"error: --out or PME_EXPORT_OUT: /nowhere/at is not a folder; make it first");
}

#[test]
fn a_step_that_is_longer_than_the_export_is_warned_of() {
    for (step, is_warned) in [("3h", true), ("1h1s", true), ("1h", false), ("30m", false)] {
        let output = export(&["--for", "1h", "--step", step, "--config-args", "hosts_ttl=inf"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.contains("the step is longer than the time to write"), is_warned, "{step}: {said}");
    }
}

/// Value and time of the last sample of a family in an export.
fn last_sample(exported: &str, family: &str) -> (f64, f64) {
    let line = exported.lines().rfind(|line| line.starts_with(&format!("{family}{{"))).unwrap();
    let mut words = line.rsplit(' ');
    let (time, value) = (words.next().unwrap(), words.next().unwrap());
    (value.parse().unwrap(), time.parse().unwrap())
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the history ends at the current time")]
fn a_run_continues_its_history_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let config = "Config(hosts: [Host(name: \"a\", interval: 1, metrics: [
        Metric(name: \"n_total\", metric_type: counter, update_interval: 1, accumulate: per_second, scenario: random_in_range(value_range: (10, 10))),
        Metric(name: \"age\", update_interval: 1, scenario: time_duration)])])";
    let path = dir.path().join("a.ron");
    std::fs::write(&path, config).unwrap();
    let (file, port) = (dir.path().join("history.om").display().to_string(), free_port());
    let (path, url) = (path.display().to_string(), format!("127.0.0.1:{port}"));
    let args = [
        "--config",
        &path,
        "--embedded",
        "--pushgateway-url",
        &url,
        "--history",
        "1h",
        "--history-out",
        &file,
    ];
    let mut run = promemu(&[&args[..], &["--history-step", "1s"]].concat());
    let live = |family: &str| {
        eventually(family, || Some(value(series(&get(port, "/metrics")?, family).first().copied()?)))
    };
    let first = live("n_total");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let exported = std::fs::read_to_string(&file).unwrap();
    let (total, time) = last_sample(&exported, "n_total");
    assert!(total > 35_000.0 && first >= total, "the counter goes on: {total}, then {first}");
    assert!((first - total) <= (now - time + 2.0) * 10.0, "{total} at {time}, {first} at {now}");
    let (age, _) = last_sample(&exported, "age");
    assert!(live("age") >= age, "the host was not restarted");
    eventually("the counter grows live", || (live("n_total") > first).then_some(()));
    assert_eq!(run.terminate(), Some(0), "{}", run.log());
}

/// Number of samples of each family in a CSV.
fn counts_of_csv(csv: &str) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    for line in csv.lines().skip(1) {
        *counts.entry(line.split(',').nth(1).unwrap().to_owned()).or_insert(0.0) += 1.0;
    }
    counts
}

#[test]
fn an_export_that_was_killed_before_its_first_answer_begins_again_with_the_same_times_and_seed() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state.json");
    // It takes the connection, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("remote-write=http://{}/api/v1/write", silent.local_addr().unwrap());
    let command = |more: &[&str]| {
        let sent = ["export", "single_host_load", "--output", &target, "--resume", state.to_str().unwrap()];
        promemu_command(&[&sent[..], more].concat())
    };
    let noted_by = |more: &[&str]| {
        let mut killed = Process::start(&mut command(more));
        let connection = silent.accept().unwrap();
        killed.signal("-KILL");
        assert_eq!(killed.wait(), None, "it was killed");
        drop(connection);
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(&state).unwrap()).unwrap()
    };
    // The end is the time of the call, and the seed is drawn.
    let first = noted_by(&["--for", "1h"]);
    assert!(first["export"]["seed"].is_u64() && first["export"]["threads"].is_u64(), "{first}");
    assert!(first["sent_until_ns"].is_null() && first["samples"] == 0, "{first}");
    assert_eq!(noted_by(&["--for", "1h"]), first, "the same command is the same export");
    assert_eq!(noted_by(&[]), first);
    let other = command(&["--seed", "1"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "it is another export");
}

#[test]
fn an_export_to_remote_write_that_was_killed_goes_on_where_it_was_and_sends_each_sample_once() {
    let (dir, prometheus) = (tempfile::tempdir().unwrap(), Prometheus::receiving());
    let [state, csv] = ["state.json", "all.csv"].map(|name| dir.path().join(name).display().to_string());
    let target = format!("remote-write={}/api/v1/write", prometheus.url());
    let range = ["--from", "2026-01-05", "--for", "36h"];
    let sent = ["export", "hosts_load_with_peaks", "hosts_ttl=inf", "--output", &target, "--resume", &state];
    let mut killed = Process::start(&mut promemu_command(&[&sent[..], &range].concat()));
    let read = || serde_json::from_slice::<serde_json::Value>(&std::fs::read(&state).ok()?).ok();
    eventually("a part is sent", || read().filter(|noted| noted["samples"] != 0));
    killed.signal("-KILL");
    assert_eq!(killed.wait(), None, "it was killed");
    let noted = read().unwrap();
    let (before, seed) = (noted["samples"].as_u64().unwrap(), noted["export"]["seed"].to_string());
    let other = promemu_command(&[&sent[..], &range, &["--seed", "1"]].concat()).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "it is another export");
    // Times, seed and threads are those that were noted.
    let resumed = promemu_command(&sent).output().unwrap();
    let log = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert_eq!(resumed.status.code(), Some(0), "{log}");
    let written = ["export", "hosts_load_with_peaks", "hosts_ttl=inf", "--out", &csv, "--seed", &seed];
    assert!(promemu_command(&[&written[..], &range].concat()).status().unwrap().success());
    let expected = counts_of_csv(&std::fs::read_to_string(&csv).unwrap());
    let total: f64 = expected.values().sum();
    let after = log_number(&log, "samples").unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let before = before as f64;
    assert!(before > 0.0 && (before + after - total).abs() < 0.5, "{before} and {after} of {total} samples");
    let end = START + 36 * 3_600;
    for (family, count) in expected {
        let query = format!("sum(count_over_time({family}[37h]))");
        let found = eventually(&query, || prometheus.query_at(&query, end));
        assert!((found - count).abs() < 0.5, "{family}: {found} of {count} samples");
    }
    let again = promemu_command(&sent).output().unwrap();
    assert_eq!(
        log_number(&String::from_utf8_lossy(&again.stderr), "samples"),
        Some(0.0),
        "nothing is left to send"
    );
}
