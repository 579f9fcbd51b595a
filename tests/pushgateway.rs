//! Against a real Pushgateway: what arrives, and that nothing is left behind.

use crate::processes::{
    Process, Prometheus, Pushgateway, changed_config, eventually, free_port, http, label, promemu,
    promemu_command, promtool_errors, series, value,
};

/// Quick intervals, so that tests need not wait.
const QUICK: [&str; 4] = ["hosts_count=5", "interval=1s", "metrics_interval=1s", "hosts_ttl=10m"];

fn with_peaks(gateway: &Pushgateway, more: &[&str]) -> Process {
    let url = gateway.url();
    let mut args =
        vec!["--config", "hosts_load_with_peaks", "--pushgateway-url", &url, "--push-interval", "1s"];
    args.extend(more);
    args.push("--config-args");
    args.extend(
        QUICK
            .iter()
            .filter(|arg| !more.iter().any(|m| m.starts_with("hosts_ttl") && arg.starts_with("hosts_ttl"))),
    );
    promemu(&args)
}

/// A config with one host in the job `steady`, under a name of its own.
fn steady_config(job: &str) -> tempfile::TempDir {
    changed_config(
        "single_host_load",
        &[
            ("default_job_name: \"{job}\"", &format!("default_job_name: \"{job}\"")),
            ("interval\": Arg(default: \"10s\"", "interval\": Arg(default: \"1s\""),
        ],
    )
}

fn steady(gateway: &Pushgateway, dir: &tempfile::TempDir, more: &[&str]) -> Process {
    let (url, dir) = (gateway.url(), dir.path().display().to_string());
    let args = [
        "--config",
        "single_host_load",
        "--configs-dir",
        &dir,
        "--pushgateway-url",
        &url,
        "--push-interval",
        "1s",
    ];
    promemu(&[&args, more].concat())
}

fn wait_for_groups(gateway: &Pushgateway, count: usize) -> Vec<String> {
    eventually(&format!("{count} groups on the gateway"), || {
        Some(gateway.jobs()).filter(|groups| groups.len() == count)
    })
}

fn push_by_hand(gateway: &Pushgateway, path: &str) {
    let (status, body) = http("PUT", gateway.port, path, "handmade 1\n").unwrap();
    assert_eq!(status, 200, "{body}");
}

#[test]
fn the_run_is_one_group_of_6_hosts_16_families_and_76_series() {
    let gateway = Pushgateway::start();
    let mut run = with_peaks(&gateway, &[]);
    let is_own =
        |line: &&str| label(line, "job").starts_with("hosts_load_peaks_") && !line.starts_with("push_");
    let exposition = eventually("all series are there", || {
        let exposition = gateway.metrics();
        let own = series(&exposition, "").into_iter().filter(is_own).count();
        (own == 77).then_some(exposition)
    });
    let own: Vec<&str> = series(&exposition, "").into_iter().filter(is_own).collect();
    let emulated: Vec<&str> =
        own.iter().filter(|line| !line.starts_with("promemu_run_info{")).copied().collect();
    let distinct = |of: &dyn Fn(&str) -> String| {
        let mut all: Vec<String> = emulated.iter().map(|line| of(line)).collect();
        all.sort();
        all.dedup();
        all.len()
    };
    assert_eq!(emulated.len(), 76);
    assert_eq!(distinct(&|line| line.split('{').next().unwrap().to_owned()), 16);
    assert_eq!(distinct(&|line| label(line, "name").to_owned()), 6);
    assert_eq!(gateway.jobs().len(), 1);
    let info = series(&exposition, "promemu_run_info")[0];
    assert_eq!((label(info, "config"), label(info, "push_interval")), ("hosts_load_with_peaks", "1"));
    assert_eq!(promtool_errors(&exposition), Vec::<String>::new());

    let prometheus = Prometheus::scraping(gateway.port);
    eventually("Prometheus counts 5 workers", || {
        prometheus.query("count(cpu_usage_percent)").filter(|count| *count > 4.9 && *count < 5.1)
    });
    eventually("and 5 in workers_count", || {
        prometheus.query("sum(workers_count)").filter(|sum| *sum > 4.9 && *sum < 5.1)
    });

    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn in_a_peak_every_worker_is_busy_within_one_update_interval() {
    let gateway = Pushgateway::start();
    let dir =
        changed_config("hosts_load_with_peaks", &[("start_time: \"{first_peak}\"", "start_time: \"3s\"")]);
    let dir = dir.path().display().to_string();
    let _run = with_peaks(&gateway, &["--configs-dir", &dir]);
    let busy = |exposition: &str| {
        series(exposition, "cpu_usage_percent").iter().filter(|line| value(line) > 75.0).count()
    };
    eventually("the workers idle", || {
        let exposition = gateway.metrics();
        (series(&exposition, "cpu_usage_percent").len() == 5 && busy(&exposition) == 0).then_some(())
    });
    eventually("the workers are busy", || (busy(&gateway.metrics()) == 5).then_some(()));
    let exposition = gateway.metrics();
    assert!(
        series(&exposition, "heavy_task_active").iter().all(|line| value(line) > 0.5),
        "the balancer is at its task"
    );
}

#[test]
fn text_and_protobuf_bring_the_same_series() {
    let gateway = Pushgateway::start();
    let names = |format: &str| {
        let mut run = with_peaks(&gateway, &["--push-format", format, "--seed", "1"]);
        let names = eventually("all series are there", || {
            let exposition = gateway.metrics();
            let own: Vec<String> = series(&exposition, "")
                .iter()
                .filter(|l| {
                    label(l, "job").starts_with("hosts_load")
                        && !l.starts_with("push_")
                        && !l.starts_with("promemu")
                })
                .map(|line| {
                    let (head, _) = line.rsplit_once(' ').unwrap();
                    head.replace(label(line, "job"), "JOB")
                })
                .collect();
            (own.len() == 76).then_some(own)
        });
        assert_eq!(run.terminate(), Some(0));
        names
    };
    assert_eq!(names("text"), names("protobuf"));
}

/// A folder with a config `c.ron` whose hosts have these jobs, and a histogram and a summary each.
fn numbered(jobs: &[&str]) -> (tempfile::TempDir, String) {
    let metrics = "Metric(name: \"sizes\", metric_type: histogram, buckets: [0.00001, 0.5, 100000, 1000000, 3690987520], default_value: 2),
        Metric(name: \"shares\", metric_type: summary, quantiles: [0.00001, 0.5], default_value: 1)";
    let host = |(index, job): (usize, &&str)| {
        format!("Host(name: \"h{index}\", job_name: {job:?}, interval: \"200ms\", metrics: [{metrics}])")
    };
    let hosts: Vec<String> = jobs.iter().enumerate().map(host).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.ron");
    std::fs::write(&path, format!("Config(hosts: [{}])", hosts.join(", "))).unwrap();
    (dir, path.display().to_string())
}

#[test]
fn numbers_in_labels_have_the_same_text_in_every_format() {
    let (_dir, config) = numbered(&["numbers"]);
    let mut texts = Vec::new();
    for format in ["protobuf", "text"] {
        let gateway = Pushgateway::start();
        let url = gateway.url();
        let args = [
            "--config",
            &config,
            "--pushgateway-url",
            &url,
            "--push-interval",
            "200ms",
            "--push-format",
            format,
        ];
        let mut run = promemu(&args);
        let page = eventually("its series", || {
            Some(gateway.metrics()).filter(|page| !series(page, "shares").is_empty())
        });
        let of = |family: &str, name: &str| -> Vec<String> {
            series(&page, family).into_iter().map(|line| label(line, name).to_owned()).collect()
        };
        texts.push([of("sizes_bucket", "le"), of("shares", "quantile")]);
        assert_eq!(run.terminate(), Some(0));
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[1][0], ["1e-05", "0.5", "100000", "1e+06", "3.69098752e+09", "+Inf"]);
    assert_eq!(texts[1][1], ["1e-05", "0.5"]);
}

#[test]
fn jobs_that_differ_in_a_character_that_urls_lose_have_groups_of_their_own() {
    let jobs = ["ab", "a\tb", "a\nb", "a\rb"];
    let (_dir, config) = numbered(&jobs);
    let gateway = Pushgateway::start();
    let mut run =
        promemu(&["--config", &config, "--pushgateway-url", &gateway.url(), "--push-interval", "200ms"]);
    let seen = wait_for_groups(&gateway, 4);
    assert_eq!(seen, ["a\tb", "a\rb", "a\\nb", "ab"], "the page escapes line ends");
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups(), [""; 0], "all are deleted");
}

#[test]
fn after_its_ttl_the_run_ends_and_its_group_is_gone() {
    let gateway = Pushgateway::start();
    let mut run = with_peaks(&gateway, &["--config-args", "hosts_ttl=5"]);
    wait_for_groups(&gateway, 1);
    assert_eq!(run.wait(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new());
    assert!(run.log().contains("all hosts have ended"), "{}", run.log());
}

#[test]
fn a_job_whose_last_host_has_gone_leaves_before_the_run_ends() {
    let gateway = Pushgateway::start();
    let dir = changed_config(
        "hosts_load_with_peaks",
        &[
            (
                "ttl: \"{hosts_ttl}\",\n            interval: \"{interval}\",\n            labels: { \"environment\": \"stage\" },\n            listen_events",
                "ttl: \"4s\",\n            interval: \"{interval}\",\n            labels: { \"environment\": \"stage\" },\n            listen_events",
            ),
            ("default: false", "default: true"),
        ],
    );
    let dir = dir.path().display().to_string();
    let mut run = with_peaks(&gateway, &["--configs-dir", &dir]);
    let groups = wait_for_groups(&gateway, 2);
    assert!(groups.iter().any(|job| job.contains("balancer")), "{groups:?}");
    let groups = wait_for_groups(&gateway, 1);
    assert!(!groups[0].contains("balancer"), "{groups:?}");
    assert!(run.is_running());
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn after_kill_9_the_next_start_cleans_up_and_leaves_strangers_alone() {
    let gateway = Pushgateway::start();
    push_by_hand(&gateway, "/metrics/job/stranger");
    push_by_hand(&gateway, "/metrics/job/orphan/instance/1");
    let orphan = steady_config("orphan");
    let run = steady(&gateway, &orphan, &[]);
    wait_for_groups(&gateway, 3);
    run.kill_unreaped();
    assert_eq!(gateway.jobs(), ["orphan", "orphan", "stranger"]);

    let mut next = with_peaks(&gateway, &[]);
    let groups = eventually("the next run has pushed", || {
        Some(gateway.jobs()).filter(|g| g.iter().any(|job| job.starts_with("hosts_load")))
    });
    assert_eq!(
        (groups.len(), groups[1].as_str(), groups[2].as_str()),
        (3, "orphan", "stranger"),
        "{groups:?}"
    );
    assert!(gateway.metrics().contains("handmade{instance=\"1\",job=\"orphan\"} 1"));
    assert_eq!(next.terminate(), Some(0));
    assert_eq!(gateway.groups(), ["orphan", "stranger"]);
}

#[test]
fn the_page_of_a_gateways_metrics_is_no_gateway() {
    let gateway = Pushgateway::start();
    for url in [format!("{}/metrics", gateway.url()), format!("{}/metrics/", gateway.url())] {
        for command in [&["run", "single_host_load", "--listen", "off"][..], &["clean"]] {
            let args = [command, &["--pushgateway-url", &url]].concat();
            let output = promemu_command(&args).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
            assert!(said.trim_end().ends_with("; write the URL without /metrics"), "{args:?}: {said}");
        }
    }
}

#[test]
fn with_clean_up_off_the_groups_stay() {
    let gateway = Pushgateway::start();
    let mut run = with_peaks(&gateway, &["--cleanup-on-finish=false"]);
    eventually("all workers are there", || {
        (series(&gateway.metrics(), "cpu_usage_percent").len() == 5).then_some(())
    });
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(series(&gateway.metrics(), "cpu_usage_percent").len(), 5, "with their last values");
    let mut run = with_peaks(
        &gateway,
        &["--cleanup-on-finish=false", "--cleanup-on-start=false", "--config-args", "hosts_ttl=4"],
    );
    assert_eq!(run.wait(), Some(0));
    assert_eq!(gateway.groups().len(), 2);
    let mut run = with_peaks(&gateway, &[]);
    run.wait_for_log("deleted=2 orphans=2");
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn a_job_of_somebody_else_is_refused_and_not_touched() {
    let gateway = Pushgateway::start();
    let config = steady_config("taken");
    push_by_hand(&gateway, "/metrics/job/taken");
    let mut refused = steady(&gateway, &config, &[]);
    assert_eq!(refused.wait(), Some(1));
    assert!(
        refused.log().contains("job \"taken\" on the pushgateway was pushed by something else"),
        "{}",
        refused.log()
    );
    assert!(gateway.metrics().contains("handmade{instance=\"\",job=\"taken\"} 1"));

    let config = steady_config("alive");
    let _alive = steady(&gateway, &config, &[]);
    eventually("the first run has pushed", || gateway.groups().contains(&"alive".to_owned()).then_some(()));
    let mut refused = steady(&gateway, &config, &[]);
    assert_eq!(refused.wait(), Some(1));
    assert!(refused.log().contains("belongs to a promemu that is alive"), "{}", refused.log());
    assert_eq!(gateway.jobs(), ["alive", "taken"]);
}

#[test]
fn clean_deletes_what_dead_runs_left_and_all_what_living_ones_have() {
    let gateway = Pushgateway::start();
    push_by_hand(&gateway, "/metrics/job/stranger");
    let (dead, alive) = (steady_config("dead"), steady_config("alive"));
    let mut run = steady(&gateway, &dead, &[]);
    let living = steady(&gateway, &alive, &[]);
    wait_for_groups(&gateway, 3);
    run.signal("-KILL");
    run.wait();
    let clean = |flags: &[&str]| promemu(&[flags, &["--pushgateway-url", &gateway.url()]].concat()).wait();
    assert_eq!(clean(&["clean"]), Some(0));
    assert_eq!(gateway.jobs(), ["alive", "stranger"]);
    living.signal("-STOP");
    assert_eq!(clean(&["clean", "--all"]), Some(0));
    assert_eq!(gateway.groups(), ["stranger"]);
}

#[test]
fn a_gateway_that_comes_back_gets_current_values() {
    // An address of its own: no other test's gateway may take it while this one is away.
    let (host, port) = ("127.0.0.2", free_port());
    let gateway = Pushgateway::start_on(host, port);
    let config = changed_config(
        "single_host_load",
        &[
            ("\"{job}\",\n    hosts", "\"job/with a slash\",\n    hosts"),
            ("interval\": Arg(default: \"10s\"", "interval\": Arg(default: \"200ms\""),
        ],
    );
    let mut run = steady(&gateway, &config, &["--push-interval=200ms", "--debug"]);
    wait_for_groups(&gateway, 1);
    let pushed_before = value(series(&gateway.metrics(), "push_time_seconds")[0]);
    gateway.stop();
    run.wait_for_log("output is away");
    let gateway = Pushgateway::start_on(host, port);
    run.wait_for_log("output is back");
    assert_eq!(wait_for_groups(&gateway, 1), ["job/with a slash"]);
    assert!(value(series(&gateway.metrics(), "push_time_seconds")[0]) > pushed_before);
    assert_eq!(
        (run.count_in_log("output is away"), run.count_in_log("output is back")),
        (1, 1),
        "{}",
        run.log()
    );
    assert_eq!(run.count_in_log("host_stopped"), 0, "no host has stopped");
    assert_eq!(run.terminate(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new());
}
