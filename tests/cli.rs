//! The command line: one clear message for each mistake, the right exit code, and nothing sent.

use std::process::Output;

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, promemu_command};

fn run(args: &[&str], variables: &[(&str, &str)]) -> Output {
    promemu_command(args).envs(variables.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}

#[test]
fn mistakes_are_told_once_with_exit_code_2_and_nothing_is_sent() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("broken.ron"), "Config(\n    hosts: [Host(name: \"a\"],\n)").unwrap();
    let dir = dir.path().display().to_string();
    let broken = format!("{dir}/broken.ron:2:27: ");
    let cases: [(&[&str], &str); 10] = [
        (&["--bogus"], "error: unexpected argument '--bogus' found"),
        (&["--push-interval", "soon"], "PME_PUSHGATEWAY_PUSH_INTERVAL: \"soon\" is not a duration"),
        (
            &["--config", "hosts_load_with_peak"],
            "error: config \"hosts_load_with_peak\" not found in configs",
        ),
        (
            &["--config", "single_host_load", "--class", "X"],
            "error: configs/single_host_load.ron:1:1: the file has no class \"X\"",
        ),
        (
            &["--config", "single_host_load", "--config-args", "ttl=5"],
            "error: configs/single_host_load.ron: the config has no argument \"ttl\"; there is host_ttl",
        ),
        (
            &["--config", "single_host_load", "--config-args", "host_ttl"],
            "error: config argument \"host_ttl\" is not of the form NAME=VALUE",
        ),
        (&["--config", "broken", "--configs-dir", &dir], &broken),
        (
            &["--config", "single_host_load", "--pushgateway-url", "ftp://x"],
            "error: pushgateway url \"ftp://x\" is neither http nor https",
        ),
        (&["check", "--all", "--configs-dir", "/nowhere"], "PME_CONFIGS_DIR: /nowhere is not a folder"),
        (&[], "error: no config given; choose one with --config NAME"),
    ];
    for (args, message) in cases {
        let output = run(args, &[("PME_PUSHGATEWAY_URL", &gateway.url())]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(message), "{args:?}: {said}");
        assert_eq!(said.matches("error: ").count(), 1, "{args:?}: {said}");
    }
    assert_eq!(gateway.requests("").len(), 0);
}

#[test]
fn every_variable_works_and_a_flag_comes_before_it() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let url = gateway.url();
    let variables = [
        ("PME_CONFIG", "single_host_load"),
        ("PME_CONFIG_ARGS", "host_ttl=99"),
        ("PME_CONFIGS_DIR", "configs"),
        ("PME_PUSHGATEWAY_URL", &url),
        ("PME_PUSHGATEWAY_PUSH_INTERVAL", "7.0"),
        ("PME_PUSHGATEWAY_CLEANUP_ON_START", "false"),
        ("PME_PUSHGATEWAY_CLEANUP_ON_FINISH", "0"),
        ("PME_SHOW_STATUS_INTERVAL_SEC", "0.3"),
        ("PME_SHOW_HOSTS_STATUS", "true"),
        ("PME_SHOW_METRICS_STATUS", "1"),
        ("PME_DEBUG_MODE", "true"),
        ("PME_SEED", "42"),
        ("PME_LOG_FORMAT", "json"),
        ("PME_WATCH", "true"),
    ];
    let report = |flags: &[&str]| {
        let mut run = Process::start(promemu_command(flags).envs(variables));
        run.wait_for_log("\"active_hosts\":1");
        assert_eq!(run.terminate(), Some(0));
        let log = run.log();
        let line = log.lines().rfind(|line| line.contains("\"active_hosts\":1")).unwrap().to_owned();
        let report: serde_json::Value = serde_json::from_str(&line).unwrap();
        (report, log)
    };
    let (status, log) = report(&[]);
    assert_eq!(
        (&status["seed"], &status["push_interval"], &status["total_metrics"]),
        (&42.into(), &7.0.into(), &3.into())
    );
    assert_eq!(status["pushgateway_url"], url.as_str());
    let host = &status["jobs"]["single_host_load"]["hosts"][0];
    assert_eq!(
        (&host["name"], &host["is_running"], &host["metrics_count"]),
        (&"single-host".into(), &true.into(), &3.into())
    );
    assert!(
        host["ttl_remaining"].as_f64().unwrap() > 90.0 && host["metrics"]["cpu_usage_percent"].is_number(),
        "{host}"
    );
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "every line is JSON: {line}");
    }
    assert!(log.contains("DEBUG"), "debug mode logs events");
    assert!(log.contains("reloaded when configs/single_host_load.ron changes"), "{log}");
    assert_eq!(gateway.requests("DELETE").len(), 0, "clean-up is off");

    let (status, _) = report(&["--push-interval", "5", "--show-metrics-status=false", "--seed", "7"]);
    assert_eq!((&status["seed"], &status["push_interval"]), (&7.into(), &5.0.into()));
    assert!(status["jobs"]["single_host_load"]["hosts"][0].get("metrics").is_none());
    let (status, _) = report(&["--show-hosts-status=false"]);
    assert!(status["jobs"]["single_host_load"].get("hosts").is_none());
}

#[test]
fn help_shows_every_variable_and_default() {
    let output = run(&["--help"], &[]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let flags = help.lines().map(str::trim_start).filter(|line| line.starts_with("--")).count();
    let variables = help.matches("[env: PME_").count();
    assert!(flags >= 17 && flags == variables, "{flags} flags and {variables} variables");
    for default in ["http://127.0.0.1:9091]", "[default: 15s]", "[default: 60s]", "[default: true]"] {
        assert!(help.contains(default), "{default}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn the_list_shows_configs_arguments_and_broken_files() {
    let dir = crate::processes::changed_config("single_host_load", &[]);
    std::fs::write(dir.path().join("broken.ron"), "Config(hosts: 5)").unwrap();
    let output = run(&["--list-configs", "--configs-dir", &dir.path().display().to_string()], &[]);
    let text = String::from_utf8(output.stdout).unwrap().replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(text, @"
    broken  cannot be used:
        DIR/broken.ron:1:15: hosts takes a list, as in [a, b]; found 5
    hosts_load_with_peaks  a balancer raises load peaks, and the workers follow
        hosts_count      = 9         number of workers (a whole number)
        hosts_ttl        = 15m       life of every host (a duration, as in 15m)
        interval         = 14s..16s  how often a host reports (a duration or a range, as in 14s..16s)
        metrics_interval = 10s       how often a metric makes a new value (a duration, as in 15m)
        split_jobs       = false     push the balancer as a job of its own (true or false)
    single_host_load  one host whose cpu, memory and io utilisation are sine waves
        host_ttl = 10m  life of the host (a duration, as in 15m)
    ");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn check_says_what_a_config_would_run_or_all_that_is_wrong() {
    let output = run(&["check", "--all"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text.contains("hosts_load_with_peaks: 1 job, 10 hosts, 16 families, 136 series; 13.6 values/s; "),
        "{text}"
    );
    let output = run(&["check", "single_host_load", "nobody"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("config \"nobody\" not found"));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("single_host_load: 1 job, 1 host, "));
}

#[test]
fn once_prints_the_first_values_and_sends_nothing() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let args =
        ["--config", "hosts_load_with_peaks", "--once", "--seed", "1", "--config-args", "hosts_count=5"];
    let output = run(&args, &[("PME_PUSHGATEWAY_URL", &gateway.url())]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!((output.status.code(), crate::processes::series(&text, "").len()), (Some(0), 76));
    assert_eq!(crate::processes::promtool_errors(&text), Vec::<String>::new());
    assert_eq!(gateway.requests("").len(), 0);
}
