//! The files shipped in `docker/` (rules, rule tests, dashboards, configurations), read by the tools and servers they are for.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::golden::has_virtual_time;
use crate::processes::{
    Process, Prometheus, Pushgateway, eventually, free_port, get, promemu, promemu_command, promtool_lines,
};
use crate::simulated::plugins;

/// Names that stay although promtool has remarks on them: those of exporters are as the exporters write them, and those of
/// `hosts_load_with_peaks` are in dashboards of its users.
const NAMES_THAT_STAY: [&str; 6] = [
    "network_latency_ms",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemTotal_bytes",
    "pg_locks_count",
    "pg_stat_activity_count",
    "workers_count",
];

/// Set this variable to regenerate the files that promemu makes.
const HINT: &str = "run it once with PROMEMU_UPDATE_DOCS=1 to write the file anew";

/// The shipped dashboards, each with the arguments that generate it.
const DASHBOARDS: [(&str, &[&str]); 5] = [
    ("hosts_overview", &["hosts_load_with_peaks", "--title", "Hosts overview"]),
    ("one_host", &["hosts_load_with_peaks", "--one-host", "--title", "One host"]),
    ("incident", &["incident", "--title", "An incident"]),
    ("processes", &["processes_realistic", "--by", "process", "--title", "Processes"]),
    ("promemu", &["--title", "promemu itself"]),
];

/// The shipped dashboards that are designed by hand; verdicts judge them.
const DESIGNED: [&str; 7] = [
    "users_overview",
    "users_cost",
    "users_reliability",
    "client_performance",
    "resilience_analysis",
    "recording",
    "data_quality",
];

/// Runs whose metrics the dashboards and rules query; promemu's own metrics are not among them.
const EXPORTS: [&[&str]; 7] = [
    &["hosts_load_with_peaks", "--config-args", "hosts_ttl=12m"],
    &["incident"],
    &["load_balancer_pool"],
    &["kubernetes_cluster"],
    &["processes_realistic"],
    &["processes_chaos"],
    &["load_phases"],
];

/// 2026-01-05T00:00:00Z
const START: u64 = 1_767_571_200;
const MINUTES: u64 = 20;

fn docker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docker")
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(docker().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

/// The output of a tool that succeeds.
fn content(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; ./manage.sh test installs it"));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{command:?}: {said}");
    said
}

/// Standard output of promemu.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compares a file with its regenerated form, or overwrites it.
fn is_up_to_date(path: &Path, made: &str) {
    if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
        std::fs::write(path, made).unwrap();
    } else {
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == made, "{} is out of date; {HINT}", path.display());
    }
}

#[test]
fn tests_of_promtool_with_exported_series_are_up_to_date_and_pass() {
    let (plugins, mut exported) = (plugins(), 0);
    for path in files("prometheus/tests", "yml") {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Some(args) = text.lines().next().and_then(|line| line.strip_prefix("# promemu ")) {
            let (_, expectations) = text.split_once("    alert_rule_test:\n").unwrap();
            let made = printed(promemu_command(&["--plugins-dir"]).arg(plugins.path()).args(args.split(' ')));
            let (_, series) = made.split_once("rule_files: []\n").unwrap();
            let about = "# prints what follows, up to what is expected.";
            let head = format!("# promemu {args}\n{about}\nrule_files: [\"../rules/*.yml\"]\n");
            is_up_to_date(&path, &format!("{head}{series}    alert_rule_test:\n{expectations}"));
            exported += 1;
        }
        content(Command::new("promtool").args(["test", "rules"]).arg(&path));
    }
    assert!(exported >= 1);
}

#[test]
fn shipped_dashboards_are_what_promemu_makes() {
    let plugins = plugins();
    for (name, args) in DASHBOARDS {
        let made = printed(promemu_command(&["dashboard", "--plugins-dir"]).arg(plugins.path()).args(args));
        is_up_to_date(&docker().join(format!("grafana/dashboards/{name}.json")), &made);
    }
    let all = DASHBOARDS.len() + DESIGNED.len();
    assert_eq!(files("grafana/dashboards", "json").len(), all, "all others are made");
}

#[test]
fn the_tools_find_nothing_wrong_with_the_configurations() {
    content(
        Command::new("promtool")
            .args(["check", "config", "prometheus.yml"])
            .current_dir(docker().join("prometheus")),
    );
    content(Command::new("promtool").args(["check", "rules"]).args(files("prometheus/rules", "yml")));
    content(Command::new("amtool").args(["check-config"]).args(files("alertmanager", "yml")));
    let text = std::fs::read_to_string(docker().join("kustomization.yaml")).unwrap();
    for file in files("prometheus/rules", "yml").into_iter().chain(files("grafana/dashboards", "json")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(text.contains(name), "{name} is in kustomization.yaml");
    }
    // These tools are optional.
    let compose = ["config", "--quiet"];
    let found =
        [("docker", &["compose"][..]), ("docker-compose", &[])].into_iter().find(|(program, args)| {
            Command::new(program).args(*args).arg("version").output().is_ok_and(|said| said.status.success())
        });
    match found {
        Some((program, args)) => {
            let profiles =
                ["push", "alerting", "otel", "load", "resilience"].map(|name| ["--profile", name]).concat();
            let mut command = Command::new(program);
            content(
                command
                    .args(args)
                    .args(["-f", "compose.yaml"])
                    .args(profiles)
                    .args(compose)
                    .current_dir(docker()),
            );
        }
        None => eprintln!("skipped: there is no Docker Compose that could look at compose.yaml"),
    }
    if Command::new("kubectl").args(["version", "--client"]).output().is_ok() {
        let made = content(Command::new("kubectl").arg("kustomize").arg(docker()));
        assert_eq!(made.matches("\nkind: Deployment\n").count(), 5, "{made}");
        // The annotation with which kubectl apply remembers an object is no longer.
        let longest = made.split("\n---\n").map(str::len).max();
        assert!(longest < Some(256 << 10), "an object has {longest:?} bytes");
    } else {
        eprintln!("skipped: there is no kubectl that could look at kustomization.yaml");
    }
}

#[test]
fn promtool_has_no_remark_on_a_metric_of_a_shipped_config() {
    let (plugins, mut remarks) = (plugins(), Vec::new());
    let configs = docker().join("../configs");
    for entry in std::fs::read_dir(configs).unwrap() {
        let path = entry.unwrap().path();
        let is_config = path.extension().is_some_and(|extension| extension == "ron");
        if !is_config {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        if !has_virtual_time(&text) {
            continue;
        }
        let mut command = promemu_command(&["--once", "--plugins-dir"]);
        let exposition = printed(command.arg(plugins.path()).arg("--config").arg(&path));
        assert!(exposition.contains("# TYPE "), "{}", path.display());
        remarks.extend(promtool_lines(&exposition));
    }
    let named = |line: &String| line.split(' ').next().unwrap().to_owned();
    let mut found: Vec<String> = remarks.iter().map(named).collect();
    found.sort();
    found.dedup();
    assert_eq!(found, NAMES_THAT_STAY, "{remarks:#?}");
}

/// All expressions of a shipped dashboard.
pub(crate) fn shipped(name: &str) -> Vec<String> {
    let path = docker().join(format!("grafana/dashboards/{name}.json"));
    expressions(&std::fs::read_to_string(path).unwrap())
}

/// All expressions of a dashboard: of its panels, annotations and variables.
fn expressions(dashboard: &str) -> Vec<String> {
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let mut found: Vec<Value> = Vec::new();
    for panel in list(&dashboard["panels"]).into_iter().filter(|panel| panel["type"] != "row") {
        found.extend(list(&panel["targets"]).into_iter().map(|target| target["expr"].clone()));
    }
    found.extend(list(&dashboard["annotations"]["list"]).into_iter().map(|mark| mark["expr"].clone()));
    for choice in list(&dashboard["templating"]["list"]).iter().filter(|choice| choice["type"] == "query") {
        let query = choice["query"]["query"].as_str().unwrap();
        let (selector, label) = query
            .strip_prefix("label_values(")
            .unwrap()
            .strip_suffix(')')
            .unwrap()
            .rsplit_once(", ")
            .unwrap();
        found.push(format!("count by ({label}) ({selector})").into());
    }
    assert!(found.len() > 10, "{found:?}");
    found.iter().map(|expr| as_chosen(expr.as_str().unwrap())).collect()
}

/// An expression with every variable set to All, as Grafana would send it.
fn as_chosen(expr: &str) -> String {
    let mut parts = expr.split("=~\"$");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (_variable, rest) = part.split_once('"').unwrap();
        text += "=~\".*\"";
        text += rest;
    }
    text.replace("$__rate_interval", "1m")
}

/// The expressions of a rule file, with recorded series replaced by their expressions.
pub(crate) fn rules(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(docker().join(format!("prometheus/rules/{name}.yml"))).unwrap();
    let value =
        |line: &str, key: &str| Some(line.trim_start_matches([' ', '-']).strip_prefix(key)?.to_owned());
    let (mut recorded, mut found): (Vec<(String, String)>, Vec<String>) = (Vec::new(), Vec::new());
    let mut record = None;
    for line in text.lines() {
        if let Some(name) = value(line, "record: ") {
            record = Some(name);
        } else if let Some(mut expr) = value(line, "expr: ") {
            for (name, of) in &recorded {
                expr = expr.replace(name, of);
            }
            recorded.extend(record.take().map(|name| (name, format!("({expr})"))));
            found.push(expr);
        }
    }
    assert_eq!(found.len(), text.matches("expr:").count(), "each is on a line of its own");
    found
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + format!("%{byte:02x}").as_str())
}

#[test]
fn a_dashboard_of_every_type_of_metric_has_data() {
    let port = free_port();
    let url = format!("127.0.0.1:{port}");
    let run = ["--config", "metric_types", "--embedded", "--pushgateway-url", &url];
    let mut run = promemu(&[&run[..], &["--speed", "5x"]].concat());
    let prometheus = Prometheus::scraping(port);
    let made = printed(&mut promemu_command(&["dashboard", "metric_types"]));
    for expr in expressions(&made) {
        // A heat map of a native histogram returns no number.
        eventually(&expr, || is_any(prometheus.api(&format!("query?query={}", encoded(&expr))).as_ref()?));
    }
    assert_eq!(run.terminate(), Some(0));
}

/// `true` if the expression returns data at some time of the exports.
fn has_data(prometheus: &Prometheus, expr: &str) -> bool {
    let (expr, end) = (encoded(expr), START + MINUTES * 60);
    let answer = prometheus.api(&format!("query_range?query={expr}&start={START}&end={end}&step=5"));
    answer.as_ref().and_then(is_any).is_some()
}

/// `true` if an answer has series.
fn is_any(answer: &Value) -> Option<()> {
    answer["data"]["result"].as_array().filter(|series| !series.is_empty()).map(|_| ())
}

#[test]
fn every_expression_of_dashboards_and_rules_has_data_where_its_config_runs() {
    let (dir, plugins) = (tempfile::tempdir().unwrap(), plugins());
    let data = dir.path().join("data");
    for args in EXPORTS {
        let file = dir.path().join(format!("{}.om", args[0]));
        let length = format!("{MINUTES}m");
        let mut command = promemu_command(&["export", "--from", "2026-01-05", "--for", &length]);
        command.args(["--step", "5s", "--seed", "7", "--plugins-dir"]).arg(plugins.path());
        command.arg("--out").arg(&file).args(args);
        printed(&mut command);
        let blocks = ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h"];
        content(Command::new("promtool").args(blocks).arg(&file).arg(&data));
    }
    let prometheus = Prometheus::with_data(&data);
    eventually("the blocks are there", || has_data(&prometheus, "process_threads").then_some(()));
    assert!(!has_data(&prometheus, "no_such_metric"));
    let dashboards = DASHBOARDS.iter().map(|(name, _)| *name).filter(|name| *name != "promemu");
    let asked = dashboards
        .flat_map(shipped)
        .chain(["hosts", "services", "kubernetes", "processes"].into_iter().flat_map(rules));
    // Its annotations are those of a timeline.
    let phases = expressions(&printed(&mut promemu_command(&["dashboard", "load_phases"])));
    let asked: Vec<String> = asked.chain(phases).collect();
    let silent: Vec<&String> = asked.iter().filter(|expr| !has_data(&prometheus, expr)).collect();
    assert!(silent.is_empty(), "{} of {} have no data: {silent:#?}", silent.len(), asked.len());
    assert!(asked.len() > 100, "only {} were found", asked.len());
}

/// The stack from packages, with its own ports and folder; it stops when dropped.
struct Stack {
    variables: Vec<(&'static str, String)>,
    prometheus: u16,
    pushgateway: u16,
    api: u16,
    _dir: tempfile::TempDir,
}

impl Stack {
    fn new(more: &[(&'static str, String)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (pushgateway, prometheus, api) = (free_port(), free_port(), free_port());
        let mut variables = vec![
            ("PROMEMU", env!("CARGO_BIN_EXE_promemu").to_owned()),
            ("STACK_DATA", dir.path().join("data").display().to_string()),
            ("SCRAPE_INTERVAL", "1s".to_owned()),
            ("PUSH_INTERVAL", "1s".to_owned()),
            ("PUSHGATEWAY_PORT", pushgateway.to_string()),
            ("PROMETHEUS_PORT", prometheus.to_string()),
            ("ALERTMANAGER_PORT", free_port().to_string()),
            ("PROMEMU_PORT", free_port().to_string()),
            ("PROMEMU_API_PORT", api.to_string()),
        ];
        variables.extend_from_slice(more);
        Self { variables, prometheus, pushgateway, api, _dir: dir }
    }

    /// Success and output of `./manage.sh` with these arguments.
    fn manage(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("manage.sh"));
        let output = command.args(args).envs(self.variables.iter().cloned()).output().unwrap();
        (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    }

    fn ask(&self, path: &str) -> Option<Value> {
        serde_json::from_str(&get(self.prometheus, &format!("/api/v1/{path}"))?).ok()
    }

    fn has_data(&self, expr: &str) -> bool {
        self.ask(&format!("query?query={}", encoded(expr))).as_ref().and_then(is_any).is_some()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.manage(&["stop", "--local"]);
    }
}

/// The left side of a rule's comparison: the whole expression returns data only during an incident.
fn compared(expr: &str) -> &str {
    let end = [" > ", " == "].iter().filter_map(|sign| expr.rfind(sign)).max();
    &expr[..end.unwrap()]
}

#[test]
fn the_stack_runs_from_packages_and_has_data_for_all_that_is_about_promemu() {
    let outputs = |gateway: u16| {
        // One of the servers is down.
        format!("pushgateway=http://127.0.0.1:{gateway} remote-write=http://127.0.0.3:1 scrape=127.0.0.1:0")
    };
    let mut stack =
        Stack::new(&[("PROMEMU_CONFIG_ARGS", "hosts_count=2 interval=1s metrics_interval=1s".to_owned())]);
    stack.variables.push(("PROMEMU_OUTPUT", outputs(stack.pushgateway)));
    let (is_started, said) = stack.manage(&["start", "--local", "alerting"]);
    assert!(is_started && said.contains(&format!("http://127.0.0.1:{}", stack.prometheus)), "{said}");
    assert!(said.contains("token: PROMEMU_API_TOKEN in docker/.env"), "{said}");

    let asked = shipped("promemu")
        .into_iter()
        .chain(rules("promemu").into_iter().map(|expr| compared(&expr).to_owned()));
    let failing = "increase(promemu_push_failures_total[1m]) > 0".to_owned();
    for expr in asked.chain([failing, "count(cpu_usage_percent) == 2".to_owned()]) {
        eventually(&expr, || stack.has_data(&expr).then_some(()));
    }
    eventually("the Alertmanager is known", || {
        let known = stack.ask("alertmanagers")?;
        (!known["data"]["activeAlertmanagers"].as_array()?.is_empty()).then_some(())
    });
    let groups = eventually("all rules are evaluated", || {
        let rules = stack.ask("rules")?;
        (!rules.to_string().contains("\"health\":\"unknown\"")).then_some(rules)
    });
    assert!(!groups.to_string().contains("\"health\":\"err\""), "{groups}");

    assert!(get(stack.api, "/health").is_some());
    assert_eq!(get(stack.api, "/api/v1/status"), None, "who has no token is not let in");

    let (is_up, said) = stack.manage(&["status"]);
    assert!(is_up && said.matches(" running ").count() == 4, "{said}");
    assert!(stack.manage(&["stop"]).0);
    assert_eq!(get(stack.prometheus, "/-/ready"), None);
    is_known_while_it_is_stopped(&stack);
}

/// A stopped stack from packages is still recognised as such, not as one in containers.
fn is_known_while_it_is_stopped(stack: &Stack) {
    let (is_up, said) = stack.manage(&["status"]);
    assert!(!is_up && said.matches("not running").count() == 4, "{said}");
    let (is_content, said) = stack.manage(&["logs", "promemu"]);
    assert!(is_content && said.starts_with("== promemu\n"), "{said}");
    let (is_content, said) = stack.manage(&["logs", "nope"]);
    assert!(!is_content && said.contains("there are no logs of nope; there are those of promemu"), "{said}");
    let (is_content, said) = stack.manage(&["config"]);
    assert!(is_content && said.contains("\nPROMEMU_API_TOKEN=") && said.contains("\ndata: "), "{said}");
    let (is_started, said) = stack.manage(&["start"]);
    assert!(!is_started && said.contains("./manage.sh start --local"), "{said}");
    let (is_content, said) = stack.manage(&["cleanup", "--yes"]);
    assert!(is_content && said.contains("data is deleted"), "{said}");
    let (is_content, said) = stack.manage(&["logs", "--local"]);
    assert!(!is_content && said.contains("there are no logs yet"), "{said}");
}

#[test]
fn a_development_stack_runs_a_class_without_a_pushgateway() {
    let (plugins, emulated) = (plugins(), free_port());
    let mut stack = Stack::new(&[("EMULATED_PORT", emulated.to_string())]);
    stack.variables.push(("PME_PLUGINS_DIR", plugins.path().display().to_string()));
    let (is_started, said) = stack.manage(&["simulate", "BlackFriday", "--local"]);
    assert!(is_started && said.contains(&format!("http://127.0.0.1:{emulated}/metrics")), "{said}");
    assert!(!said.contains("Pushgateway"), "{said}");
    assert_eq!(get(stack.pushgateway, "/-/ready"), None);
    // The class has phases, and the metrics keep the job of the class.
    for expr in [
        "scenario_phase",
        "count(otel_claude_code_active_sessions{job=\"user_population_blackfriday\"}) == 3",
    ] {
        eventually(expr, || stack.has_data(expr).then_some(()));
    }
    let targets = stack.ask("targets?state=active").unwrap().to_string();
    assert!(targets.contains("\"emulated\"") && !targets.contains("\"pushgateway\""), "{targets}");
    let (is_counted, said) = stack.manage(&["cardinality", "--top", "3"]);
    assert!(is_counted && said.contains("METRIC") && said.contains("series in memory"), "{said}");
    let (is_up, said) = stack.manage(&["status", "--dev"]);
    assert!(is_up && said.matches(" running ").count() == 3, "{said}");
    let (_, said) = stack.manage(&["config", "--dev"]);
    assert!(
        said.contains("\nPROMEMU_CLASS=\n") && said.contains("\nPROMEMU_CONFIG=user_population\n"),
        "{said}"
    );
    let (is_gone, said) = stack.manage(&["cleanup", "--dev", "--yes"]);
    assert!(is_gone && said.contains("promemu has ended"), "{said}");
    assert_eq!(get(stack.prometheus, "/-/ready"), None);
}

#[test]
fn each_setting_in_the_files_of_the_stack_is_read() {
    for (file, is_dev) in [("docker/.env", "no"), ("docker/dev.env", "yes")] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let mut command = Command::new("bash");
        command.args(["-euc", ". docker/stack.sh; read_stack_settings \"$0\"; exec env", is_dev]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        let read = String::from_utf8(output.stdout).unwrap();
        let settings = text.lines().filter(|line| !line.starts_with('#') && line.contains('='));
        let missing: Vec<&str> =
            settings.filter(|setting| !read.lines().any(|line| line == *setting)).collect();
        assert!(missing.is_empty(), "{file}: {missing:?} {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_profile_resilience_puts_load_on_servers_behind_proxies_and_stop_ends_all_of_them() {
    let plugins = plugins();
    let ports =
        ["MEMCACHE1", "MEMCACHE2", "MEMCACHE3", "PROXY1", "PROXY2", "PROXY3", "PROXY", "LOAD", "SCENARIO"];
    let names = ports.map(|name| -> &'static str { format!("{name}_PORT").leak() });
    let variables = names.map(|name| (name, free_port().to_string()));
    let port = |name: &str| variables.iter().find(|(known, _)| *known == name).unwrap().1.parse().unwrap();
    let mut stack = Stack::new(&variables);
    stack.variables.push(("PME_PLUGINS_DIR", plugins.path().display().to_string()));
    let (is_started, said) = stack.manage(&["start", "--local", "resilience"]);
    assert!(
        is_started && said.contains(&format!("http://127.0.0.1:{}/metrics", port("LOAD_PORT"))),
        "{said}"
    );
    let query = "sum(rate(memcache_operations_total{job=\"memcached_load\",status=\"success\"}[5s])) > 300";
    for query in [query, "scenario_phase{scenario=\"resilience_baseline\"} == 1"] {
        eventually(query, || stack.has_data(query).then_some(()));
    }
    let proxies = get(port("PROXY_PORT"), "/proxies").unwrap();
    let upstream = format!("\"upstream\":\"127.0.0.1:{}\"", port("MEMCACHE2_PORT"));
    assert!(proxies.contains("memcache3") && proxies.contains(&upstream), "{proxies}");
    let (is_up, said) = stack.manage(&["status"]);
    assert!(
        is_up && said.contains("\nload ") && said.contains("\nscenarios ") && said.contains("\nmemcache2 "),
        "{said}"
    );
    let (is_stopped, said) = stack.manage(&["stop"]);
    assert!(is_stopped && said.contains("load has ended") && said.contains("memcache3 has ended"), "{said}");
    assert_eq!(get(port("PROXY_PORT"), "/version"), None);
    let (is_gone, said) = stack.manage(&["cleanup", "--yes"]);
    assert!(is_gone, "{said}");
    let lengths = ["stabilization=3s", "testing=6s", "recovery=12s"];
    let (has_passed, said) = stack.manage(&[&["resilience", "Partition"], &lengths[..]].concat());
    assert!(has_passed && said.contains("6 passed"), "{said}");
    for name in ["load", "prometheus", "proxy", "memcache1"] {
        assert!(said.contains(&format!("{name} has ended")), "{name}: {said}");
    }
    assert_eq!(get(port("PROXY_PORT"), "/version"), None);
}

/// Exit code and output of `./manage.sh` with a promemu that says how it is called, and fails for all classes.
fn with_a_promemu_that_says_its_words(args: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("promemu");
    let script =
        "#!/bin/sh\necho \"promemu $*\"\ncase \"$*\" in *all-classes*) exit 3 ;; *' - '*) cat ;; esac\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("manage.sh"));
    let output = command.args(args).env("PROMEMU", &program).env("PROMETHEUS_PORT", "9").output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn words_of_the_script_are_commands_of_promemu() {
    let run = with_a_promemu_that_says_its_words;
    let judged = |class: &str| {
        let rules = "docker/prometheus/rules/user_population.yml";
        format!(
            "promemu test user_population --class {class} --rules {rules} --html test_results/{class}.html"
        )
    };
    let all = "--rules docker/prometheus/rules/user_population.yml --html test_results/user_population.html";
    let items =
        ["A", "B"].map(|class| format!("Item(config: \"user_population\", class: \"{class}\"), ")).concat();
    let measured = "promemu test --live --prometheus http://p:9 --dashboard docker/grafana/dashboards/users_cost.json \
         --dashboard docker/grafana/dashboards/users_overview.json --dashboard docker/grafana/dashboards/users_reliability.json --json -\n";
    for (args, code, expected) in [
        (&["simulate", "Baseline", "--seed", "5"][..], 0, judged("Baseline") + " --seed 5\n"),
        (&["scenarios"], 3, format!("promemu test user_population --all-classes {all}\n")),
        (&["scenarios", "A", "B", "--concurrent"], 0, format!("promemu test - --parallel {all}\nPlaylist(items: [{items}])\n")),
        (&["dashboards", "http://p:9", "--json", "-"], 0, measured.to_owned()),
        (&["cardinality", "http://p:9", "--watch"], 0, "promemu cardinality http://p:9 --watch\n".to_owned()),
        (&["cardinality"], 0, "promemu cardinality http://127.0.0.1:9\n".to_owned()),
        (&["export-data", "shop.ron", "hosts=5", "--out", "d"], 0, "promemu export shop.ron hosts=5 --out d\n".to_owned()),
        (
            &["export-data", "--for", "1h"],
            0,
            "promemu export user_population --format blocks --out test_results/user_population-blocks --for 1h\n".to_owned(),
        ),
    ] {
        assert_eq!(run(args), (Some(code), expected), "{args:?}");
    }
}

#[test]
fn words_of_the_script_have_the_exit_codes_of_promemu_and_are_in_its_help() {
    let run = with_a_promemu_that_says_its_words;
    for concurrent in [&[][..], &["--concurrent"]] {
        let (code, said) = run(&[&["scenarios"], concurrent].concat());
        assert_eq!((code, said.matches("--all-classes").count()), (Some(3), 1), "one class fails: {said}");
    }
    let (code, said) = run(&["dashboards"]);
    assert!(
        code == Some(0) && said.contains("test docker/prometheus/tests/user_population.ron --rules "),
        "{said}"
    );
    let (code, said) = run(&["validate"]);
    assert!(
        code == Some(0) && said.starts_with("promemu check --all\n") && said.contains("SUCCESS"),
        "{said}"
    );
    for wrong in
        [&["simulate"][..], &["simulate", "A", "--local", "b"], &["scenarios", "--fast"], &["validate", "x"]]
    {
        assert_eq!(run(wrong).0, Some(2), "{wrong:?}");
    }
    let (_, help) = run(&["help"]);
    for word in [
        "simulate CLASS",
        "scenarios [",
        "load [",
        "dashboards [",
        "cardinality [",
        "validate ",
        "export-data [",
        "--dev",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}

#[test]
fn each_variable_of_the_stack_has_a_value() {
    let read = |name: &str| std::fs::read_to_string(docker().join(name)).unwrap();
    let names = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.split_once('='));
        lines.map(|(name, _)| name.to_owned()).filter(|name| !name.starts_with('#')).collect()
    };
    let (settings, compose) = (names(&read(".env")), read("compose.yaml"));
    let used = compose.split("${").skip(1).map(|rest| rest.split('}').next().unwrap());
    for name in used.chain(names(&read("dev.env")).iter().map(String::as_str)) {
        assert!(settings.iter().any(|known| known == name), "{name} is not in .env");
    }
}

#[test]
fn the_script_in_docker_passes_its_commands_on() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = |script: &str, from: &Path, args: &[&str]| {
        let output = Command::new(folder.join(script)).args(args).current_dir(from).output().unwrap();
        (output.status.code(), output.stdout, output.stderr)
    };
    for args in [&["help"][..], &["no-such-command"], &[]] {
        let expected = run("manage.sh", folder, args);
        assert!(!expected.1.is_empty() || !expected.2.is_empty());
        for from in [folder, &folder.join("docker"), Path::new("/")] {
            assert_eq!(run("docker/manage.sh", from, args), expected, "{args:?} from {}", from.display());
        }
    }
}

#[test]
fn a_port_that_is_taken_is_said_before_anything_is_started() {
    let gateway = Pushgateway::start();
    let stack = Stack::new(&[("PUSHGATEWAY_PORT", gateway.port.to_string())]);
    let (is_started, said) = stack.manage(&["start", "--local"]);
    assert!(!is_started && said.contains("choose another port: PUSHGATEWAY_PORT in docker/.env"), "{said}");
    assert_eq!(get(stack.prometheus, "/-/ready"), None);
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn the_demo_says_where_it_can_be_seen_and_scraped() {
    // The first cargo on the PATH does nothing, so the binary that is already built runs.
    let dir = tempfile::tempdir().unwrap();
    let cargo = dir.path().join("cargo");
    std::fs::write(&cargo, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::create_dir(dir.path().join("demo")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_promemu"), dir.path().join("demo/promemu")).unwrap();
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", "exec ./manage.sh demo >&2"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PME_")) {
        command.env_remove(name);
    }
    let mut demo = Process::start(command.env("PATH", path).env("CARGO_TARGET_DIR", dir.path()));
    let port = |before: &str, after: &str| {
        let log = demo.log();
        log.split_once(before)?.1.split_once(after)?.0.parse().ok()
    };
    let metrics = eventually("its metrics", || port("the metrics are at http://127.0.0.1:", "/metrics,"));
    let page = eventually("its page", || port("see it live (Ctrl-C stops): http://127.0.0.1:", "/\n"));
    assert!(get(page, "/").is_some());
    eventually("it is scraped", || get(metrics, "/metrics")?.contains("cpu_usage_percent").then_some(()));
    assert_eq!(demo.terminate(), Some(0));
    assert_eq!(demo.count_in_log("{\"timestamp\""), 0, "there are no reports between its lines");
}
