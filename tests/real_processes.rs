//! The plugin `processes` with real processes: the CPU that they use, and their end with promemu, however it ends.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use procfs_core::FromRead;
use procfs_core::process::{Schedstat, Stat};
use serde_json::{Value, json};

use crate::api::ask;
use crate::plugins::{Folder, text};
use crate::processes::{Process, eventually, free_port, get, label, series, value};

/// Clock ticks per second in `/proc`: proc(5).
const TICKS_PER_SEC: u16 = 100;

#[expect(clippy::cast_precision_loss, reason = "a test is short")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / f64::from(TICKS_PER_SEC)
}

/// All processes of the machine. One that ends meanwhile may be missing.
fn all_processes() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Stat::from_file(format!("/proc/{pid}/stat")).ok()).collect()
}

/// The running groups of these leaders, with the CPU of each in seconds, that of ended members included.
fn groups(leaders: &[u32]) -> BTreeMap<u32, f64> {
    let mut groups = BTreeMap::new();
    for stat in all_processes() {
        let group = u32::try_from(stat.pgrp).unwrap_or(0);
        if leaders.contains(&group) && stat.state != 'Z' {
            let ended_ticks = u64::try_from(stat.cutime + stat.cstime).unwrap();
            *groups.entry(group).or_default() += seconds(stat.utime + stat.stime + ended_ticks);
        }
    }
    groups
}

/// Time that the processes of a group have waited for a CPU, as the kernel counts it.
#[derive(Default)]
struct CpuWaits {
    /// By pid, in seconds. Those of ended members stay, as they were when they were last seen.
    by_pid: BTreeMap<i32, f64>,
}

impl CpuWaits {
    fn sample(&mut self, leader: u32) {
        let members = all_processes().into_iter().filter(|stat| u32::try_from(stat.pgrp) == Ok(leader));
        for pid in members.map(|stat| stat.pid) {
            if let Ok(stat) = Schedstat::from_file(format!("/proc/{pid}/schedstat")) {
                self.by_pid.insert(pid, Duration::from_nanos(stat.run_delay).as_secs_f64());
            }
        }
    }

    fn sum(&self) -> f64 {
        self.by_pid.values().sum()
    }
}

/// A run with real processes.
struct Run {
    promemu: Process,
    port: u16,
    api_port: u16,
    folder: Folder,
}

impl Run {
    /// With these parameters; `path` replaces the variable `PATH`.
    fn start(parameters: &str, metrics: &str, path: Option<&Path>) -> Self {
        let folder = Folder::of_processes();
        write(&folder, parameters, metrics);
        let (port, api_port) = (free_port(), free_port());
        let url = format!("http://127.0.0.1:{port}");
        let mut command =
            folder.command(&["--config", "a.ron", "--embedded", "--watch", "--pushgateway-url", &url]);
        command.env("PME_LISTEN", format!("127.0.0.1:{api_port}"));
        if let Some(path) = path {
            command.env("PATH", path);
        }
        Self { promemu: Process::start(&mut command), port, api_port, folder }
    }

    fn emit(&self, event: &str, data: &Value) {
        let body = json!({ "name": event, "data": data }).to_string();
        let head = "Content-Type: application/json\r\n";
        let (status, answer) = ask(self.api_port, "POST", "/api/v1/events", head, &body);
        assert_eq!(status, 202, "{answer}");
    }

    fn page(&self) -> Option<String> {
        get(self.port, "/metrics")
    }

    /// The pids, once there are this many.
    fn pids(&self, count: usize) -> Vec<u32> {
        eventually("all real processes are there", || {
            let page = self.page()?;
            let cpu = series(&page, "process_cpu_seconds_total");
            let pids: Vec<u32> = cpu.iter().map(|line| label(line, "pid").parse().unwrap()).collect();
            (pids.len() == count).then_some(pids)
        })
    }

    /// Sample of the CPU of the process of this name.
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

/// A metric that shows the run's seconds, and emits this event after one.
fn after_a_second(event: &str, data: &str) -> String {
    let script = format!("if t == 1 {{ emit(\\\"{event}\\\", {}) }} t", data.replace('"', "\\\""));
    format!("Metric(name: \"t\", update_interval: \"1s\", scenario: script(source: \"{script}\")),")
}

fn none_is_left(leaders: &[u32]) {
    assert!(!leaders.is_empty());
    eventually("none is left", || groups(leaders).is_empty().then_some(()));
}

/// A folder of programs without stress-ng.
fn path_without_stress_ng() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    for name in ["dd", "sleep"] {
        let program = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
        symlink(program.unwrap(), dir.path().join(name)).unwrap();
    }
    dir
}

#[expect(clippy::print_stderr, reason = "a test reports that it is skipped")]
fn has_stress_ng() -> bool {
    let path = std::env::var_os("PATH").unwrap();
    let is_there = std::env::split_paths(&path).any(|dir: PathBuf| dir.join("stress-ng").is_file());
    if !is_there {
        eprintln!("skipped without stress-ng; ./manage.sh test installs it");
    }
    is_there
}

/// A spike of sshd, which wants next to nothing before and after it.
const SPIKE_CORES: f64 = 0.2;
const SPIKE_SECS: f64 = 30.0;

/// Runs a spike, and checks its CPU from outside.
fn follows_the_pattern(path: Option<&Path>) -> (Run, Vec<u32>) {
    let data = format!("#{{ pattern: \"sshd\", intensity: {SPIKE_CORES}, duration: {SPIKE_SECS} }}");
    let spike = after_a_second("cpu_spike", &data);
    let run = Run::start("process_count: 2, share_max: 0.4", &spike, path);
    let pids = run.pids(2);
    let sshd = run.pid_of("sshd").unwrap();
    let used = || groups(&[sshd]).get(&sshd).copied().unwrap();
    let mut waits = CpuWaits::default();
    waits.sample(sshd);
    let (used_before, waited_before) = (used(), waits.sum());
    // The metric `t` shows the run's seconds. Half-way first, as nothing is waited for longer than the whole spike.
    for secs in [SPIKE_SECS / 2.0, SPIKE_SECS + 5.0] {
        eventually("the spike goes on", || {
            waits.sample(sshd);
            let page = run.page()?;
            series(&page, "t").first().filter(|line| value(line) >= secs).map(|_| ())
        });
    }
    check_spent(used() - used_before, SPIKE_CORES * SPIKE_SECS, waits.sum() - waited_before).unwrap();
    let now = used();
    let shown = eventually("all of it is shown", || {
        run.of("sshd").map(|line| value(&line)).filter(|shown| *shown >= now - 0.01)
    });
    // The time of a worker that ends is in neither place for a moment.
    eventually(&format!("no more than that is shown, but {shown}"), || (shown <= used()).then_some(()));
    (run, pids)
}

/// Checks the CPU spent for a demand, in seconds. A busy machine gives less than is asked for, and lets the processes wait:
/// `waited` is the time in which they would have run.
fn check_spent(spent: f64, demand: f64, waited: f64) -> Result<(), String> {
    // Without a spike sshd uses up to 0.05 cores; the start of its workers is counted, too.
    let (least, most) = (0.85 * demand, 1.25 * demand);
    if spent + waited >= least && spent <= most {
        Ok(())
    } else {
        Err(format!(
            "{spent} s of CPU were spent for a demand of {demand} s, and {waited} s were waited for it"
        ))
    }
}

#[test]
fn another_demand_than_the_one_spent_is_noticed() {
    assert_eq!(check_spent(6.2, 6.0, 0.1), Ok(()));
    assert_eq!(check_spent(3.0, 6.0, 2.5), Ok(()), "the machine gave no more");
    for (spent, waited) in [(4.5, 0.1), (9.0, 0.0), (9.0, 3.0), (3.0, 1.0), (0.0, 0.0)] {
        assert!(check_spent(spent, 6.0, waited).is_err(), "{spent} and {waited} waited");
    }
}

#[test]
fn stress_ng_uses_the_cpu_as_it_is_simulated_and_ends_with_a_signal() {
    if !has_stress_ng() {
        return;
    }
    let (mut run, pids) = follows_the_pattern(None);
    // The line on shell loops names stress-ng, too, but not its path.
    assert!(run.promemu.log().contains("/stress-ng"), "{}", run.promemu.log());
    assert_eq!(run.promemu.terminate(), Some(0));
    none_is_left(&pids);
}

#[test]
fn loops_do_the_same_where_there_is_no_stress_ng_and_end_when_promemu_is_killed() {
    let path = path_without_stress_ng();
    let (run, pids) = follows_the_pattern(Some(path.path()));
    run.promemu.wait_for_log("shell loops, as stress-ng is not on the PATH");
    run.promemu.signal("-KILL");
    none_is_left(&pids);
}

#[test]
fn real_processes_match_their_metrics_and_none_survives_a_kill() {
    let run = Run::start("process_count: 12, share_max: 0.1", "", None);
    run.promemu.wait_for_log("real processes use up to");
    let first = run.pids(12);
    run.emit("kill", &json!({ "pattern": "systemd", "priority": "critical" }));
    let systemd = eventually("one was killed, and another one came", || {
        run.pid_of("systemd").filter(|pid| !first.contains(pid))
    });
    let old: Vec<u32> = first.iter().copied().filter(|pid| !run.pids(12).contains(pid)).collect();
    assert_eq!(old.len(), 1, "nobody else has gone");
    none_is_left(&old);
    // The kernel counts the memory of a process that has just begun as 0.
    eventually("each has memory, threads and open files", || {
        let page = run.page()?;
        let has_each = |family| {
            let samples = series(&page, family);
            samples.len() == 12 && samples.into_iter().all(|line| value(line) >= 1.0)
        };
        ["process_memory_bytes", "process_threads", "process_open_fds"]
            .into_iter()
            .all(has_each)
            .then_some(())
    });
    // A process that is ended from outside is replaced.
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
    none_is_left(&pids);
}

/// Pids of the processes with this folder for temporary files.
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
fn processes_that_are_just_starting_end_when_promemu_is_killed() {
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
        eventually("none is left", || with_temporary_files_in(&own).is_empty().then_some(()));
    }
}

#[test]
fn real_processes_end_with_their_host_and_with_its_config() {
    let mut run = Run::start("process_count: 3, share_max: 0.1", "", None);
    let first = run.pids(3);
    write(&run.folder, "process_count: 4, share_max: 0.1", "");
    let second = run.pids(4);
    assert!(second.iter().all(|pid| !first.contains(pid)));
    none_is_left(&first);
    write(&run.folder, "process_count: 4, share_max: 0.1, duration: 4", "");
    let third = eventually("others have come", || {
        Some(run.pids(4)).filter(|pids| pids.iter().all(|pid| !second.contains(pid)))
    });
    none_is_left(&third);
    assert_eq!(run.promemu.wait(), Some(0), "the run ends with them");
}

#[test]
fn no_process_is_started_in_virtual_time_or_at_another_speed() {
    let folder = Folder::of_processes();
    write(&folder, "process_count: 4", "");
    let warning = "real processes need a live run at normal speed; here they are simulated";
    for args in [
        &["export", "a.ron", "--for", "1m", "--threads", "1"][..],
        &["--config", "a.ron", "--once"],
        &["check", "a.ron"],
    ] {
        let output = folder.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.matches(warning).count(), 1, "{args:?}: {said}");
    }
    let url = format!("http://127.0.0.1:{}", free_port());
    let args = ["--config", "a.ron", "--embedded", "--speed", "2", "--pushgateway-url", &url];
    let mut run = Process::start(&mut folder.command(&args));
    run.wait_for_log(warning);
    let own = i32::try_from(run.id()).unwrap();
    let children = all_processes().into_iter().filter(|stat| stat.ppid == own).count();
    assert_eq!(children, 0);
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn memory_is_filled_as_it_is_simulated_and_all_together_up_to_memory_max() {
    let leak =
        after_a_second("memory_leak", r#"#{ pattern: "sshd", bytes_per_sec: 8388608, duration: 600 }"#);
    // sshd begins with 8 MiB, and ends at 30 MiB.
    let run = Run::start("process_count: 2, share_max: 0.1", &leak, None);
    run.pids(2);
    let memory = |name: &str| {
        let page = run.page()?;
        let lines = series(&page, "process_memory_bytes");
        lines.into_iter().find(|line| label(line, "process") == name).map(value)
    };
    let mib = 1_048_576.0;
    let is_near = |bytes: f64, wanted_mib: f64| (bytes / mib - wanted_mib).abs() < 0.15 * wanted_mib + 1.0;
    eventually("systemd has its 12 MiB", || memory("systemd").filter(|bytes| is_near(*bytes, 13.0)));
    let first = run.pid_of("sshd").unwrap();
    eventually("sshd leaks", || memory("sshd").filter(|bytes| *bytes > 15.0 * mib));
    eventually("it is near its limit, and was not ended", || {
        memory("sshd").filter(|bytes| is_near(*bytes, 30.0) && run.pid_of("sshd") == Some(first))
    });
    write(&run.folder, "process_count: 2, share_max: 0.1, memory_max: \"10MiB\"", "");
    run.promemu.wait_for_log("real processes want more memory than memory_max allows");
    eventually("both have the same share", || {
        let both = memory("systemd")? + memory("sshd")?;
        // The programs themselves have some memory, too.
        (8.0 * mib < both && both < 16.0 * mib).then_some(())
    });
    let pids = run.pids(2);
    run.promemu.signal("-KILL");
    none_is_left(&pids);
}

#[test]
fn a_machine_without_room_for_the_processes_refuses_them_in_one_sentence() {
    let folder = Folder::of_processes();
    let start = |parameters: &str, limit: &str| {
        write(&folder, parameters, "");
        let url = format!("http://127.0.0.1:{}", free_port());
        let promemu = folder.command(&["--config", "a.ron", "--embedded", "--pushgateway-url", &url]);
        let script = format!("{limit}; exec \"$0\" \"$@\"");
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", &script]).arg(promemu.get_program()).args(promemu.get_args());
        command.current_dir(promemu.get_current_dir().unwrap());
        let mut run = Process::start(command.env("PME_LISTEN", "off"));
        run.wait_for_log("lower process_count, children_max or memory_max, or raise the limit");
        let own = i32::try_from(run.id()).unwrap();
        assert!(!all_processes().into_iter().any(|stat| stat.ppid == own), "none is started");
        assert_eq!(run.terminate(), Some(0), "{}", run.log());
        run.log()
    };
    let said = start("process_count: 200, children_max: 0, real_max: 200", "ulimit -n 120");
    assert!(said.contains("200 real processes need up to 264 open files, but the limit on promemu's open files (ulimit -n) leaves"));
    let said = start("process_count: 2, memory_max: \"800TiB\"", "true");
    assert!(said.contains("52 real processes need up to 838860852 MiB of memory, but "), "{said}");
}

#[test]
fn settings_that_cannot_be_real_are_refused_when_the_config_is_loaded() {
    let folder = Folder::of_processes();
    let said = [
        "share_max: 1.5",
        "share_max: 0.01, cores: 8000",
        "process_count: 65",
        "process_count: 60, children_max: 5",
        "process_count: 101, real_max: 100",
        "real_max: 1001",
        "memory_max: -1",
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
    insta::assert_snapshot!(said, @r#"
    error: a.ron:2:76: processes: share_max must be above 0 and at most 1, but is 1.5
    error: a.ron:2:89: processes: cores must be at most 0.01 N, as share_max is 0.01 and this machine has N, but is 8000
    error: a.ron:2:80: processes: process_count and children_max must be 64 at most together, as real_max says, but are 65 and 0
    error: a.ron:2:80: processes: process_count and children_max must be 64 at most together, as real_max says, but are 60 and 5
    error: a.ron:2:80: processes: process_count and children_max must be 100 at most together, as real_max says, but are 101 and 0
    error: a.ron:2:75: processes: real_max must be from 1 to 1000, but is 1001
    error: a.ron:2:77: processes: memory_max must be a size from 0 on, as in "256MiB", but is -1
    "#);
}

#[test]
fn one_host_has_real_processes_and_another_one_fails() {
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
