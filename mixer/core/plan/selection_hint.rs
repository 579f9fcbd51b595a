//! Suggestions for a pattern of hosts that selects none: as other languages write it, or with a mistyped name or label.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::host::HostPlan;
use super::selection::HostSelection;
use crate::error::{NAMES_COMPARED_MAX, suggestion};

/// The end of a message about a pattern that matches none of these hosts: the pattern that may be meant.
#[must_use]
pub fn unmatched_hint(pattern: &str, hosts: &[Arc<HostPlan>]) -> String {
    let hosts = &hosts[..hosts.len().min(NAMES_COMPARED_MAX)];
    for (candidate, why) in rewritten(pattern) {
        let selection = HostSelection::parse(&candidate).ok();
        if selection.is_some_and(|selection| hosts.iter().any(|host| selection.matches(host))) {
            return format!("; {why}; write {candidate:?}");
        }
    }
    if let Some((label, value)) = pattern.split_once('=') {
        let values: BTreeSet<&str> = hosts.iter().filter_map(|host| host.labels.get(label)).collect();
        let values: Vec<&str> = values.into_iter().collect();
        return match values.as_slice() {
            [] => format!("; no host has a label {label:?}"),
            _ => format!("; hosts have other values of {label}{}", suggestion(value, &values)),
        };
    }
    let names: Vec<&str> = hosts.iter().map(|host| &*host.name).collect();
    suggestion(pattern, &names)
}

/// The pattern without what other languages add to it, the least changed first.
fn rewritten(pattern: &str) -> Vec<(String, &'static str)> {
    const UNQUOTED: &str = "a label's value has no quotes";
    const NO_REGEX: &str = "a pattern is one of the shell, not a regular expression";
    let bare =
        pattern.trim().trim_start_matches('{').trim_end_matches('}').replace("=~", "=").replace("==", "=");
    let bare: String = bare.chars().filter(|c| !matches!(c, '"' | '\'' | '`')).collect();
    let glob = glob_of(&bare);
    let mut found = Vec::new();
    if bare != pattern {
        found.push((bare.clone(), UNQUOTED));
    }
    if glob != bare {
        found.push((glob, NO_REGEX));
    }
    found
}

/// The glob that a simple regular expression means.
fn glob_of(regex: &str) -> String {
    let glob = regex.replace(['^', '$'], "").replace("\\d", "[0-9]").replace("\\.", ".");
    // Repeated characters are any text.
    let mut glob = glob.replace(".*", "*").replace(".+", "*").replace("]+", "]*");
    // (1|2) is [12] if each choice is one character.
    if let (Some(open), Some(close)) = (glob.find('('), glob.find(')'))
        && open < close
    {
        let choices: Vec<&str> = glob[open + 1..close].split('|').collect();
        if choices.iter().all(|choice| choice.chars().count() == 1) {
            glob = format!("{}[{}]{}", &glob[..open], choices.concat(), &glob[close + 1..]);
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    #[test]
    fn a_pattern_of_another_language_gets_the_one_that_is_meant() {
        let text = r#"Config(hosts: [
            Host(repeat: Repeat(var: "i", from: 1, to: 12), name: "web-{i}", labels: { "zone": "zone-{i % 2}" }, metrics: [Metric(name: "up")]),
            Host(name: "db-1", metrics: [Metric(name: "up")])])"#;
        let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
        let plan = ConfigFile::from_text("test", text).plan(&options).unwrap().plan;
        let hint = |pattern: &str| unmatched_hint(pattern, &plan.hosts);
        for (pattern, meant) in [
            ("web-.*", "web-*"),
            ("^web-\\d+$", "web-[0-9]*"),
            ("web-(1|2)", "web-[12]"),
            ("zone=\"zone-0\"", "zone=zone-0"),
            ("{zone='zone-1'}", "zone=zone-1"),
            ("zone=~\"zone-.*\"", "zone=zone-*"),
            ("\"web-1\"", "web-1"),
        ] {
            let said = hint(pattern);
            assert!(said.ends_with(&format!("write {meant:?}")), "{pattern}: {said}");
        }
        insta::assert_snapshot!(hint("zone=zone-3"), @r#"; hosts have other values of zone; did you mean "zone-0"?"#);
        insta::assert_snapshot!(hint("zone=north"), @"; hosts have other values of zone; expected one of zone-0, zone-1");
        insta::assert_snapshot!(hint("zon=zone-1"), @r#"; no host has a label "zon""#);
        insta::assert_snapshot!(hint("wep-1"), @r#"; did you mean "web-1"?"#);
        insta::assert_snapshot!(hint("mail-.*"), @"; expected one of web-1, web-2, web-3, web-4, web-5, web-6, web-7, web-8, web-9, web-10, web-11, web-12, db-1");
    }
}
