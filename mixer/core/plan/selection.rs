//! Selections of hosts: by patterns of their names, or by a label.

use std::fmt;

use regex_lite::Regex;

use super::host::HostPlan;

/// Maximum number of characters of a pattern that is more than a plain name: matching takes time in proportion to it.
const PATTERN_CHARS_MAX: usize = 1000;

/// Some hosts of a run: those that match one of its patterns.
///
/// A pattern is a host's name in which `*` stands for any text, `?` for one character and `[..]` for one of some, as in
/// `web-*` or `web-0[12]`; or `label=value`, where the value is such a pattern, too.
#[derive(Clone, Debug, PartialEq)]
pub struct HostSelection(Vec<HostPattern>);

impl HostSelection {
    /// The hosts that match this pattern. The error says what is wrong with it.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        Self::any_of([pattern])
    }

    /// The hosts that match at least one of these patterns.
    pub fn any_of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        patterns.into_iter().map(HostPattern::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The names of its hosts, if all of its patterns are plain names.
    #[must_use]
    pub fn names(&self) -> Option<Vec<String>> {
        let is_name = |pattern: &HostPattern| pattern.label.is_none() && !pattern.text.contains(WILDCARDS);
        let names = self.0.iter().map(|pattern| is_name(pattern).then(|| pattern.text.clone()));
        names.collect()
    }

    /// The patterns as they were written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|pattern| &*pattern.text)
    }

    /// `true` if it selects the host.
    #[must_use]
    pub fn matches(&self, host: &HostPlan) -> bool {
        self.0.iter().any(|pattern| pattern.matches(host))
    }
}

/// The patterns as they were written.
impl fmt::Display for HostSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patterns: Vec<&str> = self.0.iter().map(|pattern| &*pattern.text).collect();
        f.write_str(&patterns.join(", "))
    }
}

/// The characters with which a wildcard begins.
const WILDCARDS: [char; 3] = ['*', '?', '['];

#[derive(Clone, Debug)]
struct HostPattern {
    text: String,
    /// The label whose value is compared; the host's name if `None`.
    label: Option<String>,
    glob: Regex,
}

/// Patterns are equal if they are written alike.
impl PartialEq for HostPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, String> {
        let is_label =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (label, glob) = match text.split_once('=') {
            Some((label, value)) if is_label(label) => (Some(label.to_owned()), value),
            _ => (None, text),
        };
        if text.is_empty() {
            return Err("a pattern of hosts is empty; write a name, or \"*\" for all".to_owned());
        }
        if glob.contains(WILDCARDS) && glob.chars().nth(PATTERN_CHARS_MAX).is_some() {
            return Err(format!(
                "a pattern of hosts has more than {PATTERN_CHARS_MAX} characters; write a shorter one, or several"
            ));
        }
        let glob = Regex::new(&regex_of(glob)).map_err(|_| {
            format!("{text:?} is not a pattern of hosts; write it as in \"web-*\", \"web-0[12]\" or \"zone=north\"")
        })?;
        Ok(Self { text: text.to_owned(), label, glob })
    }

    fn matches(&self, host: &HostPlan) -> bool {
        let value = match &self.label {
            // A name may have characters of patterns.
            None if *host.name == *self.text => return true,
            None => &*host.name,
            Some(label) => host.labels.get(label).unwrap_or_default(),
        };
        self.glob.is_match(value)
    }
}

/// The regular expression of a glob.
fn regex_of(glob: &str) -> String {
    let mut regex = String::from("(?s)^");
    let mut rest = glob;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => {
                // A row of them would be as many states of the search, all alive at each character.
                rest = rest.trim_start_matches('*');
                regex.push_str(".*");
            }
            '?' => regex.push('.'),
            '[' => {
                // A bracket right behind the opening one is one of the characters.
                let first = rest.strip_prefix('!').map_or(0, |_| 1);
                let end =
                    rest[first..].char_indices().skip(1).find(|(_, c)| *c == ']').map(|(at, _)| first + at);
                let Some(end) = end else {
                    // Not a regular expression: the caller refuses it.
                    regex.push('[');
                    break;
                };
                let (negated, class) = (first == 1, &rest[first..end]);
                let class =
                    class.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace('^', "\\^");
                let class = class.replace("&&", "&\\&").replace("~~", "~\\~").replace("--", "-\\-");
                regex.push_str(if negated { "[^" } else { "[" });
                regex.push_str(&class);
                regex.push(']');
                rest = &rest[end + 1..];
            }
            other => regex.push_str(&regex_lite::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    /// The names of the hosts that a pattern selects.
    fn selected(pattern: &str) -> Vec<String> {
        let text = r#"Config(hosts: [
            Host(repeat: Repeat(var: "i", from: 1, to: 12), name: "web-{i:02}", labels: { "zone": "{if i > 10 { \"north\" } else { \"south\" }}" }, metrics: [Metric(name: "up")]),
            Host(name: "db[1].a", metrics: [Metric(name: "up")]),
            Host(name: "dbx1xa", metrics: [Metric(name: "up")])])"#;
        let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
        let plan = ConfigFile::from_text("test", text).plan(&options).unwrap().plan;
        let selection = HostSelection::parse(pattern).unwrap();
        let hosts = plan.hosts.iter().filter(|host| selection.matches(host));
        hosts.map(|host| host.name.to_string()).collect()
    }

    #[test]
    fn a_pattern_selects_hosts_by_name_or_label() {
        assert_eq!(selected("*").len(), 14);
        assert_eq!(selected("web-*").len(), 12);
        assert_eq!(selected("web-0[12]"), ["web-01", "web-02"]);
        assert_eq!(selected("web-0[3-4]"), ["web-03", "web-04"]);
        assert_eq!(selected("web-1[!0-1]"), ["web-12"]);
        assert_eq!(selected("web-1?"), ["web-10", "web-11", "web-12"]);
        assert_eq!(selected("zone=north"), ["web-11", "web-12"]);
        assert_eq!(selected("zone=n*"), ["web-11", "web-12"]);
        assert_eq!(selected("name=web-01"), ["web-01"]);
        assert_eq!(selected("zone="), ["db[1].a", "dbx1xa"], "hosts without the label");
        assert_eq!(selected("web"), Vec::<String>::new());
    }

    #[test]
    fn a_name_with_characters_of_patterns_selects_its_host() {
        assert_eq!(selected("db[1].a"), ["db[1].a"]);
        assert_eq!(selected("db*.a"), ["db[1].a"], "a dot is a dot");
        assert_eq!(selected("db[[]1].a"), ["db[1].a"]);
    }

    #[test]
    fn a_pattern_without_its_end_is_refused() {
        let error = |pattern: &str| HostSelection::parse(pattern).unwrap_err();
        assert!(error("web-0[12").contains("web-0[12"), "{}", error("web-0[12"));
        assert!(error("web-[z-a]").contains("not a pattern"));
        assert!(error("").contains("empty"));
    }

    #[test]
    fn a_row_of_stars_is_one_star() {
        assert_eq!(regex_of("a**?***"), regex_of("a*?*"));
        assert_eq!(regex_of("**[ab]**"), regex_of("*[ab]*"));
        assert_eq!(selected("web-0***[12]**"), ["web-01", "web-02"]);
        assert_eq!(selected("zone=**th").len(), 12);
        assert_ne!(regex_of("*?*?"), regex_of("*?"), "each is a character of its own");
    }

    #[test]
    fn a_pattern_that_takes_long_to_match_is_refused() {
        let longest = "*?".repeat(PATTERN_CHARS_MAX / 2);
        assert!(HostSelection::parse(&longest).is_ok());
        for pattern in
            [format!("{longest}*"), format!("zone={longest}é"), format!("{}[12]", "a".repeat(1000))]
        {
            let error = HostSelection::parse(&pattern).unwrap_err();
            assert_eq!(
                error,
                "a pattern of hosts has more than 1000 characters; write a shorter one, or several"
            );
        }
        let name = "a".repeat(PATTERN_CHARS_MAX + 1);
        assert_eq!(
            HostSelection::parse(&name).unwrap().names(),
            Some(vec![name]),
            "a plain name may be longer"
        );
    }
}
