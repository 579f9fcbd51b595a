//! Profiles: the programs of a host, and their behaviour.

mod params;

use serde::{Deserialize, Serialize};

use crate::UsagePattern;

pub(crate) use params::{PROFILE, profile};

/// Maximum length of a program's name and owner: they are labels, and arguments of real processes.
const NAME_BYTES_MAX: usize = 255;
/// Bytes of a MiB.
const MIB: f64 = 1024.0 * 1024.0;

/// Priority of a process: churn replaces those of the lowest priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Replaced first.
    Low,
    /// Replaced if there is none of low priority.
    Medium,
    /// Replaced if all others are critical.
    High,
    /// Never replaced by churn.
    Critical,
}

impl Priority {
    /// From low to critical.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its name in labels.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Range of a demand, and its course over time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageRange {
    /// Course over time.
    pub pattern: UsagePattern,
    /// Low end.
    pub low: f64,
    /// High end, not below the low one.
    pub high: f64,
}

/// A program, of which there may be several processes.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// The name.
    pub name: String,
    /// User that it runs as.
    pub owner: String,
    /// Priority of its processes.
    pub priority: Priority,
    /// Relative probability that a further process belongs to this program; 0 for a program with a single process.
    pub weight: u32,
    /// Cores that a process wants.
    pub cpu_cores: UsageRange,
    /// Memory of a process in bytes. The high end is its limit.
    pub memory_bytes: UsageRange,
    /// Number of threads when idle and when fully busy.
    pub threads: (u32, u32),
    /// Number of open file descriptors when idle and when fully busy.
    pub open_fds: (u32, u32),
}

/// Programs of a host, with defaults for its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name.
    pub name: String,
    /// Programs. Each has one process, in this order, before any has a second one.
    pub programs: Vec<Program>,
    /// Default of [`crate::Settings::churn_rate`].
    pub churn_rate: f64,
    /// Default of [`crate::Settings::chaos`].
    pub chaos: f64,
}

/// Name, owner, priority, weight; CPU in cores; memory in MiB; threads and open files.
type Row = (
    &'static str,
    &'static str,
    Priority,
    u32,
    (UsagePattern, f64, f64),
    (UsagePattern, f64, f64),
    (u32, u32),
    (u32, u32),
);

use Priority::{Critical, High, Low, Medium};
use UsagePattern::{Growing, Random, Spiky, Steady};

/// Sizes are of the order that these programs have on a small server.
const SERVER: &[Row] = &[
    ("systemd", "root", Critical, 0, (Steady, 0.002, 0.05), (Steady, 12.0, 40.0), (1, 1), (60, 120)),
    ("sshd", "root", Critical, 0, (Steady, 0.001, 0.05), (Steady, 8.0, 30.0), (1, 1), (8, 20)),
    ("postgres", "postgres", Critical, 0, (Random, 0.02, 0.3), (Steady, 220.0, 2048.0), (1, 1), (40, 90)),
    ("nginx", "www-data", High, 8, (Spiky, 0.02, 0.8), (Steady, 24.0, 128.0), (1, 4), (30, 400)),
    ("java", "app", High, 3, (Random, 0.1, 2.0), (Random, 512.0, 2048.0), (40, 120), (120, 600)),
    ("redis-server", "redis", Critical, 1, (Steady, 0.05, 0.6), (Random, 80.0, 400.0), (4, 5), (20, 200)),
    ("systemd-journald", "root", High, 0, (Spiky, 0.005, 0.2), (Random, 30.0, 120.0), (1, 1), (40, 80)),
    ("postgres-worker", "postgres", Medium, 8, (Spiky, 0.03, 1.0), (Random, 20.0, 200.0), (1, 1), (20, 60)),
    ("python3", "app", Medium, 6, (Random, 0.02, 0.9), (Growing, 60.0, 900.0), (2, 12), (15, 80)),
    ("node", "app", Medium, 4, (Spiky, 0.03, 1.0), (Growing, 90.0, 1024.0), (11, 15), (25, 150)),
    ("containerd", "root", Medium, 0, (Steady, 0.02, 0.3), (Steady, 50.0, 150.0), (12, 20), (20, 60)),
    ("containerd-shim", "root", Medium, 5, (Steady, 0.001, 0.05), (Steady, 11.0, 30.0), (10, 12), (12, 16)),
    ("rsyslogd", "syslog", Medium, 0, (Steady, 0.003, 0.1), (Steady, 6.0, 30.0), (4, 4), (10, 14)),
    ("cron", "root", Low, 0, (Spiky, 0.001, 0.1), (Steady, 3.0, 12.0), (1, 1), (5, 9)),
    ("ssh", "admin", Low, 3, (Steady, 0.002, 0.2), (Steady, 9.0, 24.0), (1, 1), (6, 10)),
    ("bash", "admin", Low, 6, (Spiky, 0.001, 0.3), (Steady, 5.0, 16.0), (1, 1), (4, 8)),
    ("php-fpm", "www-data", Low, 8, (Spiky, 0.02, 0.9), (Random, 30.0, 128.0), (1, 1), (10, 30)),
    ("logrotate", "root", Low, 1, (Spiky, 0.01, 0.4), (Steady, 4.0, 12.0), (1, 1), (5, 12)),
    ("apt-check", "root", Low, 1, (Spiky, 0.02, 0.9), (Random, 20.0, 110.0), (1, 1), (6, 20)),
];

/// A machine that builds: few stay, many come and go.
const BUILD: &[Row] = &[
    ("systemd", "root", Critical, 0, (Steady, 0.002, 0.05), (Steady, 12.0, 40.0), (1, 1), (60, 120)),
    ("sshd", "root", Critical, 0, (Steady, 0.001, 0.05), (Steady, 8.0, 30.0), (1, 1), (8, 20)),
    ("runner", "builder", High, 1, (Steady, 0.02, 0.5), (Steady, 70.0, 300.0), (8, 20), (20, 80)),
    ("make", "builder", Medium, 2, (Spiky, 0.01, 0.3), (Steady, 6.0, 40.0), (1, 1), (6, 20)),
    ("cc1", "builder", Low, 10, (Steady, 0.9, 1.0), (Random, 60.0, 600.0), (1, 1), (5, 12)),
    ("as", "builder", Low, 4, (Steady, 0.5, 1.0), (Random, 8.0, 60.0), (1, 1), (4, 6)),
    ("ld", "builder", Low, 2, (Spiky, 0.3, 1.0), (Random, 100.0, 900.0), (1, 4), (30, 300)),
    ("sh", "builder", Low, 8, (Spiky, 0.001, 0.4), (Steady, 2.0, 8.0), (1, 1), (3, 6)),
    ("git", "builder", Low, 2, (Spiky, 0.05, 1.0), (Random, 10.0, 200.0), (1, 4), (8, 40)),
    ("curl", "builder", Low, 2, (Random, 0.01, 0.3), (Steady, 12.0, 24.0), (1, 2), (6, 10)),
    ("python3", "builder", Low, 4, (Random, 0.1, 1.0), (Random, 30.0, 300.0), (1, 8), (8, 40)),
];

const DOMAINS: &[&str] = &[
    "account",
    "audit",
    "billing",
    "cart",
    "catalog",
    "checkout",
    "coupon",
    "customer",
    "delivery",
    "email",
    "export",
    "fraud",
    "gateway",
    "geo",
    "identity",
    "image",
    "inventory",
    "invoice",
    "ledger",
    "media",
    "notify",
    "order",
    "payment",
    "price",
    "profile",
    "rating",
    "report",
    "search",
    "session",
    "shipping",
    "tax",
    "wallet",
];
const ROLES: &[&str] = &[
    "admin",
    "agent",
    "api",
    "batch",
    "cache",
    "collector",
    "consumer",
    "cron",
    "exporter",
    "importer",
    "indexer",
    "monitor",
    "producer",
    "proxy",
    "queue",
    "reader",
    "router",
    "scheduler",
    "sync",
    "worker",
];

impl Profile {
    /// Names of the built-in profiles.
    pub const NAMES: [&str; 4] = ["realistic", "high-cardinality", "high-churn", "chaos"];

    /// The built-in profile of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "realistic" => Some(Self::realistic()),
            "high-cardinality" => Some(Self::high_cardinality()),
            "high-churn" | "process-churn" => Some(Self::high_churn()),
            "chaos" => Some(Self::chaos()),
            _ => None,
        }
    }

    /// A server, on which little changes.
    #[must_use]
    pub fn realistic() -> Self {
        Self::made("realistic", programs(SERVER), 0.01, 0.0)
    }

    /// Services with 640 names, or as many as there are processes if these are fewer.
    #[must_use]
    pub fn high_cardinality() -> Self {
        // Programs of a role behave alike; neighbours differ in both words.
        let service = |number: usize| {
            let (domain, role) = (number % DOMAINS.len(), (number / DOMAINS.len() + number) % ROLES.len());
            // Without systemd and sshd, which have a single process.
            let like = 3 + role % (SERVER.len() - 3);
            let mut program = program(&SERVER[like]);
            program.name = format!("{}-{}", DOMAINS[domain], ROLES[role]);
            DOMAINS[domain].clone_into(&mut program.owner);
            program.weight = 1;
            program.priority = match (ROLES[role], program.priority) {
                ("cache", _) => Critical,
                (_, Critical) => High,
                (_, other) => other,
            };
            program
        };
        let services = (0..DOMAINS.len() * ROLES.len()).map(service).collect();
        Self::made("high-cardinality", services, 0.02, 0.0)
    }

    /// A build machine: half of the processes are replaced each minute.
    #[must_use]
    pub fn high_churn() -> Self {
        Self::made("high-churn", programs(BUILD), 0.5, 0.0)
    }

    /// A server with two faults a minute.
    #[must_use]
    pub fn chaos() -> Self {
        Self::made("chaos", programs(SERVER), 0.05, 2.0)
    }

    fn made(name: &str, programs: Vec<Program>, churn_rate: f64, chaos: f64) -> Self {
        Self { name: name.to_owned(), programs, churn_rate, chaos }
    }
}

impl Program {
    /// Checks the program. An error has the field's name and the reason, which follows it.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.name.is_empty() {
            return Err(("name", "must not be empty".to_owned()));
        }
        for (field, word) in [("name", &self.name), ("owner", &self.owner)] {
            if word.len() > NAME_BYTES_MAX || word.contains(char::is_control) {
                let why = format!("must have {NAME_BYTES_MAX} bytes at most and no control characters");
                return Err((field, why));
            }
        }
        for (field, range, unit) in
            [("cpu_cores", self.cpu_cores, 1.0), ("memory_mib", self.memory_bytes, MIB)]
        {
            let (low, high) = (range.low / unit, range.high / unit);
            if !(0.0 <= low && low <= high && high.is_finite()) {
                let why = format!("must go from 0 or more up to no less, but goes from {low} to {high}");
                return Err((field, why));
            }
        }
        for (field, least, (low, high)) in [("threads", 1, self.threads), ("open_fds", 0, self.open_fds)] {
            if low < least || high < low {
                let why =
                    format!("must go from {least} or more up to no less, but goes from {low} to {high}");
                return Err((field, why));
            }
        }
        Ok(())
    }
}

fn programs(rows: &[Row]) -> Vec<Program> {
    rows.iter().map(program).collect()
}

fn program((name, owner, priority, weight, cpu, memory, threads, open_fds): &Row) -> Program {
    let range = |(pattern, low, high): (UsagePattern, f64, f64), unit| UsageRange {
        pattern,
        low: low * unit,
        high: high * unit,
    };
    Program {
        name: (*name).to_owned(),
        owner: (*owner).to_owned(),
        priority: *priority,
        weight: *weight,
        cpu_cores: range(*cpu, 1.0),
        memory_bytes: range(*memory, MIB),
        threads: *threads,
        open_fds: *open_fds,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn all_profiles_are_sound_and_are_found_by_their_names() {
        for name in Profile::NAMES {
            let profile = Profile::of(name).unwrap();
            assert_eq!(profile.name, name);
            profile.programs.iter().for_each(|program| program.check().unwrap());
            let names: BTreeSet<_> = profile.programs.iter().map(|program| &program.name).collect();
            assert_eq!(names.len(), profile.programs.len(), "{name} names a program twice");
            assert!(profile.programs.iter().any(|program| program.weight > 0));
        }
        assert_eq!(Profile::of("process-churn"), Some(Profile::high_churn()));
        assert!(Profile::of("high_churn").is_none());
    }

    #[test]
    fn the_profile_of_many_names_has_more_than_500() {
        assert_eq!(Profile::high_cardinality().programs.len(), 640);
    }

    #[test]
    fn databases_and_caches_are_critical() {
        let of = |profile: &Profile, is_wanted: fn(&str) -> bool| -> Vec<Priority> {
            let programs = profile.programs.iter().filter(|program| is_wanted(&program.name));
            programs.map(|program| program.priority).collect()
        };
        for profile in [Profile::realistic(), Profile::chaos()] {
            let found = of(&profile, |name| ["redis-server", "postgres"].contains(&name));
            assert_eq!(found, [Critical; 2], "{}", profile.name);
        }
        let many = Profile::high_cardinality();
        assert_eq!(of(&many, |name| name.ends_with("-cache")), [Critical; 32]);
        assert!(!of(&many, |name| !name.ends_with("-cache")).contains(&Critical));
    }

    #[test]
    fn programs_that_cannot_be_are_refused() {
        let refused = |change: fn(&mut Program)| {
            let mut program = program(&SERVER[3]);
            change(&mut program);
            let (field, why) = program.check().unwrap_err();
            format!("{field} {why}")
        };
        let refused = [
            refused(|it| it.name.clear()),
            refused(|it| it.name = "j\u{0}b".to_owned()),
            refused(|it| it.owner = "w".repeat(256)),
            refused(|it| it.cpu_cores.high = 0.01),
            refused(|it| it.memory_bytes.low = f64::NAN),
            refused(|it| it.threads = (0, 4)),
            refused(|it| it.open_fds = (5, 4)),
        ];
        insta::assert_snapshot!(refused.join("\n"), @"
        name must not be empty
        name must have 255 bytes at most and no control characters
        owner must have 255 bytes at most and no control characters
        cpu_cores must go from 0 or more up to no less, but goes from 0.02 to 0.01
        memory_mib must go from 0 or more up to no less, but goes from NaN to 128
        threads must go from 1 or more up to no less, but goes from 0 to 4
        open_fds must go from 0 or more up to no less, but goes from 5 to 4
        ");
    }
}
