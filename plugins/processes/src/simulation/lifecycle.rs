//! Start and end of processes, and faults.

use super::{Simulation, next_incident};
use crate::process::{FaultWindow, SimulatedProcess};
use crate::random::Random;
use crate::{Action, Filter, KillLimit, Priority};

impl Simulation {
    /// Starts a process in a slot, which must be empty.
    pub(super) fn begin(&mut self, slot: usize) {
        let pid = self.pids.take(&mut self.random);
        let at = &mut self.slots[slot];
        at.generation += 1;
        let random = Random::new(self.seed, slot as u64, at.generation);
        let program = &self.settings.profile.programs[at.program];
        at.process = Some(SimulatedProcess::new(program, pid, self.now_secs, random));
        self.mark(slot);
    }

    /// Ends the process in a slot, if there is one.
    pub(super) fn end(&mut self, slot: usize) {
        if let Some(process) = self.slots[slot].process.take() {
            self.pids.release(process.pid);
            self.mark(slot);
        }
    }

    /// Ends the process in a slot, and starts it again unless it is a child. Returns the number of ended processes.
    fn replace(&mut self, slot: usize) -> u64 {
        if self.slots[slot].process.is_none() {
            return 0;
        }
        self.end(slot);
        if slot < self.settings.process_count {
            self.begin(slot);
        }
        1
    }

    fn mark(&mut self, slot: usize) {
        if !std::mem::replace(&mut self.slots[slot].is_changed, true) {
            self.changed.push(slot);
        }
    }

    /// Advances all processes by a second; some end by themselves.
    pub(super) fn advance_second(&mut self) {
        for slot in 0..self.slots.len() {
            let at = &mut self.slots[slot];
            let Some(process) = &mut at.process else { continue };
            let program = &self.settings.profile.programs[at.program];
            process.advance_second(program, self.share, self.now_secs);
            if process.ends_secs <= self.now_secs {
                self.end(slot);
                self.ends.storms += 1;
            } else if at.priority == Priority::Critical {
                process.free_memory(program, self.now_secs);
            } else if process.is_out_of_memory(program, self.now_secs) {
                let priority = at.priority;
                let ended = self.replace(slot);
                self.ends.out_of_memory.add(priority, ended);
            }
        }
    }

    /// Replaces the processes that are due, always of the lowest priority that exists.
    #[expect(clippy::cast_precision_loss, reason = "there are far less than 2^53 processes")]
    pub(super) fn churn(&mut self) {
        self.churn_due += self.settings.churn_rate * self.settings.process_count as f64 / 60.0;
        while self.churn_due >= 1.0 {
            self.churn_due -= 1.0;
            let lowest = self.churnable.iter().find(|slots| !slots.is_empty());
            let Some(slot) = lowest.and_then(|slots| self.random.choose(slots).copied()) else { continue };
            let ended = self.replace(slot);
            self.ends.churned.add(self.slots[slot].priority, ended);
        }
    }

    pub(super) fn apply(&mut self, action: &Action) {
        match action {
            Action::CpuSpike { filter, cores, secs } => {
                let spike = FaultWindow { amount: *cores, until_secs: self.now_secs.saturating_add(*secs) };
                self.each(filter, |process| process.spike = spike);
            }
            Action::MemoryLeak { filter, bytes_per_sec, secs } => {
                let leak =
                    FaultWindow { amount: *bytes_per_sec, until_secs: self.now_secs.saturating_add(*secs) };
                self.each(filter, |process| process.leak = leak);
            }
            Action::Kill { filter, limit } => self.kill(filter, *limit),
            Action::ForkStorm { filter, children, secs } => self.fork(filter, *children, *secs),
        }
    }

    fn selects(&self, filter: &Filter, slot: usize) -> bool {
        let at = &self.slots[slot];
        let program = &self.settings.profile.programs[at.program];
        at.process.is_some() && filter.selects(&program.name, at.priority)
    }

    fn each(&mut self, filter: &Filter, act: impl Fn(&mut SimulatedProcess)) {
        for slot in 0..self.slots.len() {
            if !self.selects(filter, slot) {
                continue;
            }
            let at = &mut self.slots[slot];
            if let Some(process) = &mut at.process {
                act(process);
                process.want(&self.settings.profile.programs[at.program], self.now_secs);
            }
        }
    }

    fn kill(&mut self, filter: &Filter, limit: KillLimit) {
        let is_spared =
            |slot: usize| self.slots[slot].priority == Priority::Critical && filter.priority.is_none();
        let is_selected = |slot: &usize| !is_spared(*slot) && self.selects(filter, *slot);
        let mut selected: Vec<usize> = (0..self.slots.len()).filter(is_selected).collect();
        selected.truncate(limit.of(selected.len()));
        for slot in selected {
            let ended = self.replace(slot);
            self.ends.killed.add(self.slots[slot].priority, ended);
        }
    }

    fn fork(&mut self, filter: &Filter, children: usize, secs: u64) {
        let process_count = self.settings.process_count;
        let Some(parent) = (0..process_count).find(|slot| self.selects(filter, *slot)) else { return };
        let program = self.slots[parent].program;
        let mut left = children;
        for slot in process_count..self.slots.len() {
            if left == 0 {
                return;
            }
            if self.slots[slot].process.is_some() {
                continue;
            }
            self.slots[slot].program = program;
            self.begin(slot);
            let life_secs = self.random.between(secs / 2, secs).max(1);
            if let Some(process) = &mut self.slots[slot].process {
                process.ends_secs = self.now_secs.saturating_add(life_secs);
            }
            left -= 1;
        }
    }

    /// Starts the faults that are due.
    pub(super) fn inject_chaos(&mut self) {
        while self.next_incident_secs <= self.now_secs {
            self.next_incident_secs =
                next_incident(self.next_incident_secs, self.settings.chaos, &mut self.random);
            let action = self.incident();
            self.apply(&action);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "an index, and a handful of children")]
    fn incident(&mut self) -> Action {
        let random = &mut self.random;
        let program = self.slots[random.below(self.settings.process_count as u64) as usize].program;
        let program = &self.settings.profile.programs[program];
        // A name in a user's profile may contain a star, and then selects more.
        let filter = Filter::named(&program.name);
        match random.below(4) {
            0 => Action::CpuSpike { filter, cores: random.uniform(1.0, 4.0), secs: random.between(30, 120) },
            1 => {
                // It reaches the limit in 1 to 5 minutes.
                let bytes_per_sec = program.memory_bytes.high / random.uniform(60.0, 300.0);
                Action::MemoryLeak { filter, bytes_per_sec, secs: 300 }
            }
            2 => Action::kill(filter),
            _ => {
                let children = random.between(5, 20) as usize;
                Action::ForkStorm { filter, children, secs: random.between(30, 120) }
            }
        }
    }
}
