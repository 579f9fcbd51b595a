//! Simulated processes in a real Pushgateway and a real Prometheus, and their configs without the plugin.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::processes::{
    Process, Prometheus, Pushgateway, eventually, free_port, get, label, promemu_command, series, value,
};

/// A folder with the plugins of shipped configs only, which cargo builds for the tests.
pub(crate) fn plugins() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for plugin in ["memcached", "population", "processes"] {
        let name = format!("libpromemu_{plugin}.{}", std::env::consts::DLL_EXTENSION);
        let built = std::env::current_exe().unwrap().with_file_name(&name);
        fs::copy(built, folder.path().join(name)).unwrap();
    }
    folder
}

fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn pids(page: &str) -> BTreeSet<String> {
    series(page, "process_threads").iter().map(|line| label(line, "pid").to_owned()).collect()
}

/// Number of series of all processes.
fn count(page: &str) -> usize {
    let has_process = |line: &&&str| !label(line, "process").is_empty();
    series(page, "").iter().filter(has_process).count()
}

#[test]
fn under_churn_the_number_of_series_stays_and_ended_processes_disappear() {
    const PROCESSES: usize = 30;
    let (plugins, gateway) = (plugins(), Pushgateway::start());
    let prometheus = Prometheus::scraping(gateway.port);
    let page = free_port();
    let (group, served) = (format!("pushgateway={}", gateway.url()), format!("scrape=127.0.0.1:{page}"));
    // 10 processes are replaced each second.
    let mut run = Process::start(&mut promemu_command(&[
        "--config",
        "processes_churn",
        "--plugins-dir",
        arg(plugins.path()),
        "--push-interval",
        "500ms",
        "--output",
        &group,
        "--output",
        &served,
        "--config-args",
        "process_count=30",
        "churn_rate=20",
        "interval=200ms",
        "update_interval=200ms",
    ]));
    let all = 6 * PROCESSES;
    eventually("all are pushed", || (count(&gateway.metrics()) == all).then_some(()));
    let live = || prometheus.query("count({process!=\"\"})").unwrap_or(0.0);
    let ever = || prometheus.query("count(count_over_time(process_threads[10m]))").unwrap_or(0.0);
    eventually("all are scraped", || (live() > 0.0).then_some(()));
    let pushes =
        || -> f64 { series(&gateway.metrics(), "push_time_seconds").iter().map(|line| value(line)).sum() };
    for more in [1.5, 2.0, 3.0] {
        let before = pids(&eventually("the page", || get(page, "/metrics")));
        eventually("more were seen than live", || {
            assert_eq!((live(), count(&gateway.metrics())), (180.0, all));
            (ever() > more * 30.0).then_some(())
        });
        // On a busy machine more processes may have ended before the first look at the page.
        let gone: BTreeSet<_> = eventually("some have ended", || {
            let now = pids(&get(page, "/metrics")?);
            assert_eq!(now.len(), PROCESSES);
            Some(before.difference(&now).cloned().collect()).filter(|gone: &BTreeSet<_>| !gone.is_empty())
        });
        // A push in progress may have begun earlier; the next one has not.
        for _ in 0..2 {
            let last = pushes();
            eventually("another push", || (pushes() > last).then_some(()));
        }
        let left = pids(&gateway.metrics());
        assert!(gone.is_disjoint(&left), "{gone:?} have ended, and {left:?} are there");
    }
    assert_eq!(run.terminate(), Some(0));
    assert!(!run.log().contains("WARN") && !run.log().contains("ERROR"), "{}", run.log());
    assert_eq!(count(&gateway.metrics()), 0);
    eventually("Prometheus has none of them any more", || (live() < 1.0).then_some(()));
}

#[test]
fn without_the_plugin_its_configs_are_listed_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = promemu_command(args).current_dir(folder.path()).output().unwrap();
        let [said, printed] = [output.stderr, output.stdout].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), said, printed)
    };
    let missing = "workload \"processes\" is in the plugin processes, which is missing; build it with \
                   ./manage.sh plugins, or name its folder with --plugins-dir";
    let (code, said, _) = run(&["check", "processes_churn"]);
    assert_eq!((code, said), (Some(2), format!("error: processes_churn.ron:44:31: {missing}\n")));
    let (code, said, _) = run(&["--config", "processes_chaos", "--config-args", "chaos=1"]);
    assert!(code == Some(2) && said.contains(missing), "{said}");
    let (code, said, printed) = run(&["check", "--all"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let skipped: Vec<&str> = printed.lines().filter(|line| line.contains(missing)).collect();
    let [skipped] = skipped.as_slice() else { panic!("one line names them all: {printed}") };
    assert!(skipped.starts_with("skipped: processes, processes_chaos, processes_churn, "), "{printed}");
    let (code, _, printed) = run(&["--list-configs"]);
    assert!(code == Some(0) && !printed.contains("cannot be used"), "{printed}");
    assert!(printed.contains("  a machine on which half of the processes"), "{printed}");
    let plugins = plugins();
    let (code, _, printed) = run(&["check", "--all", "--plugins-dir", arg(plugins.path())]);
    assert!(code == Some(0) && printed.lines().any(|line| line.starts_with("processes_churn ")), "{printed}");
}

#[test]
fn a_profile_in_a_file_is_checked_and_run() {
    let (folder, plugins) = (tempfile::tempdir().unwrap(), plugins());
    let guide =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/process-simulator.md")).unwrap();
    let profile = guide.split("```ron\n").find(|text| text.starts_with("Profile(")).unwrap();
    let profile = profile.split("```").next().unwrap();
    let run = |profile: &str, args: &[&str]| {
        fs::write(folder.path().join("shop.ron"), profile).unwrap();
        let args = [
            args,
            &["--plugins-dir", arg(plugins.path()), "--config-args", "profile=shop.ron", "process_count=20"],
        ];
        let output = promemu_command(&args.concat()).current_dir(folder.path()).output().unwrap();
        let [said, printed] = [output.stderr, output.stdout].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), said, printed)
    };
    let (code, said, printed) = run(profile, &["--config", "processes_churn", "--once"]);
    assert_eq!(code, Some(0), "{said}");
    let names: BTreeSet<&str> =
        series(&printed, "process_threads").iter().map(|line| label(line, "process")).collect();
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["shop-db", "shop-job", "shop-web"]);
    let (code, said, _) = run(&profile.replace("critical", "urgent"), &["check", "processes_churn"]);
    assert_eq!(code, Some(2));
    let place = "shop.ron:5:63: unknown priority \"urgent\"";
    assert!(said.contains(place), "{said}");
}

#[test]
fn processes_can_have_the_names_of_hostmetrics() {
    let (folder, plugins) = (tempfile::tempdir().unwrap(), plugins());
    let config = r#"Config(default_job_name: "j", hosts: [Host(name: "h", interval: "15s", pools: [
        Pool(workload: processes(process_count: 20), update_interval: "15s"),
        Pool(workload: processes_hostmetrics(process_count: 20, churn_rate: 2), update_interval: "15s"),
    ])])"#;
    fs::write(folder.path().join("a.ron"), config).unwrap();
    let args =
        ["export", "a.ron", "--seed", "7", "--for", "5m", "--to", "2026-01-05T00:00Z", "--plugins-dir"];
    let output = promemu_command(&[&args, &[arg(plugins.path())][..]].concat())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let [said, page] = [output.stderr, output.stdout].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && !said.contains("WARN"), "{said}");
    let redis = series(&page, "").into_iter().filter(|line| {
        label(line, "process_executable_name") == "redis-server" && line.ends_with(" 1767571200")
    });
    let labels = [
        "process_parent_pid=\"1\"",
        "process_executable_name=\"redis-server\"",
        "process_executable_path=\"/usr/bin/redis-server\"",
        "process_command=\"/usr/bin/redis-server\"",
        "process_command_line=\"/usr/bin/redis-server\"",
        "process_owner=\"redis\"",
    ];
    let mut shown: Vec<String> = redis
        .map(|line| {
            assert!(
                line.contains(&labels.join(",")) && label(line, "process_pid").parse::<u32>().is_ok(),
                "{line}"
            );
            let own = line.split_once("process_owner=\"redis\",").unwrap().1;
            format!("{} {}", line.split('{').next().unwrap(), own.trim_end_matches(" 1767571200"))
        })
        .collect();
    shown.sort();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    process_cpu_time_seconds_total state="system",job="j"} 4.12
    process_cpu_time_seconds_total state="user",job="j"} 12.36
    process_cpu_time_seconds_total state="wait",job="j"} 0
    process_disk_io_bytes_total direction="read",job="j"} 17280266
    process_disk_io_bytes_total direction="write",job="j"} 4320066
    process_memory_usage_bytes job="j"} 243568640
    process_memory_virtual_bytes job="j"} 411340800
    process_open_file_descriptors job="j"} 35
    process_threads job="j"} 4
    process_uptime_seconds job="j"} 285
    "#);
    assert!(series(&page, "process_threads").iter().any(|line| label(line, "process") == "java"));
    let pids: BTreeSet<&str> =
        series(&page, "process_threads").iter().map(|line| label(line, "process_pid")).collect();
    assert!(pids.len() > 100, "2 times 20 a minute come: {pids:?}");
}

#[test]
fn charts_of_processes_mark_faults_and_not_each_update() {
    let plugins = plugins();
    let chart = |metric: &str| {
        let args = [
            "plot",
            "processes_chaos",
            "--for",
            "10m",
            "--seed",
            "3",
            "--host",
            "server",
            "--metric",
            metric,
        ];
        let output =
            promemu_command(&[&args, &["--plugins-dir", arg(plugins.path())][..]].concat()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let (own, all) = (chart("^machine_processes_pids$"), chart("^process_threads$"));
    assert!(own.contains("how many processes") && !own.contains("processes_counted"), "{own}");
    assert!(!all.contains("processes_counted"), "{all}");
    for event in ["cpu_spike", "memory_leak", "kill", "fork_storm"] {
        assert!(all.contains(event), "{event} is not marked: {all}");
    }
}
