//! The number of ended processes, by cause and priority.

use serde::{Deserialize, Serialize};

use crate::Priority;

/// Number of ended processes by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndCounts {
    /// Churn.
    pub churned: ByPriority,
    /// A kill.
    pub killed: ByPriority,
    /// The limit of their memory.
    pub out_of_memory: ByPriority,
    /// The end of a fork storm.
    pub storms: u64,
}

/// A number for each priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ByPriority([u64; Priority::ALL.len()]);

impl EndCounts {
    /// The counts as the event `processes_counted` has them.
    pub(crate) fn json(&self) -> String {
        let Self { churned, killed, out_of_memory, storms } = self;
        let [churned, killed, out_of_memory] = [churned, killed, out_of_memory].map(ByPriority::json);
        format!(
            r#"{{"churned":{churned},"killed":{killed},"out_of_memory":{out_of_memory},"storms":{storms}}}"#
        )
    }
}

impl ByPriority {
    /// The number of one priority.
    #[must_use]
    pub const fn of(&self, priority: Priority) -> u64 {
        self.0[priority as usize]
    }

    /// The number of all priorities.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) const fn add(&mut self, priority: Priority, count: u64) {
        self.0[priority as usize] += count;
    }

    fn json(&self) -> String {
        let of = |priority: Priority| format!(r#""{}":{}"#, priority.word(), self.of(priority));
        format!("{{{}}}", Priority::ALL.map(of).join(","))
    }
}
