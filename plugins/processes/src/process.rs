//! One simulated process.

use serde::{Deserialize, Serialize};

use crate::random::Random;
use crate::usage::Usage;
use crate::{Priority, Program};

/// Size of a page; memory is counted in pages.
const PAGE_BYTES: f64 = 4096.0;

/// Current state of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Process<'a> {
    /// Name of the program.
    pub name: &'a str,
    /// User that it runs as.
    pub owner: &'a str,
    /// Its pid.
    pub pid: u32,
    /// Its priority.
    pub priority: Priority,
    /// CPU that it has used, in seconds.
    pub cpu_seconds: f64,
    /// Memory in bytes.
    pub memory_bytes: f64,
    /// Number of threads.
    pub threads: u32,
    /// Number of open file descriptors.
    pub open_fds: u32,
    /// Start in seconds since the Unix epoch.
    pub start_time_seconds: f64,
    /// Seconds since its start.
    pub uptime_seconds: f64,
}

/// A fault with an end.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FaultWindow {
    /// Cores, or bytes per second.
    pub(crate) amount: f64,
    /// Second of the simulation in which it is over.
    pub(crate) until_secs: u64,
}

/// The process in a slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SimulatedProcess {
    pub(crate) pid: u32,
    /// Second of the simulation in which it started.
    pub(crate) began_secs: u64,
    /// Second of the simulation in which it ends by itself.
    pub(crate) ends_secs: u64,
    pub(crate) spike: FaultWindow,
    pub(crate) leak: FaultWindow,
    random: Random,
    cpu: Usage,
    memory: Usage,
    leaked_bytes: f64,
    /// CPU that it had used before the current second, in seconds.
    cpu_seconds: f64,
    /// Demand in this second, in cores.
    wanted_cores: f64,
}

impl SimulatedProcess {
    pub(crate) fn new(program: &Program, pid: u32, began_secs: u64, mut random: Random) -> Self {
        let cpu = Usage::new(program.cpu_cores, &mut random);
        let memory = Usage::new(program.memory_bytes, &mut random);
        let mut process = Self {
            pid,
            began_secs,
            ends_secs: u64::MAX,
            spike: FaultWindow::default(),
            leak: FaultWindow::default(),
            random,
            cpu,
            memory,
            leaked_bytes: 0.0,
            cpu_seconds: 0.0,
            wanted_cores: 0.0,
        };
        process.want(program, began_secs);
        process
    }

    /// Ends a second in which it got this share of its demand. `now_secs` is the second that begins.
    pub(crate) fn advance_second(&mut self, program: &Program, share: f64, now_secs: u64) {
        self.cpu_seconds += self.wanted_cores * share;
        let age_secs = now_secs - self.began_secs;
        self.cpu.step(age_secs, &mut self.random);
        self.memory.step(age_secs, &mut self.random);
        if now_secs <= self.leak.until_secs {
            self.leaked_bytes += self.leak.amount;
        }
        self.want(program, now_secs);
    }

    /// Frees memory, as a process does that must not end: what leaked, within a minute of the leak's end, and what has
    /// grown, at its limit.
    pub(crate) fn free_memory(&mut self, program: &Program, now_secs: u64) {
        self.leaked_bytes = self.leaked_bytes.min(program.memory_bytes.high);
        if now_secs > self.leak.until_secs {
            self.leaked_bytes *= 0.9;
            if self.leaked_bytes < PAGE_BYTES {
                self.leaked_bytes = 0.0;
            }
        }
        let age_secs = now_secs - self.began_secs;
        if self.memory.has_grown(age_secs) {
            self.memory.grow_anew(age_secs);
        }
    }

    /// Updates its demand.
    pub(crate) fn want(&mut self, program: &Program, now_secs: u64) {
        let spike = if now_secs < self.spike.until_secs { self.spike.amount } else { 0.0 };
        self.wanted_cores = self.cpu.now().max(spike).min(f64::from(program.threads.1));
    }

    pub(crate) const fn wanted_cores(&self) -> f64 {
        self.wanted_cores
    }

    /// `true` if its memory has reached the program's limit by growing or leaking.
    pub(crate) fn is_out_of_memory(&self, program: &Program, now_secs: u64) -> bool {
        let is_full = self.memory.now() + self.leaked_bytes >= program.memory_bytes.high;
        (self.leaked_bytes > 0.0 && is_full) || self.memory.has_grown(now_secs - self.began_secs)
    }

    /// Its state at a time.
    #[expect(clippy::cast_precision_loss, reason = "ages are far below 2^53 seconds")]
    pub(crate) fn show<'a>(
        &self,
        program: &'a Program,
        priority: Priority,
        at: &SampleContext,
    ) -> Process<'a> {
        let busy = self.wanted_cores / program.cpu_cores.high.max(f64::MIN_POSITIVE);
        let memory = (self.memory.now() + self.leaked_bytes).min(program.memory_bytes.high);
        let began = self.began_secs as f64;
        Process {
            name: &program.name,
            owner: &program.owner,
            pid: self.pid,
            priority,
            cpu_seconds: self.cpu_seconds + self.wanted_cores * at.share * at.part_of_second,
            memory_bytes: (memory / PAGE_BYTES).floor() * PAGE_BYTES,
            threads: between(program.threads, busy),
            open_fds: between(program.open_fds, busy),
            start_time_seconds: at.start_time_seconds + began,
            uptime_seconds: (at.now_secs as f64 - began) + at.part_of_second,
        }
    }
}

/// A time, and the state of the whole simulation then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SampleContext {
    /// Start of the simulation, in seconds since the Unix epoch.
    pub(crate) start_time_seconds: f64,
    /// Whole seconds since then.
    pub(crate) now_secs: u64,
    /// Part of the current second that is over.
    pub(crate) part_of_second: f64,
    /// Share of its demand that each process gets.
    pub(crate) share: f64,
}

/// A count that grows with the load of a process.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two counts")]
fn between((low, high): (u32, u32), busy: f64) -> u32 {
    low + (f64::from(high - low) * busy.min(1.0)).floor() as u32
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "sums and products of these are exact")]

    use super::*;
    use crate::{UsagePattern, UsageRange};

    const MIB: f64 = 1024.0 * 1024.0;

    fn program(memory: UsagePattern) -> Program {
        Program {
            name: "it".to_owned(),
            owner: "root".to_owned(),
            priority: Priority::Low,
            weight: 1,
            cpu_cores: UsageRange { pattern: UsagePattern::Steady, low: 0.5, high: 1.0 },
            memory_bytes: UsageRange { pattern: memory, low: 10.0 * MIB, high: 100.0 * MIB },
            threads: (1, 4),
            open_fds: (10, 20),
        }
    }

    fn moment(now_secs: u64) -> SampleContext {
        SampleContext { start_time_seconds: 1000.0, now_secs, part_of_second: 0.5, share: 1.0 }
    }

    #[test]
    fn a_new_process_has_used_nothing() {
        let program = program(UsagePattern::Steady);
        let process = SimulatedProcess::new(&program, 5, 7, Random::new(0, 0, 0));
        let at = SampleContext { part_of_second: 0.0, ..moment(7) };
        let shown = process.show(&program, Priority::Low, &at);
        let expected = Process {
            name: "it",
            owner: "root",
            pid: 5,
            priority: Priority::Low,
            cpu_seconds: 0.0,
            memory_bytes: 10.0 * MIB,
            threads: 2,
            open_fds: 15,
            start_time_seconds: 1007.0,
            uptime_seconds: 0.0,
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_spike_takes_as_many_cores_as_there_are_threads_and_ends() {
        let program = program(UsagePattern::Steady);
        let mut process = SimulatedProcess::new(&program, 5, 0, Random::new(0, 0, 0));
        process.spike = FaultWindow { amount: 9.0, until_secs: 3 };
        let mut wanted = Vec::new();
        for now in 1..=4 {
            process.advance_second(&program, 1.0, now);
            wanted.push(process.wanted_cores());
        }
        assert_eq!(wanted, [4.0, 4.0, 0.5, 0.5]);
        // A second of rest before it, two of the spike, one and a half of rest.
        assert_eq!(process.show(&program, Priority::Low, &moment(4)).cpu_seconds, 0.5 + 8.0 + 0.75);
        assert_eq!(process.show(&program, Priority::Low, &moment(4)).threads, 2);
    }

    #[test]
    fn a_leak_ends_at_the_limit() {
        let program = program(UsagePattern::Steady);
        let mut process = SimulatedProcess::new(&program, 5, 0, Random::new(0, 0, 0));
        process.leak = FaultWindow { amount: 20.0 * MIB, until_secs: 10 };
        let full = (1..=10).find(|now| {
            process.advance_second(&program, 1.0, *now);
            process.is_out_of_memory(&program, *now)
        });
        assert_eq!(full, Some(5));
        assert_eq!(process.show(&program, Priority::Low, &moment(5)).memory_bytes, 100.0 * MIB);
    }

    #[test]
    fn a_process_that_must_not_end_frees_its_memory() {
        let at_end = |memory: UsagePattern, leak: f64, secs: u64| {
            let program = program(memory);
            let mut process = SimulatedProcess::new(&program, 5, 0, Random::new(0, 0, 0));
            process.leak = FaultWindow { amount: leak * MIB, until_secs: 100 };
            let mut highest = 0.0f64;
            for now in 1..=secs {
                process.advance_second(&program, 1.0, now);
                process.free_memory(&program, now);
                highest = highest.max(process.show(&program, Priority::Critical, &moment(now)).memory_bytes);
            }
            (highest / MIB, process.show(&program, Priority::Critical, &moment(secs)).memory_bytes / MIB)
        };
        for leak in [20.0, 0.5] {
            let (highest, last) = at_end(UsagePattern::Steady, leak, 300);
            assert!(highest >= if leak > 1.0 { 100.0 } else { 59.0 }, "{highest}");
            assert!((10.0..=14.5).contains(&last), "{last}");
        }
        let lows = (1..40).filter(|hour| at_end(UsagePattern::Growing, 0.0, hour * 3600).1 < 20.0).count();
        assert!(lows >= 3, "it grows again and again: {lows}");
    }

    #[test]
    fn growing_memory_is_out_of_memory_at_its_end() {
        let program = program(UsagePattern::Growing);
        let mut process = SimulatedProcess::new(&program, 5, 100, Random::new(0, 0, 0));
        let full = (101..100_000).find(|now| {
            process.advance_second(&program, 1.0, *now);
            process.is_out_of_memory(&program, *now)
        });
        assert!((100 + 2 * 3600..=100 + 8 * 3600).contains(&full.unwrap()));
    }
}
