//! Faults of processes: spikes, leaks, kills and fork storms.

use serde::{Deserialize, Serialize};

use crate::Priority;

/// A fault of the processes that a filter selects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Each wants this many cores for a time. None gets more than it has threads.
    CpuSpike {
        /// Processes that it affects.
        filter: Filter,
        /// Cores that each wants.
        cores: f64,
        /// Length in seconds.
        secs: u64,
    },
    /// Their memory grows. A process that reaches its program's limit ends and starts again; a critical one stays at the
    /// limit.
    MemoryLeak {
        /// Processes that it affects.
        filter: Filter,
        /// Growth in bytes per second.
        bytes_per_sec: f64,
        /// Length in seconds.
        secs: u64,
    },
    /// They end and start again. Critical ones are spared, unless the filter names their priority.
    Kill {
        /// Processes that it affects.
        filter: Filter,
        /// Bound on their number.
        limit: KillLimit,
    },
    /// The first of them starts children of its own name and of low priority, as long as there is room. Each ends after
    /// half of this time at the earliest, and all of it at the latest.
    ForkStorm {
        /// Processes that it affects.
        filter: Filter,
        /// Number of children.
        children: usize,
        /// Maximum life of a child in seconds.
        secs: u64,
    },
}

/// Bound on the number of processes that a kill ends; the first ones are ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KillLimit {
    /// The number.
    pub count: usize,
    /// The share of those selected in percent, rounded up.
    pub percent: f64,
}

/// Selects processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Pattern of the name: `*` is any text and `?` any character.
    pub name: String,
    /// Priority; `None` for any.
    pub priority: Option<Priority>,
}

impl KillLimit {
    /// No bound.
    pub const ALL: Self = Self { count: usize::MAX, percent: 100.0 };

    /// The number of processes that end, of those selected.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "there are far less than 2^53 processes, and the cast saturates"
    )]
    pub(crate) fn of(self, selected: usize) -> usize {
        ((selected as f64 * self.percent / 100.0).ceil() as usize).min(self.count)
    }
}

impl Action {
    /// A kill of all processes that a filter selects.
    #[must_use]
    pub const fn kill(filter: Filter) -> Self {
        Self::Kill { filter, limit: KillLimit::ALL }
    }

    /// Checks its amount.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (what, amount) = match self {
            Self::CpuSpike { cores, .. } => ("cores", *cores),
            Self::MemoryLeak { bytes_per_sec, .. } => ("bytes_per_sec", *bytes_per_sec),
            Self::Kill { limit, .. } => ("percent", limit.percent),
            Self::ForkStorm { .. } => return Ok(()),
        };
        if amount >= 0.0 && amount.is_finite() {
            Ok(())
        } else {
            Err(format!("{what} must be 0 or more, but is {amount}"))
        }
    }
}

impl Filter {
    /// All processes whose name matches a pattern.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), priority: None }
    }

    /// `true` if it selects a process.
    pub(crate) fn selects(&self, name: &str, priority: Priority) -> bool {
        self.priority.is_none_or(|wanted| wanted == priority) && matches(&self.name, name)
    }
}

/// `true` if a name matches a pattern. Takes time in proportion to the product of both lengths at most.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Position of the last star, and the end of the text that it stands for.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                n = end_of_char(name, n);
            }
            Some(byte) if *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, reached)) = star else { return false };
                let reached = end_of_char(name, reached);
                star = Some((at, reached));
                p = at + 1;
                n = reached;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// End of the character that starts at `at`.
fn end_of_char(text: &[u8], at: usize) -> usize {
    let rest = text[at + 1..].iter().take_while(|byte| **byte & 0xc0 == 0x80);
    at + 1 + rest.count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_any_text_and_question_marks_for_one_character() {
        let like = ["nginx", "ng*", "*x", "*gi*", "n?inx", "*", "**", "n*?x", "*nginx*", "?????"];
        assert!(like.iter().all(|pattern| matches(pattern, "nginx")));
        let unlike = ["", "ngin", "nginxx", "?ngin", "*y", "n*y*x", "??????", "NGINX"];
        assert!(!unlike.iter().any(|pattern| matches(pattern, "nginx")));
        assert!(matches("", "") && matches("*", "") && !matches("?", ""));
        assert!(matches("k?ln", "köln") && matches("*ln", "köln") && !matches("k??ln", "köln"));
    }

    #[test]
    fn a_filter_selects_by_priority_if_it_names_one() {
        let mut filter = Filter::named("post*");
        assert!(filter.selects("postgres", Priority::High));
        filter.priority = Some(Priority::Critical);
        assert!(!filter.selects("postgres", Priority::High));
        assert!(filter.selects("postgres", Priority::Critical));
    }

    /// [`matches`], written as simply as possible.
    fn means(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|from| means(rest, &name[from..])),
            Some((first, rest)) => match name.split_first() {
                Some((here, others)) => (*first == '?' || first == here) && means(rest, others),
                None => false,
            },
        }
    }

    proptest! {
        #[test]
        fn names_match_patterns_by_definition(pattern in "[ab?*ö]{0,7}", name in "[abö]{0,7}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), means(&chars(&pattern), &chars(&name)));
        }
    }
}
