//! Faults of the run: their hosts, and the faults that these hosts show.

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::resolver::Resolver;
use super::run_fault_times::Reported;
use crate::config::template::{FaultTemplate, RunFaultTemplate};
use crate::config::value::Scalar;
use crate::error::Problems;
use crate::fault::{Fault, FaultPlan, FaultTrigger, Windows, fault_events};
use crate::plan::{
    EffectsPlan, HostPlan, HostSelection, HostShape, Plan, RunFault, RunPart, TimelinePlan, unmatched_hint,
};
use crate::time::Span;

/// The faults of the run.
#[derive(Debug, Default)]
pub(super) struct RunFaults {
    pub(super) faults: Vec<Arc<RunFault>>,
    /// The faults that each host shows; empty if no host shows one.
    pub(super) shown: Vec<Vec<Arc<FaultPlan>>>,
}

impl Resolver<'_> {
    /// The faults of the run. Hosts are known already; `all_hosts` if none of them had an error.
    pub(super) fn run_faults(
        &mut self,
        timeline: &TimelinePlan,
        all_hosts: bool,
        mut effects: Option<&mut EffectsPlan>,
    ) -> RunFaults {
        let (mut faults, mut ids) = (RunFaults::default(), IndexSet::new());
        let end = if all_hosts { self.latest_end() } else { Span::FOREVER };
        self.warn_of_late_phases(timeline, end);
        let of_run = self.template.faults.iter().map(|fault| (fault, false));
        let of_timeline = self.template.timeline.iter().flat_map(|timeline| &timeline.faults);
        for (template, is_of_timeline) in of_run.chain(of_timeline.map(|fault| (fault, true))) {
            if self.problems.is_over() {
                break;
            }
            let id: Option<Arc<str>> = self.name("id", &template.id).map(Into::into);
            match &id {
                Some(id) if id.is_empty() => {
                    self.problems.error(template.id.span, "a fault's id must not be empty");
                }
                Some(id) if !ids.insert(Arc::clone(id)) => {
                    let message = format!("two faults are called {id:?}; an id must be unique");
                    self.problems.error(template.id.span, message);
                }
                _ => {}
            }
            let kind = template.kind.as_ref().map(|kind| (kind, self.fault(kind)));
            let on = self.fault_triggers(template);
            let times = match self.fault_container(template, timeline, is_of_timeline) {
                Ok(None) => self.fault_times(template),
                Ok(Some(container)) => {
                    self.fault_times(template).and_then(|times| self.times_in(template, times, &container))
                }
                Err(Reported) => None,
            };
            if let Some(times) = &times {
                self.warn_of_late_fault(template, times, end);
            }
            let hosts = self.fault_hosts(&template.hosts, all_hosts);
            let changes: Vec<_> = template.changes.iter().map(|change| self.lever_change(change)).collect();
            let changes = changes.into_iter().collect::<Option<_>>();
            let built = kind.as_ref().and_then(|(kind, fault)| Some((*kind, fault.as_ref()?)));
            let effect = self.effect(template, built, effects.as_deref_mut());
            let (Some(id), Some(times), Some(on), Some(hosts), Some(changes), Some(effect)) =
                (id, times, on, hosts, changes, effect)
            else {
                continue;
            };
            // A fault cannot be checked on hosts that have an error.
            if let Some((kind, Some(fault))) = kind.filter(|_| all_hosts && effect.is_none()) {
                self.show_fault((kind, fault), &id, (times, hosts.as_ref()), &mut faults.shown);
            }
            let kind = template.kind.as_ref().map(|kind| kind.kind.name);
            let truth = self.truth(template.truth.as_ref());
            faults.faults.push(Arc::new(RunFault { id, times, on, hosts, changes, kind, effect, truth }));
        }
        if self.no_faults { RunFaults::default() } else { faults }
    }

    /// The time from the run's start to the end of its last host.
    fn latest_end(&self) -> Span {
        self.hosts.iter().map(|host| host.ends_after()).max().unwrap_or(Span::FOREVER)
    }

    /// Warns of a fault that never begins, as all hosts have ended.
    fn warn_of_late_fault(&mut self, template: &RunFaultTemplate, times: &Windows, end: Span) {
        let Some(at) = template.at.as_ref().filter(|_| template.on.is_empty() && times.at >= end) else {
            return;
        };
        let message = format!(
            "the fault never begins: it is {} after the start, and all hosts have ended by {end}",
            times.at
        );
        self.problems.warning(at.span, message);
    }

    /// Warns of the first phase that never comes, as all hosts have ended.
    fn warn_of_late_phases(&mut self, timeline: &TimelinePlan, end: Span) {
        let templates = self.template.timeline.iter().flat_map(|timeline| &timeline.phases);
        let mut phases = timeline.phases.iter().zip(templates);
        let Some((phase, template)) = phases.find(|(phase, _)| phase.times.at >= end) else { return };
        let (name, at) = (&phase.name, phase.times.at);
        let message = format!(
            "phase {name:?} never comes: it is {at} after the start, and all hosts have ended by {end}"
        );
        self.problems.warning(template.lasts.span, message);
    }

    /// Adds a fault to the hosts that show it.
    fn show_fault(
        &mut self,
        (template, fault): (&FaultTemplate, Fault),
        id: &str,
        (times, hosts): (Windows, Option<&HostSelection>),
        shown: &mut Vec<Vec<Arc<FaultPlan>>>,
    ) -> Option<()> {
        let pulses = match fault.cycle() {
            Some(cycle) => Some(self.cycle_pulses(template, false, cycle)?),
            None => None,
        };
        let plan = FaultPlan {
            trigger: FaultTrigger::OfRun(times),
            window: if fault.is_instant() { Span::ZERO } else { times.lasts },
            pulses,
            probability: self.probability(template)?,
            metrics: Vec::new(),
            events: fault_events(&fault),
            stream: FaultPlan::stream_of(id),
            fault,
        };
        plan.events.iter().for_each(|event| self.events.emit(event));
        shown.resize_with(self.hosts.len(), Vec::new);
        let selected = self.selected(hosts);
        let mut of_shapes: IndexMap<*const HostShape, Arc<FaultPlan>> = IndexMap::new();
        // Shapes that differ in something else share the fault.
        let mut known: IndexMap<Vec<usize>, Arc<FaultPlan>> = IndexMap::new();
        for index in selected {
            if self.problems.is_over() {
                return None;
            }
            let host = &Arc::clone(&self.hosts[index]);
            let of_shape = if let Some(plan) = of_shapes.get(&Arc::as_ptr(&host.shape)) {
                Arc::clone(plan)
            } else {
                let metrics = self.metrics_of_host(template, &plan, (id, host))?;
                let with_metrics = || FaultPlan { metrics: metrics.clone(), ..plan.clone() };
                let of_shape = known.entry(metrics.clone()).or_insert_with(|| Arc::new(with_metrics()));
                of_shapes.insert(Arc::as_ptr(&host.shape), Arc::clone(of_shape));
                Arc::clone(of_shape)
            };
            if let Some(error) = Self::delay_error(&plan.fault, &host.shape, host.interval.0) {
                let message = format!("{}{error}", place_of(id, host));
                self.problems.error(template.span, message);
                return None;
            }
            shown[index].push(of_shape);
        }
        Some(())
    }

    /// The indices of the hosts that a fault concerns. All hosts are there, so that their names have the same indices.
    fn selected(&self, hosts: Option<&HostSelection>) -> Vec<usize> {
        if let Some(names) = hosts.and_then(HostSelection::names) {
            let indices = names.iter().filter_map(|name| self.host_names.get_index_of(&**name));
            return indices.collect::<IndexSet<usize>>().into_iter().collect();
        }
        let matches = |host: &HostPlan| hosts.is_none_or(|hosts| hosts.matches(host));
        let all = self.hosts.iter().enumerate();
        all.filter(|(_, host)| matches(host)).map(|(index, _)| index).collect()
    }

    /// The metrics of a host that a fault affects, if the host can have it.
    fn metrics_of_host(
        &mut self,
        template: &FaultTemplate,
        plan: &FaultPlan,
        (id, host): (&str, &HostPlan),
    ) -> Option<Vec<usize>> {
        let place = place_of(id, host);
        let metrics = self.fault_metrics(template, &plan.fault, &host.shape, &place)?;
        if let Some(error) = Self::model_error(plan, &host.shape) {
            self.problems.error(template.span, format!("{place}{error}"));
            return None;
        }
        Some(metrics)
    }

    /// The hosts that a fault concerns; the inner `None` is all of them.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    fn fault_hosts(&mut self, patterns: &[Scalar<String>], all_hosts: bool) -> Option<Option<HostSelection>> {
        let texts: Vec<_> = patterns.iter().map(|pattern| self.host_pattern(pattern, all_hosts)).collect();
        let texts: Vec<String> = texts.into_iter().collect::<Option<_>>()?;
        let selection = HostSelection::any_of(texts.iter().map(String::as_str)).ok()?;
        Some((!texts.is_empty()).then_some(selection))
    }

    /// The text of a pattern that selects at least one host.
    fn host_pattern(&mut self, pattern: &Scalar<String>, all_hosts: bool) -> Option<String> {
        let text = self.value("hosts", pattern)?;
        if !text.is_empty() && self.host_names.contains(&*text) && HostSelection::parse(&text).is_ok() {
            return Some(text);
        }
        match HostSelection::parse(&text) {
            Ok(hosts) if self.hosts.iter().any(|host| hosts.matches(host)) => return Some(text),
            // It may select a host that has an error.
            Ok(_) if !all_hosts || self.hosts.is_empty() => {}
            Ok(_) => {
                let hint = unmatched_hint(&text, &self.hosts);
                self.problems.error(pattern.span, format!("no host matches {text:?}{hint}"));
            }
            Err(error) => self.problems.error(pattern.span, error),
        }
        None
    }
}

/// The fault and the host, before the error about them.
fn place_of(id: &str, host: &HostPlan) -> String {
    format!("fault {id:?} on host {:?}: ", host.name)
}

/// Equal for hosts with equal parts of the run.
#[derive(PartialEq, Eq, Hash)]
struct PartKey {
    reads_levers: bool,
    /// The faults that are not of all hosts.
    faults: Vec<usize>,
    shown: Vec<*const FaultPlan>,
}

/// Gives each host the part of the run's levers and faults that reaches it. Hosts with equal parts share one.
pub(super) fn share_run_parts(plan: &mut Plan, shown: Vec<Vec<Arc<FaultPlan>>>, problems: &Problems) {
    let faults = FaultsByHost::of(&plan.faults);
    let mut known: IndexMap<PartKey, Arc<RunPart>> = IndexMap::new();
    let mut shown = shown.into_iter();
    for host in &mut plan.hosts {
        if problems.is_over() {
            return;
        }
        let shown = shown.next().unwrap_or_default();
        let reads_levers = host.shape.reads_levers;
        if !reads_levers && shown.is_empty() {
            continue;
        }
        let selected = if reads_levers { faults.of_host(&plan.faults, host) } else { Vec::new() };
        let shown_faults = shown.iter().map(Arc::as_ptr).collect();
        let key = PartKey { reads_levers, faults: selected, shown: shown_faults };
        let part = known.entry(key).or_insert_with_key(|key| {
            let of_all = faults.of_all.iter().filter(|_| reads_levers);
            let mut of_host: Vec<usize> = of_all.chain(&key.faults).copied().collect();
            of_host.sort_unstable();
            let faults = of_host.into_iter().map(|fault| Arc::clone(&plan.faults[fault])).collect();
            let levers = if reads_levers { Arc::clone(&plan.levers) } else { Arc::default() };
            let timeline = if reads_levers { Arc::clone(&plan.timeline) } else { Arc::default() };
            Arc::new(RunPart { levers, faults, shown, timeline })
        });
        let part = Arc::clone(part);
        // The plan of a host has no second owner yet.
        if let Some(host) = Arc::get_mut(host) {
            Arc::make_mut(&mut host.setup).run = Some(part);
        }
    }
}

/// The faults of a run by the way in which they select hosts.
struct FaultsByHost {
    /// Those of all hosts.
    of_all: Vec<usize>,
    /// Those that name their hosts, by these names.
    by_name: IndexMap<String, Vec<usize>>,
    /// Those with other patterns.
    by_pattern: Vec<usize>,
}

impl FaultsByHost {
    fn of(faults: &[Arc<RunFault>]) -> Self {
        let mut sorted = Self { of_all: Vec::new(), by_name: IndexMap::new(), by_pattern: Vec::new() };
        for (index, fault) in faults.iter().enumerate() {
            match fault.hosts.as_ref().map(HostSelection::names) {
                None => sorted.of_all.push(index),
                Some(None) => sorted.by_pattern.push(index),
                Some(Some(names)) => {
                    for name in names {
                        sorted.by_name.entry(name).or_default().push(index);
                    }
                }
            }
        }
        sorted
    }

    /// The faults of this host alone, or of some, in their order.
    fn of_host(&self, faults: &[Arc<RunFault>], host: &HostPlan) -> Vec<usize> {
        let matches =
            |fault: &&usize| faults[**fault].hosts.as_ref().is_some_and(|hosts| hosts.matches(host));
        let named = self.by_name.get(&*host.name).into_iter().flatten();
        let mut selected: Vec<usize> = named.chain(self.by_pattern.iter().filter(matches)).copied().collect();
        selected.sort_unstable();
        selected.dedup();
        selected
    }
}
