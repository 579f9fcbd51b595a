//! Shards: the hosts of a run divided among processes.
//!
//! A host's shard follows from its name alone, so adding a host moves no other. Each process plans the whole run and keeps its
//! part of it; seeds, addresses, levers, phases and faults are resolved before, and stay as in the whole run.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::event_share::LEVER;
use super::host::HostPlan;
use super::run::Plan;
use super::shape::ModelPlan;
use crate::event::{HostId, Source};
use crate::rng::Seed;

/// The largest number of shards of a run.
const COUNT_MAX: u32 = 10_000;

/// The node of the seed tree whose children are the hashes of names.
const HASHES: Seed = Seed::new(0x7368_6172_6473);

/// One shard of a run, written `I/N`: the first of three is `1/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: u32,
    count: u32,
}

impl Shard {
    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.index + 1
    }

    /// Number of shards of the run.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.count
    }

    /// All shards of this run, in order.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (0..self.count).map(move |index| Self { index, ..self })
    }

    /// `true` if the host of this name is in it.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        HASHES.child(name).rng().below(u64::from(self.count)) == u64::from(self.index)
    }

    /// The ids of its hosts in the plan of the whole run.
    pub fn ids(self, plan: &Plan) -> impl Iterator<Item = HostId> {
        (0..).zip(&plan.hosts).filter(move |(_, host)| self.has(&host.name)).map(|(id, _)| id)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number(), self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, count)| {
            Some((number.trim().parse::<u32>().ok()?, count.trim().parse::<u32>().ok()?))
        });
        let Some((number, count)) = parts else {
            return Err(format!("expected NUMBER/ALL, as in 1/3, but got {text:?}"));
        };
        if count == 0 || count > COUNT_MAX {
            return Err(format!("a run has from 1 to {COUNT_MAX} shards, but got {count}"));
        }
        if number == 0 || number > count {
            return Err(format!("the shards of {count} are 1 to {count}, but got {number}"));
        }
        Ok(Self { index: number - 1, count })
    }
}

impl Plan {
    /// The plan of one shard: its hosts, which have other ids there; of one without any, no hosts. All else is the whole run's.
    #[must_use]
    pub fn of_shard(&self, shard: Shard) -> Self {
        let mut new_ids: Vec<Option<HostId>> = vec![None; self.hosts.len()];
        let mut hosts = Vec::new();
        for (new, old) in (0..).zip(shard.ids(self)) {
            new_ids[old as usize] = Some(new);
            hosts.push(Arc::clone(&self.hosts[old as usize]));
        }
        let mut jobs = self.jobs.clone();
        for job in &mut jobs {
            job.hosts = job.hosts.iter().filter_map(|id| new_ids[*id as usize]).collect();
        }
        Self { hosts, jobs, heard_elsewhere: self.heard_elsewhere(shard), ..self.clone() }
    }

    /// The names of the events that hosts of other shards listen to, or that begin faults there.
    fn heard_elsewhere(&self, shard: Shard) -> IndexSet<Arc<str>> {
        let elsewhere = self.hosts.iter().filter(|host| !shard.has(&host.name));
        let subscriptions = elsewhere.flat_map(|host| heard(host)).map(|(event, _)| event);
        let triggers = self.faults.iter().flat_map(|fault| &fault.on);
        subscriptions.chain(triggers.map(|subscription| Arc::clone(&subscription.event))).collect()
    }

    /// An event that hosts of this shard emit and others hear, or the other way round; `None` if its hosts need no others.
    #[must_use]
    pub fn crossing_event(&self, shard: Shard) -> Option<Arc<str>> {
        let emitted = Emitted::of(self, shard);
        let reads_levers = |here: bool| {
            self.hosts.iter().any(|host| host.shape.reads_levers && shard.has(&host.name) == here)
        };
        let lever = emitted.sides_of(LEVER, &Source::Any);
        if lever[0] && reads_levers(false) || lever[1] && reads_levers(true) {
            return Some(LEVER.into());
        }
        let by_triggers = self.faults.iter().flat_map(|fault| &fault.on);
        let begun = by_triggers
            .map(|subscription| {
                (&subscription.event, emitted.sides_of(&subscription.event, &subscription.source))
            })
            .find(|(_, sides)| sides[0] || sides[1]);
        if let Some((event, _)) = begun {
            return Some(Arc::clone(event));
        }
        self.hosts.iter().find_map(|host| {
            let is_here = shard.has(&host.name);
            let from_other_side =
                |(event, source): &(Arc<str>, Source)| emitted.sides_of(event, source)[usize::from(is_here)];
            heard(host).find(from_other_side).map(|(event, _)| event)
        })
    }
}

/// The events of others that a host listens to, each with its source.
fn heard(host: &HostPlan) -> impl Iterator<Item = (Arc<str>, Source)> {
    let of_models = host.shape.pools.iter().filter_map(|pool| pool.model.as_ref());
    let of_models = of_models.flat_map(ModelPlan::subscriptions);
    let all = host.shape.subscriptions().cloned().chain(of_models);
    all.filter(|subscription| subscription.source != Source::Own)
        .map(|subscription| (subscription.event, subscription.source))
}

/// The events that hosts may emit: on this shard, and elsewhere.
#[derive(Debug)]
struct Emitted {
    shard: Shard,
    by_name: IndexMap<Arc<str>, [bool; 2]>,
    /// Names that are calculated.
    any: [bool; 2],
    /// The events of the hosts that others listen to by name.
    by_host: IndexMap<Arc<str>, (IndexSet<Arc<str>>, bool)>,
}

impl Emitted {
    fn of(plan: &Plan, shard: Shard) -> Self {
        let mut emitted = Self { shard, by_name: IndexMap::new(), any: [false; 2], by_host: IndexMap::new() };
        let subscriptions = plan.hosts.iter().flat_map(|host| heard(host));
        let triggers = plan.faults.iter().flat_map(|fault| &fault.on);
        let triggers =
            triggers.map(|subscription| (Arc::clone(&subscription.event), subscription.source.clone()));
        let sources: IndexSet<Arc<str>> = subscriptions
            .chain(triggers)
            .filter_map(|(_, source)| if let Source::Named(host) = source { Some(host) } else { None })
            .collect();
        let mut seen = IndexSet::new();
        for host in &plan.hosts {
            let side = usize::from(!shard.has(&host.name));
            if sources.contains(&host.name) {
                let names: IndexSet<_> = host.emissions().flatten().collect();
                let is_any = host.emissions().any(|name| name.is_none());
                emitted.by_host.insert(Arc::clone(&host.name), (names, is_any));
            }
            // Neighbours share their setup.
            if !seen.insert((Arc::as_ptr(&host.setup), side)) {
                continue;
            }
            for name in host.emissions() {
                match name {
                    Some(name) => emitted.by_name.entry(name).or_default()[side] = true,
                    None => emitted.any[side] = true,
                }
            }
        }
        emitted
    }

    /// `true` for this shard, and for the others, if a host there may emit the event as this source.
    fn sides_of(&self, event: &str, source: &Source) -> [bool; 2] {
        match source {
            Source::Own => [false; 2],
            Source::Any => {
                let named = self.by_name.get(event).copied().unwrap_or_default();
                [named[0] || self.any[0], named[1] || self.any[1]]
            }
            Source::Named(host) => {
                let Some((names, is_any)) = self.by_host.get(host) else { return [false; 2] };
                let emits = *is_any || names.contains(event);
                let is_here = self.shard.has(host);
                [emits && is_here, emits && !is_here]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    fn plan(hosts: &str, more: &str) -> Plan {
        let text = format!("Config(default_job_name: \"j\", {more} hosts: [{hosts}])");
        let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
        ConfigFile::from_text("test", &text).plan(&options).unwrap().plan
    }

    const GAUGE: &str = "Metric(name: \"m\", value_range: (0, 9))";

    #[test]
    fn each_host_is_in_one_shard_whatever_other_hosts_there_are() {
        let many = plan(
            "Host(repeat: Repeat(var: \"i\", from: 1, to: 3000), name: \"h-{i}\", metrics: [Metric(name: \"m\")])",
            "",
        );
        let shards: Vec<Plan> =
            "1/3".parse::<Shard>().unwrap().all().map(|shard| many.of_shard(shard)).collect();
        let sizes: Vec<usize> = shards.iter().map(|part| part.hosts.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 3000);
        assert!(sizes.iter().all(|size| (900..1100).contains(size)), "{sizes:?}");
        for part in &shards {
            let of_job: Vec<u32> = part.jobs[0].hosts.to_vec();
            assert_eq!(of_job, (0..).take(part.hosts.len()).collect::<Vec<_>>(), "ids are those of the part");
        }
        // Known for good: another answer would move hosts of runs that go on.
        let second: Shard = "2/3".parse().unwrap();
        let has = ["h-1", "h-2", "web-01", "db"].map(|name| second.has(name));
        assert_eq!(has, [true, true, true, false]);
    }

    #[test]
    fn an_event_crosses_where_a_listener_is_in_another_shard_than_its_source() {
        let shard: Shard = "1/2".parse().unwrap();
        let here = (0..99).map(|i| format!("a-{i}")).find(|name| shard.has(name)).unwrap();
        let there = (0..99).map(|i| format!("b-{i}")).find(|name| !shard.has(name)).unwrap();
        let toggle = "Metric(name: \"flag\", value_range: (0, 1), scenario: feature_toggle)";
        let hosts = |listen: &str, listener: &str, source: &str| {
            format!(
                "Host(name: \"{source}\", metrics: [{toggle}]), \
                 Host(name: \"{listener}\", listen_events: {{ \"{listen}\": emit(\"heard\") }}, metrics: [{GAUGE}])"
            )
        };
        let crossing = |text: &str, more: &str| {
            let plan = plan(text, more);
            let event = plan.crossing_event(shard).map(|event| event.to_string());
            (event, plan.of_shard(shard).heard_elsewhere.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let on = Some("feature_on".to_owned());
        assert_eq!(
            crossing(&hosts("feature_on", &there, &here), ""),
            (on.clone(), vec!["feature_on".to_owned()])
        );
        assert_eq!(
            crossing(&hosts("feature_on", &here, &there), ""),
            (on.clone(), vec![]),
            "others are heard here"
        );
        let of_source = hosts(&format!("feature_on@{here}"), &there, &here);
        assert_eq!(crossing(&of_source, "").0, on);
        let of_another = hosts(&format!("feature_on@{there}"), &there, &here);
        assert_eq!(crossing(&of_another, "").0, None, "nobody of that name emits it");
        assert_eq!(crossing(&hosts("host_started", &there, &here), "").0, None, "that is its own");
        let both = format!("{here}-x");
        let same_side = if shard.has(&both) { both } else { format!("{here}-y") };
        if shard.has(&same_side) {
            assert_eq!(crossing(&hosts("feature_on", &same_side, &here), "").0, None);
        }
        let fault = "levers: { \"x\": 1.0 }, timeline: Timeline(phases: [Phase(name: \"p\", lasts: \"1h\")], faults: [Fault(id: \"f\", on: [\"feature_on\"], lasts: \"1s\", set: { \"x\": 2 })]),";
        let alone = format!("Host(name: \"{here}\", metrics: [{toggle}])");
        assert_eq!(
            crossing(&alone, fault),
            (on, vec!["feature_on".to_owned()]),
            "faults begin in all shards"
        );
    }
}
