use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use procfs_core::FromRead;
use procfs_core::process::Stat;

use super::cpu_budget::{CpuBudget, CpuDemand, CpuLoad};
use super::memory_budget::MemoryBudget;
use super::pool_state::PoolStatus;
use super::proc_stats::{GroupStats, read_groups};
use super::process_group::{ProcessGroup, kill_group};
use super::programs::{CpuLoader, Programs};
use super::reconciler::{Budgets, Reconciler};
use super::*;

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

const MIB: f64 = 1_048_576.0;

/// Programs with shell loops.
fn shell() -> Programs {
    Programs { loader: CpuLoader::Shell, ..Programs::on_path(PATH) }
}

/// stress-ng if it is installed, and shell loops.
fn all_programs() -> Vec<Programs> {
    let found = Programs::on_path(PATH);
    assert!(found.dd.is_some(), "dd belongs to every system");
    if found.loader == CpuLoader::Shell {
        eprintln!("there is no stress-ng, so it is left out; ./manage.sh test installs it");
        vec![found]
    } else {
        vec![found, shell()]
    }
}

#[expect(clippy::disallowed_methods, reason = "tests wait by the machine's clock")]
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "it did not happen: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn count(leader: u32) -> GroupStats {
    read_groups([leader].into_iter())[&leader]
}

fn is_gone(leader: u32) -> bool {
    let count = count(leader);
    !count.has_leader && count.others == 0
}

fn wait_for_end(leader: u32) {
    eventually("all in the group have ended", || is_gone(leader).then_some(()));
}

fn process(life: u32, cores: f64, cpu_seconds: f64) -> ProcessSpec {
    ProcessSpec { simulated_pid: life, name: format!("it-{life}"), cores, cpu_seconds, memory_bytes: 0.0 }
}

fn pool(now_secs: f64, slots: &[Option<ProcessSpec>]) -> PoolSpec {
    PoolSpec { now_secs, slots: slots.to_vec() }
}

/// A load of several workers.
fn load(cores: f64, workers: u32) -> CpuLoad {
    CpuBudget { cores_max: 9.0 }.split(&[CpuDemand { cores, workers }])[0]
}

/// Holds 32 MiB of memory at most.
fn reconciler(programs: &Programs, cores_max: f64) -> (Reconciler, Arc<Mutex<PoolStatus>>) {
    let status = Arc::<Mutex<PoolStatus>>::default();
    let budgets = Budgets { cpu: CpuBudget { cores_max }, memory: MemoryBudget { bytes_max: 32 << 20 } };
    (Reconciler::new(programs.clone(), budgets, Arc::clone(&status)), status)
}

fn pids(status: &Mutex<PoolStatus>) -> Vec<Option<u32>> {
    status.lock().unwrap().processes.iter().map(|seen| seen.map(|seen| seen.pid)).collect()
}

#[test]
fn a_group_uses_the_cpu_until_its_end_and_leaves_no_process() {
    for programs in all_programs() {
        let mut group = ProcessGroup::start(&programs, "it").unwrap();
        let leader = group.pid();
        assert!(count(leader).has_leader);
        group.set_load(load(1.0, 2)).unwrap();
        let busy = eventually("it uses the CPU", || Some(count(leader)).filter(|it| it.cpu_seconds > 0.1));
        assert!(busy.others >= 2 && busy.threads >= 3, "{busy:?}");
        assert!(busy.memory_bytes > 1e5 && busy.open_fds > 0, "{busy:?}");
        group.set_load(CpuLoad::default()).unwrap();
        eventually("nobody works any more", || (count(leader).others == 0).then_some(()));
        // A look may miss a process that its parent waits for meanwhile.
        eventually("what has ended is counted on", || (count(leader).cpu_seconds >= 0.1).then_some(()));
        group.set_load(load(0.1, 1)).unwrap();
        eventually("somebody works", || (count(leader).others > 0).then_some(()));
        let mut shell = group.terminate();
        wait_for_end(leader);
        assert_eq!(shell.wait().unwrap().code(), None, "it was killed, as its group was");
    }
}

#[test]
fn a_group_inherits_no_files_and_no_variables() {
    let file = std::fs::File::open("/proc/self/stat").unwrap();
    let group = ProcessGroup::start(&shell(), "it").unwrap();
    let proc = format!("/proc/{}", group.pid());
    let environment = std::fs::read_to_string(format!("{proc}/environ")).unwrap();
    let names: Vec<&str> =
        environment.split('\0').filter_map(|it| it.split_once('=')).map(|(name, _)| name).collect();
    assert!(names.iter().all(|name| ["PATH", "TMPDIR", "PWD"].contains(name)), "{names:?}");
    let opened = std::fs::read_dir(format!("{proc}/fd")).unwrap().flatten();
    let mut opened = opened.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    assert!(opened.all(|path| !path.ends_with("stat")));
    drop(file);
    kill_group(group.pid());
    wait_for_end(group.pid());
    group.terminate().wait().unwrap();
}

#[test]
fn a_stopped_group_ends_too() {
    for programs in all_programs() {
        let (mut reconciler, status) = reconciler(&programs, 1.0);
        let slots = [Some(process(1, 0.1, 0.0))];
        reconciler.reconcile(&pool(0.0, &slots));
        let leader = pids(&status)[0].unwrap();
        eventually("somebody works", || (count(leader).others > 0).then_some(()));
        let stop = ["-c", "kill -s STOP -- \"-$0\"", &leader.to_string()];
        assert!(std::process::Command::new("/bin/sh").args(stop).status().unwrap().success());
        reconciler.reconcile(&pool(1.0, &[None]));
        reconciler.reconcile(&pool(7.0, &[None]));
        wait_for_end(leader);
    }
}

#[test]
fn all_groups_end_with_the_thread_even_if_it_panics() {
    for programs in all_programs() {
        let (mut reconciler, status) = reconciler(&programs, 1.0);
        let bug = catch_unwind(AssertUnwindSafe(move || {
            reconciler.reconcile(&pool(0.0, &[Some(process(1, 0.1, 0.0)), None, Some(process(2, 0.1, 0.0))]));
            let _driver = reconciler;
            panic!("a bug");
        }));
        assert!(bug.is_err());
        let pids = pids(&status);
        assert_eq!(pids.iter().flatten().count(), 2);
        pids.into_iter().flatten().for_each(wait_for_end);
    }
}

#[test]
fn a_replaced_process_and_one_ended_from_outside_get_a_new_group() {
    let (mut reconciler, status) = reconciler(&shell(), 1.0);
    reconciler.reconcile(&pool(0.0, &[Some(process(1, 0.0, 0.0)), Some(process(2, 0.0, 0.0))]));
    let first = pids(&status);
    reconciler.reconcile(&pool(1.0, &[Some(process(1, 0.0, 0.0)), Some(process(3, 0.0, 0.0))]));
    let second = pids(&status);
    assert_eq!(first[0], second[0]);
    assert_ne!(first[1], second[1]);
    wait_for_end(first[1].unwrap());
    kill_group(second[0].unwrap());
    let third = eventually("it was noticed", || {
        reconciler.reconcile(&pool(2.0, &[Some(process(1, 0.0, 0.0)), Some(process(3, 0.0, 0.0))]));
        Some(pids(&status)).filter(|pids| pids[0].is_some() && pids[0] != second[0])
    });
    assert_eq!(third[1], second[1]);
    let warning = status.lock().unwrap().warning.take().unwrap();
    assert!(warning.contains("was ended from outside"), "{warning}");
    drop(reconciler);
    third.into_iter().flatten().for_each(|pid| assert!(is_gone(pid), "all have ended, and were waited for"));
}

#[test]
fn a_group_that_ends_has_waited_for_all_its_processes() {
    for programs in all_programs() {
        let mut group = ProcessGroup::start(&programs, "it").unwrap();
        let leader = group.pid();
        group.set_load(load(0.2, 2)).unwrap();
        group.set_memory(8 << 20).unwrap();
        let is_busy = |it: &GroupStats| it.others >= 3 && it.held_bytes > 8.0 * MIB;
        eventually("it works and holds memory", || Some(count(leader)).filter(is_busy));
        let shell = group.terminate();
        // A zombie counts as a member as long as nobody has waited for it: here that is the leader alone.
        eventually("the leader is a zombie", || is_zombie(leader).then_some(()));
        assert_eq!(members(leader), [leader]);
        let mut shell = shell;
        shell.wait().unwrap();
    }
}

fn stat(pid: u32) -> Option<Stat> {
    Stat::from_file(format!("/proc/{pid}/stat")).ok()
}

fn is_zombie(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state == 'Z')
}

/// Pids of a group, those of zombies included.
fn members(leader: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|stat| u32::try_from(stat.pgrp) == Ok(leader))).collect()
}

#[test]
fn memory_is_filled_as_it_is_wanted_up_to_the_budget() {
    let (mut reconciler, status) = reconciler(&shell(), 1.0);
    let mut round = |now_secs: f64, wanted_mib: [f64; 3]| {
        let spec = |(life, mib): (u32, f64)| {
            Some(ProcessSpec { memory_bytes: mib * MIB, ..process(life, 0.0, 0.0) })
        };
        let slots: Vec<_> = (1..).zip(wanted_mib).map(spec).collect();
        reconciler.reconcile(&pool(now_secs, &slots));
        assert!(reconciler.held_bytes() <= 32 << 20);
        let status = status.lock().unwrap();
        let memory: Vec<f64> = status.processes.iter().flatten().map(|it| it.memory_bytes / MIB).collect();
        (memory, status.memory_share)
    };
    // The pool's time goes on: memory whose program has ended is held again after a while.
    let mut now_secs = 0.0;
    let mut follow = |wanted: [f64; 3], shown: [f64; 3], is_short: bool| {
        eventually(&format!("{wanted:?}"), || {
            now_secs += 0.02;
            let (memory, share) = round(now_secs, wanted);
            let is_near = |(memory, shown): (&f64, f64)| (memory - shown).abs() < 0.15 * shown + 1.0;
            (memory.len() == 3 && memory.iter().zip(shown).all(is_near) && (share < 1.0) == is_short)
                .then_some(())
        });
    };
    follow([4.0, 12.0, 10.0], [4.0, 12.0, 10.0], false);
    follow([4.0, 5.0, 20.0], [4.0, 5.0, 20.0], false);
    // A shell needs some memory itself, which is not in the budget.
    follow([200.0, 400.0, 0.0], [13.0, 24.0, 1.0], true);
    // Processes that the kernel has killed come back.
    let leader = pids(&status)[1].unwrap();
    let holder = eventually("one is killed", || {
        let is_holder = |pid: &u32| stat(*pid).is_some_and(|stat| stat.comm == "dd");
        let holder = members(leader).into_iter().find(is_holder)?;
        let kill = ["-c", "kill -s KILL \"$0\"", &holder.to_string()];
        std::process::Command::new("/bin/sh").args(kill).status().unwrap().success().then_some(holder)
    });
    eventually("the memory is back", || {
        let (memory, _) = round(1000.0, [200.0, 400.0, 0.0]);
        (memory[1] > 20.0 && !members(leader).contains(&holder)).then_some(())
    });
}

#[test]
fn loads_never_exceed_the_budget() {
    let (mut reconciler, _news) = reconciler(&shell(), 0.05);
    // High demand, then none, then that of another one, while all are far behind.
    let wishes = [[0.9, 0.9, 2.5], [0.0, 0.0, 0.01], [0.01, 0.02, 0.03], [0.0, 3.0, 0.0], [0.02, 0.02, 0.02]];
    for (round, wishes) in (0u8..).zip(wishes) {
        let slots: Vec<_> =
            (1..).zip(wishes).map(|(life, cores)| Some(process(life, cores, 9.0 * cores))).collect();
        reconciler.reconcile(&pool(f64::from(round), &slots));
        let percent: u32 = reconciler.loads().map(CpuLoad::percent).sum();
        assert!(percent <= 5, "{percent} % in round {round}");
    }
}

#[test]
fn impossible_settings_are_refused() {
    let limits = RealLimits { cpu_share: 0.25, processes: 64, memory_bytes: 1e6 };
    let refused = |limits| {
        RealProcesses::new(limits).map(|_| ()).map_err(|(name, why)| format!("{name} {why}")).unwrap_err()
    };
    assert_eq!(
        refused(RealLimits { cpu_share: 0.0, ..limits }),
        "share_max must be above 0 and at most 1, but is 0"
    );
    assert_eq!(
        refused(RealLimits { cpu_share: f64::NAN, ..limits }),
        "share_max must be above 0 and at most 1, but is NaN"
    );
    assert_eq!(refused(RealLimits { processes: 0, ..limits }), "real_max must be from 1 to 1000, but is 0");
    assert_eq!(
        refused(RealLimits { processes: 1001, ..limits }),
        "real_max must be from 1 to 1000, but is 1001"
    );
    assert_eq!(
        refused(RealLimits { memory_bytes: f64::INFINITY, ..limits }),
        "memory_max must be a size from 0 on, as in \"256MiB\", but is inf"
    );
    let reality = RealProcesses { machine_cores: 4.0, ..RealProcesses::new(limits).unwrap() };
    let settings = Settings { process_count: 14, cores: 1.0, ..Settings::of(crate::Profile::realistic()) };
    assert_eq!(reality.check(&settings), Ok(()));
    let refused =
        |settings| reality.check(&settings).map_err(|(name, why)| format!("{name} {why}")).unwrap_err();
    assert_eq!(
        refused(Settings { process_count: 15, ..settings.clone() }),
        "process_count and children_max must be 64 at most together, as real_max says, but are 15 and 50"
    );
    assert_eq!(
        refused(Settings { cores: 1.1, ..settings.clone() }),
        "cores must be at most 1, as share_max is 0.25 and this machine has 4, but is 1.1"
    );
}
