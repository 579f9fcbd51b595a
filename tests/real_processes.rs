//! The plugin `processes` with real processes: what they use, and that they end with promemu, however it ends.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::plugins::{Folder, text};
use crate::processes::{Process, eventually, free_port, get, label, series, value};

/// As `/proc` counts: proc(5).
const TICKS_PER_SEC: f64 = 100.0;

/// What `ps` would say of a process: its group, its state, and the CPU of it and of those it waited for, in ticks.
fn stat(pid: &str) -> Option<(u32, String, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields[11..15].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    Some((fields[2].parse().ok()?, fields[0].to_owned(), ticks))
}

/// All processes of these groups that live: the CPU of each group in seconds.
fn groups(leaders: &[u32]) -> BTreeMap<u32, f64> {
    let mut groups = BTreeMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some((group, state, ticks)) = entry.file_name().to_str().and_then(stat) else { continue };
        if leaders.contains(&group) && state != "Z" {
            *groups.entry(group).or_default() += ticks / TICKS_PER_SEC;
        }
    }
    groups
}

/// A run that has real processes, and their pids by their names.
struct Run {
    promemu: Process,
    port: u16,
    folder: Folder,
}

impl Run {
    /// With these parameters; `path` is where programs are looked for.
    fn start(parameters: &str, metrics: &str, path: Option<&Path>) -> Self {
        let folder = Folder::of_processes();
        write(&folder, parameters, metrics);
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}");
        let mut command =
            folder.command(&["--config", "a.ron", "--embedded", "--watch", "--pushgateway-url", &url]);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        Self { promemu: Process::start(&mut command), port, folder }
    }

    fn page(&self) -> Option<String> {
        get(self.port, "/metrics")
    }

    /// The pids, when there are so many.
    fn pids(&self, count: usize) -> Vec<u32> {
        eventually("all real processes are there", || {
            let page = self.page()?;
            let cpu = series(&page, "process_cpu_seconds_total");
            let pids: Vec<u32> = cpu.iter().map(|line| label(line, "pid").parse().unwrap()).collect();
            (pids.len() == count).then_some(pids)
        })
    }

    /// The CPU of the process of this name, as it is shown.
    fn of(&self, name: &str) -> Option<String> {
        let page = self.page()?;
        let cpu = series(&page, "process_cpu_seconds_total");
        cpu.into_iter().find(|line| label(line, "process") == name).map(str::to_owned)
    }

    fn pid_of(&self, name: &str) -> Option<u32> {
        label(&self.of(name)?, "pid").parse().ok()
    }
}

fn write(folder: &Folder, parameters: &str, metrics: &str) {
    let config = format!(
        "Config(hosts: [Host(name: \"h\", interval: \"1s\", metrics: [{metrics}], pools: [
            Pool(workload: processes(real: true, churn_rate: 0, {parameters}), update_interval: \"1s\"),
        ])])"
    );
    fs::write(folder.path("a.ron"), config).unwrap();
}

/// A metric that emits this event after a second, and nothing else.
fn after_a_second(event: &str, data: &str) -> String {
    let script = format!("if t == 1 {{ emit(\\\"{event}\\\", {}) }} t", data.replace('"', "\\\""));
    format!("Metric(name: \"t\", update_interval: \"1s\", scenario: script(source: \"{script}\")),")
}

fn nobody_is_left(leaders: &[u32]) {
    assert!(!leaders.is_empty());
    eventually("nobody is left", || groups(leaders).is_empty().then_some(()));
}

/// A folder of programs in which there is no stress-ng.
fn path_without_stress_ng() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    let sleep = std::env::split_paths(&path).map(|dir| dir.join("sleep")).find(|file| file.is_file());
    symlink(sleep.unwrap(), dir.path().join("sleep")).unwrap();
    dir
}

#[expect(clippy::print_stderr, reason = "a test says what it leaves out")]
fn has_stress_ng() -> bool {
    let path = std::env::var_os("PATH").unwrap();
    let is_there = std::env::split_paths(&path).any(|dir: PathBuf| dir.join("stress-ng").is_file());
    if !is_there {
        eprintln!("there is no stress-ng, so this is left out; ./manage.sh test installs it");
    }
    is_there
}

/// A process wants 0.2 cores for half a minute, and then next to nothing: what it uses is measured from outside.
fn follows_the_pattern(path: Option<&Path>) -> (Run, Vec<u32>) {
    let spike = after_a_second("cpu_spike", r#"#{ pattern: "sshd", intensity: 0.2, duration: 30 }"#);
    let run = Run::start("process_count: 2, share_max: 0.4", &spike, path);
    let pids = run.pids(2);
    let sshd = run.pid_of("sshd").unwrap();
    let used = || groups(&[sshd]).get(&sshd).copied().unwrap_or(0.0);
    eventually("the spike begins", || (used() > 0.1).then_some(()));
    let mut rates = Vec::new();
    eventually("it uses as much as it is to", || {
        rates.push(rate_over(Duration::from_secs(6), used));
        rates.last().filter(|rate| (0.17..=0.23).contains(*rate)).copied()
    });
    let shown = eventually("what is shown", || run.of("sshd").map(|line| value(&line)));
    let now = used();
    assert!((now - 2.0..=now).contains(&shown), "{shown} of {now}");
    eventually("the spike is over", || (rate_over(Duration::from_secs(3), used) < 0.05).then_some(()));
    (run, pids)
}

/// How many cores are used, of which it is known how many seconds they have worked.
#[expect(clippy::disallowed_methods, reason = "the machine's clock is what is compared with")]
fn rate_over(time: Duration, used_secs: impl Fn() -> f64) -> f64 {
    let (start, before) = (Instant::now(), used_secs());
    while let Some(left) = time.checked_sub(start.elapsed()) {
        std::thread::park_timeout(left);
    }
    (used_secs() - before) / start.elapsed().as_secs_f64()
}

#[test]
fn stress_ng_uses_the_cpu_as_it_is_simulated_and_ends_with_a_signal() {
    if !has_stress_ng() {
        return;
    }
    let (mut run, pids) = follows_the_pattern(None);
    assert!(run.promemu.log().contains("stress-ng"), "{}", run.promemu.log());
    assert_eq!(run.promemu.terminate(), Some(0));
    nobody_is_left(&pids);
}

#[test]
fn loops_do_the_same_where_there_is_no_stress_ng_and_end_when_promemu_is_killed() {
    let path = path_without_stress_ng();
    let (run, pids) = follows_the_pattern(Some(path.path()));
    run.promemu.wait_for_log("shell loops, as stress-ng is not on the PATH");
    run.promemu.signal("-KILL");
    nobody_is_left(&pids);
}

#[test]
fn real_processes_are_as_they_are_shown_and_nobody_survives_a_kill() {
    let kill = after_a_second("kill", r#"#{ pattern: "systemd", priority: "critical" }"#);
    let run = Run::start("process_count: 12, share_max: 0.1", &kill, None);
    run.promemu.wait_for_log("real processes use up to");
    let first = run.pids(12);
    let systemd = eventually("one was killed, and another one came", || {
        run.pid_of("systemd").filter(|pid| !first.contains(pid))
    });
    let old: Vec<u32> = first.iter().copied().filter(|pid| !run.pids(12).contains(pid)).collect();
    assert_eq!(old.len(), 1, "nobody else has gone");
    nobody_is_left(&old);
    let page = run.page().unwrap();
    for family in ["process_memory_bytes", "process_threads", "process_open_fds"] {
        assert_eq!(series(&page, family).len(), 12);
        assert!(series(&page, family).into_iter().all(|line| value(line) >= 1.0), "{page}");
    }
    // Somebody else ends one: it is noticed.
    assert!(
        std::process::Command::new("kill").args(["-KILL", &systemd.to_string()]).status().unwrap().success()
    );
    eventually("another one has come", || run.pid_of("systemd").filter(|pid| *pid != systemd));
    run.promemu.wait_for_log("was ended from outside; starting another one");
    let pids = run.pids(12);
    assert_eq!(groups(&pids).len(), 12);
    for pid in &pids {
        let opened = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
        let opened: Vec<_> = opened.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
        assert!(!opened.iter().any(|file| file.to_string_lossy().starts_with("socket")), "{opened:?}");
    }
    run.promemu.signal("-KILL");
    nobody_is_left(&pids);
}

/// All processes that live and have this folder for temporary files.
fn with_temporary_files_in(folder: &Path) -> Vec<String> {
    let variable = format!("TMPDIR={}\0", folder.display());
    let pids =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let has_it = |pid: &String| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&variable)
    };
    pids.filter(has_it).collect()
}

#[test]
fn nobody_survives_who_is_just_beginning_when_promemu_is_killed() {
    for round in 0..6 {
        let folder = Folder::of_processes();
        write(&folder, "process_count: 40, share_max: 0.05", "");
        let own = fs::canonicalize(folder.path("plugins")).unwrap();
        let url = format!("http://127.0.0.1:{}", free_port());
        let mut command = folder.command(&["--config", "a.ron", "--embedded", "--pushgateway-url", &url]);
        let mut promemu = Process::start(command.env("TMPDIR", &own));
        eventually("the first begin", || (with_temporary_files_in(&own).len() > 1 + 7 * round).then_some(()));
        promemu.signal("-KILL");
        promemu.wait();
        eventually("nobody is left", || with_temporary_files_in(&own).is_empty().then_some(()));
    }
}

#[test]
fn real_processes_end_with_their_host_and_with_its_config() {
    let mut run = Run::start("process_count: 3, share_max: 0.1", "", None);
    let first = run.pids(3);
    write(&run.folder, "process_count: 4, share_max: 0.1", "");
    let second = run.pids(4);
    assert!(second.iter().all(|pid| !first.contains(pid)));
    nobody_is_left(&first);
    write(&run.folder, "process_count: 4, share_max: 0.1, duration: 4", "");
    let third = eventually("others have come", || {
        Some(run.pids(4)).filter(|pids| pids.iter().all(|pid| !second.contains(pid)))
    });
    nobody_is_left(&third);
    assert_eq!(run.pids(0), [0u32; 0], "they are over, and are not shown any more");
    assert_eq!(run.promemu.terminate(), Some(0));
}

#[test]
fn nothing_is_started_in_virtual_time_or_faster_than_the_machine() {
    let folder = Folder::of_processes();
    write(&folder, "process_count: 4", "");
    let told = "real processes need a live run at normal speed; here they are simulated";
    for args in [
        &["export", "a.ron", "--for", "1m", "--threads", "1"][..],
        &["--config", "a.ron", "--once"],
        &["check", "a.ron"],
    ] {
        let output = folder.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.matches(told).count(), 1, "{args:?}: {said}");
    }
    let url = format!("http://127.0.0.1:{}", free_port());
    let args = ["--config", "a.ron", "--embedded", "--speed", "2", "--pushgateway-url", &url];
    let mut run = Process::start(&mut folder.command(&args));
    run.wait_for_log(told);
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).unwrap_or_default();
    assert_eq!(children, "");
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn what_cannot_be_real_is_refused_when_the_config_is_loaded() {
    let folder = Folder::of_processes();
    let said = [
        "share_max: 1.5",
        "share_max: 0.01, cores: 8000",
        "process_count: 65",
        "process_count: 60, children_max: 5",
    ]
    .map(|parameters| {
        write(&folder, parameters, "");
        let output = folder.run(&["check", "a.ron"]);
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr).lines().filter(|line| line.starts_with("error")).collect::<Vec<_>>().join("\n")
    });
    let cores = std::thread::available_parallelism().unwrap().get();
    let most = 0.01 * f64::from(u32::try_from(cores).unwrap());
    let said = said
        .join("\n")
        .replace(&format!("has {cores}"), "has N")
        .replace(&format!("at most {most},"), "at most 0.01 N,");
    insta::assert_snapshot!(said, @r"
    error: a.ron:2:29: processes: share_max must be above 0 and at most 1, but is 1.5
    error: a.ron:2:29: processes: cores must be at most 0.01 N, as share_max is 0.01 and this machine has N, but is 8000
    error: a.ron:2:29: processes: process_count and children_max must be 64 at most together with real: true, but are 65 and 0
    error: a.ron:2:29: processes: process_count and children_max must be 64 at most together with real: true, but are 60 and 5
    ");
}

#[test]
fn one_host_has_real_processes_and_another_one_says_that_it_cannot() {
    let folder = Folder::of_processes();
    let config = r#"Config(default_job_name: "j", hosts: [Host(
        repeat: Repeat(var: "i", from: 1, to: 2), name: "h{i}", interval: "1s",
        metrics: [Metric(name: "failed", scenario: calc_by_event(events_config: {
            "simulation_failed@own": "if event.data.why != \"\" { 7 } else { 1 }" }))],
        pools: [Pool(workload: processes(real: true, process_count: 2, share_max: 0.1), update_interval: "1s")],
    )])"#;
    fs::write(folder.path("a.ron"), config).unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let args = ["--config", "a.ron", "--embedded", "--pushgateway-url", &url];
    let mut run = Process::start(&mut folder.command(&args));
    eventually("one says that it failed, and the other has its processes", || {
        let page = get(port, "/metrics")?;
        let failed: Vec<&str> =
            series(&page, "failed").into_iter().filter(|line| value(line) > 6.0).collect();
        let real = series(&page, "process_threads");
        let is_other = |line: &&str| label(line, "name") != label(failed[0], "name");
        (failed.len() == 1 && real.len() == 2 && real.iter().all(is_other)).then_some(())
    });
    assert!(run.log().matches("another host of this run has real processes").count() == 1);
    assert_eq!(run.terminate(), Some(0));
}
