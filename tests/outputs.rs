//! Several outputs in one run: each for itself, and none gives secrets away.

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::processes::{
    Process, Pushgateway, eventually, free_port, get, label, promemu, promemu_command, series, value,
};

/// A run of three hosts with quick intervals.
fn quick(outputs: &[&str], more: &[&str]) -> Process {
    let mut args = vec!["--config", "hosts_load_with_peaks", "--push-interval", "200ms"];
    args.extend(outputs.iter().flat_map(|output| ["--output", output]));
    args.extend(more);
    args.extend(["--config-args", "hosts_count=2", "interval=200ms", "metrics_interval=200ms"]);
    promemu(&args)
}

fn status(run: &Process) -> serde_json::Value {
    let line = eventually("a status report", || {
        run.log().lines().rfind(|line| line.starts_with("{\"timestamp\"")).map(str::to_owned)
    });
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_dead_output_leaves_the_others_fresh() {
    let gateway = Pushgateway::start();
    let (port, hanging) = (free_port(), FakeGateway::start(Behaviour::Hang));
    let (dead, slow) = ("pushgateway=http://127.0.0.3:1", format!("pushgateway={}", hanging.url()));
    let (pushed, served) = (format!("pushgateway={}", gateway.url()), format!("scrape=127.0.0.1:{port}"));
    let mut run = quick(&[dead, &slow, &served, &pushed], &["--status-interval", "300ms"]);
    run.wait_for_log(&format!("the metrics are at http://127.0.0.1:{port}/metrics"));
    run.wait_for_log(&format!("pushing to {} every 200ms", gateway.url()));
    let sum = |exposition: &str| -> Option<f64> {
        let lines = series(exposition, "cpu_usage_percent");
        (lines.len() == 2).then(|| lines.iter().map(|line| value(line)).sum())
    };
    for (what, look) in [
        ("pushed", &(|| sum(&gateway.metrics())) as &dyn Fn() -> Option<f64>),
        ("served", &|| sum(&get(port, "/metrics")?)),
    ] {
        let first = eventually(what, look);
        eventually(&format!("{what} anew"), || look().filter(|now| now.to_bits() != first.to_bits()));
    }
    let exposition = get(port, "/metrics").unwrap();
    assert!(series(&exposition, "push_time_seconds").is_empty(), "nothing imitates a gateway here");
    assert!(label(series(&exposition, "cpu_usage_percent")[0], "job").starts_with("hosts_load_peaks_"));

    let away = |kind_and_target: &str, report: &serde_json::Value| {
        let outputs = report["outputs"].as_array().unwrap();
        let name = |output: &serde_json::Value| {
            format!("{}={}", output["kind"].as_str().unwrap(), output["target"].as_str().unwrap())
        };
        outputs.iter().find(|output| name(output) == kind_and_target).unwrap()["away_for"].is_number()
    };
    let report = eventually("the status knows who is away", || {
        Some(status(&run)).filter(|report| away(dead, report) && away(&slow, report))
    });
    assert!(!away(&pushed, &report) && !away(&served, &report), "{report}");
    let page = get(port, "/promemu/metrics").unwrap();
    let failures: Vec<&str> = series(&page, "promemu_push_failures_total");
    let failures_of =
        |name: &str| failures.iter().find(|line| label(line, "output") == name).map(|line| value(line));
    assert!(failures_of(dead).unwrap() >= 1.0, "{failures:?}");
    assert_eq!((failures_of(&pushed), failures_of(&served)), (Some(0.0), None));
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new(), "each cleans up after itself");
}

#[test]
fn the_variable_holds_several_outputs_and_a_flag_comes_before_it() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let (port, other) = (free_port(), free_port());
    let variable = format!("scrape=127.0.0.1:{port} pushgateway={},format=text", gateway.url());
    let started = |flags: &[&str]| {
        let args = [&["--config", "single_host_load"], flags].concat();
        Process::start(promemu_command(&args).env("PME_OUTPUT", &variable))
    };
    let mut run = started(&[]);
    let push = eventually("a push", || gateway.requests("PUT").first().cloned());
    assert!(push.body.starts_with(b"# HELP"), "{:?}", String::from_utf8_lossy(&push.body));
    assert!(get(port, "/metrics").is_some());
    assert_eq!(run.terminate(), Some(0));
    let mut run = started(&["--output", &format!("scrape=127.0.0.1:{other}")]);
    run.wait_for_log(&format!("the metrics are at http://127.0.0.1:{other}/metrics"));
    assert_eq!((run.count_in_log("pushing to"), run.terminate()), (0, Some(0)));
}

/// Each way to be let in: the header that the server wants, and the options that make it. The variable
/// `OUTPUT_SECRET` is `s3cret`.
fn ways_in(dir: &std::path::Path) -> [(&'static str, String); 6] {
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (password, token) = (file("password", "s3cret\n"), file("token", "t0ken"));
    let headers = file("headers", "X-Api-Key: k3y5\n");
    [
        ("Authorization: Basic bWU6czNjcmV0", format!("user=me,password-file={password}")),
        ("Authorization: Basic bWU6czNjcmV0", "user=me,password_env=OUTPUT_SECRET".to_owned()),
        ("Authorization: Bearer t0ken", format!("bearer-file={token}")),
        ("Authorization: Bearer s3cret", "bearer_env=OUTPUT_SECRET".to_owned()),
        ("X-Api-Key: k3y5", format!("headers-file={headers}")),
        ("X-Scope-OrgID: team,1", "header.X-Scope-OrgID=team,,1".to_owned()),
    ]
}

fn with_secret(args: &[&str]) -> std::process::Command {
    let mut command = promemu_command(args);
    command.env("OUTPUT_SECRET", "s3cret");
    command
}

#[track_caller]
fn has_no_secrets(text: &str) {
    for secret in ["s3cret", "t0ken", "k3y5", "bWU6", "czNjcmV0"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn every_server_authenticates_promemu_and_no_log_shows_the_secret() {
    let dir = tempfile::tempdir().unwrap();
    for (header, options) in ways_in(dir.path()) {
        let (server, closed) =
            (FakeGateway::start(Behaviour::Want(header)), FakeGateway::start(Behaviour::Echo));
        let kinds = ["pushgateway", "remote-write", "otlp"];
        let let_in = kinds.map(|kind| format!("{kind}={},{options}", server.url()));
        let refused = kinds.map(|kind| format!("{kind}={},{options}", closed.url()));
        let mut args = vec![
            "--config",
            "single_host_load",
            "--debug",
            "--push-interval",
            "200ms",
            "--status-interval",
            "200ms",
        ];
        args.extend(["--cleanup-on-start=false"]);
        args.extend(let_in.iter().chain(&refused).flat_map(|output| ["--output", output]));
        let mut run = Process::start(&mut with_secret(&args));
        for path in ["/metrics/job/", "/api/v1/write", "/v1/metrics"] {
            eventually(&format!("{path} is let in by {options}"), || {
                let is_let_in = |head: &str| head.lines().any(|line| line.eq_ignore_ascii_case(header));
                let mut requests = server.requests("").into_iter();
                requests.find(|request| request.path.starts_with(path) && is_let_in(&request.head))
            });
        }
        eventually("the refusals are in the status", || {
            let report = status(&run)["outputs"].to_string();
            (report.matches("it answered 401").count() == 3).then_some(())
        });
        let command_line = std::fs::read_to_string(format!("/proc/{}/cmdline", run.id())).unwrap();
        assert_eq!(run.terminate(), Some(0));
        has_no_secrets(&command_line);
        has_no_secrets(&run.log());
        let clean = with_secret(&["clean", "--debug", "--output", &let_in[0]]).output().unwrap();
        assert_eq!(clean.status.code(), Some(0), "clean is let in, too: {options}");
        let clean = with_secret(&["clean", "--debug", "--output", &refused[0]]).output().unwrap();
        assert_eq!(clean.status.code(), Some(1));
        has_no_secrets(&String::from_utf8_lossy(&[clean.stdout, clean.stderr].concat()));
    }
}

#[test]
fn errors_of_outputs_show_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let [_, _, (_, bearer), ..] = ways_in(dir.path());
    for kind in ["pushgateway", "remote-write", "otlp", "scrape"] {
        let target = if kind == "scrape" { "127.0.0.1:0" } else { "http://127.0.0.1:1" };
        for wrong in [
            format!("{bearer},user=me"),
            format!("{bearer},bearer_env=OUTPUT_SECRET"),
            "user=me,password=s3cret".to_owned(),
            "bearer=s3cret".to_owned(),
            "header.Authorization=s3cret".to_owned(),
            "user=me,password_file=/no/such/file".to_owned(),
            format!("ca_file={}", bearer.split('=').next_back().unwrap()),
            format!("{bearer},shrads=t0ken"),
        ] {
            let output = format!("{kind}={target},{wrong}");
            let ended = with_secret(&["--config", "single_host_load", "--debug", "--output", &output])
                .output()
                .unwrap();
            assert!(matches!(ended.status.code(), Some(1 | 2)), "{output}");
            has_no_secrets(&String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()));
        }
    }
    let url = "http://me:s3cret@127.0.0.1:1/x?key=t0ken";
    let mut run = Process::start(&mut with_secret(&[
        "--config",
        "single_host_load",
        "--debug",
        "--push-interval",
        "200ms",
        "--status-interval",
        "200ms",
        "--output",
        &format!("remote-write={url}"),
        "--output",
        &format!("otlp={url}"),
    ]));
    eventually("both are away", || (run.count_in_log("output is away") == 2).then_some(()));
    status(&run);
    assert_eq!(run.terminate(), Some(1));
    has_no_secrets(&run.log());
}

#[test]
fn an_output_that_cannot_start_ends_the_run_before_anything_is_sent() {
    let gateway = FakeGateway::start(Behaviour::Answer(200));
    let occupied = format!("scrape=127.0.0.1:{}", gateway.port);
    let mut run = quick(&[&occupied, &format!("pushgateway={}", gateway.url())], &[]);
    assert_eq!(run.wait(), Some(1));
    let log = run.log();
    assert!(log.contains("choose a free address of this machine with --output scrape=HOST:PORT"), "{log}");
    assert_eq!(gateway.requests("PUT").len(), 0);
}

#[test]
fn a_file_has_the_newest_state_and_stays_when_the_run_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("emulated.prom");
    let file = format!("file={}", path.display());
    let dead = "pushgateway=http://127.0.0.3:1";
    let mut run = quick(&[dead, &file], &[]);
    run.wait_for_log(&format!("writing to {} every 200ms", path.display()));
    let read = || std::fs::read_to_string(&path).ok();
    let whole = |text: &String| series(text, "cpu_usage_percent").len() == 2;
    let first = eventually("it is written", || read().filter(whole));
    assert_eq!(crate::processes::promtool_errors(&first), Vec::<String>::new());
    eventually("and written anew", || read().filter(|text| whole(text) && *text != first));
    assert_eq!(run.terminate(), Some(0));
    assert!(whole(&read().unwrap()));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    let mut run = quick(&["file=/nowhere/x.prom"], &[]);
    assert_eq!(run.wait(), Some(1));
    assert!(run.log().contains("/nowhere/x.prom cannot be written; make its folder first, or choose another place with --output file=PATH"), "{}", run.log());
}

#[test]
fn a_run_none_of_whose_pushes_arrive_fails_with_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let refusing = FakeGateway::start(Behaviour::Answer(404));
    let (url, nobody) = (refusing.url(), format!("http://127.0.0.1:{}", free_port()));
    let [file, page] =
        [format!("file={}", dir.path().join("x.prom").display()), "scrape=127.0.0.1:0".to_owned()];
    let gateway = |url: &str| format!("pushgateway={url}");
    let receiver = |url: &str| format!("remote-write={url}/api/v1/write");
    let collector = |url: &str| format!("otlp={url}/v1/metrics");
    for (outputs, code) in [
        (vec![gateway(&url)], 1),
        (vec![receiver(&url)], 1),
        (vec![collector(&url)], 1),
        (vec![receiver(&nobody)], 1),
        (vec![collector(&nobody), gateway(&url)], 1),
        (vec![gateway(&url), file], 0),
        (vec![receiver(&nobody), page], 0),
    ] {
        let mut args = vec![
            "run",
            "single_host_load",
            "--duration",
            "3s",
            "--push-interval",
            "100ms",
            "--cleanup-on-start=false",
        ];
        args.extend(outputs.iter().flat_map(|output| ["--output", output]));
        let mut run = promemu(&args);
        assert_eq!(run.wait(), Some(code), "{outputs:?}: {}", run.log());
        let told = format!("error: no push arrived at {}; check the address", outputs.join(" or "));
        assert_eq!(run.count_in_log(&told), usize::from(code == 1), "{outputs:?}: {}", run.log());
    }
    let mut run =
        promemu(&["run", "single_host_load", "--push-interval", "100ms", "--output", &collector(&nobody)]);
    run.wait_for_log("output is away");
    assert_eq!(run.terminate(), Some(1), "a signal does not hide it: {}", run.log());
}

#[test]
fn standard_output_gets_one_state_after_the_other() {
    let args =
        ["--config", "single_host_load", "--push-interval", "200ms", "--duration", "12s", "--speed", "4x"];
    let output = promemu_command(&args).args(["--output", "file=-,format=openmetrics"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("# TYPE") && text.ends_with("# EOF\n"), "{text}");
    assert!(text.matches("# EOF\n").count() >= 2, "{text}");
}

#[test]
fn a_gateway_over_tls_knows_promemu_by_its_certificate() {
    let tls = |name: &str| format!("{}/tests/tls/{name}.pem", env!("CARGO_MANIFEST_DIR"));
    let (ca, certificate, key) = (tls("ca"), tls("certificate"), tls("key"));
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("web.yml");
    let text = format!(
        "tls_server_config: {{ cert_file: {certificate}, key_file: {key}, client_ca_file: {ca}, \
         client_auth_type: RequireAndVerifyClientCert }}\n"
    );
    std::fs::write(&config, text).unwrap();
    let port = free_port();
    let args = [
        format!("--web.listen-address=127.0.0.1:{port}"),
        format!("--web.config.file={}", config.display()),
        "--persistence.file=".to_owned(),
    ];
    let _gateway = Process::start(std::process::Command::new("prometheus-pushgateway").args(args));
    let url = format!("https://127.0.0.1:{port}");
    let known = format!("pushgateway={url},ca_file={ca},cert_file={certificate},key_file={key}");
    let started = |output: &str| {
        let args = ["--config", "single_host_load", "--push-interval", "300ms", "--status-interval", "300ms"];
        promemu(&[&args[..], &["--output", output]].concat())
    };
    let mut run = started(&known);
    eventually("its pushes arrive", || (status(&run)["output"]["pushes"].as_u64()? > 0).then_some(()));
    assert_eq!(run.terminate(), Some(0));
    for stranger in [format!("pushgateway={url},ca_file={ca}"), format!("pushgateway={url}")] {
        let mut run = started(&stranger);
        run.wait_for_log("output is away");
        assert_eq!(run.terminate(), Some(1));
    }
}
