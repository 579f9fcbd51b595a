//! All processes of a host, second by second.
//!
//! Every change happens at a whole second since the start; in between the shares of the CPU stay. So the result does not
//! depend on how often the simulation is advanced.

mod end_counts;
mod lifecycle;

use serde::{Deserialize, Serialize};

pub use end_counts::{ByPriority, EndCounts};

use crate::pid_allocator::{END, PidAllocator};
use crate::process::{SampleContext, SimulatedProcess};
use crate::random::Random;
use crate::{Action, Priority, Process, Profile};

/// Share of the CPU that the kernel leaves.
const CPU_SHARE_MAX: f64 = 0.98;
const NANOS_PER_SEC: u64 = 1_000_000_000;
/// A quarter of all pids, so that the next free pid is never far.
const PROCESSES_MAX: usize = END as usize / 4;

/// Settings of a simulation.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Programs to run.
    pub profile: Profile,
    /// Number of processes.
    pub process_count: usize,
    /// Share of the processes that is replaced each minute.
    pub churn_rate: f64,
    /// Faults per minute.
    pub chaos: f64,
    /// Cores of the host.
    pub cores: f64,
    /// Maximum number of children of fork storms at a time, beside the processes.
    pub children_max: usize,
    /// End of the simulation, in seconds since its start.
    pub ends_after_secs: Option<u64>,
}

/// Stage of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Created, and not advanced yet.
    Created,
    /// Running.
    Started,
    /// Over; all processes have ended.
    Completed,
}

/// The processes of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Simulation {
    /// Not saved: [`Simulation::load`] is given them.
    #[serde(skip, default = "Settings::none")]
    settings: Settings,
    seed: u64,
    start_nanos: u64,
    now_nanos: u64,
    now_secs: u64,
    stage: Stage,
    random: Random,
    pids: PidAllocator,
    /// Those of the processes, then those of children.
    slots: Vec<Slot>,
    /// The slots of low, medium and high priority.
    churnable: [Vec<usize>; 3],
    /// Number of processes that churn has still to replace.
    churn_due: f64,
    next_incident_secs: u64,
    /// Faults that begin with the next second.
    actions: Vec<Action>,
    /// Share of its demand that each process gets.
    share: f64,
    changed: Vec<usize>,
    ends: EndCounts,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slot {
    /// Index into the profile's programs.
    program: usize,
    priority: Priority,
    generation: u64,
    process: Option<SimulatedProcess>,
    is_changed: bool,
}

impl Settings {
    /// The defaults of a profile: 50 processes on 8 cores, without an end.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self {
            process_count: 50,
            churn_rate: profile.churn_rate,
            chaos: profile.chaos,
            cores: 8.0,
            children_max: 50,
            ends_after_secs: None,
            profile,
        }
    }

    /// Those of no simulation.
    const fn none() -> Self {
        let profile = Profile { name: String::new(), programs: Vec::new(), churn_rate: 0.0, chaos: 0.0 };
        Self {
            profile,
            process_count: 0,
            churn_rate: 0.0,
            chaos: 0.0,
            cores: 0.0,
            children_max: 0,
            ends_after_secs: None,
        }
    }

    /// Checks the settings. An error has the parameter's name and the reason, which follows it.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let programs = &self.profile.programs;
        if programs.is_empty() {
            return Err(("profile", "must have programs".to_owned()));
        }
        let weighs = programs.iter().any(|program| program.weight > 0);
        if !weighs && self.process_count > programs.len() {
            let count = programs.len();
            return Err((
                "profile",
                format!("needs a program with a weight, to have more than {count} processes"),
            ));
        }
        let all = self.process_count.saturating_add(self.children_max);
        if self.process_count == 0 || all > PROCESSES_MAX {
            let (count, children) = (self.process_count, self.children_max);
            let why = format!(
                "must be 1 or more, and with children_max no more than {PROCESSES_MAX}, but is {count} and {children}"
            );
            return Err(("process_count", why));
        }
        for (name, value) in [("churn_rate", self.churn_rate), ("chaos", self.chaos)] {
            if !(0.0..=60.0).contains(&value) {
                return Err((name, format!("must be from 0 to 60 a minute, but is {value}")));
            }
        }
        if !(self.cores > 0.0 && self.cores.is_finite()) {
            return Err(("cores", format!("must be above 0, but is {}", self.cores)));
        }
        Ok(())
    }
}

impl Simulation {
    /// A simulation whose processes all start at this time, in nanoseconds since the Unix epoch.
    pub fn new(settings: Settings, seed: u64, start_nanos: u64) -> Result<Self, String> {
        settings.check().map_err(|(name, why)| format!("{name} {why}"))?;
        // No slot has this index.
        let mut random = Random::new(seed, u64::MAX, 0);
        let programs = pick_programs(&settings, &mut random);
        let slot = |program: usize| {
            let priority = settings.profile.programs[program].priority;
            Slot { program, priority, generation: 0, process: None, is_changed: false }
        };
        let slots: Vec<_> = programs.into_iter().map(slot).collect();
        let of = |priority| (0..slots.len()).filter(|slot| slots[*slot].priority == priority).collect();
        let mut simulation = Self {
            churnable: [of(Priority::Low), of(Priority::Medium), of(Priority::High)],
            next_incident_secs: next_incident(0, settings.chaos, &mut random),
            seed,
            start_nanos,
            now_nanos: start_nanos,
            now_secs: 0,
            stage: Stage::Created,
            random,
            pids: PidAllocator::new(),
            churn_due: 0.0,
            actions: Vec::new(),
            share: 1.0,
            changed: Vec::new(),
            ends: EndCounts::default(),
            slots,
            settings,
        };
        let children =
            Slot { program: 0, priority: Priority::Low, generation: 0, process: None, is_changed: false };
        let process_count = simulation.settings.process_count;
        simulation.slots.resize(process_count + simulation.settings.children_max, children);
        (0..process_count).for_each(|slot| simulation.begin(slot));
        simulation.share_out();
        Ok(simulation)
    }

    /// Its state in bytes, without the settings.
    pub fn save(&self) -> Result<Vec<u8>, String> {
        postcard::to_allocvec(self).map_err(|error| error.to_string())
    }

    /// The simulation that was saved, which had the same settings. From here on both do the same.
    pub fn load(settings: Settings, saved: &[u8]) -> Result<Self, String> {
        let saved: Self = postcard::from_bytes(saved).map_err(|error| error.to_string())?;
        let slots = settings.process_count.saturating_add(settings.children_max);
        let has_programs = |slot: &Slot| slot.program < settings.profile.programs.len();
        if saved.slots.len() == slots && saved.slots.iter().all(has_programs) {
            Ok(Self { settings, ..saved })
        } else {
            Err("saved simulation had other settings".to_owned())
        }
    }

    /// Advances to a time in nanoseconds since the Unix epoch; an earlier time changes nothing.
    pub fn advance(&mut self, now_nanos: u64) {
        self.now_nanos = self.now_nanos.max(now_nanos);
        if self.stage == Stage::Created {
            self.stage = Stage::Started;
        }
        let until_secs = (self.now_nanos - self.start_nanos) / NANOS_PER_SEC;
        while self.now_secs < until_secs && self.stage != Stage::Completed {
            self.now_secs += 1;
            self.tick();
        }
    }

    /// Starts a fault at the next whole second. An error says what is wrong with it.
    pub fn act(&mut self, action: Action) -> Result<(), String> {
        action.check()?;
        if self.stage != Stage::Completed {
            self.actions.push(action);
        }
        Ok(())
    }

    /// Its stage.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Share of its demand that each process gets; 1 if there is enough CPU.
    #[must_use]
    pub const fn share(&self) -> f64 {
        self.share
    }

    /// Cores that the process in a slot uses now.
    #[must_use]
    pub fn cores(&self, slot: usize) -> f64 {
        let process = self.slots.get(slot).and_then(|slot| slot.process.as_ref());
        process.map_or(0.0, |process| process.wanted_cores() * self.share)
    }

    /// Number of ended processes by cause.
    #[must_use]
    pub const fn ends(&self) -> EndCounts {
        self.ends
    }

    /// Cores that all processes use now.
    #[must_use]
    pub fn cores_in_use(&self) -> f64 {
        self.wanted_cores() * self.share
    }

    /// Number of slots, those of children included.
    #[must_use]
    pub const fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The process in a slot.
    #[must_use]
    pub fn process(&self, slot: usize) -> Option<Process<'_>> {
        let slot = self.slots.get(slot)?;
        let process = slot.process.as_ref()?;
        Some(process.show(&self.settings.profile.programs[slot.program], slot.priority, &self.moment()))
    }

    /// All running processes, with their slots.
    pub fn living(&self) -> impl Iterator<Item = (usize, Process<'_>)> {
        (0..self.slots.len()).filter_map(|slot| Some((slot, self.process(slot)?)))
    }

    /// The slots whose process has changed since the last call; at first all slots with a process.
    pub fn take_changes(&mut self, changes: &mut Vec<usize>) {
        for slot in self.changed.drain(..) {
            self.slots[slot].is_changed = false;
            changes.push(slot);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit, with a quarter of a microsecond")]
    fn moment(&self) -> SampleContext {
        let passed = (self.now_nanos - self.start_nanos).saturating_sub(self.now_secs * NANOS_PER_SEC);
        SampleContext {
            start_time_seconds: self.start_nanos as f64 / NANOS_PER_SEC as f64,
            now_secs: self.now_secs,
            part_of_second: passed as f64 / NANOS_PER_SEC as f64,
            share: self.share,
        }
    }

    /// Ends a second and begins the next one.
    fn tick(&mut self) {
        self.advance_second();
        for action in std::mem::take(&mut self.actions) {
            self.apply(&action);
        }
        self.churn();
        self.inject_chaos();
        if self.settings.ends_after_secs.is_some_and(|end| self.now_secs >= end) {
            (0..self.slots.len()).for_each(|slot| self.end(slot));
            self.stage = Stage::Completed;
        }
        self.share_out();
    }

    /// Returns each process the same share of its demand.
    fn share_out(&mut self) {
        self.share = (CPU_SHARE_MAX * self.settings.cores / self.wanted_cores()).min(1.0);
    }

    fn wanted_cores(&self) -> f64 {
        self.slots.iter().filter_map(|slot| slot.process.as_ref()).map(SimulatedProcess::wanted_cores).sum()
    }
}

/// The program of each process: first one of each program, then by their weights.
fn pick_programs(settings: &Settings, random: &mut Random) -> Vec<usize> {
    let programs = &settings.profile.programs;
    let mut chosen: Vec<usize> = (0..programs.len().min(settings.process_count)).collect();
    let mut sum = 0;
    let sums: Vec<u64> = programs
        .iter()
        .map(|program| {
            sum += u64::from(program.weight);
            sum
        })
        .collect();
    while chosen.len() < settings.process_count {
        let place = random.below(sum);
        chosen.push(sums.partition_point(|upto| *upto <= place));
    }
    chosen
}

/// Second of the next fault; never without chaos.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few seconds up to some years")]
fn next_incident(now_secs: u64, chaos: f64, random: &mut Random) -> u64 {
    if chaos <= 0.0 {
        return u64::MAX;
    }
    now_secs.saturating_add((random.uniform(0.5, 1.5) * 60.0 / chaos).max(1.0) as u64)
}

#[cfg(test)]
mod tests;
