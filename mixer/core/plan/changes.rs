//! Differences between two plans of one run: the hosts that go on unchanged, and the others.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::host::{HostPlan, HostSetup};
use super::run::Plan;
use super::shape::HostShape;
use crate::plural::plural;

/// The hosts kept, new, gone and changed when a run goes on with another plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// For each host of the new plan its index among the old hosts; `None` if its own definition changed.
    pub kept: Vec<Option<u32>>,
    /// Number of hosts whose name is not in the old plan.
    pub new: usize,
    /// Number of hosts of the old plan that are not in the new one.
    pub gone: usize,
    /// Number of hosts with the same name and something else changed.
    pub changed: usize,
}

impl Changes {
    /// Compares the plans host by host, matched by name.
    #[must_use]
    pub fn between(old: &Plan, new: &Plan) -> Self {
        Self::from_hosts(old, &old.hosts, new)
    }

    /// Compares the plans. The old one's hosts are now these, in the jobs that it has.
    #[must_use]
    pub fn from_hosts(old: &Plan, old_hosts: &[Arc<HostPlan>], new: &Plan) -> Self {
        let old_ids: IndexMap<&str, u32> = old_hosts.iter().map(|host| &*host.name).zip(0..).collect();
        let mut comparison = Comparison { old, new, shapes: IndexMap::new() };
        let mut changes =
            Self { kept: Vec::with_capacity(new.hosts.len()), new: 0, gone: old_hosts.len(), changed: 0 };
        for host in &new.hosts {
            let old_id = old_ids.get(&*host.name).copied();
            let kept = old_id.filter(|id| comparison.are_equal(&old_hosts[*id as usize], host));
            match (old_id, kept) {
                (None, _) => changes.new += 1,
                (Some(_), None) => changes.changed += 1,
                (Some(_), Some(_)) => {}
            }
            changes.gone -= usize::from(old_id.is_some());
            changes.kept.push(kept);
        }
        changes
    }

    /// Number of hosts that go on unchanged.
    #[must_use]
    pub fn kept_count(&self) -> usize {
        self.kept.len() - self.new - self.changed
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = plural(self.kept_count(), "host", "hosts");
        write!(f, "{kept} kept, {} new, {} gone, {} changed", self.new, self.gone, self.changed)
    }
}

/// A comparison in progress. Hosts share shapes, so each pair of shapes is compared once.
struct Comparison<'a> {
    old: &'a Plan,
    new: &'a Plan,
    shapes: IndexMap<[*const HostShape; 2], bool>,
}

impl Comparison<'_> {
    fn are_equal(&mut self, old: &HostPlan, new: &HostPlan) -> bool {
        // A host takes over the levers and faults of the run without a restart.
        let HostPlan { name, labels, start_time, ttl, setup } = new;
        let HostSetup { job, interval, growth_max, run: _, event_share: _, shape } = &**setup;
        *name == old.name
            && self.new.jobs[*job].name == self.old.jobs[old.job].name
            && *ttl == old.ttl
            && *interval == old.interval
            && *start_time == old.start_time
            && *labels == old.labels
            && *growth_max == old.growth_max
            && *self
                .shapes
                .entry([&raw const *old.shape, &raw const **shape])
                .or_insert_with(|| *shape == old.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    const START: Time = Time::from_unix_secs(1_767_600_000);

    const TEXT: &str = r#"Config(
        args: { "limit": Arg(default: 5) },
        levers: { "speed": 1.0 },
        faults: [
            Fault(id: "fast", at: "20s", lasts: "10s", set: { "speed": 3 }),
            Fault(id: "lost", at: "1m", lasts: "10s", hosts: ["web-*"], kind: gap()),
        ],
        default_job_name: "a_{started_at}",
        hosts: [
            Host(name: "alone", job_name: "b", metrics: [Metric(name: "other_total", metric_type: counter)]),
            Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", ttl: "1h", interval: "5s",
                labels: { "zone": "north" }, storage: { "x": 1 },
                listen_events: { "go": emit("gone") },
                metrics: [
                    Metric(name: "load", when: "t > limit", update_interval: "7s", value_range: (0, 9), scenario: random_walk(step: 2)),
                    Metric(name: "read", scenario: script(source: "run.speed")),
                    Metric(name: "twice", scenario: relay_to_other_metric(
                        source_metric_name: "load", calc_function: "value * limit")),
                    Metric(name: "switched", value_range: (0, 9), scenario: switch_scenario_by_events(
                        events_config: { "go": (scenario: sine_wave(period: 60)) })),
                ]),
        ],
    )"#;

    fn changes(edits: &[(&str, &str)]) -> Changes {
        let plan = |text: &str| {
            let file = ConfigFile::from_text("test", text);
            file.plan(&LoadOptions::starting_at(START)).unwrap().plan
        };
        let mut edited = TEXT.to_owned();
        for (from, to) in edits {
            assert!(edited.contains(from), "{from}");
            edited = edited.replace(from, to);
        }
        Changes::between(&plan(TEXT), &plan(&edited))
    }

    #[test]
    fn the_same_text_keeps_all_hosts() {
        let changes = changes(&[]);
        assert_eq!(changes.kept, [Some(0), Some(1), Some(2)]);
        assert_eq!(changes.to_string(), "3 hosts kept, 0 new, 0 gone, 0 changed");
    }

    #[test]
    fn what_is_no_part_of_a_host_changes_none() {
        for edit in [
            ("default: 5", "default: 5, help: \"x\""),
            ("Config(", "Config(push_interval: \"3s\", "),
            ("at: \"20s\"", "at: \"25s\""),
            ("at: \"1m\"", "at: \"2m\""),
            ("set: {", "hosts: [\"web-2\"], set: {"),
            ("hosts: [\"web-*\"], kind: gap()", "kind: host_down()"),
            ("\"speed\": 1.0", "\"speed\": 2.0"),
            ("\"speed\": 1.0", "\"speed\": 1.0, \"unused\": 1.0"),
            ("Metric(name: \"load\",", "Metric(name: \"load\", description: \"another help\","),
        ] {
            assert_eq!(changes(&[edit]).kept_count(), 3, "{edit:?}");
        }
    }

    #[test]
    fn any_difference_changes_a_host() {
        for edit in [
            ("default_job_name: \"a_", "default_job_name: \"c_"),
            ("ttl: \"1h\"", "ttl: \"2h\""),
            ("interval: \"5s\"", "interval: \"5s..6s\""),
            ("name: \"web-{i}\"", "name: \"web-{i}\", start_time: 1"),
            ("\"north\"", "\"south\""),
            ("emit(\"gone\")", "emit(\"come\")"),
            ("\"7s\"", "\"8s\""),
            ("value_range: (0, 9), scenario: random_walk", "value_range: (0, 8), scenario: random_walk"),
            ("step: 2", "step: 3"),
            ("value * limit", "value + limit"),
            ("t > limit", "t < limit"),
            ("\"x\": 1", "\"x\": 2"),
            ("default: 5", "default: 6"),
            ("period: 60", "period: 61"),
            ("name: \"twice\"", "name: \"twice\", decimals: 3"),
            ("name: \"twice\"", "name: \"twice\", metric_type: histogram"),
            ("name: \"twice\"", "name: \"twice\", default_value: 1"),
            ("name: \"twice\"", "name: \"twice\", labels: { \"a\": \"b\" }"),
        ] {
            let changes = changes(&[edit]);
            assert_eq!(changes.to_string(), "1 host kept, 0 new, 0 gone, 2 changed", "{edit:?}");
            assert_eq!(changes.kept, [Some(0), None, None], "{edit:?}");
        }
    }

    #[test]
    fn hosts_are_matched_by_name_in_any_order() {
        let moved = changes(&[("from: 1, to: 2", "from: 2, to: 4"), ("\"alone\"", "\"lonely\"")]);
        assert_eq!(moved.kept, [None, Some(2), None, None]);
        assert_eq!(moved.to_string(), "1 host kept, 3 new, 2 gone, 0 changed");
        let first = r#"Host(name: "first", metrics: [Metric(name: "zero")]), Host(name: "alone""#;
        assert_eq!(changes(&[("Host(name: \"alone\"", first)]).kept, [None, Some(0), Some(1), Some(2)]);
    }
}
