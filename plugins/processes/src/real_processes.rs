//! Real processes: one for each simulated process, using as much CPU and memory as the simulation says.
//!
//! A thread of its own starts and stops them, as that takes milliseconds, sets their CPU load and their memory, and reads what they
//! really use from `/proc`. No update waits for that thread. Dropping [`RealProcesses`] ends the thread and all
//! processes; they also end when promemu itself ends in any way ([`process_group`]).

mod cpu_budget;
mod machine_limits;
mod memory_budget;
mod pool_state;
mod proc_stats;
mod process_group;
mod process_pool;
mod programs;
mod reconciler;
#[cfg(test)]
mod tests;

use promemu_plugin::{Level, Tables, Tick};

use crate::member::begin_member;
use crate::{NamingScheme, Settings, Simulation, Stage};
use cpu_budget::CpuBudget;
use memory_budget::MemoryBudget;
use pool_state::{PoolSpec, ProcessSpec, ProcessStatus};
use process_pool::ProcessPool;
use reconciler::Budgets;

/// Most real processes that [`RealLimits::processes`] allows.
const PROCESSES_MAX: usize = 1000;
/// Interval between two looks at the real processes.
const ROUND_NANOS: u64 = 1_000_000_000;
/// The first rounds are shorter, until all processes are visible.
const FIRST_ROUND_NANOS: u64 = 100_000_000;
const FIRST_ROUNDS: u32 = 10;

/// Limits that the config sets on real processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RealLimits {
    /// Share of the machine's CPU that they use together.
    pub(crate) cpu_share: f64,
    /// Number of them.
    pub(crate) processes: usize,
    /// Memory that they are filled with together, in bytes.
    pub(crate) memory_bytes: f64,
}

/// The real processes of one host.
#[derive(Debug)]
pub(crate) struct RealProcesses {
    machine_cores: f64,
    limits: RealLimits,
    pool: Option<ProcessPool>,
    /// Real pid that each slot shows.
    shown_pids: Vec<Option<u32>>,
    rounds: u32,
    has_logged_shortage: bool,
    has_logged_memory_shortage: bool,
}

impl RealLimits {
    /// Checks them. An error has the parameter's name and the reason, which follows it.
    fn check(self) -> Result<(), (&'static str, String)> {
        let Self { cpu_share, processes, memory_bytes } = self;
        if !(cpu_share > 0.0 && cpu_share <= 1.0) {
            return Err(("share_max", format!("must be above 0 and at most 1, but is {cpu_share}")));
        }
        if !(1..=PROCESSES_MAX).contains(&processes) {
            return Err(("real_max", format!("must be from 1 to {PROCESSES_MAX}, but is {processes}")));
        }
        if !(0.0..=1e15).contains(&memory_bytes) {
            let why = format!("must be a size from 0 on, as in \"256MiB\", but is {memory_bytes}");
            return Err(("memory_max", why));
        }
        Ok(())
    }
}

impl RealProcesses {
    /// Starts nothing yet; later keeps within these limits.
    ///
    /// # Errors
    ///
    /// If this is not Linux, a limit is out of range, or the number of cores is unknown. An error has the parameter's name and the
    /// reason, which follows it.
    pub(crate) fn new(limits: RealLimits) -> Result<Self, (&'static str, String)> {
        if !cfg!(target_os = "linux") {
            return Err(("real", "true needs Linux".to_owned()));
        }
        limits.check()?;
        let cores = std::thread::available_parallelism()
            .map_err(|error| ("real", format!("cannot read the number of cores of this machine: {error}")))?;
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let machine_cores = cores.get() as f64;
        Ok(Self {
            machine_cores,
            limits,
            pool: None,
            shown_pids: Vec::new(),
            rounds: 0,
            has_logged_shortage: false,
            has_logged_memory_shortage: false,
        })
    }

    /// `true` once there is a pool of real processes.
    pub(crate) const fn are_running(&self) -> bool {
        self.pool.is_some()
    }

    /// CPU that all processes may use together, in cores.
    pub(crate) fn cores_max(&self) -> f64 {
        self.machine_cores * self.limits.cpu_share
    }

    /// Number of real processes that the limits allow.
    pub(crate) const fn processes_max(&self) -> usize {
        self.limits.processes
    }

    /// Checks that processes with these settings can be real. An error has the parameter's name and the reason, which follows it.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), (&'static str, String)> {
        let Settings { process_count, children_max, cores, .. } = *settings;
        let RealLimits { processes: processes_max, cpu_share, .. } = self.limits;
        if process_count.saturating_add(children_max) > processes_max {
            return Err((
                "process_count",
                format!(
                    "and children_max must be {processes_max} at most together, as real_max says, but are {process_count} and \
                     {children_max}"
                ),
            ));
        }
        if cores > self.cores_max() {
            return Err((
                "cores",
                format!(
                    "must be at most {}, as share_max is {cpu_share} and this machine has {}, but is {cores}",
                    self.cores_max(),
                    self.machine_cores
                ),
            ));
        }
        Ok(())
    }

    /// Hands the simulated state to the pool and shows the latest state of the real processes. Returns their number
    /// and their memory in bytes.
    pub(crate) fn update<N: NamingScheme>(
        &mut self,
        simulation: &Simulation,
        tick: &mut Tick<'_>,
        tables: &mut Tables<'_>,
    ) -> Result<(usize, f64), String> {
        let processes = match &mut self.pool {
            Some(processes) => processes,
            none => none.insert(start(self.limits, self.machine_cores, simulation, tick)?),
        };
        if simulation.share() < 1.0 && !std::mem::replace(&mut self.has_logged_shortage, true) {
            let percent = simulation.share() * 100.0;
            let line = format!(
                "real processes want more CPU than share_max allows; for now each gets {percent:.0} % of its demand"
            );
            tick.log(Level::Warn, &line);
        }
        let spec = |slot| {
            simulation.process(slot).map(|it| ProcessSpec {
                simulated_pid: it.pid,
                name: it.name.to_owned(),
                cores: simulation.cores(slot),
                cpu_seconds: it.cpu_seconds,
                memory_bytes: it.memory_bytes,
            })
        };
        let spec =
            PoolSpec { now_secs: tick.t_secs(), slots: (0..simulation.slot_count()).map(spec).collect() };
        let mut status = processes.apply(spec)?;
        if let Some(warning) = status.warning.take() {
            tick.log(Level::Warn, &warning);
        }
        let share = status.memory_share;
        if share > 0.0 && share < 1.0 && !std::mem::replace(&mut self.has_logged_memory_shortage, true) {
            let percent = share * 100.0;
            let line = format!(
                "real processes want more memory than memory_max allows; for now each gets {percent:.0} % of its demand"
            );
            tick.log(Level::Warn, &line);
        }
        let are_all_visible = show::<N>(simulation, &status.processes, &mut self.shown_pids, tables);
        let running = status.processes.iter().flatten();
        let totals = (running.clone().count(), running.map(|it| it.memory_bytes).sum());
        drop(status);
        if simulation.stage() != Stage::Completed || !are_all_visible {
            let is_first = !are_all_visible && self.rounds < FIRST_ROUNDS;
            self.rounds = self.rounds.saturating_add(1);
            let wait = if is_first { FIRST_ROUND_NANOS } else { ROUND_NANOS };
            tick.wake_at(tick.now_nanos() + wait);
        }
        Ok(totals)
    }
}

/// Starts the pool of a simulation.
fn start(
    limits: RealLimits,
    machine_cores: f64,
    simulation: &Simulation,
    tick: &mut Tick<'_>,
) -> Result<ProcessPool, String> {
    let RealLimits { cpu_share, memory_bytes, .. } = limits;
    let cores_max = machine_cores * cpu_share;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, as checked")]
    let bytes_max = memory_bytes as u64;
    let budgets = Budgets { cpu: CpuBudget { cores_max }, memory: MemoryBudget { bytes_max } };
    let pool = ProcessPool::start(simulation.slot_count(), budgets)?;
    let (mib, programs) = (bytes_max / 1_048_576, &pool.programs);
    let line = format!(
        "real processes use up to {cores_max} of {machine_cores} cores and {mib} MiB of memory, with {programs}"
    );
    tick.log(Level::Info, &line);
    Ok(pool)
}

/// Shows the running processes; `true` if every simulated process has a real one. A replaced process stays visible
/// until its successor runs.
fn show<N: NamingScheme>(
    simulation: &Simulation,
    running: &[Option<ProcessStatus>],
    shown_pids: &mut Vec<Option<u32>>,
    tables: &mut Tables<'_>,
) -> bool {
    let mut are_all_visible = true;
    shown_pids.resize(simulation.slot_count(), None);
    for (slot, shown_pid) in shown_pids.iter_mut().enumerate() {
        let number = u32::try_from(slot).unwrap_or(u32::MAX);
        let Some(simulated) = simulation.process(slot) else {
            if shown_pid.take().is_some() {
                tables.end(0, number);
            }
            continue;
        };
        let real = running.get(slot).copied().flatten().filter(|it| it.simulated_pid == simulated.pid);
        let Some(real) = real else {
            are_all_visible = false;
            continue;
        };
        let it = real.process(simulated);
        if shown_pid.replace(it.pid) != Some(it.pid) {
            begin_member::<N>(&it, number, tables);
        }
        N::write_values(&it, tables.row(0, number));
    }
    are_all_visible
}
