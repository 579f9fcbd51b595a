//! Simulations and chaos over the API, as users of a process simulator ask for them, with curl.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::api::{Daemon, Events, ask, code_of};
use crate::processes::{
    Process, Pushgateway, eventually, free_port, get, http, label, promemu_command, series,
};
use crate::simulated::plugins;

/// A daemon that waits for runs, its plugins, and the port of its metrics.
struct Simulator {
    daemon: Daemon,
    metrics: u16,
    plugins: tempfile::TempDir,
}

impl Simulator {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(args: &[&str]) -> Self {
        let (plugins, metrics) = (plugins(), free_port());
        let output = format!("scrape=127.0.0.1:{metrics}");
        let folder = plugins.path().to_str().unwrap();
        let daemon = Daemon::start(&[&["--plugins-dir", folder, "--output", &output], args].concat());
        Self { daemon, metrics, plugins }
    }

    /// The output of `curl -s -X METHOD`, with the status.
    fn curl(&self, method: &str, path: &str, more: &[&str]) -> (u16, Value) {
        let url = format!("http://127.0.0.1:{}{path}", self.daemon.port);
        let output = Command::new("curl")
            .args(["-s", "-X", method, "-w", "\n%{http_code}", &url])
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let (body, status) = said.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Creates a simulation whose values change every 200 ms; returns its id.
    fn create(&self, body: &Value) -> String {
        let mut body = body.clone();
        body["parameters"]["update_interval"] = json!("200ms");
        let (status, simulation) = self.curl("POST", "/api/v1/simulations", &["-d", &body.to_string()]);
        assert_eq!((status, &simulation["status"]), (201, &json!("pending")), "{simulation}");
        simulation["id"].as_str().unwrap().to_owned()
    }

    fn start_one(&self, id: &str) {
        assert_eq!(self.curl("POST", &format!("/api/v1/simulations/{id}/start"), &[]).0, 202);
        eventually("its processes are scraped", || {
            let job = format!("processes_{id}");
            let page = get(self.metrics, "/metrics")?;
            series(&page, "process_threads").iter().any(|line| label(line, "job") == job).then_some(())
        });
    }

    fn of(&self, id: &str) -> Value {
        self.curl("GET", &format!("/api/v1/simulations/{id}"), &[]).1
    }

    fn results(&self, id: &str) -> Value {
        self.curl("GET", &format!("/api/v1/simulations/{id}/results"), &[]).1
    }

    /// The pids of the processes whose name begins so.
    fn pids(&self, name: &str) -> BTreeSet<String> {
        let page = get(self.metrics, "/metrics").unwrap();
        let threads = series(&page, "process_threads");
        let named = threads.iter().filter(|line| label(line, "process").starts_with(name));
        named.map(|line| label(line, "pid").to_owned()).collect()
    }
}

/// The names of the events of a run, up to this one.
fn names_until(events: &mut Events, last: &str) -> Vec<String> {
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != last) {
        let (kind, event) = events.next();
        assert_eq!(kind, "event", "{last} has not come: {names:?}");
        names.push(event["name"].as_str().unwrap().to_owned());
    }
    names
}

#[test]
fn a_simulation_is_created_started_watched_stopped_and_has_results() {
    let simulator = Simulator::start();
    let body = json!({
        "name": "demo-realistic", "type": "realistic", "duration": "5m",
        "parameters": { "process_count": 30, "enable_chaos": false, "churn_rate": 60 },
    });
    let id = simulator.create(&body);
    let simulation = simulator.of(&id);
    assert_eq!((&simulation["name"], &simulation["type"]), (&json!("demo-realistic"), &json!("realistic")));
    assert_eq!((&simulation["duration_seconds"], &simulation["started_at"]), (&json!(300.0), &Value::Null));
    let (status, early) = simulator.curl("GET", &format!("/api/v1/simulations/{id}/results"), &[]);
    assert_eq!((status, code_of(&early).as_str()), (409, "conflict"));
    simulator.start_one(&id);
    assert_eq!(simulator.of(&id)["status"], "running");
    assert_eq!(simulator.pids("").len(), 30);
    eventually("the churn is counted", || {
        let ended = simulator.results(&id)["processes"].clone();
        (ended["churned"]["low"].as_u64()? > 30).then_some(())
    });
    let listed = |query: &str| {
        let list = simulator.curl("GET", &format!("/api/v1/simulations{query}"), &[]).1;
        list["simulations"].as_array().unwrap().len()
    };
    assert_eq!((listed(""), listed("?status=running"), listed("?status=failed")), (1, 1, 0));
    assert_eq!(simulator.daemon.get("/api/v1/runs").1["runs"][0]["id"], json!(id), "it is a run like others");
    assert_eq!(simulator.curl("POST", &format!("/api/v1/simulations/{id}/stop"), &[]).0, 202);
    eventually("it is stopped", || (simulator.of(&id)["status"] == "stopped").then_some(()));
    let results = simulator.results(&id);
    assert_eq!((&results["status"], &results["reason"]), (&json!("stopped"), &json!("stopped")), "{results}");
    let churned = &results["processes"]["churned"];
    assert!(churned["low"].as_u64() > Some(30) && churned["critical"] == 0, "{results}");
    let report = simulator.daemon.get(&format!("/api/v1/runs/{id}")).1["report"]["processes"].clone();
    assert_eq!(report, results["processes"], "the run's report has them, too");
    assert!(results["processes_started"].as_u64() > Some(30), "{results}");
    for (method, path, status) in [
        ("POST", format!("/api/v1/simulations/{id}/stop"), 409),
        ("POST", format!("/api/v1/simulations/{id}/start"), 409),
        ("GET", "/api/v1/simulations/nope".to_owned(), 404),
        ("POST", "/api/v1/simulations/nope/start".to_owned(), 404),
    ] {
        assert_eq!(simulator.curl(method, &path, &[]).0, status, "{method} {path}");
    }
}

#[test]
fn two_simulations_run_at_once_and_profiles_have_the_names_that_users_write() {
    let simulator = Simulator::start();
    let count = json!({ "process_count": 20 });
    let ids = ["process-churn", "high_cardinality"]
        .map(|profile| simulator.create(&json!({ "type": profile, "parameters": count })));
    for id in &ids {
        simulator.start_one(id);
    }
    let page = get(simulator.metrics, "/metrics").unwrap();
    let of_job = |id: &str| {
        let job = format!("processes_{id}");
        series(&page, "process_threads").iter().filter(|line| label(line, "job") == job).count()
    };
    assert_eq!(ids.each_ref().map(|id| of_job(id)), [20, 20]);
    assert_eq!(simulator.of(&ids[1])["type"], "high-cardinality");
    for (body, code) in [
        (json!({ "type": "nope" }), "invalid_value"),
        (json!({ "name": "" }), "invalid_value"),
        (json!({ "duration": "0s" }), "invalid_value"),
        (json!({ "parameters": { "proces_count": 5 } }), "invalid_config"),
        (json!({ "profile": "chaos" }), "invalid_body"),
    ] {
        let (status, answer) = simulator.curl("POST", "/api/v1/simulations", &["-d", &body.to_string()]);
        assert_eq!((status, code_of(&answer).as_str()), (422, code), "{body}");
    }
}

#[test]
fn chaos_acts_on_the_processes_whose_names_begin_as_the_pattern() {
    let simulator = Simulator::start();
    let none = simulator.curl("POST", "/api/v1/chaos/process-kill", &["-d", "{}"]);
    assert_eq!((none.0, code_of(&none.1).as_str()), (409, "conflict"), "nothing runs yet");
    let id = simulator.create(&json!({ "parameters": { "process_count": 40, "churn_rate": 0 } }));
    simulator.start_one(&id);
    let before = (simulator.pids("python3"), simulator.pids("nginx"));
    let chaos = |fault: &str, body: Value| {
        let path = format!("/api/v1/chaos/{fault}");
        let (status, answer) = simulator.curl("POST", &path, &["-d", &body.to_string()]);
        assert_eq!((status, &answer["hearers"]), (202, &json!(1)), "{answer}");
        assert_eq!(answer["simulations"], json!([id]));
        (answer["event"].clone(), answer["data"].clone())
    };
    let kill =
        chaos("process-kill", json!({ "process_pattern": "python", "intensity": 100, "duration": "30s" }));
    assert_eq!(kill, (json!("kill"), json!({ "pattern": "python*", "percent": 100.0 })));
    eventually("all python3 have other pids", || {
        let now = simulator.pids("python3");
        (now.len() == before.0.len() && now.is_disjoint(&before.0)).then_some(())
    });
    assert_eq!(simulator.pids("nginx"), before.1);
    let killed = || simulator.results(&id)["processes"]["killed"]["medium"].as_u64();
    eventually("they are counted", || (killed()? == before.0.len() as u64).then_some(()));

    let spike = json!({ "process_pattern": "nginx", "duration": "30s", "intensity": 90.0 });
    let spike = chaos("cpu-spike", spike);
    let data = json!({ "pattern": "nginx*", "duration": 30.0, "intensity": 0.9 });
    assert_eq!(spike, (json!("cpu_spike"), data), "of a core");
    let leak = chaos("memory-leak", json!({ "process_pattern": "ng?nx*", "leak_rate": "6MB/min" }));
    assert_eq!(leak, (json!("memory_leak"), json!({ "pattern": "ng?nx*", "bytes_per_sec": 100_000.0 })));
    let leak = chaos("memory-leak", json!({ "intensity": 60, "duration": 5 }));
    assert_eq!(leak.1, json!({ "duration": 5.0, "bytes_per_sec": 1_048_576.0 }));
    let few = chaos("process-kill", json!({ "process_pattern": "sys", "count": 1, "priority": "critical" }));
    assert_eq!(few.1, json!({ "pattern": "sys*", "priority": "critical", "count": 1 }));
    eventually("one critical process is killed", || {
        (simulator.results(&id)["processes"]["killed"]["critical"] == 1).then_some(())
    });
    for (fault, body) in [
        ("cpu-spike", json!({ "intensity": -1 })),
        ("cpu-spike", json!({ "leak_rate": "1MB/s" })),
        ("memory-leak", json!({ "leak_rate": "10MB" })),
        ("memory-leak", json!({ "count": 3 })),
        ("process-kill", json!({ "priority": "urgent" })),
        ("process-kill", json!({ "duration": "inf" })),
        ("process-kill", json!({ "pattern": "python" })),
    ] {
        let path = format!("/api/v1/chaos/{fault}");
        let (status, answer) = simulator.curl("POST", &path, &["-d", &body.to_string()]);
        assert!(status == 422 && answer["error"]["code"].is_string(), "{body}: {answer}");
    }
    assert_eq!(simulator.curl("POST", "/api/v1/chaos/cpu-spike?run=nope", &["-d", "{}"]).0, 404);
}

#[test]
fn json_without_a_content_type_is_taken_where_no_browser_sent_it() {
    let simulator = Simulator::start();
    let post = |headers: &str| ask(simulator.daemon.port, "POST", "/api/v1/simulations", headers, "{}");
    let origin = format!("Origin: http://127.0.0.1:{}\r\n", simulator.daemon.port);
    for (headers, status) in [
        ("", 201),
        ("Content-Type: application/x-www-form-urlencoded\r\nUser-Agent: curl/8.5.0\r\n", 201),
        ("Content-Type: text/plain\r\n", 415),
        (&origin, 415),
        ("Origin: null\r\n", 403),
        ("Sec-Fetch-Site: same-origin\r\n", 415),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Content-Type: application/x-www-form-urlencoded\r\nUser-Agent: Mozilla/5.0\r\n", 415),
    ] {
        assert_eq!(post(headers).0, status, "{headers}");
    }
    // Of other routes, too.
    let event = |headers| {
        ask(simulator.daemon.port, "POST", "/api/v1/configs/check", headers, "{\"config\": \"churn\"}")
    };
    assert_eq!((event("").0, event("Content-Type: text/plain\r\n").0), (200, 415));
}

#[test]
fn health_and_info_are_where_users_of_a_process_simulator_look() {
    let simulator = Simulator::start();
    for path in ["/health", "/api/v1/health"] {
        assert_eq!(simulator.curl("GET", path, &[]), (200, json!({ "status": "ok" })), "{path}");
    }
    for path in ["/info", "/api/v1/info"] {
        let (status, info) = simulator.curl("GET", path, &[]);
        assert_eq!((status, &info["service"]), (200, &json!("promemu")), "{path}");
        let known = |profile: &str| info["profiles"].as_array().unwrap().contains(&json!(profile));
        assert!(known("realistic") && known("process-churn") && known("chaos"), "{info}");
    }
}

#[test]
fn events_can_be_subscribed_to_before_a_run_starts_and_tell_its_creation_and_end() {
    let simulator = Simulator::start();
    let id = simulator.create(&json!({ "duration": "2s", "parameters": { "process_count": 20 } }));
    let mut events = Events::open(simulator.daemon.port, &format!("/api/v1/events/stream?run={id}&last=9"));
    let (_, created) = events.next();
    assert_eq!((&created["name"], &created["source"]), (&json!("simulation_created"), &json!("promemu")));
    assert_eq!(created["data"], json!({ "run": id }));
    assert_eq!(simulator.of(&id)["status"], "pending", "it came at the POST");
    simulator.start_one(&id);
    let names = names_until(&mut events, "simulation_completed");
    let place = |name: &str| names.iter().position(|found| found == name);
    assert!(place("run_started") < place("simulation_started"), "{names:?}");
    assert!(place("run_started").is_some() && !names.contains(&created["name"].as_str().unwrap().to_owned()));
    assert_eq!(events.next().0, "end");
    assert_eq!(simulator.of(&id)["status"], "completed");
    assert_eq!(simulator.results(&id)["reason"], "duration");
}

#[test]
fn a_subscription_to_a_run_that_is_deleted_before_its_start_ends() {
    let simulator = Simulator::start();
    let id = simulator.create(&json!({}));
    let mut events = Events::open(simulator.daemon.port, &format!("/api/v1/events/stream?run={id}"));
    events.wait_until_open();
    assert_eq!(simulator.daemon.send("DELETE", &format!("/api/v1/runs/{id}"), &Value::Null).0, 204);
    assert_eq!(events.next().0, "end");
}

#[test]
fn a_simulation_that_is_stopped_or_fails_says_so() {
    let simulator = Simulator::start();
    let id = simulator.create(&json!({ "parameters": { "process_count": 20 } }));
    simulator.start_one(&id);
    let mut events = Events::open(simulator.daemon.port, &format!("/api/v1/events/stream?run={id}"));
    events.wait_until_open();
    assert_eq!(simulator.curl("POST", &format!("/api/v1/simulations/{id}/stop"), &[]).0, 202);
    let names = names_until(&mut events, "simulation_completed");
    assert!(names.contains(&"run_finished".to_owned()), "{names:?}");

    let gateway = Pushgateway::start();
    let theirs = http("PUT", gateway.port, "/metrics/job/theirs", "handmade 1\n").unwrap();
    assert_eq!(theirs.0, 200);
    let simulator = Simulator::with(&["--output", &format!("pushgateway={}", gateway.url())]);
    let id = simulator.create(&json!({ "parameters": { "job": "theirs" } }));
    let mut events = Events::open(simulator.daemon.port, &format!("/api/v1/events/stream?run={id}"));
    events.wait_until_open();
    assert_eq!(simulator.curl("POST", &format!("/api/v1/simulations/{id}/start"), &[]).0, 202);
    let (_, failed) = events.next();
    assert_eq!(failed["name"], "simulation_failed");
    eventually("it has failed", || (simulator.of(&id)["status"] == "failed").then_some(()));
    let why = &simulator.of(&id)["error"];
    assert_eq!((&failed["data"]["why"], why.is_string()), (why, true), "{failed}");
}

#[test]
fn a_run_whose_workload_is_over_ends() {
    let simulator = Simulator::start();
    let id = simulator
        .create(&json!({ "parameters": { "process_count": 20, "duration": "3s", "hosts_count": 2 } }));
    let mut events = Events::open(simulator.daemon.port, &format!("/api/v1/events/stream?run={id}"));
    events.wait_until_open();
    simulator.start_one(&id);
    let mut completed = Vec::new();
    loop {
        let (kind, event) = events.next();
        if kind == "end" {
            break;
        }
        if event["name"] == "simulation_completed" {
            completed.push(event["source"].as_str().unwrap().to_owned());
        }
    }
    completed.sort();
    assert_eq!(completed, ["server-01", "server-02"], "each host says so once");
    let results = simulator.results(&id);
    assert_eq!((&results["status"], &results["reason"]), (&json!("completed"), &json!("workload_over")));
    assert_eq!(results["processes_ended"], json!(40), "{results}");
    // The same without the API.
    let mut run =
        promemu_command(&["--config", "processes", "--output", "scrape=127.0.0.1:0", "--plugins-dir"]);
    run.arg(simulator.plugins.path()).args([
        "--config-args",
        "duration=1s",
        "process_count=5",
        "update_interval=200ms",
    ]);
    let output = run.output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && log.contains("its workload is over"), "{log}");
}

/// The image's entry point, as `docker run` starts it, with ports of its own; and the ports of its API and metrics.
struct Image {
    process: Process,
    api: u16,
    metrics: u16,
    _plugins: tempfile::TempDir,
}

impl Image {
    fn run(variables: &[(&str, &str)]) -> Self {
        let (plugins, api, metrics) = (plugins(), free_port(), free_port());
        let mut command = entry_point();
        command.env("PME_PLUGINS_DIR", plugins.path()).envs(variables.iter().copied());
        command.env("CONTROL_PORT", api.to_string()).env("METRICS_PORT", metrics.to_string());
        Self { process: Process::start(&mut command), api, metrics, _plugins: plugins }
    }

    fn processes(&self) -> Option<usize> {
        Some(series(&get(self.metrics, "/metrics")?, "process_threads").len())
    }

    fn ask(&self, method: &str, path: &str) -> (u16, Value) {
        ask(self.api, method, path, "Authorization: Bearer s3cret\r\n", "")
    }
}

fn entry_point() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_promemu")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/entrypoint.sh"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PME_")) {
        command.env_remove(name);
    }
    command.env("PATH", path).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

#[test]
fn the_image_runs_a_profile_and_serves_its_metrics_and_the_api() {
    let token = ("PME_API_TOKEN", "s3cret");
    let mut image =
        Image::run(&[("PROFILE", "realistic"), ("AUTO_START", "true"), ("PROCESS_COUNT", "25"), token]);
    eventually("its processes are scraped", || (image.processes()? == 25).then_some(()));
    let simulation = image.ask("GET", "/api/v1/simulations").1["simulations"][0].clone();
    assert_eq!((&simulation["status"], &simulation["type"]), (&json!("running"), &json!("realistic")));
    assert_eq!(image.ask("GET", "/api/v1/status").0, 200, "it is the main run");
    assert_eq!(ask(image.api, "GET", "/api/v1/simulations", "", "").0, 401, "without the token");
    assert_eq!(image.ask("POST", "/api/v1/simulations/main/stop").0, 202);
    eventually("it is stopped", || {
        let main = image.ask("GET", "/api/v1/simulations/main").1;
        (main["status"] == "stopped").then_some(())
    });
    assert!(image.process.is_running(), "promemu waits for others");
    assert_eq!(image.process.terminate(), Some(0));
}

#[test]
fn without_a_token_the_image_serves_metrics_alone_and_says_so() {
    let mut image = Image::run(&[("PROFILE", "process-churn"), ("ENABLE_CHAOS", "1")]);
    eventually("its processes are scraped", || (image.processes()? >= 100).then_some(()));
    assert_eq!(image.ask("GET", "/health").0, 0, "nothing listens");
    image.process.wait_for_log("no PME_API_TOKEN, so the control API is off");
    assert_eq!(image.process.terminate(), Some(0));
    let mut waiting = Image::run(&[("AUTO_START", "false"), ("PME_LOG_FORMAT", "json")]);
    assert_eq!(waiting.process.wait(), Some(2), "nobody could start it");
    waiting.process.wait_for_log("needs the control API; set PME_API_TOKEN");
    assert!(waiting.process.log().lines().all(|line| line.starts_with('{')), "{}", waiting.process.log());
}

#[test]
fn with_auto_start_false_the_run_waits_for_its_start() {
    let mut image =
        Image::run(&[("AUTO_START", "false"), ("PROCESS_COUNT", "12"), ("PME_API_TOKEN", "s3cret")]);
    image.process.wait_for_log("the run waits for POST /api/v1/simulations/main/start");
    assert_eq!(image.ask("GET", "/api/v1/simulations/main").1["status"], "pending");
    assert_eq!(image.processes(), Some(0), "its page is there, and empty");
    assert_eq!(image.ask("POST", "/api/v1/simulations/main/start").0, 202);
    eventually("its processes are scraped", || (image.processes()? == 12).then_some(()));
    assert_eq!(image.ask("POST", "/api/v1/simulations/main/start").0, 409);
    assert_eq!(image.process.terminate(), Some(0));
}

#[test]
fn with_arguments_the_image_is_promemu_as_it_is() {
    let output = entry_point().arg("--version").env("PROFILE", "nope").output().unwrap();
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().starts_with("promemu "));
    let dockerfile =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/Dockerfile")).unwrap();
    for line in [
        "ENTRYPOINT [\"entrypoint.sh\"]",
        "EXPOSE 8000 8090 8888 9092",
        "COPY docker/entrypoint.sh /usr/local/bin/",
    ] {
        assert!(dockerfile.lines().any(|found| found == line), "{line}");
    }
    assert!(dockerfile.contains("apt-get install -y --no-install-recommends stress-ng"));
}

#[test]
fn outside_of_the_image_the_variables_hold_for_the_config_processes_alone() {
    let plugins = plugins();
    let run = |config: &str, variables: &[(&str, &str)], args: &[&str]| {
        let mut command = promemu_command(&["--once", "--config", config, "--plugins-dir"]);
        command.arg(plugins.path()).args(args).envs(variables.iter().copied());
        let output = command.output().unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        let threads = series(&page, "process_threads");
        let hosts: BTreeSet<String> = threads.iter().map(|line| label(line, "name").to_owned()).collect();
        let has_builds = threads.iter().any(|line| label(line, "process") == "cc1");
        (threads.len(), has_builds, hosts, String::from_utf8(output.stderr).unwrap())
    };
    let variables = [("PROFILE", "process-churn"), ("PROCESS_COUNT", "33"), ("TARGET_HOST", "node")];
    let (count, has_builds, hosts, said) = run("processes", &variables, &[]);
    assert_eq!((count, has_builds, hosts), (33, true, BTreeSet::from(["node-01".to_owned()])), "{said}");
    let own = [("PME_ARG_PROCESS_COUNT", "44"), ("PROCESS_COUNT", "33"), ("ENABLE_CHAOS", "Yes")];
    assert_eq!(run("processes", &own, &[]).0, 44);
    assert_eq!(run("processes", &own, &["--config-args", "process_count=55"]).0, 55);
    assert_eq!(run("processes_realistic", &variables, &["--config-args", "hosts_count=1"]).0, 60);
    let (.., said) = run("processes", &[("PROFILE", "nope")], &[]);
    assert!(said.contains("unknown profile \"nope\""), "{said}");
    let (.., said) = run("processes", &[("AUTO_START", "maybe")], &[]);
    assert!(said.contains("AUTO_START must be true or false, but is \"maybe\""), "{said}");
}
