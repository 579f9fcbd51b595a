//! The host of the ground truth: it shows the phases and faults of a run with a timeline as metrics, and what is done for real.
//!
//! It is a host as any other, made from the text of a config. Its metrics read levers that no other host has: one for the
//! phase, one for the time in each phase, one for each fault, and one for each reading of an effect, which a live run moves.

use std::fmt::Write;
use std::sync::Arc;

use super::resolver::Resolver;
use crate::config::template::HostTemplate;
use crate::config::tree;
use crate::error::{Problems, SourceSpan};
use crate::event::{
    EFFECTS_CHANGED, FAULT_FINISHED, FAULT_STARTED, PHASE_FINISHED, PHASE_STARTED, SCENARIO_FAILED,
    SCENARIO_SUCCEEDED, TURN_FINISHED,
};
use crate::plan::{
    ChangeBy, Curve, EffectsPlan, LeverChange, LeverPlan, OUTCOME_LEVERS, OUTCOMES, PhaseChange, PhasePlan,
    Plan, Reading, RunFault, RunPart, TRUTH_HOST, TimelinePlan,
};
use crate::time::Span;

const PHASE_LEVER: &str = "_phase";
const SECONDS_LEVER: &str = "_phase_seconds_";
const FAULT_LEVER: &str = "_fault_";
const READING_LEVER: &str = "_reading_";

/// The longest time in a phase that is shown; a number has no more digits.
const SECONDS_MAX: Span = Span::from_secs(1_000_000_000);

impl<'a> Resolver<'a> {
    /// Adds the host, whose template is kept in `kept`. All others are known already.
    pub(super) fn truth_host(
        &mut self,
        config: &str,
        (timeline, faults, effects): (&TimelinePlan, &[Arc<RunFault>], Option<&EffectsPlan>),
        kept: &'a std::cell::OnceCell<HostTemplate>,
    ) {
        let place = match &self.template.timeline {
            Some(timeline) => timeline.span,
            None if effects.is_some() => self.template.span,
            None => return,
        };
        let job = self.first_job().map(|job| format!("job_name: {}, ", quoted(&job))).unwrap_or_default();
        let text = text(config, (timeline, faults, effects), (&job, self.life()));
        let Some(template) = read(&text, place, self.problems) else { return };
        let template = kept.get_or_init(|| template);
        let own: Vec<LeverPlan> = own_levers(timeline, faults.len(), effects).collect();
        self.names.set_levers(self.levers.iter().chain(&own).map(|lever| Arc::clone(&lever.name)));
        let defaults = self.lever_defaults.len();
        self.lever_defaults.resize(defaults + own.len(), 0.0);
        self.host(template);
        self.lever_defaults.truncate(defaults);
        self.names.set_levers(self.levers.iter().map(|lever| Arc::clone(&lever.name)));
    }

    /// The job of the first host; `None` without hosts.
    fn first_job(&self) -> Option<String> {
        self.jobs.first().map(|(name, _)| name.to_string())
    }

    /// The time until the last host has ended.
    fn life(&self) -> Span {
        self.hosts.iter().map(|host| host.ends_after()).max().unwrap_or(Span::FOREVER)
    }
}

/// The levers that only this host has, behind those of the config.
fn own_levers(
    timeline: &TimelinePlan,
    faults: usize,
    effects: Option<&EffectsPlan>,
) -> impl Iterator<Item = LeverPlan> + use<> {
    let seconds = (0..timeline.phases.len()).map(|phase| format!("{SECONDS_LEVER}{phase}"));
    let faults = (0..faults).map(|fault| format!("{FAULT_LEVER}{fault}"));
    let readings = (0..readings(effects).len()).map(|reading| format!("{READING_LEVER}{reading}"));
    let outcomes = effects.into_iter().flat_map(|_| OUTCOME_LEVERS).map(str::to_owned);
    let outcomes: Vec<String> = outcomes.collect();
    let names = [PHASE_LEVER.to_owned()].into_iter().chain(seconds).chain(faults).chain(readings);
    let names = names.chain(outcomes);
    names.map(|name| LeverPlan { name: name.into(), default: 0.0 })
}

/// Gives the host, which is the last one, the part of the run that moves its levers.
pub(super) fn move_levers(plan: &mut Plan) {
    let (first, timeline) = (plan.levers.len(), &plan.timeline);
    let phases = timeline.phases.iter().enumerate().map(|(n, phase)| {
        let number = f64::from(u32::try_from(n + 1).unwrap_or(u32::MAX));
        let lasts = phase.times.lasts.min(SECONDS_MAX);
        let seconds = Curve::Ramp { to: lasts.as_secs_f64(), over: lasts };
        let changes = vec![
            PhaseChange { lever: first, curve: Curve::Constant(number), ends_with_phase: false },
            PhaseChange { lever: first + 1 + n, curve: seconds, ends_with_phase: true },
        ];
        PhasePlan { changes, ..phase.clone() }
    });
    let timeline = TimelinePlan { phases: phases.collect(), ..TimelinePlan::clone(timeline) };
    let first_fault = first + 1 + timeline.phases.len();
    let faults = plan.faults.iter().enumerate().map(|(n, fault)| {
        let on = LeverChange { lever: first_fault + n, by: ChangeBy::Set, curve: Curve::Constant(1.0) };
        Arc::new(RunFault { changes: vec![on], ..RunFault::clone(fault) })
    });
    let own = own_levers(&timeline, plan.faults.len(), plan.effects.as_deref());
    let levers = plan.levers.iter().cloned().chain(own).collect();
    if let Some(effects) = plan.effects.as_mut().and_then(Arc::get_mut) {
        effects.first_lever = first_fault + plan.faults.len();
    }
    let part = RunPart { levers, faults: faults.collect(), shown: Vec::new(), timeline: Arc::new(timeline) };
    // The plan of a host has no second owner yet.
    if let Some(host) = plan.hosts.last_mut().and_then(Arc::get_mut) {
        Arc::make_mut(&mut host.setup).run = Some(Arc::new(part));
    }
}

/// The template of a text, all of it with this place.
fn read(text: &str, place: SourceSpan, problems: &mut Problems) -> Option<HostTemplate> {
    let mut node = tree::parse(text).map_err(|(_, error)| problems.error(place, error)).ok()?;
    node.place_at(place);
    HostTemplate::read(node, problems)
}

fn readings(effects: Option<&EffectsPlan>) -> &[Reading] {
    effects.map_or(&[], |effects| &effects.readings)
}

/// The host as a config would have it.
fn text(
    config: &str,
    (timeline, faults, effects): (&TimelinePlan, &[Arc<RunFault>], Option<&EffectsPlan>),
    (job, life): (&str, Span),
) -> String {
    let scenario = quoted(config);
    let mut metrics = Metrics { text: String::new(), events: events(timeline, faults, effects).join(", ") };
    metrics.of_phases(&scenario, timeline);
    metrics.of_outcomes(&scenario, effects.is_some());
    metrics.of_readings(readings(effects));
    metrics.of_faults(faults);
    let Metrics { text: metrics, .. } = metrics;
    // Whoever compares what is real with what clients feel wants to see it as it is.
    let interval = if effects.is_some() { 1 } else { 10 };
    let ttl = if life == Span::FOREVER { "\"inf\"".to_owned() } else { life.as_secs_f64().to_string() };
    format!(r#"Host(name: "{TRUTH_HOST}", {job}ttl: {ttl}, interval: {interval}, metrics: [{metrics}])"#)
}

/// The metrics of the host.
struct Metrics {
    text: String,
    /// The events on which they have a new value.
    events: String,
}

impl Metrics {
    fn metric(&mut self, name: &str, help: &str, labels: &str, values: &str) {
        let events = &self.events;
        // Writing to a text cannot fail.
        let _is_written = write!(
            self.text,
            r#"Metric(name: "{name}", description: "{help}", value_range: (0, 1e12), labels: {{ {labels} }}, {values},
                listen_events: [{events}]),"#
        )
        .is_ok();
    }

    fn of_phases(&mut self, scenario: &str, timeline: &TimelinePlan) {
        if timeline.phases.is_empty() {
            return;
        }
        self.metric(
            "scenario_phase",
            "Number of the phase that is on, from 1; 0 for none.",
            &format!(r#""scenario": {scenario}"#),
            &of_lever(PHASE_LEVER, 0),
        );
        for (n, phase) in timeline.phases.iter().enumerate() {
            self.metric(
                "scenario_phase_duration_seconds",
                "Time in the phase, in this turn of the timeline.",
                &format!(r#""scenario": {scenario}, "phase": {}"#, quoted(&phase.name)),
                &of_lever(&format!("{SECONDS_LEVER}{n}"), 3),
            );
        }
    }

    fn of_outcomes(&mut self, scenario: &str, is_real: bool) {
        if is_real {
            for (status, lever) in ["success", "failed"].into_iter().zip(OUTCOME_LEVERS) {
                let total = format!(r#"script(source: "max(run.{lever} - value, 0.0)")"#);
                self.outcome(scenario, ("Runs by their outcome.", status), &total);
            }
        } else {
            let total =
                format!(r#"calc_by_event(events_config: {{ "{TURN_FINISHED}@promemu": "value + 1" }})"#);
            self.outcome(scenario, ("Turns of the timeline that are over.", "finished"), &total);
        }
    }

    fn outcome(&mut self, scenario: &str, (help, status): (&str, &str), total: &str) {
        let labels = format!(r#""scenario": {scenario}, "status": "{status}""#);
        self.metric(
            OUTCOMES,
            help,
            &labels,
            &format!("metric_type: counter, decimals: 0, scenario: {total}"),
        );
    }

    fn of_readings(&mut self, readings: &[Reading]) {
        for (n, Reading { server, toxic, attribute }) in readings.iter().enumerate() {
            let labels = format!(r#""server": {}, "type": "{toxic}""#, quoted(server));
            let values = of_lever(&format!("{READING_LEVER}{n}"), 3);
            match attribute {
                None => {
                    let help = "1 while the proxy has such a toxic.";
                    self.metric("toxiproxy_toxic_active", help, &labels, &values);
                }
                Some((_, param)) => {
                    let help = "The attribute of the toxic; 0 without such a toxic.";
                    let labels = format!(r#"{labels}, "param": "{param}""#);
                    self.metric("toxiproxy_toxic_config", help, &labels, &values);
                }
            }
        }
    }

    fn of_faults(&mut self, faults: &[Arc<RunFault>]) {
        for (n, fault) in faults.iter().enumerate() {
            let [id, kind, target, root] =
                [&*fault.id, fault.kind_name(), &fault.target(), &fault.truth.root].map(quoted);
            self.metric(
                "fault_active",
                "1 while the fault is on.",
                &format!(r#""fault": {id}, "kind": {kind}, "target": {target}, "root": {root}"#),
                &of_lever(&format!("{FAULT_LEVER}{n}"), 0),
            );
        }
    }
}

/// The values of a lever.
fn of_lever(lever: &str, decimals: u8) -> String {
    format!(r#"decimals: {decimals}, scenario: script(source: "run.{lever}")"#)
}

/// The events on which all metrics have a new value.
fn events(timeline: &TimelinePlan, faults: &[Arc<RunFault>], effects: Option<&EffectsPlan>) -> Vec<String> {
    let of_phases = [PHASE_STARTED, PHASE_FINISHED].into_iter().filter(|_| !timeline.phases.is_empty());
    let of_faults = [FAULT_STARTED, FAULT_FINISHED].into_iter().filter(|_| !faults.is_empty());
    let of_effects = [EFFECTS_CHANGED, SCENARIO_SUCCEEDED, SCENARIO_FAILED];
    let of_effects = of_effects.into_iter().filter(|_| effects.is_some());
    of_phases.chain(of_faults).chain(of_effects).map(|event| format!("\"{event}@promemu\"")).collect()
}

/// A text of a config that means this text.
fn quoted(text: &str) -> String {
    format!("{:?}", text.replace('{', "{{").replace('}', "}}"))
}
