//! The rules that a Prometheus has loaded, and when it evaluated them last.

use std::path::PathBuf;

use indexmap::IndexMap;
use promemu_core::time::{Span, Time};
use promemu_wire::rule_file::{Rule, RuleFile, RuleGroup, RuleKind};
use serde::Deserialize;

use crate::prometheus_client::{PrometheusClient, Unanswered};
use crate::test::rules::Rules;

/// The rules of a Prometheus.
#[derive(Debug)]
pub(crate) struct LiveRules {
    /// The rules; their file is the address of the Prometheus.
    pub(in crate::test) rules: Rules,
    /// The time between two evaluations of an alert; the longest one, if several rules have its name.
    pub(super) intervals: IndexMap<String, Span>,
    /// Names of alerts whose evaluation fails, with the reason.
    pub(super) failing: IndexMap<String, String>,
    /// All groups were evaluated up to this time; [`Time::NEVER`] if there are none.
    pub(super) evaluated_to: Time,
}

/// The answer of `/api/v1/rules`.
#[derive(Deserialize)]
struct Loaded {
    groups: Vec<LoadedGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoadedGroup {
    name: String,
    interval: f64,
    rules: Vec<LoadedRule>,
    #[serde(default)]
    last_evaluation: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoadedRule {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    query: String,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    keep_firing_for: f64,
    #[serde(default)]
    labels: IndexMap<String, String>,
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
}

impl LiveRules {
    /// Asks for the rules.
    pub(in crate::test) fn read(prometheus: &PrometheusClient) -> Result<Self, Unanswered> {
        let Loaded { groups } = prometheus.read("rules", &[])?;
        let (mut intervals, mut failing) = (IndexMap::new(), IndexMap::new());
        for group in &groups {
            for rule in group.rules.iter().filter(|rule| rule.kind == "alerting") {
                let interval = intervals.entry(rule.name.clone()).or_insert(Span::ZERO);
                *interval = span(group.interval).max(*interval);
                if rule.health == "err" {
                    let why =
                        format!("Prometheus cannot evaluate its rule: {}; correct it there", rule.last_error);
                    failing.insert(rule.name.clone(), why);
                }
            }
        }
        // A group that was never evaluated has a time before those that are known.
        let evaluated =
            groups.iter().map(|group| Time::parse(&group.last_evaluation).unwrap_or(Time::from_unix_secs(0)));
        let evaluated_to = evaluated.min().unwrap_or(Time::NEVER);
        let file = RuleFile { groups: groups.into_iter().map(LoadedGroup::group).collect() };
        let rules = Rules { files: vec![(PathBuf::from(prometheus.url().to_string()), file)] };
        Ok(Self { rules, intervals, failing, evaluated_to })
    }

    /// The shortest time between two evaluations; `None` if there are no rules.
    pub(in crate::test) fn evaluation(&self) -> Option<Span> {
        let groups = self.rules.files.iter().flat_map(|(_, file)| &file.groups);
        groups.filter_map(|group| group.interval).min()
    }

    /// The longest time between two evaluations; zero if there are no rules.
    pub(super) fn longest_interval(&self) -> Span {
        let groups = self.rules.files.iter().flat_map(|(_, file)| &file.groups);
        groups.filter_map(|group| group.interval).max().unwrap_or(Span::ZERO)
    }
}

impl LoadedGroup {
    fn group(self) -> RuleGroup {
        RuleGroup {
            name: self.name,
            interval: Some(span(self.interval)).filter(|interval| *interval > Span::ZERO),
            query_offset: None,
            limit: 0,
            labels: IndexMap::new(),
            rules: self.rules.into_iter().map(LoadedRule::rule).collect(),
        }
    }
}

impl LoadedRule {
    fn rule(self) -> Rule {
        Rule {
            kind: if self.kind == "alerting" { RuleKind::Alert } else { RuleKind::Record },
            name: self.name,
            expr: self.query,
            hold: span(self.duration),
            keep_firing_for: span(self.keep_firing_for),
            labels: self.labels,
            annotations: IndexMap::new(),
        }
    }
}

fn span(secs: f64) -> Span {
    Span::from_secs_f64(secs).unwrap_or(Span::ZERO)
}
