//! Real processes: one for each simulated process, using as much CPU as the simulation says.
//!
//! A thread of its own starts and stops them, as that takes milliseconds, sets their CPU load, and reads what they
//! really use from `/proc`. No update waits for that thread. Dropping [`RealProcesses`] ends the thread and all
//! processes; they also end when promemu itself ends in any way ([`process_group`]).

mod cpu_budget;
mod cpu_loader;
mod pool_state;
mod proc_stats;
mod process_group;
mod process_pool;
mod reconciler;
#[cfg(test)]
mod tests;

use promemu_plugin::{Level, Tables, Tick};

use crate::member::begin_member;
use crate::{NamingScheme, Settings, Simulation, Stage};
use pool_state::{PoolSpec, ProcessSpec, ProcessStatus};
use process_pool::ProcessPool;

/// Limit on real processes.
pub(crate) const PROCESSES_MAX: usize = 64;
/// Interval between two looks at the real processes.
const ROUND_NANOS: u64 = 1_000_000_000;
/// The first rounds are shorter, until all processes are visible.
const FIRST_ROUND_NANOS: u64 = 100_000_000;
const FIRST_ROUNDS: u32 = 10;

/// The real processes of one host.
#[derive(Debug)]
pub(crate) struct RealProcesses {
    machine_cores: f64,
    share_max: f64,
    pool: Option<ProcessPool>,
    /// Real pid that each slot shows.
    shown_pids: Vec<Option<u32>>,
    rounds: u32,
    has_logged_shortage: bool,
}

impl RealProcesses {
    /// Starts nothing yet; later uses at most this share of the machine's CPU.
    ///
    /// # Errors
    ///
    /// If this is not Linux, the share is out of range, or the number of cores is unknown.
    pub(crate) fn new(share_max: f64) -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("real: true needs Linux".to_owned());
        }
        if !(share_max > 0.0 && share_max <= 1.0) {
            return Err(format!("share_max must be above 0 and at most 1, but is {share_max}"));
        }
        let cores = std::thread::available_parallelism()
            .map_err(|error| format!("cannot read the number of cores of this machine: {error}"))?;
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let machine_cores = cores.get() as f64;
        Ok(Self {
            machine_cores,
            share_max,
            pool: None,
            shown_pids: Vec::new(),
            rounds: 0,
            has_logged_shortage: false,
        })
    }

    /// `true` once there is a pool of real processes.
    pub(crate) const fn are_running(&self) -> bool {
        self.pool.is_some()
    }

    /// CPU that all processes may use together, in cores.
    pub(crate) fn cores_max(&self) -> f64 {
        self.machine_cores * self.share_max
    }

    /// Checks that this machine can run processes with these settings.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), String> {
        let Settings { process_count, children_max, cores, .. } = *settings;
        if process_count.saturating_add(children_max) > PROCESSES_MAX {
            return Err(format!(
                "process_count and children_max must be {PROCESSES_MAX} at most together with real: true, but are \
                 {process_count} and {children_max}"
            ));
        }
        if cores > self.cores_max() {
            return Err(format!(
                "cores must be at most {}, as share_max is {} and this machine has {}, but is {cores}",
                self.cores_max(),
                self.share_max,
                self.machine_cores
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
        let cores_max = self.cores_max();
        let processes = match &mut self.pool {
            Some(processes) => processes,
            none => {
                let processes = none.insert(ProcessPool::start(cores_max)?);
                let line = format!(
                    "real processes use up to {cores_max} of {} cores, with {}",
                    self.machine_cores, processes.loader
                );
                tick.log(Level::Info, &line);
                processes
            }
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
            })
        };
        let spec =
            PoolSpec { now_secs: tick.t_secs(), slots: (0..simulation.slot_count()).map(spec).collect() };
        let mut status = processes.apply(spec)?;
        if let Some(warning) = status.warning.take() {
            tick.log(Level::Warn, &warning);
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
