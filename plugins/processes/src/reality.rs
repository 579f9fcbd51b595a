//! The real processes of a simulation, one for each that lives in it.
//!
//! A thread of its own begins and ends them, as that takes milliseconds, has them use as much CPU as the simulated
//! ones, and counts what they really use; nothing here waits for it. The thread ends, and all processes with it, when the
//! [`Reality`] is dropped; and if promemu ends in whatever way, they do, too ([`group`]).

mod census;
mod crew;
mod driver;
mod group;
mod ration;
#[cfg(test)]
mod tests;

use promemu_plugin::{Level, Slots, Tick};

use crate::workload::begin;
use crate::{Naming, Settings, Simulation, Stage};
use crew::{Crew, Order, Orders, Seen};

/// No more processes are made real.
pub(crate) const PROCESSES_MAX: usize = 64;
/// How often the real ones are told what the simulated ones do; and at first, until they are seen.
const ROUND_NANOS: u64 = 1_000_000_000;
const FIRST_ROUND_NANOS: u64 = 100_000_000;
const FIRST_ROUNDS: u32 = 10;

/// The real processes of one host.
#[derive(Debug)]
pub(crate) struct Reality {
    machine_cores: f64,
    share_max: f64,
    crew: Option<Crew>,
    /// The pid that each slot shows.
    shown: Vec<Option<u32>>,
    rounds: u32,
    has_told_share: bool,
}

impl Reality {
    /// Nothing real yet, and later no more than this share of the machine. An error says why that cannot be.
    pub(crate) fn new(share_max: f64) -> Result<Self, String> {
        if !cfg!(target_os = "linux") {
            return Err("real needs Linux".to_owned());
        }
        if !(share_max > 0.0 && share_max <= 1.0) {
            return Err(format!("share_max must be above 0 and 1 at most, but is {share_max}"));
        }
        let cores = std::thread::available_parallelism();
        let cores =
            cores.map_err(|error| format!("the machine does not tell how many cores it has: {error}"))?;
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let machine_cores = cores.get() as f64;
        Ok(Self { machine_cores, share_max, crew: None, shown: Vec::new(), rounds: 0, has_told_share: false })
    }

    /// How many cores all may use together.
    pub(crate) fn cores_max(&self) -> f64 {
        self.machine_cores * self.share_max
    }

    /// What cannot be real, if something cannot.
    pub(crate) fn check(&self, settings: &Settings) -> Result<(), String> {
        let Settings { process_count, children_max, cores, .. } = *settings;
        if process_count.saturating_add(children_max) > PROCESSES_MAX {
            return Err(format!(
                "real processes are {PROCESSES_MAX} at most, but process_count and children_max are {process_count} and \
                 {children_max}"
            ));
        }
        if cores > self.cores_max() {
            return Err(format!(
                "cores must be {} at most, as share_max is {} and this machine has {}, but is {cores}",
                self.cores_max(),
                self.share_max,
                self.machine_cores
            ));
        }
        Ok(())
    }

    /// Has the real ones go on as the simulated ones have, and shows what there is. Gives how many, and their memory.
    pub(crate) fn follow<N: Naming>(
        &mut self,
        simulation: &Simulation,
        tick: &mut Tick<'_>,
        slots: &mut Slots<'_>,
    ) -> Result<(usize, f64), String> {
        let cores_max = self.cores_max();
        let crew = match &mut self.crew {
            Some(crew) => crew,
            none => {
                let crew = none.insert(Crew::start(cores_max)?);
                let Self { machine_cores, .. } = self;
                let by = &crew.told;
                tick.log(
                    Level::Info,
                    &format!("real processes use up to {cores_max} of {machine_cores} cores, by {by}"),
                );
                crew
            }
        };
        if simulation.share() < 1.0 && !std::mem::replace(&mut self.has_told_share, true) {
            let percent = simulation.share() * 100.0;
            let line = format!(
                "the processes want more CPU than share_max leaves, and get {percent:.0} % of it for now"
            );
            tick.log(Level::Warn, &line);
        }
        let order = |slot| {
            simulation.process(slot).map(|it| Order {
                life: it.pid,
                name: it.name.to_owned(),
                cores: simulation.cores(slot),
                cpu_seconds: it.cpu_seconds,
            })
        };
        let orders =
            Orders { now_secs: tick.t_secs(), slots: (0..simulation.slot_count()).map(order).collect() };
        let mut news = crew.go_on(orders)?;
        if let Some(complaint) = news.complaint.take() {
            tick.log(Level::Warn, &complaint);
        }
        let are_all_seen = show::<N>(simulation, &news.seen, &mut self.shown, slots);
        let seen = news.seen.iter().flatten();
        let counted = (seen.clone().count(), seen.map(|seen| seen.memory_bytes).sum());
        drop(news);
        if simulation.stage() != Stage::Completed || !are_all_seen {
            let is_first = !are_all_seen && self.rounds < FIRST_ROUNDS;
            self.rounds = self.rounds.saturating_add(1);
            let wait = if is_first { FIRST_ROUND_NANOS } else { ROUND_NANOS };
            tick.wake_at(tick.now_nanos() + wait);
        }
        Ok(counted)
    }
}

/// Shows those that were seen; gives whether that is all there are. Who is replaced is shown until the next one is seen.
fn show<N: Naming>(
    simulation: &Simulation,
    seen: &[Option<Seen>],
    shown: &mut Vec<Option<u32>>,
    slots: &mut Slots<'_>,
) -> bool {
    let mut are_all_seen = true;
    shown.resize(simulation.slot_count(), None);
    for (slot, shown) in shown.iter_mut().enumerate() {
        let number = u32::try_from(slot).unwrap_or(u32::MAX);
        let Some(it) = simulation.process(slot) else {
            if shown.take().is_some() {
                slots.end(number);
            }
            continue;
        };
        let Some(real) = seen.get(slot).copied().flatten().filter(|real| real.life == it.pid) else {
            are_all_seen = false;
            continue;
        };
        let it = real.process(it);
        if shown.replace(it.pid) != Some(it.pid) {
            begin::<N>(&it, number, slots);
        }
        N::show(&it, slots.values(number));
    }
    are_all_seen
}
