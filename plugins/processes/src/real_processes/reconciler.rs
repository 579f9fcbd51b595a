//! The thread's work: brings the real processes to their desired state, round by round.

use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::cpu_budget::{CpuBudget, CpuDemand, CpuLoad};
use super::memory_budget::MemoryBudget;
use super::pool_state::{PoolSpec, PoolStatus, ProcessSpec, ProcessStatus};
use super::proc_stats::{GroupStats, boot_time_seconds, read_groups, uptime_seconds};
use super::process_group::{ProcessGroup, kill_group};
use super::programs::Programs;

/// A process makes up for too much or too little CPU in about this time. stress-ng and shell loops pause by the clock,
/// so they use less than they are asked for on a busy machine.
const CATCH_UP_SECS: f64 = 3.0;
/// Limit on the CPU to catch up with, as a multiple of the desired CPU; and its minimum, for nearly idle processes.
const CATCH_UP_RATIO_MAX: f64 = 2.0;
const CATCH_UP_CORES_MIN: f64 = 0.01;
/// A load is renewed before it expires, which it does after 60 s.
const RENEWAL_SECS: f64 = 45.0;
/// A change of at most this many percent of a core waits until the last change is this old.
const SMALL_CHANGE_PERCENT: u32 = 3;
const SMALL_CHANGE_SECS: f64 = 4.0;
/// Memory that a process still does not hold after this time has been lost: the kernel has ended the program that held it.
const LOST_SECS: f64 = 10.0;
/// Time that a group has to end before it is killed.
const TERMINATION_GRACE_SECS: f64 = 5.0;
/// Checks on the last groups when the thread ends, and the time between two.
const LAST_CHECKS: u32 = 60;
const LAST_CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// CPU and memory that all processes may use together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budgets {
    pub(super) cpu: CpuBudget,
    pub(super) memory: MemoryBudget,
}

#[derive(Debug)]
pub(super) struct Reconciler {
    programs: Programs,
    budgets: Budgets,
    boot_time_seconds: f64,
    slots: Vec<Option<RealProcess>>,
    /// Leaders of groups that are to end, and since when.
    terminating: Vec<(Child, f64)>,
    /// `true` if the last start failed; that is logged once.
    has_start_failed: bool,
    status: Arc<Mutex<PoolStatus>>,
}

/// The real process of a slot.
#[derive(Debug)]
struct RealProcess {
    simulated_pid: u32,
    group: ProcessGroup,
    load: CpuLoad,
    load_since_secs: f64,
    /// Memory that it is told to hold.
    held_bytes: u64,
    held_since_secs: f64,
    /// CPU that the simulated process had used when this one started.
    cpu_seconds_before: f64,
    stats: GroupStats,
}

impl Reconciler {
    pub(super) fn new(programs: Programs, budgets: Budgets, status: Arc<Mutex<PoolStatus>>) -> Self {
        Self {
            programs,
            budgets,
            boot_time_seconds: boot_time_seconds().unwrap_or(0.0),
            slots: Vec::new(),
            terminating: Vec::new(),
            has_start_failed: false,
            status,
        }
    }

    /// Starts, stops and loads processes as the spec says, and publishes their status.
    pub(super) fn reconcile(&mut self, spec: &PoolSpec) {
        let now_secs = spec.now_secs;
        self.slots.resize_with(spec.slots.len(), || None);
        self.reap_terminating(now_secs);
        for (slot, wanted) in self.slots.iter_mut().zip(&spec.slots) {
            let wanted_pid = wanted.as_ref().map(|it| it.simulated_pid);
            if let Some(old) = slot.take_if(|process| Some(process.simulated_pid) != wanted_pid) {
                self.terminating.push((old.group.terminate(), now_secs));
            }
        }
        let mut warning = self.start_missing(spec);
        self.read_stats();
        self.remove_exited(now_secs, &mut warning);
        self.set_loads(spec, &mut warning);
        let memory_share = self.set_memories(spec, &mut warning);
        self.publish(memory_share, warning);
    }

    /// Present load of each process.
    #[cfg(test)]
    pub(super) fn loads(&self) -> impl Iterator<Item = CpuLoad> {
        self.slots.iter().flatten().map(|process| process.load)
    }

    /// Memory that all processes are told to hold.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> u64 {
        self.slots.iter().flatten().map(|process| process.held_bytes).sum()
    }

    fn start_missing(&mut self, spec: &PoolSpec) -> Option<String> {
        let mut warning = None;
        for (slot, wanted) in self.slots.iter_mut().zip(&spec.slots) {
            let (None, Some(wanted)) = (&slot, wanted) else { continue };
            match ProcessGroup::start(&self.programs, &wanted.name) {
                Ok(group) => {
                    *slot = Some(RealProcess::new(wanted, group));
                    self.has_start_failed = false;
                }
                Err(error) => {
                    if !std::mem::replace(&mut self.has_start_failed, true) {
                        warning = Some(format!("cannot start a real process: {error}"));
                    }
                    break;
                }
            }
        }
        warning
    }

    fn read_stats(&mut self) {
        let groups = read_groups(self.slots.iter().flatten().map(|process| process.group.pid()));
        for process in self.slots.iter_mut().flatten() {
            let stats = groups.get(&process.group.pid()).copied().unwrap_or_default();
            // The CPU of a member that ends during the read may be missed once.
            let cpu_seconds = stats.cpu_seconds.max(process.stats.cpu_seconds);
            process.stats = GroupStats { cpu_seconds, ..stats };
        }
    }

    /// Removes processes that ended by themselves or by someone else; the next round starts them again.
    fn remove_exited(&mut self, now_secs: f64, warning: &mut Option<String>) {
        for slot in &mut self.slots {
            if let Some(exited) = slot.take_if(|process| !process.stats.has_leader) {
                let pid = exited.group.pid();
                *warning = Some(format!("real process {pid} was ended from outside; starting another one"));
                if exited.stats.others > 0 {
                    kill_group(pid);
                }
                self.terminating.push((exited.group.terminate(), now_secs));
            }
        }
    }

    fn reap_terminating(&mut self, now_secs: f64) {
        self.terminating.retain_mut(|(shell, since_secs)| {
            let has_ended = !matches!(shell.try_wait(), Ok(None));
            if !has_ended && now_secs - *since_secs > TERMINATION_GRACE_SECS {
                kill_group(shell.id());
                *since_secs = now_secs;
            }
            !has_ended
        });
    }

    /// Sets the load of each process, within the budget at any moment.
    fn set_loads(&mut self, spec: &PoolSpec, warning: &mut Option<String>) {
        let demand = |(slot, wanted): (&Option<RealProcess>, &Option<ProcessSpec>)| match (slot, wanted) {
            (Some(process), Some(wanted)) => process.demand(wanted),
            _ => CpuDemand::default(),
        };
        let demands: Vec<CpuDemand> = self.slots.iter().zip(&spec.slots).map(demand).collect();
        let best = self.budgets.cpu.split(&demands);
        // A small change is not worth a new load, unless the old loads exceed the budget.
        let kept = |slot: &Option<RealProcess>, best: CpuLoad| match slot {
            Some(process) if !process.should_change(best, spec.now_secs) => process.load,
            _ => best,
        };
        let all: u32 = self.slots.iter().zip(&best).map(|(slot, best)| kept(slot, *best).percent()).sum();
        let is_over_budget = f64::from(all) > self.budgets.cpu.cores_max * 100.0;
        for (slot, best) in self.slots.iter_mut().zip(best) {
            let kept = kept(slot, best);
            let load = if is_over_budget && best.percent() < kept.percent() { best } else { kept };
            let Some(process) = slot else { continue };
            if let Err(error) = process.set_load(load, spec.now_secs) {
                let pid = process.group.pid();
                *warning = Some(format!("cannot set the load of real process {pid}: {error}"));
            }
        }
    }

    /// Sets the memory that each process holds, within the budget at any moment. Returns the share of its demand that each gets.
    fn set_memories(&mut self, spec: &PoolSpec, warning: &mut Option<String>) -> f64 {
        if self.programs.dd.is_none() {
            return 1.0;
        }
        let demand = |(slot, wanted): (&Option<RealProcess>, &Option<ProcessSpec>)| match (slot, wanted) {
            (Some(process), Some(wanted)) => process.stats.missing_bytes(wanted.memory_bytes),
            _ => 0.0,
        };
        let demands: Vec<f64> = self.slots.iter().zip(&spec.slots).map(demand).collect();
        let held = |slot: &Option<RealProcess>| slot.as_ref().map_or(0, |process| process.held_bytes);
        let held: Vec<u64> = self.slots.iter().map(held).collect();
        let split = self.budgets.memory.split(&demands, &held);
        let mut free = self.budgets.memory.bytes_max.saturating_sub(held.iter().sum());
        // Those that hold less from now on come first, and make room for the others.
        for is_growth in [false, true] {
            for ((slot, bytes), held) in self.slots.iter_mut().zip(&split).zip(&held) {
                let Some(process) = slot else { continue };
                let growth = bytes.saturating_sub(*held);
                if (growth > 0) != is_growth || growth > free {
                    continue;
                }
                free = free + held - bytes;
                if let Err(error) = process.set_memory(*bytes, spec.now_secs) {
                    let pid = process.group.pid();
                    *warning = Some(format!("cannot set the memory of real process {pid}: {error}"));
                }
            }
        }
        self.budgets.memory.share(&demands)
    }

    fn publish(&self, memory_share: f64, warning: Option<String>) {
        let now = uptime_seconds().unwrap_or(0.0);
        let observe = |process: &RealProcess| ProcessStatus {
            simulated_pid: process.simulated_pid,
            pid: process.group.pid(),
            cpu_seconds: process.stats.cpu_seconds,
            memory_bytes: process.stats.memory_bytes,
            threads: process.stats.threads,
            open_fds: process.stats.open_fds,
            start_time_seconds: self.boot_time_seconds + process.stats.start_secs,
            uptime_seconds: (now - process.stats.start_secs).max(0.0),
        };
        let processes = self.slots.iter().map(|slot| slot.as_ref().map(observe)).collect();
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.processes = processes;
        status.memory_share = memory_share;
        if warning.is_some() {
            status.warning = warning;
        }
    }
}

/// Ends all processes and waits for them, for 3 s at most before they are killed.
impl Drop for Reconciler {
    fn drop(&mut self) {
        let last = self.slots.drain(..).flatten().map(|process| (process.group.terminate(), 0.0));
        self.terminating.extend(last);
        for _ in 0..LAST_CHECKS {
            self.reap_terminating(0.0);
            if self.terminating.is_empty() {
                return;
            }
            std::thread::park_timeout(LAST_CHECK_INTERVAL);
        }
        self.reap_terminating(f64::INFINITY);
    }
}

impl RealProcess {
    fn new(spec: &ProcessSpec, group: ProcessGroup) -> Self {
        Self {
            simulated_pid: spec.simulated_pid,
            group,
            load: CpuLoad::default(),
            load_since_secs: f64::NEG_INFINITY,
            held_bytes: 0,
            held_since_secs: f64::NEG_INFINITY,
            cpu_seconds_before: spec.cpu_seconds,
            stats: GroupStats::default(),
        }
    }

    /// CPU that keeps this process level with the simulated one.
    fn demand(&self, spec: &ProcessSpec) -> CpuDemand {
        let behind_secs = spec.cpu_seconds - self.cpu_seconds_before - self.stats.cpu_seconds;
        // After a long shortage only a part of it is made up for.
        let more_max = (spec.cores * CATCH_UP_RATIO_MAX).max(CATCH_UP_CORES_MIN);
        let more = (behind_secs / CATCH_UP_SECS).clamp(-spec.cores, more_max);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few")]
        let workers = spec.cores.ceil().max(1.0) as u32;
        CpuDemand { cores: (spec.cores + more).min(f64::from(workers)), workers }
    }

    fn should_change(&self, load: CpuLoad, now_secs: f64) -> bool {
        let is_due = now_secs - self.load_since_secs >= SMALL_CHANGE_SECS;
        load.change_from(self.load).is_some_and(|percent| is_due || percent > SMALL_CHANGE_PERCENT)
    }

    fn set_load(&mut self, load: CpuLoad, now_secs: f64) -> std::io::Result<()> {
        let is_old = load.percent() > 0 && now_secs - self.load_since_secs > RENEWAL_SECS;
        if load == self.load && !is_old {
            return Ok(());
        }
        (self.load, self.load_since_secs) = (load, now_secs);
        self.group.set_load(load)
    }

    fn set_memory(&mut self, bytes: u64, now_secs: f64) -> std::io::Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
        let is_lost =
            self.stats.held_bytes < bytes as f64 / 2.0 && now_secs - self.held_since_secs > LOST_SECS;
        if bytes == self.held_bytes && !(bytes > 0 && is_lost) {
            return Ok(());
        }
        (self.held_bytes, self.held_since_secs) = (bytes, now_secs);
        self.group.set_memory(bytes)
    }
}
