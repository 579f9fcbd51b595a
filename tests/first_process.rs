//! promemu as PID 1, as in a container: in a pid namespace of its own, which `unshare` makes for root.

use std::fs;
use std::process::{Command, Stdio};

use procfs_core::FromRead;
use procfs_core::process::Stat;

use crate::fake_gateway::{Behaviour, FakeGateway};
use crate::plugins::Folder;
use crate::processes::{
    Process, Pushgateway, can_unshare, eventually, free_port, get, label, promemu_command, series,
};

/// Arguments of unshare for a namespace whose first process is PID 1.
const PID_NAMESPACE: [&str; 3] = ["--pid", "--fork", "--mount-proc"];

/// promemu as PID 1 of a namespace.
struct Container {
    unshare: Process,
}

fn stat(pid: u32) -> Option<Stat> {
    Stat::from_file(format!("/proc/{pid}/stat")).ok()
}

fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(stat).collect()
}

fn children(parent: u32) -> Vec<Stat> {
    all().into_iter().filter(|stat| u32::try_from(stat.ppid) == Ok(parent)).collect()
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

impl Container {
    /// Runs a command of promemu.
    fn of(promemu: &Command) -> Self {
        Self::with("exec \"$0\" \"$@\"", promemu)
    }

    /// Runs a script, with the words of the command as `$0` and `$@`, which becomes promemu.
    fn with(script: &str, promemu: &Command) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-c", script]);
        command.arg(promemu.get_program()).args(promemu.get_args());
        if let Some(dir) = promemu.get_current_dir() {
            command.current_dir(dir);
        }
        for (name, value) in promemu.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Self { unshare: Process::start(&mut command) }
    }

    /// Pid of PID 1, outside.
    fn init(&self) -> u32 {
        let init = eventually("PID 1", || children(self.unshare.id()).first().map(|stat| stat.pid));
        u32::try_from(init).unwrap()
    }

    /// Pid of the promemu that does the work.
    fn promemu(&self) -> u32 {
        let child = || children(self.init()).into_iter().find(|stat| stat.comm == "promemu");
        u32::try_from(eventually("the child of PID 1", child).pid).unwrap()
    }

    /// Zombies that only PID 1 can wait for.
    fn zombies(&self) -> usize {
        children(self.init()).iter().filter(|stat| stat.state == 'Z').count()
    }
}

#[test]
fn orphans_are_reaped_and_the_exit_code_is_passed_on() {
    if !can_unshare(&PID_NAMESPACE) {
        return;
    }
    let url = format!("http://127.0.0.1:{}", free_port());
    let args = ["--config", "single_host_load", "--embedded", "--pushgateway-url", &url];
    // A child of PID 1 itself, and ten grandchildren whose parent ends at once.
    let script = "sleep 0.1 & for i in 0 1 2 3 4 5 6 7 8 9; do (sleep 0.$i &); done; exec \"$0\" \"$@\"";
    let mut container = Container::with(script, &promemu_command(&args));
    let promemu = container.promemu();
    eventually("only promemu is left", || (children(container.init()).len() == 1).then_some(()));
    signal("-TERM", container.init());
    assert_eq!(container.unshare.wait(), Some(0), "{}", container.unshare.log());
    assert!(stat(promemu).is_none());

    let mut refused = Container::of(&promemu_command(&["check", "no-such-config"]));
    assert_eq!(refused.unshare.wait(), Some(2), "{}", refused.unshare.log());
    let mut printed = Container::of(&promemu_command(&["--version"]));
    assert_eq!(printed.unshare.wait(), Some(0));
}

#[test]
fn a_child_that_is_killed_ends_pid_1_with_128_and_the_signal() {
    if !can_unshare(&PID_NAMESPACE) {
        return;
    }
    for (name, code) in [("-KILL", 137), ("-USR1", 138)] {
        let url = format!("http://127.0.0.1:{}", free_port());
        let args = ["--config", "single_host_load", "--embedded", "--pushgateway-url", &url];
        let mut container = Container::of(&promemu_command(&args));
        let promemu = container.promemu();
        container.unshare.wait_for_log("running config");
        // The kernel protects PID 1 from SIGKILL of its own namespace only; SIGUSR1 is forwarded.
        signal(name, if name == "-KILL" { promemu } else { container.init() });
        assert_eq!(container.unshare.wait(), Some(code), "{}", container.unshare.log());
    }
}

#[test]
fn a_signal_to_pid_1_ends_the_run_and_removes_its_group() {
    if !can_unshare(&PID_NAMESPACE) {
        return;
    }
    for name in ["-TERM", "-INT"] {
        let gateway = Pushgateway::start();
        let url = gateway.url();
        let args = ["--config", "single_host_load", "--pushgateway-url", &url, "--push-interval", "200ms"];
        let mut container = Container::of(&promemu_command(&args));
        eventually("its group", || (!gateway.jobs().is_empty()).then_some(()));
        signal(name, container.init());
        assert_eq!(container.unshare.wait(), Some(0), "{}", container.unshare.log());
        assert_eq!(gateway.groups(), [""; 0], "{name}");
    }
}

#[test]
fn a_second_signal_to_pid_1_ends_a_run_that_hangs() {
    if !can_unshare(&PID_NAMESPACE) {
        return;
    }
    let gateway = FakeGateway::start(Behaviour::HangDeletions);
    let url = gateway.url();
    let args = ["--config", "single_host_load", "--pushgateway-url", &url, "--push-interval", "200ms"];
    let mut container = Container::of(&promemu_command(&args));
    eventually("a push", || (!gateway.requests("PUT").is_empty()).then_some(()));
    signal("-TERM", container.init());
    eventually("a deletion hangs", || (!gateway.requests("DELETE").is_empty()).then_some(()));
    assert!(container.unshare.is_running());
    // One that comes at once is taken for the same request.
    let init = container.init();
    eventually("it ends", || {
        // PID 1 may have ended already.
        let _is_sent = Command::new("kill").args(["-TERM", &init.to_string()]).stderr(Stdio::null()).status();
        (!container.unshare.is_running()).then_some(())
    });
    assert_eq!(container.unshare.wait(), Some(130), "{}", container.unshare.log());
}

#[test]
fn real_processes_leave_no_zombies_in_a_container() {
    if !can_unshare(&PID_NAMESPACE) {
        return;
    }
    let folder = Folder::of_processes();
    let config = r#"Config(hosts: [Host(name: "h", interval: "1s", pools: [Pool(workload: processes(
        real: true, profile: "high-churn", process_count: 12, churn_rate: 20, share_max: 0.1), update_interval: "1s")])])"#;
    fs::write(folder.path("a.ron"), config).unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let command = folder.command(&["--config", "a.ron", "--embedded", "--pushgateway-url", &url]);
    let mut container = Container::of(&command);
    let promemu = container.promemu();
    let mut seen = std::collections::BTreeSet::new();
    eventually("twenty processes have been replaced", || {
        let page = get(port, "/metrics")?;
        seen.extend(series(&page, "process_threads").iter().map(|line| label(line, "pid").to_owned()));
        (seen.len() >= 32).then_some(())
    });
    eventually("no zombie is left", || (container.zombies() == 0).then_some(()));
    // New ones come all the time; each of those that are there now must go.
    let ended = || -> Vec<i32> {
        children(promemu).iter().filter(|stat| stat.state == 'Z').map(|stat| stat.pid).collect()
    };
    let first = ended();
    eventually("promemu waits for its own", || {
        let now = ended();
        first.iter().all(|pid| !now.contains(pid)).then_some(())
    });
    signal("-TERM", container.init());
    assert_eq!(container.unshare.wait(), Some(0), "{}", container.unshare.log());
    assert!(all().iter().all(|stat| u32::try_from(stat.ppid) != Ok(promemu)));
}
