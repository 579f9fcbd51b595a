//! The part of a run's events that each host may emit: all hosts together must not keep a run busy with their events alone.
//!
//! An event costs as much as there are listeners to it, faults that it begins included, and a run has
//! [`LISTENERS_PER_SEC_MAX`] of them in an emulated second.
//! Each host has a fixed part, in proportion to the cost of the events that it may emit, so that hosts need not know of each
//! other: every driver drops the same events.

use std::sync::Arc;

use indexmap::IndexMap;

use super::action::Action;
use super::host::HostPlan;
use super::run::Plan;
use super::shape::HostShape;
use crate::event::{Source, Subscription};
use crate::host::EVENTS_PER_SEC_MAX;

/// Maximum number of listeners that the events of all hosts of a run reach in one emulated second.
pub const LISTENERS_PER_SEC_MAX: u32 = 1_000_000;

/// Number of listeners as which a replaced member counts: to make one takes ten times as long as to tell one of an event.
const REPLACED_MEMBER_WEIGHT: u64 = 10;

/// Number of listeners as which a begin of a fault counts beside the hosts that the fault is on: the run remembers it.
const BEGUN_FAULT_WEIGHT: u64 = 100;

/// Number of hosts that take as long to be asked for a fault as one takes to be told of an event.
const ASKED_HOSTS: u64 = 16;

/// The name that actions on levers, which go to all hosts, have among events.
pub(crate) const LEVER: &str = "lever";

/// A host's part of the run's events.
#[derive(Debug, PartialEq, Eq)]
pub struct EventShare {
    /// The cost of its events in an emulated second.
    per_sec: u32,
    /// The cost of each event that it may emit.
    costs: IndexMap<Arc<str>, u32>,
    /// The cost of an event with a calculated name.
    other: u32,
}

impl EventShare {
    /// The cost of its events in an emulated second.
    #[must_use]
    pub const fn per_sec(&self) -> u32 {
        self.per_sec
    }

    /// The cost of an event: the number of listeners that it reaches, at least 1.
    #[must_use]
    pub fn cost(&self, event: &str) -> u32 {
        self.costs.get(event).copied().unwrap_or(self.other).max(1)
    }
}

/// The weight of all listeners of a run, by event.
#[derive(Default)]
struct Listeners {
    any: IndexMap<Arc<str>, u64>,
    named: IndexMap<(Arc<str>, Arc<str>), u64>,
}

impl Listeners {
    fn of(plan: &Plan) -> Self {
        let mut listeners = Self::default();
        for (shape, count) in plan.jobs.iter().flat_map(|job| plan.shapes(job)) {
            for listener in &shape.listeners {
                let Subscription { event, source } = &listener.subscription;
                let weight = match source {
                    Source::Any => listeners.any.entry(Arc::clone(event)).or_default(),
                    Source::Named(name) => {
                        listeners.named.entry((Arc::clone(event), Arc::clone(name))).or_default()
                    }
                    Source::Own => continue,
                };
                *weight = weight.saturating_add(weight_of(shape, &listener.action) * count as u64);
            }
            if shape.reads_levers {
                *listeners.any.entry(LEVER.into()).or_default() += count as u64;
            }
        }
        listeners.add_faults(plan);
        listeners
    }

    /// Adds the faults of the run that events begin.
    fn add_faults(&mut self, plan: &Plan) {
        for fault in plan.faults.iter().filter(|fault| !fault.on.is_empty()) {
            let begin = Action::BeginFault { fault: Arc::clone(&fault.id), lasts: fault.times.lasts };
            let told = plan.hosts.iter().filter(|host| begin.concerns(host)).count() as u64;
            let weight = BEGUN_FAULT_WEIGHT + plan.hosts.len() as u64 / ASKED_HOSTS + told;
            for Subscription { event, source } in &fault.on {
                let of_event = match source {
                    Source::Any => self.any.entry(Arc::clone(event)).or_default(),
                    Source::Named(name) => {
                        self.named.entry((Arc::clone(event), Arc::clone(name))).or_default()
                    }
                    // A run has no events of its own.
                    Source::Own => continue,
                };
                *of_event = of_event.saturating_add(weight);
            }
        }
    }

    /// The cost of an event of a host for the listeners of any host; 0 if nobody listens.
    fn cost(&self, event: &str, host: &Arc<str>) -> u64 {
        let named =
            if self.named.is_empty() { None } else { self.named.get(&(event.into(), Arc::clone(host))) };
        self.any.get(event).copied().unwrap_or(0) + named.copied().unwrap_or(0)
    }

    /// The largest cost that an event of any name has.
    fn cost_max(&self) -> u64 {
        self.any.values().chain(self.named.values()).copied().max().unwrap_or(0)
    }

    /// The costs of the events that a host may emit.
    fn costs_of(&self, host: &HostPlan) -> Costs {
        let own = own_listeners(&host.shape);
        let (mut events, mut other): (IndexMap<Arc<str>, u64>, _) = (IndexMap::new(), 0);
        for event in host.emissions() {
            let Some(event) = event else {
                other = self.cost_max();
                continue;
            };
            let cost = self.cost(&event, &host.name) + own.get(&*event).copied().unwrap_or(0);
            events.insert(event, cost);
        }
        Costs { events, other }
    }
}

/// The weight of the listeners of a host to its own events, by event.
fn own_listeners(shape: &HostShape) -> IndexMap<&str, u64> {
    let mut weights = IndexMap::new();
    for listener in &shape.listeners {
        if listener.subscription.source == Source::Own {
            *weights.entry(&*listener.subscription.event).or_default() += weight_of(shape, &listener.action);
        }
    }
    weights
}

/// The costs of a host's events.
struct Costs {
    events: IndexMap<Arc<str>, u64>,
    /// That of events with calculated names; 0 if it has none.
    other: u64,
}

impl Costs {
    fn each(&self) -> impl Iterator<Item = u64> {
        self.events.values().copied().chain([self.other])
    }

    /// The cost of one event of each name.
    fn total(&self) -> u64 {
        self.each().fold(0, u64::saturating_add)
    }

    /// The part of a host with these costs, of a run in which one event of each name and host costs so much.
    fn share(&self, total_of_run: u64) -> Option<EventShare> {
        let per_sec =
            u128::from(LISTENERS_PER_SEC_MAX) * u128::from(self.total()) / u128::from(total_of_run.max(1));
        let dearest = self.each().max().unwrap_or(0);
        if per_sec >= u128::from(EVENTS_PER_SEC_MAX) * u128::from(dearest) {
            return None;
        }
        let narrow = |cost: u64| u32::try_from(cost).unwrap_or(u32::MAX);
        Some(EventShare {
            per_sec: u32::try_from(per_sec).unwrap_or(u32::MAX).max(1),
            costs: self.events.iter().map(|(event, cost)| (Arc::clone(event), narrow(*cost))).collect(),
            other: narrow(self.other),
        })
    }
}

/// The work that an event is for one listener.
fn weight_of(shape: &HostShape, action: &Action) -> u64 {
    let members = |pool: usize| shape.pools.get(pool).map_or(1, |pool| pool.max.max(1) as u64);
    match *action {
        Action::NotifyMembers(pool) => members(pool),
        Action::ReplaceMembers(pool) => members(pool).saturating_mul(REPLACED_MEMBER_WEIGHT),
        _ => 1,
    }
}

/// Gives each host its part. Hosts that could not exceed theirs, as [`EVENTS_PER_SEC_MAX`] is less, have none.
pub(crate) fn share_events(plan: &mut Plan) {
    let begins_faults = plan.faults.iter().any(|fault| !fault.on.is_empty());
    if !begins_faults && plan.hosts.iter().all(|host| host.shape.listeners.is_empty()) {
        return;
    }
    let listeners = Listeners::of(plan);
    // Hosts of one shape cost the same, unless somebody listens to single hosts.
    let mut known: IndexMap<_, (Costs, u64)> = IndexMap::new();
    let kinds: Vec<usize> = plan
        .hosts
        .iter()
        .map(|host| {
            let name = (!listeners.named.is_empty()).then(|| Arc::clone(&host.name));
            let entry = known.entry((Arc::as_ptr(&host.shape), host.run.as_ref().map(Arc::as_ptr), name));
            let kind = entry.index();
            entry.or_insert_with(|| (listeners.costs_of(host), 0)).1 += 1;
            kind
        })
        .collect();
    let total = known.values().map(|(costs, hosts)| costs.total().saturating_mul(*hosts));
    let total = total.fold(0, u64::saturating_add);
    let shares: Vec<Option<Arc<EventShare>>> =
        known.values().map(|(costs, _)| costs.share(total).map(Arc::new)).collect();
    for (host, kind) in plan.hosts.iter_mut().zip(kinds) {
        // The plan of a host has no second owner yet.
        if let Some(host) = Arc::get_mut(host).filter(|_| shares[kind].is_some()) {
            Arc::make_mut(&mut host.setup).event_share.clone_from(&shares[kind]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    fn plan(hosts: &str) -> Plan {
        let text = format!("Config(levers: {{ \"load\": 1.0 }}, hosts: [{hosts}])");
        let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
        ConfigFile::from_text("test", &text).plan(&options).unwrap().plan
    }

    fn hosts(count: usize, name: &str, rest: &str) -> String {
        let repeat = format!("Repeat(var: \"i\", from: 1, to: {count})");
        format!("Host(repeat: {repeat}, name: \"{name}-{{i}}\", metrics: [Metric(name: \"up\")], {rest}),")
    }

    /// The listeners that the events of all hosts with a part reach in a second.
    fn shared(plan: &Plan) -> u64 {
        plan.hosts
            .iter()
            .filter_map(|host| host.event_share.as_ref())
            .map(|share| u64::from(share.per_sec))
            .sum()
    }

    #[test]
    fn hosts_that_cannot_keep_a_run_busy_have_no_bound_of_this_kind() {
        let balancer = hosts(1, "b", "listen_events: { \"go\": emit(\"peak\") }");
        let workers =
            hosts(9, "w", "listen_events: { \"peak\": emit(\"done@own\"), \"host_started\": emit(\"up\") }");
        assert!(plan(&format!("{balancer}{workers}")).hosts.iter().all(|host| host.event_share.is_none()));
    }

    #[test]
    fn a_host_that_many_hear_has_a_larger_part_than_those_that_nobody_hears() {
        let balancer = hosts(1, "b", "listen_events: { \"go\": emit(\"peak\") }");
        let workers = hosts(
            2_000,
            "w",
            "listen_events: { \"peak\": emit(\"unheard\"), \"host_started\": emit(\"unheard\") }",
        );
        let plan = plan(&format!("{balancer}{workers}"));
        let share = plan.hosts[0].event_share.as_ref().unwrap();
        assert_eq!((share.cost("peak"), share.cost("unheard")), (2_000, 1));
        assert_eq!(share.per_sec, 500_000);
        assert_eq!(plan.hosts[1].event_share.as_ref().unwrap().per_sec, 250);
    }

    #[test]
    fn members_that_hear_an_event_and_hosts_that_read_a_lever_are_listeners() {
        let pool = "pools: [Pool(name: \"p\", count: 1000, labels: { \"slot\": \"{slot}\" }, \
            metrics: [Metric(name: \"m\", listen_events: [\"x\"])])]";
        let storm = plan(&hosts(50, "h", &format!("listen_events: {{ \"x\": emit(\"x\") }}, {pool}")));
        assert_eq!(storm.hosts[0].event_share.as_ref().unwrap().cost("x"), 50 * 1_001);
        let reader = "listen_events: { \"x\": lever(\"load\", 2) }, storage: { \"n\": 0 }";
        let reads = hosts(200, "h", reader)
            .replace("name: \"up\"", "name: \"up\", scenario: script(source: \"run.load\")");
        assert_eq!(plan(&reads).hosts[0].event_share.as_ref().unwrap().cost(LEVER), 200);
    }

    #[test]
    fn a_fault_that_an_event_begins_counts_with_the_hosts_that_it_is_on() {
        let shares = |on: &str| {
            let emitter = hosts(32, "h", "listen_events: { \"go\": emit(\"x\") }");
            let fault = format!("Fault(id: \"f\", {on}, lasts: 1, hosts: \"h-1*\", kind: host_down)");
            let text = format!("Config(faults: [{fault}], hosts: [{emitter}])");
            let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
            let plan = ConfigFile::from_text("test", &text).plan(&options).unwrap().plan;
            let cost = |host: &Arc<HostPlan>| host.event_share.as_ref().map(|share| share.cost("x"));
            [0, 1].map(|host| cost(&plan.hosts[host]))
        };
        // One for each of the eleven hosts that the fault is on, two for 32 that are asked.
        assert_eq!(shares("on: \"x\""), [Some(113); 2]);
        assert_eq!(shares("on: \"x@h-1\""), [Some(113), None], "only one host's event begins it");
        assert_eq!(shares("at: 1"), [None; 2]);
    }

    #[test]
    fn a_member_that_an_event_replaces_counts_as_ten_listeners() {
        let pool = |replaced: &str| {
            let pool = "Pool(name: \"p\", count: 300, labels: { \"id\": \"{uuid()}\" }, metrics: [Metric(name: \"m\")]";
            plan(&hosts(
                1,
                "h",
                &format!("listen_events: {{ \"x\": emit(\"x\") }}, pools: [{pool}, {replaced})]"),
            ))
        };
        let share =
            |plan: &Plan| plan.hosts[0].event_share.as_ref().map(|share| (share.cost("x"), share.per_sec));
        assert_eq!(share(&pool("replace_on: \"x\"")), Some((3_001, LISTENERS_PER_SEC_MAX)));
        assert_eq!(
            share(&pool("replace_on: \"x@own\", replace_share: 0.5")),
            Some((3_001, LISTENERS_PER_SEC_MAX))
        );
        assert_eq!(share(&pool("replace_on: \"other\"")), None, "an event that replaces none is cheap");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_parts_of_all_hosts_are_no_more_than_the_run_has(
            counts in prop::collection::vec(1_usize..400, 1..4),
            sources in prop::collection::vec(0_usize..4, 4),
        ) {
            let text: String = counts.iter().enumerate().map(|(kind, count)| {
                let source = ["", "@own", "@any", "@h0-1"][sources[kind]];
                let next = (kind + 1) % counts.len();
                hosts(*count, &format!("h{kind}"), &format!("listen_events: {{ \"e{kind}{source}\": [emit(\"e{next}\"), emit(\"e{kind}\")] }}"))
            }).collect();
            let plan = plan(&text);
            prop_assert!(shared(&plan) <= u64::from(LISTENERS_PER_SEC_MAX) + plan.hosts.len() as u64);
        }
    }
}
