//! `promemu test`: verdicts on rules that promtool evaluates.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::processes::promemu_command;

/// Two hosts that are busy from 10 m to 20 m; one is down from 30 m to 33 m.
const CONFIG: &str = r#"Config(
    levers: { "load": 10 },
    faults: [
        Fault(id: "busy", at: "10m", lasts: "10m", set: { "load": 95 }, truth: Truth(alerts: ["Busy"])),
        Fault(id: "down", at: "30m", lasts: "3m", hosts: "h-2", kind: host_down, truth: Truth(alerts: ["Down"])),
    ],
    VERDICTS
    default_job_name: "j", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", interval: "5s",
        metrics: [Metric(name: "load_percent", update_interval: "5s", scenario: script(source: "run.load"))])])"#;

const RULES: &str = r#"
groups:
  - name: load
    rules:
      - record: job:load:avg
        expr: avg by (job) (load_percent)
      - alert: Busy
        expr: job:load:avg > 90
        for: 2m
        annotations: { summary: "the load of {{ $labels.job }} is {{ $value }}" }
      - alert: Down
        expr: up == 0
        for: 1m
"#;

/// The outcome of a test, and its report.
fn tested(verdicts: &str, rules: &str, args: &[&str]) -> (Output, Value) {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = write("c.ron", &CONFIG.replace("VERDICTS", verdicts));
    let rules = write("rules.yml", rules);
    let json = dir.path().join("report.json");
    let args =
        [&["test", &config, "--rules", &rules, "--json", json.to_str().unwrap(), "--for", "40m"], args]
            .concat();
    let output = promemu_command(&args).output().unwrap();
    let report =
        std::fs::read_to_string(json).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    (output, report)
}

/// The exit code of a test, and the outcome and findings of its first verdict.
fn first_verdict(verdicts: &str, rules: &str) -> (Option<i32>, String, String) {
    let (output, report) = tested(&format!("verdicts: [{verdicts}],"), rules, &[]);
    let verdict = &report["verdicts"][0];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings: Vec<String> = verdict["findings"].as_array().unwrap().iter().map(text).collect();
    (output.status.code(), text(&verdict["outcome"]), findings.join("; "))
}

#[test]
fn the_ground_truth_is_judged_where_a_config_has_no_verdicts() {
    let (output, report) = tested("", RULES, &[]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert_eq!((&report["passed"], &report["mode"]), (&Value::from(3), &Value::from("exact")));
    // 2 m after the first evaluation at which the average is above 90, and 1 m after the first scrape that failed.
    let begins = |name: &str| {
        let alerts = report["alerts"].as_array().unwrap();
        let alert = alerts.iter().find(|alert| alert["alert"] == name).unwrap();
        (
            alert["firing"][0]["begin_seconds"].as_f64().unwrap(),
            alert["firing"][0]["end_seconds"].as_f64().unwrap(),
        )
    };
    let (busy, busy_end) = begins("Busy");
    assert!((720.0..=750.0).contains(&busy) && (1200.0..=1230.0).contains(&busy_end), "{busy} {busy_end}");
    let (down, down_end) = begins("Down");
    assert!((1860.0..=1890.0).contains(&down) && (1980.0..=2010.0).contains(&down_end), "{down} {down_end}");
    assert!(shown.contains("PASSED") && shown.contains("no_other_alerts()"), "{shown}");
    let (printed, _) = tested("", RULES, &["--json", "-"]);
    let again: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(report, again, "the same each time, also on standard output");
}

#[test]
fn an_alert_that_is_late_by_one_step_or_fires_twice_fails() {
    let within = |limit: &str| format!(r#"fires(alert: "Busy", within: "{limit}", of: "busy")"#);
    assert_eq!(first_verdict(&within("2m 15s"), RULES).0, Some(0));
    let (code, outcome, found) = first_verdict(&within("2m"), RULES);
    assert_eq!((code, &*outcome, &*found), (Some(3), "failed", "fired 15s too late: at 12m 15s, not by 12m"));
    // A rule that resolves and fires again within the fault.
    let flapping = RULES
        .replace("job:load:avg > 90", "job:load:avg > 90 unless on () (vector(time() % 300) < 120)")
        .replace("for: 2m", "for: 0s");
    let (code, _, found) = first_verdict(r#"fires(alert: "Busy", of: "busy")"#, &flapping);
    assert_eq!(code, Some(3));
    assert!(found.contains("fired 2 times") || found.contains("fired 3 times"), "{found}");
}

#[test]
fn an_alert_without_the_faults_is_a_false_alarm() {
    let loud = RULES.replace("job:load:avg > 90", "job:load:avg > 5").replace("for: 2m", "for: 12m");
    let (code, outcome, found) = first_verdict("no_other_alerts()", &loud);
    assert_eq!((code, &*outcome), (Some(3), "failed"));
    assert_eq!(found, "Busy{job=\"j\"} fired at 12m 15s without the faults");
}

#[test]
fn conditions_need_data_and_are_judged_for_each_series() {
    let holds = |query: &str| first_verdict(&format!("holds(query: {query:?}, of: \"busy\")"), RULES);
    assert_eq!(holds("load_percent > 9").1, "passed");
    assert_eq!(holds("up == 1").1, "passed");
    let (code, outcome, found) = holds("no_such_metric < 5");
    assert_eq!((code, &*outcome), (Some(3), "failed"));
    assert!(found.starts_with("no data at 10m"), "{found}");
    let of_one = first_verdict(r#"holds(query: "up == 1", of: "down")"#, RULES);
    assert!(of_one.2.starts_with("false for {") && of_one.2.contains("instance=\"h-2\""), "{}", of_one.2);
    let (code, outcome, found) = holds("load_percent * on () group_left () (load_percent) > 1");
    assert_eq!((code, &*outcome), (Some(1), "undecided"), "{found}");
}

#[test]
fn errors_say_what_to_do() {
    let error = |args: &[&str]| {
        let output = promemu_command(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap().trim_end().to_owned();
        (output.status.code(), said.replace(env!("CARGO_MANIFEST_DIR"), "."))
    };
    let (code, said) = error(&["test", "load_phases", "--rules", "none.yml"]);
    assert_eq!((code, &*said), (Some(2), "error: --rules or PME_TEST_RULES: none.yml is not a file"));
    let (output, _) = tested("", RULES, &["--promtool", "/no/promtool"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("install Prometheus") && said.contains("--promtool"), "{said}");
    let broken = RULES.replace("avg by (job)", "avg by (job");
    let (output, _) = tested("", &broken, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("promtool refuses the rules") && said.contains("parse error"), "{said}");
}

#[test]
fn ci_gets_a_case_for_each_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let junit = dir.path().join("junit.xml");
    let verdicts = r#"verdicts: [fires(alert: "Busy", within: "1m", of: "busy"), holds(query: "up == 1", of: "busy"), fires(alert: "Busy", within: "1h", of: "down")],"#;
    let (output, _) = tested(verdicts, RULES, &["--junit", junit.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let text = std::fs::read_to_string(Path::new(&junit)).unwrap();
    assert!(
        text.contains("tests=\"3\"") && text.contains("failures=\"1\"") && text.contains("errors=\"1\""),
        "{text}"
    );
    assert!(
        text.contains("fires(alert: &quot;Busy&quot;, within: &quot;1m&quot;, of: &quot;busy&quot;)"),
        "{text}"
    );
}

#[test]
fn the_page_shows_each_alert_and_quotes_what_others_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let html = dir.path().join("report.html");
    let rules = RULES.replace("for: 2m", "for: 2m\n        labels: { note: \"<b>&'\" }");
    let (output, _) = tested("", &rules, &["--html", html.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let page = std::fs::read_to_string(html).unwrap();
    for part in [
        "<h2>Busy</h2>",
        "<h2>Down</h2>",
        "job:load:avg</code>: 10 to 95, threshold 90",
        "note=&quot;&lt;b&gt;&amp;&#39;&quot;",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(
        !page.contains("<b>") && !page.contains("http"),
        "nothing of others is HTML, and nothing is fetched"
    );
    // The time at which it should fire, when it was pending, and when it fired.
    let busy = page.split("<h2>Busy</h2>").nth(1).unwrap().split("</section>").next().unwrap();
    let x_of = |class: &str| {
        let bar = busy
            .split("class=\"bars\"")
            .nth(1)
            .unwrap()
            .split(&format!("class=\"{class}\" x=\""))
            .nth(1)
            .unwrap();
        bar.split('"').next().unwrap().parse::<f64>().unwrap()
    };
    let (truth, pending, firing) = (x_of("truth"), x_of("pending"), x_of("firing"));
    assert!((truth - 250.0).abs() < 0.1 && truth < pending && pending < firing, "{truth} {pending} {firing}");
}

#[test]
fn mutated_rules_are_caught_by_good_verdicts_only() {
    let verdicts = r#"verdicts: [fires(alert: "Busy", labels: { "instance": "" }, within: "2m 15s", of: "busy"), resolves(alert: "Busy", within: "15s", of: "busy"),
        fires(alert: "Down", of: "down"), no_other_alerts()],"#;
    let (output, report) = tested(verdicts, RULES, &["--mutate"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mutations = report["mutations"].as_array().unwrap();
    let left: Vec<&Value> = mutations.iter().filter(|mutation| mutation["caught_by"].is_null()).collect();
    assert!(mutations.len() >= 10 && left.is_empty(), "{left:?}");
    let (_, report) = tested("verdicts: [series(total: 100)],", RULES, &["--mutate"]);
    assert!(report["mutations"].as_array().unwrap().iter().all(|mutation| mutation["caught_by"].is_null()));
}

#[test]
fn a_verdict_on_an_alert_that_no_rule_has_gets_the_one_that_is_meant() {
    let (output, _) = tested(r#"verdicts: [fires(alert: "Bussy", of: "busy")],"#, RULES, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains(r#"no rule has the alert of fires(alert: "Bussy", of: "busy"); did you mean "Busy"?"#),
        "{said}"
    );
}

/// A program in the place of Prometheus.
fn program(dir: &Path, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt;

    let path = dir.join("prometheus");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Outcomes and findings in a report.
fn outcomes(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let verdicts = report["verdicts"].as_array().unwrap().iter();
    verdicts.map(|verdict| (text(&verdict["outcome"]), text(&verdict["findings"][0]))).collect()
}

#[test]
fn the_large_mode_judges_as_the_exact_one() {
    let verdicts = r#"verdicts: [
        fires(alert: "Busy", within: "2m 15s", of: "busy"), fires(alert: "Down", within: "1m", of: "down"),
        resolves(alert: "Busy", within: "1m", of: "busy"), no_other_alerts(), holds(query: "load_percent > 9"),
        holds(query: "no_such_metric < 5"), holds(query: "up == 1", of: "down"), holds(query: "job:load:avg > 90", of: "busy"),
        first(query: "job:load:avg > 90"), first(query: "ALERTS{alertname=\"Down\"} == 1"), series(total: 4, each: 2),
    ],"#;
    let [(exact, in_exact), (large, in_large)] =
        ["exact", "large"].map(|mode| tested(verdicts, RULES, &["--mode", mode]));
    let said = String::from_utf8_lossy(&large.stderr).into_owned();
    assert_eq!(outcomes(&in_exact), outcomes(&in_large), "{said}");
    assert_eq!((exact.status.code(), large.status.code()), (Some(3), Some(3)));
    assert_eq!((&in_large["mode"], &in_large["why"]), (&"large".into(), &"as --mode says".into()));
    let shown = String::from_utf8(large.stdout).unwrap();
    assert!(shown.contains("by a Prometheus"), "{shown}");
}

#[test]
fn a_prometheus_that_ends_makes_verdicts_undecided_and_never_passed() {
    let dir = tempfile::tempdir().unwrap();
    let verdicts = r#"verdicts: [
        fires(alert: "Down", of: "down"), fires(alert: "Busy", of: "busy"), no_other_alerts(), holds(query: "up == 1", of: "busy"),
        series(total: 4),
    ],"#;
    let run = |script: &str| {
        let program = program(dir.path(), script);
        tested(verdicts, RULES, &["--mode", "large", "--prometheus", &program])
    };
    // It starts again when the recorded series are there, and this one does not.
    let second = dir.path().join("started").display().to_string();
    let (output, report) = run(&format!(
        "for a; do case $a in --storage.tsdb.path=*) mark={second}.$(basename -- \"$a\");; esac; done\n\
         [ -e \"$mark\" ] && {{ echo 'out of luck' >&2; exit 1; }}\n: > \"$mark\"\nexec prometheus \"$@\""
    ));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let found = outcomes(&report);
    let words: Vec<&str> = found.iter().map(|(outcome, _)| outcome.as_str()).collect();
    // Answers before that are known: the alert on `up` needs no recorded series.
    assert_eq!(words, ["passed", "undecided", "undecided", "undecided", "passed"], "{found:?}");
    assert!(found[1].1.contains("out of luck"), "{found:?}");
    // It is killed for its processor time while it answers.
    let heavy = RULES.replace("up == 0", "quantile_over_time(0.5, load_percent[40m:4ms]) < 0 or up == 0");
    let program = program(dir.path(), "ulimit -t 1\nexec prometheus \"$@\"");
    let (output, report) = tested(verdicts, &heavy, &["--mode", "large", "--prometheus", &program]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let found = outcomes(&report);
    assert!(found[0].0 == "undecided" && found[0].1.contains("Prometheus is away"), "{found:?}");
    // One that does not even start is an error.
    let (output, report) = run("echo 'no room' >&2; exit 1");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), report), (Some(1), Value::Null));
    assert!(said.contains("did not begin to answer queries: no room"), "{said}");
}

#[test]
fn another_prometheus_that_takes_the_port_first_is_not_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, config, pid) = (path("data"), path("empty.yml"), path("pid"));
    std::fs::write(&config, "global: {}\n").unwrap();
    // It answers when the one that is started finds the port taken.
    let script = format!(
        "for a; do case $a in --web.listen-address=*) address=${{a#*=}};; esac; done\n\
         [ -e {pid} ] && exec prometheus \"$@\"\n\
         timeout 120 prometheus --config.file={config} --storage.tsdb.path={data} --web.listen-address=$address >{data}.log 2>&1 &\n\
         echo $! >{pid}\n\
         until promtool query instant http://$address 1 >/dev/null 2>&1; do kill -0 $! || exit 1; done\n\
         exec prometheus \"$@\""
    );
    let verdicts = r#"verdicts: [fires(alert: "Busy", of: "busy"), no_other_alerts(except: ["Down"]), series(total: 4)],"#;
    let (output, report) =
        tested(verdicts, RULES, &["--mode", "large", "--prometheus", &program(dir.path(), &script)]);
    let pid = std::fs::read_to_string(pid).unwrap();
    let ended = std::process::Command::new("kill").arg(pid.trim()).status().unwrap();
    assert!(ended.success(), "the other one answered until now");
    assert_eq!(output.status.code(), Some(0), "{report} {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_the_large_mode_does_not_know_is_undecided_with_the_reason() {
    let verdicts = r#"verdicts: [fires(alert: "Busy", of: "busy"), fires(alert: "Down", of: "down"), no_other_alerts(except: ["Busy"])],"#;
    for (from, to, reason) in [
        ("for: 2m", "labels: { who: '{{ $labels.job | toUpper }}' }", "{{ $labels.job | toUpper }}"),
        ("job:load:avg > 90", "job:load:avg > 90 unless ALERTS_FOR_STATE", "ALERTS_FOR_STATE"),
        ("avg by (job) (load_percent)", "job:load:avg or avg by (job) (load_percent)", "its own results"),
        (
            "job:load:avg > 90\n        for: 2m",
            "load_percent > 90\n        labels: { instance: '', name: '', host: '', address: '' }",
            "have the same labels at",
        ),
    ] {
        let rules = RULES.replace(from, to);
        assert_ne!(rules, RULES, "{from}");
        let (output, report) = tested(verdicts, &rules, &["--mode", "large"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{to}: {said}");
        let found = outcomes(&report);
        assert!(found[0].0 == "undecided" && found[0].1.contains(reason), "{to}: {found:?}");
        assert_eq!((&*found[1].0, &*found[2].0), ("passed", "passed"), "{to}: {found:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(report["verdicts"][0]["query"] == "" && !printed.contains("look at"), "{printed}");
    }
    for (from, to, reason) in [
        ("avg by (job)", "avg by (job", "record \"job:load:avg\": Prometheus refuses it"),
        ("for: 2m", "for: 2x", "alert \"Busy\": for: \"2x\" is not a duration"),
    ] {
        let (output, _) = tested(verdicts, &RULES.replace(from, to), &["--mode", "large"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(reason), "{said}");
    }
}

#[test]
fn a_test_that_is_too_long_for_its_mode_is_told_before_it_begins() {
    let run = |args: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("c.ron");
        let verdicts = "timeline: Timeline(phases: [Phase(name: \"x\", lasts: \"290y\")]), verdicts: [series(total: 9)],";
        std::fs::write(&config, CONFIG.replace("VERDICTS", verdicts)).unwrap();
        let output = promemu_command(&[&["test", config.to_str().unwrap()], args].concat()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (args, said) in [
        (&[][..], "--for or PME_TEST_FOR: 290years has more than 1000000 times with a step of 15s"),
        (
            &["--step", "1h", "--evaluation-interval", "1ms", "--for", "20m"],
            "with a step of 1ms; make it shorter, or --evaluation-interval longer",
        ),
        (&["--step", "10s", "--for", "110d", "--mode", "exact"], "--mode large"),
    ] {
        let (code, error) = run(args);
        assert!(code == Some(2) && error.contains(said), "{args:?}: {error}");
    }
}

#[test]
fn a_promtool_that_ends_early_passes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // These rules never fire, so that a promtool has little to say.
    let rules = RULES.replace("up == 0", "up == 7").replace("> 90", "> 900");
    for (script, said) in [
        ("exit 0", "ended before its last answer (exit status: 0)"),
        ("exit 1", "ended before its last answer (exit status: 1)"),
        ("kill -9 $$", "failed (signal: 9"),
        (
            "echo 'fatal error: out of memory' >&2; exit 2",
            "failed (exit status: 2): fatal error: out of memory",
        ),
        ("promtool \"$@\" 2>&1 | sed '/vector(1)/,$d'; exit 1", "ended before its last answer"),
        ("promtool \"$@\"; exit 7", "failed (exit status: 7)"),
    ] {
        let program = program(dir.path(), script);
        let verdicts = "verdicts: [no_other_alerts(), series(total: 4)],";
        let (output, report) = tested(verdicts, &rules, &["--promtool", &program]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), report), (Some(1), Value::Null), "{script}: {error}");
        assert!(error.contains(said), "{script}: {error}");
    }
}

#[test]
fn an_expression_that_is_too_large_to_be_understood_is_undecided_and_never_passed() {
    for (mode, query) in [
        ("exact", format!("{}up{} == 1", "(".repeat(600), ")".repeat(600))),
        ("large", format!("up{} > 0", " + up".repeat(600))),
    ] {
        // The engine evaluates it in rules all the same.
        let rules = RULES.replace("up == 0", &format!("up == 0 and up != {query}"));
        let verdicts = format!("verdicts: [holds(query: {query:?}, of: \"busy\")],");
        let (output, report) = tested(&verdicts, &rules, &["--mode", mode, "--html", "-", "--step", "1m"]);
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        let (outcome, found) = outcomes(&report).remove(0);
        assert!(
            outcome == "undecided" && found.contains("more than 1000 words and signs"),
            "{outcome}: {found}"
        );
    }
}

/// Processes of Prometheus whose data is in this folder.
fn servers_in(dir: &Path) -> usize {
    processes_with(&format!("--storage.tsdb.path={}", dir.display()))
}

/// Processes with this text in their command line.
fn processes_with(text: &str) -> usize {
    let is_in = |process: &Path| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(text)
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter(|process| is_in(process)).count()
}

#[test]
fn no_prometheus_and_no_data_outlive_a_test_that_is_stopped() {
    use crate::processes::{Process, eventually};

    let dir = tempfile::tempdir().unwrap();
    let (config, rules, temporary) =
        (dir.path().join("c.ron"), dir.path().join("rules.yml"), dir.path().join("tmp"));
    std::fs::write(&config, CONFIG.replace("VERDICTS", "")).unwrap();
    std::fs::write(&rules, RULES.replace("up == 0", "quantile_over_time(0.5, load_percent[40m:4ms]) < 0"))
        .unwrap();
    for signal in ["-TERM", "-KILL"] {
        let _old = std::fs::remove_dir_all(&temporary);
        std::fs::create_dir(&temporary).unwrap();
        let args = ["test", config.to_str().unwrap(), "--rules", rules.to_str().unwrap(), "--mode", "large"];
        let mut process = Process::start(promemu_command(&args).env("TMPDIR", &temporary));
        eventually("it runs, and its twin", || (servers_in(&temporary) == 2).then_some(()));
        process.signal(signal);
        assert_ne!(process.wait(), Some(0));
        eventually("they are gone", || (servers_in(&temporary) == 0).then_some(()));
        eventually("so are their folders", || {
            std::fs::read_dir(&temporary).unwrap().next().is_none().then_some(())
        });
    }
}

#[test]
fn a_kill_at_any_moment_leaves_no_prometheus_and_nothing_that_the_next_test_does_not_remove() {
    use crate::processes::{Process, eventually, within};

    let dir = tempfile::tempdir().unwrap();
    let (config, rules, temporary) =
        (dir.path().join("c.ron"), dir.path().join("rules.yml"), dir.path().join("tmp"));
    std::fs::write(&config, CONFIG.replace("VERDICTS", "")).unwrap();
    std::fs::write(&rules, RULES).unwrap();
    std::fs::create_dir(&temporary).unwrap();
    let test = |mode: &str| {
        let args = ["test", config.to_str().unwrap(), "--rules", rules.to_str().unwrap(), "--mode", mode];
        let mut command = promemu_command(&args);
        command.env("TMPDIR", &temporary);
        command
    };
    for moment in 0..10 {
        let mut process = Process::start(&mut test("large"));
        std::thread::park_timeout(std::time::Duration::from_millis(40 * moment));
        process.signal("-KILL");
        process.wait();
        eventually("no Prometheus is left", || (servers_in(&temporary) == 0).then_some(()));
    }
    // An empty one may be just made, for a minute.
    within(std::time::Duration::from_mins(2), "nor are folders, after the next test", || {
        test("exact").output().unwrap();
        std::fs::read_dir(&temporary).unwrap().next().is_none().then_some(())
    });
}

#[test]
fn no_promtool_and_no_rule_test_outlive_a_test_that_is_stopped() {
    use crate::processes::{Process, eventually};

    let dir = tempfile::tempdir().unwrap();
    let (config, rules, temporary) =
        (dir.path().join("c.ron"), dir.path().join("rules.yml"), dir.path().join("tmp"));
    std::fs::write(&config, CONFIG.replace("VERDICTS", "")).unwrap();
    std::fs::write(&rules, RULES).unwrap();
    let promtool = program(dir.path(), "touch \"$TMPDIR/own\"; while sleep 1; do :; done");
    let running = format!("test rules {}", temporary.display());
    for signal in ["-TERM", "-KILL"] {
        let _old = std::fs::remove_dir_all(&temporary);
        std::fs::create_dir(&temporary).unwrap();
        let args =
            ["test", config.to_str().unwrap(), "--rules", rules.to_str().unwrap(), "--promtool", &promtool];
        let mut process = Process::start(promemu_command(&args).env("TMPDIR", &temporary));
        eventually("it runs, and its twin, and each has its file", || {
            let folders = std::fs::read_dir(&temporary).unwrap().flatten();
            let files = folders.filter(|folder| folder.path().join("own").exists()).count();
            (processes_with(&running) == 2 && files == 2).then_some(())
        });
        process.signal(signal);
        assert_ne!(process.wait(), Some(0));
        eventually("they are gone", || (processes_with(&running) == 0).then_some(()));
        eventually("so are their folders", || {
            std::fs::read_dir(&temporary).unwrap().next().is_none().then_some(())
        });
    }
}

#[test]
fn the_verdicts_that_pass_today_are_written_into_the_config() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (config, rules) = (write("c.ron", &CONFIG.replace("VERDICTS", "// mine")), write("rules.yml", RULES));
    let run = |more: &[&str]| {
        let args = [&["test", &config, "--rules", &rules, "--for", "40m"], more].concat();
        promemu_command(&args).output().unwrap()
    };
    for _ in 0..2 {
        assert_eq!(run(&["--update"]).status.code(), Some(0));
        let text = std::fs::read_to_string(&config).unwrap();
        insta::allow_duplicates! {
        insta::assert_snapshot!(text.lines().take(9).collect::<Vec<_>>().join("\n"), @r#"
        Config(
            verdicts: [
                fires(alert: "Busy", within: "2m 15s", of: "busy"),
                resolves(alert: "Busy", within: "15s", of: "busy"),
                fires(alert: "Down", within: "1m", of: "down"),
                resolves(alert: "Down", within: "0s", of: "down"),
                no_other_alerts(),
                series(total: 4),
            ],
        "#);
        }
        assert!(text.contains("// mine"), "all else stays: {text}");
        assert_eq!(run(&[]).status.code(), Some(0), "what is written passes");
    }
    // A later change is noticed.
    write("rules.yml", &RULES.replace("for: 2m", "for: 150s"));
    assert_eq!(run(&[]).status.code(), Some(3));
    let mut built_in = promemu_command(&["test", "hosts_load_with_peaks", "--rules", &rules, "--update"]);
    let built_in = built_in.current_dir(dir.path()).output().unwrap();
    assert_eq!(built_in.status.code(), Some(2));
}

#[test]
fn an_alert_of_a_fault_on_an_event_is_expected_when_the_fault_comes() {
    let dir = tempfile::tempdir().unwrap();
    let config = CONFIG
        .replace("at: \"10m\"", "on: \"deploy\"")
        .replace("metrics: [", "metrics: [Metric(name: \"deploys\", update_interval: \"5s\", scenario: script(source: \"if t == 600 { emit(\\\"deploy\\\") } value\")), ")
        .replace("VERDICTS", "");
    let (path, rules) = (dir.path().join("c.ron"), dir.path().join("rules.yml"));
    std::fs::write(&path, config).unwrap();
    std::fs::write(&rules, RULES).unwrap();
    let [path, rules] = [&path, &rules].map(|path| path.to_str().unwrap());
    let output = promemu_command(&["test", path, "--rules", rules, "--for", "40m"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_test_that_judges_nothing_is_no_test() {
    let (output, _) = tested("verdicts: [no_other_alerts()],", "groups: []", &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("no_other_alerts() needs rules with alerts; name their files with --rules"),
        "{said}"
    );
    let (output, _) = tested(r#"verdicts: [no_other_alerts(except: ["Bussy"])],"#, RULES, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains(r#"did you mean "Busy"?"#), "{said}");
    let slow = RULES.replace("- name: load", "- name: load\n    interval: 5m").replace("> 90", "> 99");
    let (output, report) = tested(r#"verdicts: [no_other_alerts(except: ["Down"])],"#, &slow, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("no alert is expected to fire"), "{said}");
    assert_eq!(report["why"], "the group \"load\" has an interval of its own, 5m");
}

#[test]
fn an_update_says_what_it_leaves_out_and_keeps_what_it_cannot_find() {
    let dir = tempfile::tempdir().unwrap();
    let (config, rules) = (dir.path().join("c.ron"), dir.path().join("rules.yml"));
    let verdicts = r#"verdicts: [holds(query: "load_percent > 9", of: "busy"), holds(query: "up == 2"), fires(alert: "Busy", of: "down")],"#;
    std::fs::write(&config, CONFIG.replace("VERDICTS", verdicts)).unwrap();
    std::fs::write(&rules, RULES).unwrap();
    let args =
        ["test", config.to_str().unwrap(), "--rules", rules.to_str().unwrap(), "--for", "40m", "--update"];
    let output = promemu_command(&args).output().unwrap();
    let (said, text) = (String::from_utf8(output.stderr).unwrap(), std::fs::read_to_string(&config).unwrap());
    assert_eq!(said.matches("failed today, so it is left out").count(), 2, "{said}");
    assert!(
        text.contains(r#"holds(query: "load_percent > 9", of: "busy")"#) && !text.contains("up == 2"),
        "{text}"
    );
    // A report that cannot be written hides no failure.
    let html = dir.path().join("none/report.html");
    let (output, _) = tested(
        r#"verdicts: [fires(alert: "Busy", of: "down")],"#,
        RULES,
        &["--html", html.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn an_alert_that_did_not_fire_comes_with_its_peak_and_with_what_its_rule_misspells() {
    let seen = |rules: &str, alert: &str, args: &[&str]| {
        let verdict = format!("verdicts: [fires(alert: \"{alert}\", of: \"busy\")],");
        let (output, report) = tested(&verdict, rules, args);
        assert_eq!(output.status.code(), Some(3));
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (report["verdicts"][0].clone(), out, err)
    };
    let high = RULES.replace("job:load:avg > 90", "job:load:avg > 99.5");
    for mode in ["exact", "large"] {
        let (verdict, shown, _) = seen(&high, "Busy", &["--mode", mode]);
        let found = "did not fire at 10m or later; peak 95 at 10m, threshold 99.5";
        let first = verdict["findings"][0].as_str().unwrap();
        assert!(
            first.starts_with(found) || first.replace("10m 15s,", "10m,").starts_with(found),
            "{mode}: {first}"
        );
        assert_eq!(
            verdict["query"], "job:load:avg > 99.5",
            "ALERTS of an alert that was never on shows nothing"
        );
        assert!(shown.contains("look at job:load:avg > 99.5 at 2026-01-05T00:10:00"), "{shown}");
    }
    let misspelt = RULES.replace("avg by (job) (load_percent)", "avg by (jbo) (load_precent{nam=\"h-1\"})");
    let (verdict, _, warned) = seen(&misspelt, "Busy", &[]);
    assert_eq!(verdict["findings"][0], "did not fire at 10m or later; its expression had no data");
    assert!(warned.contains(r#"unknown metric "load_precent"; did you mean "load_percent"?"#), "{warned}");
    let direct = RULES.replace("job:load:avg > 90", "sum by (instanse) (load_percent{nmae=\"h-1\"}) > 90");
    let (verdict, _, _) = seen(&direct, "Busy", &[]);
    let found = verdict["findings"].to_string();
    for said in [
        "load_percent has no label \\\"nmae\\\"; did you mean \\\"name\\\"?",
        "has the label \\\"instanse\\\"; did you mean \\\"instance\\\"?",
    ] {
        assert!(found.contains(said), "{said}: {found}");
    }
    // An alert that was on has series to look at.
    let slow = RULES.replace("for: 2m", "for: 20m");
    let (verdict, _, _) = seen(&slow, "Busy", &[]);
    assert_eq!(verdict["query"], "ALERTS{alertname=\"Busy\"}");
    assert!(verdict["findings"][0].as_str().unwrap().starts_with("was pending at 10m"), "{verdict}");
}

#[test]
fn scrapes_that_do_not_fit_to_evaluations_are_told() {
    let warned = |args: &[&str]| {
        let (output, _) = tested("", RULES, args);
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(
        warned(&["--step", "30s", "--evaluation-interval", "15s"])
            .contains("longer than the evaluation interval")
    );
    assert!(warned(&["--step", "20s", "--evaluation-interval", "30s"]).contains("does not divide"));
    assert_eq!(warned(&["--step", "10s", "--evaluation-interval", "30s"]), "");
}
