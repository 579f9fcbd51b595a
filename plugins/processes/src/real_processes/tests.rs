use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::cpu_budget::{CpuBudget, CpuDemand, CpuLoad};
use super::cpu_loader::CpuLoader;
use super::pool_state::PoolStatus;
use super::proc_stats::{GroupStats, read_groups};
use super::process_group::{ProcessGroup, kill_group};
use super::reconciler::Reconciler;
use super::*;

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// stress-ng if it is installed, and shell loops.
fn loaders() -> Vec<CpuLoader> {
    match CpuLoader::on_path(PATH) {
        CpuLoader::Shell => {
            eprintln!("there is no stress-ng, so it is left out; ./manage.sh test installs it");
            vec![CpuLoader::Shell]
        }
        stress_ng @ CpuLoader::StressNg(_) => vec![stress_ng, CpuLoader::Shell],
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
    ProcessSpec { simulated_pid: life, name: format!("it-{life}"), cores, cpu_seconds }
}

fn pool(now_secs: f64, slots: &[Option<ProcessSpec>]) -> PoolSpec {
    PoolSpec { now_secs, slots: slots.to_vec() }
}

/// A load of several workers.
fn load(cores: f64, workers: u32) -> CpuLoad {
    CpuBudget { cores_max: 9.0 }.split(&[CpuDemand { cores, workers }])[0]
}

fn reconciler(loader: &CpuLoader, cores_max: f64) -> (Reconciler, Arc<Mutex<PoolStatus>>) {
    let status = Arc::<Mutex<PoolStatus>>::default();
    (Reconciler::new(loader.clone(), PATH.to_owned(), cores_max, Arc::clone(&status)), status)
}

fn pids(status: &Mutex<PoolStatus>) -> Vec<Option<u32>> {
    status.lock().unwrap().processes.iter().map(|seen| seen.map(|seen| seen.pid)).collect()
}

#[test]
fn a_group_uses_the_cpu_until_its_end_and_leaves_no_process() {
    for loader in loaders() {
        let mut group = ProcessGroup::start(&loader, "it", PATH).unwrap();
        let leader = group.pid();
        assert!(count(leader).has_leader);
        group.set_load(load(1.0, 2)).unwrap();
        let busy = eventually("it uses the CPU", || Some(count(leader)).filter(|it| it.cpu_seconds > 0.1));
        assert!(busy.others >= 2 && busy.threads >= 3, "{busy:?}");
        assert!(busy.memory_bytes > 1e5 && busy.open_fds > 0, "{busy:?}");
        group.set_load(CpuLoad::default()).unwrap();
        eventually("nobody works any more", || (count(leader).others == 0).then_some(()));
        assert!(count(leader).cpu_seconds >= 0.1, "what has ended is counted on");
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
    let group = ProcessGroup::start(&CpuLoader::Shell, "it", PATH).unwrap();
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
    for loader in loaders() {
        let (mut reconciler, status) = reconciler(&loader, 1.0);
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
    for loader in loaders() {
        let (mut reconciler, status) = reconciler(&loader, 1.0);
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
    let (mut reconciler, status) = reconciler(&CpuLoader::Shell, 1.0);
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
fn loads_never_exceed_the_budget() {
    let (mut reconciler, _news) = reconciler(&CpuLoader::Shell, 0.05);
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
    let refused = |share_max| RealProcesses::new(share_max).unwrap_err();
    assert_eq!(refused(0.0), "share_max must be above 0 and at most 1, but is 0");
    assert_eq!(refused(f64::NAN), "share_max must be above 0 and at most 1, but is NaN");
    let reality = RealProcesses { machine_cores: 4.0, ..RealProcesses::new(0.25).unwrap() };
    let settings = Settings { process_count: 14, cores: 1.0, ..Settings::of(crate::Profile::realistic()) };
    assert_eq!(reality.check(&settings), Ok(()));
    let refused = |settings| reality.check(&settings).unwrap_err();
    assert_eq!(
        refused(Settings { process_count: 15, ..settings.clone() }),
        "process_count and children_max must be 64 at most together with real: true, but are 15 and 50"
    );
    assert_eq!(
        refused(Settings { cores: 1.1, ..settings.clone() }),
        "cores must be at most 1, as share_max is 0.25 and this machine has 4, but is 1.1"
    );
}
