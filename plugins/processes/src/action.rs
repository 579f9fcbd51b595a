//! What is done to processes from outside.

use crate::Priority;

/// Something that happens to the processes that a filter names.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// They want this many cores each, for a while. None gets more than it has threads.
    CpuSpike {
        /// Which.
        filter: Filter,
        /// How many cores.
        cores: f64,
        /// For how long.
        secs: u64,
    },
    /// Their memory grows. Who reaches its program's limit ends, and begins anew; a critical one stays there.
    MemoryLeak {
        /// Which.
        filter: Filter,
        /// By how much a second.
        bytes_per_sec: f64,
        /// For how long.
        secs: u64,
    },
    /// They end and begin anew. Critical ones are spared, unless the filter names their priority.
    Kill(Filter),
    /// The first of them makes children of its own name, of low priority, as long as there is room. They end within
    /// this time, the first after half of it.
    ForkStorm {
        /// Which.
        filter: Filter,
        /// How many children.
        children: usize,
        /// How long they live at most.
        secs: u64,
    },
}

/// Which processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The name, in which `*` is any text and `?` any character.
    pub name: String,
    /// The priority; none for any.
    pub priority: Option<Priority>,
}

impl Action {
    /// What is wrong with it, if something is.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (what, amount) = match self {
            Self::CpuSpike { cores, .. } => ("cores", *cores),
            Self::MemoryLeak { bytes_per_sec, .. } => ("bytes_per_sec", *bytes_per_sec),
            Self::Kill(_) | Self::ForkStorm { .. } => return Ok(()),
        };
        if amount >= 0.0 && amount.is_finite() {
            Ok(())
        } else {
            Err(format!("{what} must be 0 or more, but is {amount}"))
        }
    }
}

impl Filter {
    /// All that have a name like this.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), priority: None }
    }

    /// Whether it is about a process.
    pub(crate) fn selects(&self, name: &str, priority: Priority) -> bool {
        self.priority.is_none_or(|wanted| wanted == priority) && matches(&self.name, name)
    }
}

/// Whether a name is like a pattern. It takes no longer than the product of both lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and how far it has reached.
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

/// Where the character that begins here ends.
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
    fn a_filter_is_about_a_priority_if_it_names_one() {
        let mut filter = Filter::named("post*");
        assert!(filter.selects("postgres", Priority::High));
        filter.priority = Some(Priority::Critical);
        assert!(!filter.selects("postgres", Priority::High));
        assert!(filter.selects("postgres", Priority::Critical));
    }

    /// What [`matches`] means, in as few words as there are.
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
        fn names_are_like_patterns_as_they_are_meant(pattern in "[ab?*ö]{0,7}", name in "[abö]{0,7}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), means(&chars(&pattern), &chars(&name)));
        }
    }
}
