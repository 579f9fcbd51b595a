//! The command line: one clear message for each mistake, the right exit code, and nothing sent.

use std::process::{Command, Output};

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{Process, Pushgateway, eventually, free_port, promemu, promemu_command};

fn run(args: &[&str], variables: &[(&str, &str)]) -> Output {
    promemu_command(args).envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn a_dashboard_is_json_and_said_to_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let dashboard = |name: &str| {
        let out = dir.path().join(name).display().to_string();
        (run(&["dashboard", "single_host_load", "--out", &out], &[]), out)
    };
    for name in ["board.yml", "board.yaml"] {
        let (refused, out) = dashboard(name);
        let errors = errors(&refused);
        assert_eq!(refused.status.code(), Some(2), "{errors}");
        assert!(
            errors.contains(&format!("a dashboard is JSON, and {out} names YAML; end it in .json")),
            "{errors}"
        );
        assert!(!std::path::Path::new(&out).exists());
    }
    let (made, out) = dashboard("board.json");
    assert!(made.status.success() && errors(&made).contains("dashboard written"), "{}", errors(&made));
    assert!(std::fs::read_to_string(&out).unwrap().starts_with('{'));
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim_end().to_owned()
}

#[test]
fn mistakes_are_one_error_with_exit_code_2_and_nothing_is_sent() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("broken.ron"), "Config(\n    hosts: [Host(name: \"a\"],\n)").unwrap();
    let dir = dir.path().display().to_string();
    let broken = format!("{dir}/broken.ron:2:27: ");
    let cases: [(&[&str], &str); 11] = [
        (&["--bogus"], "error: promemu has no flag --bogus; promemu --help lists its flags"),
        (&["--push-interval", "soon"], "PME_PUSH_INTERVAL: \"soon\" is not a duration"),
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
            "error: configs/single_host_load.ron: the config has no argument \"ttl\"; did you mean \"host_ttl\"?",
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
        (&[], "error: no config given; write promemu run NAME"),
        (&["check"], "error: no config given; write promemu check NAME, or check all with --all"),
    ];
    for (args, message) in cases {
        let output = run(args, &[("PME_PUSHGATEWAY_URL", &gateway.url())]);
        let errors = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {errors}");
        assert!(errors.contains(message), "{args:?}: {errors}");
        assert_eq!(errors.matches("error: ").count(), 1, "{args:?}: {errors}");
    }
    assert_eq!(gateway.requests("").len(), 0);
}

#[test]
fn every_variable_works_and_a_flag_overrides_it() {
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
    assert!(log.contains("\"config\":\"configs/single_host_load.ron\""), "the config is watched: {log}");
    assert_eq!(gateway.requests("DELETE").len(), 0, "clean-up is off");

    let (status, _) = report(&["--push-interval", "5", "--show-metrics-status=false", "--seed", "7"]);
    assert_eq!((&status["seed"], &status["push_interval"]), (&7.into(), &5.0.into()));
    assert!(status["jobs"]["single_host_load"]["hosts"][0].get("metrics").is_none());
    let (status, _) = report(&["--show-hosts-status=false"]);
    assert!(status["jobs"]["single_host_load"].get("hosts").is_none());
}

#[test]
fn variables_of_once_list_configs_and_class_work() {
    let stdout = |args: &[&str], variables: &[(&str, &str)]| {
        let output = run(args, variables);
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        printed(&output)
    };
    assert!(stdout(&[], &[("PME_LIST_CONFIGS", "true")]).contains("single_host_load"));
    let once = [("PME_ONCE", "1"), ("PME_CONFIG", "single_host_load")];
    assert_eq!(crate::processes::series(&stdout(&[], &once), "").len(), 3);

    let dir = tempfile::tempdir().unwrap();
    let host =
        |name: &str| format!("Config(hosts: [Host(name: \"{name}\", metrics: [Metric(name: \"m\")])])");
    let text = format!("{{ \"A\": {}, \"B\": {} }}", host("in-a"), host("in-b"));
    std::fs::write(dir.path().join("two.ron"), text).unwrap();
    let dir = dir.path().display().to_string();
    let of_class = |flags: &[&str]| {
        let args = [&["--config", "two", "--once", "--configs-dir", dir.as_str()], flags].concat();
        stdout(&args, &[("PME_CLASS", "B")])
    };
    assert!(of_class(&[]).contains("in-b"));
    assert!(of_class(&["--class", "A"]).contains("in-a"), "a flag overrides its variable");
}

#[test]
fn variables_for_pushing_work() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let url = gateway.url();
    let pushed = |variables: &[(&str, &str)]| {
        let before = gateway.requests("PUT").len();
        let args = ["--config", "single_host_load", "--pushgateway-url", url.as_str()];
        let mut run = Process::start(promemu_command(&args).envs(variables.iter().copied()));
        // The first push only claims the group.
        let body =
            eventually("a push", || gateway.requests("PUT").get(before + 1).map(|put| put.body.clone()));
        assert_eq!(run.terminate(), Some(0));
        body
    };
    let text = String::from_utf8(pushed(&[("PME_PUSHGATEWAY_FORMAT", "text")])).unwrap();
    assert!(text.contains("# TYPE cpu_usage_percent gauge"), "{text}");
    assert!(!pushed(&[]).starts_with(b"#"));

    gateway.behave(Behaviour::SlowPushes);
    let args = ["--config", "single_host_load", "--pushgateway-url", url.as_str()];
    let variables = [("PME_PUSHGATEWAY_PUSH_TIMEOUT", "100ms")];
    let mut run = Process::start(promemu_command(&args).envs(variables));
    run.wait_for_log("is away");
    assert_eq!(run.terminate(), Some(1));
}

#[test]
fn variables_for_serving_and_cleaning_work() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let variables = [("PME_EMBEDDED", "true"), ("PME_PUSHGATEWAY_URL", &url)];
    let mut serving = Process::start(promemu_command(&["--config", "single_host_load"]).envs(variables));
    serving.wait_for_log("the metrics are at http://127.0.0.1:");
    assert_eq!(serving.terminate(), Some(0));

    let gateway = Pushgateway::start();
    let mut living = promemu(&["--config", "single_host_load", "--pushgateway-url", &gateway.url()]);
    eventually("it has pushed", || (gateway.groups() == ["single_host_load"]).then_some(()));
    let url = gateway.url();
    let clean = |all: &str| {
        let output = run(&["clean"], &[("PME_PUSHGATEWAY_URL", &url), ("PME_CLEAN_ALL", all)]);
        errors(&output)
    };
    assert!(clean("false").contains("deleted=0 total=1"));
    assert!(clean("true").contains("deleted=1 total=1"));
    assert_eq!(living.terminate(), Some(0));
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
fn the_list_has_a_line_for_each_config_and_the_errors_of_broken_files() {
    let dir = crate::processes::changed_config("single_host_load", &[]);
    std::fs::write(dir.path().join("broken.ron"), "Config(hosts: 5)").unwrap();
    let output = run(&["--list-configs", "--configs-dir", &dir.path().display().to_string()], &[]);
    let text = String::from_utf8(output.stdout).unwrap().replace(&dir.path().display().to_string(), "DIR");
    let row = |config: &str| text.lines().find(|line| line.starts_with(config)).unwrap_or_default();
    assert!(
        row("single_host_load ").ends_with("  one host whose cpu, memory and io utilisation are sine waves")
    );
    for row_of in ["CONFIG", "hosts_load_with_peaks ", "production StagingConfig "] {
        assert!(!row(row_of).is_empty(), "{row_of}: {text}");
    }
    let broken =
        "\nbroken cannot be used:\n    DIR/broken.ron:1:15: hosts takes a list, as in [a, b]; found 5\n";
    assert!(text.ends_with(broken), "{text}");
}

#[test]
fn check_prints_the_size_of_a_config_or_its_errors() {
    let output = run(&["check", "--all"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text.contains("skipped: replay: no recording is given; name its folder"), "{text}");
    let row = |config: &str| {
        let line = text.lines().find(|line| line.starts_with(config)).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("CONFIG"), "CONFIG HOSTS SERIES MEMORY VALUES/S JOBS FAMILIES PUSHES/S SAMPLES/S");
    let peaks = row("hosts_load_with_peaks");
    let memory = peaks.strip_prefix("hosts_load_with_peaks 10 136 ").unwrap();
    assert!(
        memory.strip_suffix(" 13.6 1 16 0.07 9.1").is_some_and(|memory| memory.ends_with("iB")),
        "{peaks}"
    );
    let output = run(&["check", "single_host_load", "configs/node_sets.ron"], &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().nth(1), Some("configs/node_sets.ron: a library that other configs include"));
    let output = run(&["check", "single_host_load", "nobody"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("config \"nobody\" not found"));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("single_host_load: 1 job, 1 host, "));
}

#[test]
fn check_takes_arguments_and_a_class() {
    let checked = |args: &[&str], variables: &[(&str, &str)]| {
        let output = run(&[&["check"], args].concat(), variables);
        let text = printed(&output);
        let lines: Vec<&str> = text.lines().map(|line| line.split(" famil").next().unwrap()).collect();
        (output.status.code(), lines.join("\n"), errors(&output))
    };
    let dir = tempfile::tempdir().unwrap();
    let host = |count: &str| {
        format!(
            "Host(repeat: Repeat(var: \"i\", from: 1, to: \"{count}\"), name: \"h{{i}}\", metrics: [Metric(name: \"m\")])"
        )
    };
    let text = format!(
        "{{ \"Small\": Config(args: {{ \"n\": 1 }}, hosts: [{}]), \"Large\": Config(args: {{ \"n\": 2 }}, hosts: [{}]) }}",
        host("{n}"),
        host("{n * 10}")
    );
    std::fs::write(dir.path().join("two.ron"), &text).unwrap();
    std::fs::write(dir.path().join("three.ron"), &text).unwrap();
    let dir = dir.path().display().to_string();
    let dir = ["--configs-dir", dir.as_str()];

    let (code, lines, _) = checked(&["hosts_load_with_peaks", "--config-args", "hosts_count=500"], &[]);
    assert_eq!((code, lines.as_str()), (Some(0), "hosts_load_with_peaks: 1 job, 501 hosts, 16"));
    let (code, lines, _) = checked(&[&dir[..], &["two", "three", "--config-args", "n=3"]].concat(), &[]);
    insta::assert_snapshot!(lines, @"
    two Small: 1 job, 3 hosts, 1
    two Large: 1 job, 30 hosts, 1
    three Small: 1 job, 3 hosts, 1
    three Large: 1 job, 30 hosts, 1
    ");
    assert_eq!(code, Some(0));
    let (code, lines, _) = checked(&[&dir[..], &["two", "--class", "Large"]].concat(), &[]);
    assert_eq!((code, lines.as_str()), (Some(0), "two Large: 1 job, 20 hosts, 1"));
    let variables = [("PME_CLASS", "Small"), ("PME_CONFIG_ARGS", "n=7")];
    let (code, lines, _) = checked(&[&dir[..], &["two"]].concat(), &variables);
    assert_eq!((code, lines.as_str()), (Some(0), "two Small: 1 job, 7 hosts, 1"));

    let (code, _, errors) = checked(&["single_host_load", "--config-args", "hosts_count=5"], &[]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("the config has no argument \"hosts_count\""), "{errors}");
    let (code, _, errors) = checked(&["--config-args", "hosts_count=5", "hosts_load_with_peaks"], &[]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("\"hosts_load_with_peaks\" is not of the form NAME=VALUE"), "{errors}");
}

#[test]
fn every_verb_takes_the_config_first_and_its_arguments_behind_it() {
    let printed = |args: &[&str], variables: &[(&str, &str)]| {
        let output = run(args, variables);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", errors(&output));
        // The job has the second of its start, which the next run may not have.
        let text = printed(&output);
        let rest = text
            .split("hosts_load_peaks_")
            .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-'));
        rest.collect::<String>()
    };
    let (few, many) = ("hosts_count=1", "hosts_count=3");
    for (verb, flags) in [
        ("run", &["--once", "--seed", "7"][..]),
        ("check", &[]),
        ("plot", &["--seed", "7", "--for", "1m", "--at", "2026-01-05", "--metric", "cpu"]),
        ("export", &["--seed", "7", "--for", "1m", "--from", "2026-01-05"]),
        ("dashboard", &[]),
    ] {
        let of = |argument: &str, variables: &[(&str, &str)]| {
            let words = [&[verb, "hosts_load_with_peaks", argument][..], flags].concat();
            printed(&words, variables)
        };
        let by_flag = [&[verb, "hosts_load_with_peaks"][..], flags, &["--config-args", few]].concat();
        assert_eq!(of(few, &[]), printed(&by_flag, &[]), "{verb}");
        assert_eq!(of(few, &[("PME_CONFIG_ARGS", many)]), of(few, &[]), "{verb}: it overrides the variable");
        assert!(verb == "dashboard" || of(few, &[]) != of(many, &[]), "{verb}");
    }
    let named = [("PME_CONFIG", "hosts_load_with_peaks")];
    let once = ["run", few, "--once", "--seed", "7"];
    assert_eq!(
        printed(&once, &named),
        printed(&["run", "hosts_load_with_peaks", few, "--once", "--seed", "7"], &[])
    );
}

#[test]
fn a_config_is_described_with_its_arguments_and_the_language_as_data() {
    let output = run(&["describe", "incident", "apis_count=2"], &[]);
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    for part in [
        "incident: a service that an incident takes through",
        "\n  apis_count ",
        "4 hosts, ",
        "\n  api-01 … api-02   2 ",
        "\n  http_requests_total ",
        "\n  error_ratio  0.0025\n",
        "\n  latency     4m  1m     7m ",
        "\n  fault_started   promemu     incident-control\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&printed(&run(&[&["describe", "--json"], args].concat(), &[]))).unwrap()
    };
    let incident = json(&["incident", "apis_count=7"]);
    assert_eq!(incident["hosts"][1]["count"], 7);
    assert_eq!(incident["faults"][0]["id"], "errors");
    let first = &incident["faults"][1];
    assert_eq!(first["hosts"], "*");
    assert_eq!(first["effects"][2], "seconds = ramp to 1.2 over 1m");
    let dir = tempfile::tempdir().unwrap();
    let faulty = r#"Config(levers: { "load": 1, "n": 2 }, faults: [Fault(id: "gone", at: "1m", lasts: "1m", hosts: ["a-*", "zone=x"],
        kind: host_down, times: { "load": sine(period: "1m", amplitude: 0.1) }, plus: { "n": curve([("0s", 1), ("1m", 3)]) })],
        hosts: [Host(name: "a-1", labels: { "zone": "x" }, metrics: [Metric(name: "x", scenario: script(source: "run.load + run.n"))])])"#;
    std::fs::write(dir.path().join("faulty.ron"), faulty).unwrap();
    let faulty = json(&["faulty", "--configs-dir", &dir.path().display().to_string()]);
    let [gone, effects] = [&faulty["faults"][0]["hosts"], &faulty["faults"][0]["effects"]];
    assert_eq!(gone, "a-*, zone=x");
    assert_eq!(*effects, serde_json::json!(["load × sine of 1m", "n + curve of 2 points", "host_down"]));
    let language = json(&[]);
    let names = |list: &str| -> Vec<String> {
        let items = language[list].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    for (list, name) in [("records", "Host"), ("scenarios", "random_walk"), ("faults", "host_down")] {
        assert!(names(list).iter().any(|known| known == name), "{list}: {:?}", names(list));
    }
    let flags = language["flags"].as_array().unwrap();
    let interval = flags.iter().find(|flag| flag["flag"] == "--push-interval").unwrap();
    assert_eq!(interval["variable"], "PME_PUSH_INTERVAL");
    assert_eq!(interval["default"], "15s");
    let output = run(&["describe"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("write promemu describe NAME, or promemu describe --json"));
}

#[test]
fn a_variable_has_the_name_of_its_flag_and_its_older_name_works() {
    let pushes = |variables: &[(&str, &str)]| {
        let output = run(&["check", "single_host_load"], variables);
        let text = printed(&output);
        text.split("; ").find(|part| part.contains("pushes/s")).unwrap().to_owned()
    };
    assert_eq!(pushes(&[("PME_PUSH_INTERVAL", "1s")]), pushes(&[("PME_PUSHGATEWAY_PUSH_INTERVAL", "1s")]));
    assert_ne!(pushes(&[("PME_PUSH_INTERVAL", "1s")]), pushes(&[]));
    let both = [("PME_PUSH_INTERVAL", "1s"), ("PME_PUSHGATEWAY_PUSH_INTERVAL", "9s")];
    assert_eq!(pushes(&both), pushes(&both[..1]), "the newer name counts");
    assert_eq!(pushes(&[("PME_SEED", "not read"), ("PME_PUSH_INTERVAL", "")]), pushes(&[]));
}

#[test]
fn a_config_comes_from_standard_input_by_both_of_its_names() {
    let text = r#"Config(args: { "n": 1 }, hosts: [Host(name: "h-{n}", host: "h", metrics: [Metric(name: "m", default_value: 5)])])"#;
    let piped = |args: &[&str]| {
        let mut command = promemu_command(args);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", errors(&output));
        printed(&output)
    };
    for name in ["-", "/dev/stdin"] {
        assert!(piped(&["run", name, "n=2", "--once"]).contains("m{name=\"h-2\""), "{name}");
        assert!(piped(&["check", name, "n=2"]).contains("1 host, "), "{name}");
        assert!(piped(&["export", name, "--for", "1m"]).contains("m{name=\"h-1\""), "{name}");
        assert!(piped(&["--config", name, "--once"]).contains("m{name=\"h-1\""), "{name}");
    }
}

#[test]
fn scenarios_are_listed_and_described() {
    let output = run(&["scenarios"], &[]);
    let text = printed(&output);
    assert_eq!(output.status.code(), Some(0));
    for name in ["do_nothing", "random_walk", "relay_to_other_metric", "load_peak_disk"] {
        assert!(text.contains(&format!("\n{name} ")), "{text}");
    }
    insta::assert_snapshot!(printed(&run(&["scenarios", "variety_selection"], &[])), @"
    variety_selection: holds one of several values, starting with the first, and
    draws a new one with a probability

    PARAMETER           TYPE             DEFAULT        HELP
    values              list of numbers  must be given  the values to choose from
    varieties           list of numbers  equal weights  the weight of each value in a draw
    change_probability  number           0.1            the probability that an update draws a new value, from 0 to 1

    In a metric:

        scenario: variety_selection(values: [1, 2, 3])
    ");
    let output = run(&["scenarios", "sine_wav"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(errors(&output), "error: unknown scenario \"sine_wav\"; did you mean \"sine_wave\"?");
}

#[test]
fn every_shell_has_completions_and_there_is_a_manual_page() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell], &[]);
        let script = printed(&output);
        assert_eq!(output.status.code(), Some(0));
        assert!(["configs-dir", "completions", "hosts"].iter().all(|word| script.contains(word)), "{script}");
    }
    // Too long for an argument.
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), printed(&run(&["completions", "bash"], &[]))).unwrap();
    let checked = Command::new("bash").arg("-n").arg(script.path()).status();
    assert!(checked.unwrap().success(), "bash reads its script");
    assert_eq!(run(&["completions", "tcsh"], &[]).status.code(), Some(2));

    let page = printed(&run(&["man"], &[("PME_CONFIGS_DIR", "/nowhere")]));
    for part in [
        ".TH promemu 1",
        ".SH \"PROMEMU CLEAN\"",
        ".SH \"PROMEMU CTL EMIT\"",
        "\\-\\-metric",
        "PME_NEW_HOSTS",
        ".SH EXAMPLES",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
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

#[test]
fn without_threads_or_files_a_command_ends_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("c.ron");
    std::fs::write(&config, "Config(hosts: [Host(name: \"a\", metrics: [Metric(name: \"m\")])])").unwrap();
    let config = config.to_str().unwrap();
    let scraped = "scrape=127.0.0.1:0";
    let live = ["--config", config, "--listen", "127.0.0.1:0", "--output", scraped, "--duration", "100ms"];
    // Root has as many threads as it wants; then the limits of files alone say something.
    let threads = [0, 1].map(|count| format!("--nproc={count}"));
    let files = [5, 6, 7, 9, 10, 12, 15, 16, 18, 20, 22, 24].map(|count| format!("--nofile={count}"));
    for limit in threads.into_iter().chain(files) {
        for args in [&live[..], &["ctl", "--url", "http://127.0.0.1:1", "status"]] {
            let command = promemu_command(args);
            let output = Command::new("timeout")
                .args(["60", "prlimit", &limit])
                .arg(command.get_program())
                .args(command.get_args())
                .output()
                .unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            let code = output.status.code();
            assert!(code.is_some_and(|code| code <= 2), "{limit} {args:?}: {code:?} {said}");
            assert!(!said.contains("panicked"), "{limit} {args:?}: {said}");
            assert!(code == Some(0) || said.contains("error: "), "{limit} {args:?}: {said}");
        }
    }
}
