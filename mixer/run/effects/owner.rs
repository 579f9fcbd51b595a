//! Ownership of a toxic: its name says which run of which process has made it.

use std::fmt;

use promemu_core::rng::{fnv1a, random_seed};

use crate::process::start_ticks;

/// The begin of the names of all toxics of promemu.
const PREFIX: &str = "promemu";
const SEPARATOR: char = '~';

/// A run, distinct from all others on all machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// The machine and its pid namespace.
    machine: String,
    /// The machine's boot.
    boot: String,
    pid: u32,
    /// Start of the process in ticks since the boot; 0 where the system does not show it.
    start: u64,
    run: String,
}

impl Owner {
    /// A new run of this process.
    pub(super) fn new() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let machine =
            [read("/etc/machine-id"), read("/proc/sys/kernel/hostname"), space.display().to_string()];
        let pid = std::process::id();
        Self {
            machine: short(&machine.join(" ")),
            boot: short(&read("/proc/sys/kernel/random/boot_id")),
            pid,
            start: start_ticks(pid).unwrap_or_default(),
            run: format!("{:08x}", random_seed() >> 32),
        }
    }

    /// The name of its toxic of this number.
    pub(super) fn toxic(&self, number: u64) -> String {
        format!("{self}{SEPARATOR}{number}")
    }

    /// The owner in the name of a toxic; `None` if it is not promemu's.
    pub(super) fn of_toxic(name: &str) -> Option<Self> {
        let (owner, number) = name.rsplit_once(SEPARATOR)?;
        number.parse::<u64>().ok()?;
        Self::parse(owner)
    }

    /// An owner as it is shown.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(SEPARATOR).collect();
        let [PREFIX, machine, boot, pid, start, run] = parts[..] else { return None };
        let (pid, start) = (pid.parse().ok()?, start.parse().ok()?);
        Some(Self { machine: machine.into(), boot: boot.into(), pid, start, run: run.into() })
    }

    /// `true` if it was a run of this machine whose process is gone. `here` is any owner of this process.
    pub(super) fn is_gone(&self, here: &Self) -> bool {
        let is_of_machine = self.machine == here.machine;
        is_of_machine && (self.boot != here.boot || start_ticks(self.pid).unwrap_or_default() != self.start)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, boot, pid, start, run } = self;
        write!(f, "{PREFIX}~{machine}~{boot}~{pid}~{start}~{run}")
    }
}

fn short(text: &str) -> String {
    format!("{:08x}", fnv1a(text.as_bytes()) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toxic_says_whose_it_is() {
        let own = Owner::new();
        let name = own.toxic(7);
        assert_eq!(Owner::of_toxic(&name), Some(own.clone()), "{name}");
        assert_ne!(Owner::new(), own, "each run has its own");
        for foreign in ["latency_downstream", "promemu", "promemu~a~b~1~2~c", "promemu~a~b~x~2~c~1", ""] {
            assert_eq!(Owner::of_toxic(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn an_owner_is_gone_when_its_process_is_and_not_elsewhere() {
        let own = Owner::new();
        assert!(!own.is_gone(&own));
        assert!(
            Owner { start: own.start + 1, ..own.clone() }.is_gone(&own),
            "the number has another process"
        );
        assert!(Owner { boot: "before".into(), ..own.clone() }.is_gone(&own));
        assert!(!Owner { machine: "other".into(), boot: "x".into(), ..own.clone() }.is_gone(&own));
    }
}
