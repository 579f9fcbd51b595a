//! The host of the ground truth: it shows the phases and faults of a run with a timeline as metrics.
//!
//! It is a host as any other, made from the text of a config. Its metrics read levers that no other host has: one for the
//! phase, one for the time in each phase, and one for each fault.

use std::fmt::Write;
use std::sync::Arc;

use super::resolver::Resolver;
use crate::config::template::HostTemplate;
use crate::config::tree;
use crate::error::{Problems, SourceSpan};
use crate::plan::{
    ChangeBy, Curve, LeverChange, LeverPlan, PhaseChange, PhasePlan, Plan, RunFault, RunPart, TimelinePlan,
};
use crate::time::Span;

const PHASE_LEVER: &str = "_phase";
const SECONDS_LEVER: &str = "_phase_seconds_";
const FAULT_LEVER: &str = "_fault_";

/// The name of the host.
const NAME: &str = "timeline";

/// The longest time in a phase that is shown; a number has no more digits.
const SECONDS_MAX: Span = Span::from_secs(1_000_000_000);

impl<'a> Resolver<'a> {
    /// Adds the host, whose template is kept in `kept`. All others are known already.
    pub(super) fn truth_host(
        &mut self,
        config: &str,
        (timeline, faults): (&TimelinePlan, &[Arc<RunFault>]),
        kept: &'a std::cell::OnceCell<HostTemplate>,
    ) {
        let Some(place) = self.template.timeline.as_ref().map(|timeline| timeline.span) else { return };
        let text = text(config, timeline, faults, (&self.first_job(), self.life()));
        let Some(template) = read(&text, place, self.problems) else { return };
        let template = kept.get_or_init(|| template);
        let own: Vec<LeverPlan> = own_levers(timeline, faults.len()).collect();
        self.names.set_levers(self.levers.iter().chain(&own).map(|lever| Arc::clone(&lever.name)));
        let defaults = self.lever_defaults.len();
        self.lever_defaults.resize(defaults + own.len(), 0.0);
        self.host(template);
        self.lever_defaults.truncate(defaults);
        self.names.set_levers(self.levers.iter().map(|lever| Arc::clone(&lever.name)));
    }

    /// The job of the first host.
    fn first_job(&self) -> String {
        self.jobs.first().map(|(name, _)| name.to_string()).unwrap_or_default()
    }

    /// The time until the last host has ended.
    fn life(&self) -> Span {
        self.hosts.iter().map(|host| host.ends_after()).max().unwrap_or(Span::FOREVER)
    }
}

/// The levers that only this host has, behind those of the config.
fn own_levers(timeline: &TimelinePlan, faults: usize) -> impl Iterator<Item = LeverPlan> {
    let seconds = (0..timeline.phases.len()).map(|phase| format!("{SECONDS_LEVER}{phase}"));
    let faults = (0..faults).map(|fault| format!("{FAULT_LEVER}{fault}"));
    let names = [PHASE_LEVER.to_owned()].into_iter().chain(seconds).chain(faults);
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
    let levers = plan.levers.iter().cloned().chain(own_levers(&timeline, plan.faults.len())).collect();
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

/// The host as a config would have it.
fn text(
    config: &str,
    timeline: &TimelinePlan,
    faults: &[Arc<RunFault>],
    (job, life): (&str, Span),
) -> String {
    let scenario = quoted(config);
    let mut metrics = String::new();
    let of_faults =
        if faults.is_empty() { "" } else { r#", "fault_started@promemu", "fault_finished@promemu""# };
    let events = format!(r#""phase_started@promemu", "phase_finished@promemu"{of_faults}"#);
    let mut metric = |name: &str, help: &str, labels: &str, values: &str| {
        // Writing to a text cannot fail.
        let _is_written = write!(
            metrics,
            r#"Metric(name: "{name}", description: "{help}", value_range: (0, 1e12), labels: {{ {labels} }}, {values},
                listen_events: [{events}]),"#
        )
        .is_ok();
    };
    let of_lever =
        |lever: &str, decimals| format!(r#"decimals: {decimals}, scenario: script(source: "run.{lever}")"#);
    metric(
        "scenario_phase",
        "Number of the phase that is on, from 1; 0 for none.",
        &format!(r#""scenario": {scenario}"#),
        &of_lever(PHASE_LEVER, 0),
    );
    for (n, phase) in timeline.phases.iter().enumerate() {
        metric(
            "scenario_phase_duration_seconds",
            "Time in the phase, in this turn of the timeline.",
            &format!(r#""scenario": {scenario}, "phase": {}"#, quoted(&phase.name)),
            &of_lever(&format!("{SECONDS_LEVER}{n}"), 3),
        );
    }
    metric(
        "scenario_runs_total",
        "Turns of the timeline that are over.",
        &format!(r#""scenario": {scenario}, "status": "finished""#),
        r#"metric_type: counter, decimals: 0, scenario: calc_by_event(events_config: { "turn_finished@promemu": "value + 1" })"#,
    );
    for (n, fault) in faults.iter().enumerate() {
        let [id, kind, target, root] =
            [&*fault.id, fault.kind_name(), &fault.target(), &fault.truth.root].map(quoted);
        metric(
            "fault_active",
            "1 while the fault is on.",
            &format!(r#""fault": {id}, "kind": {kind}, "target": {target}, "root": {root}"#),
            &of_lever(&format!("{FAULT_LEVER}{n}"), 0),
        );
    }
    let ttl = if life == Span::FOREVER { "\"inf\"".to_owned() } else { life.as_secs_f64().to_string() };
    let job = quoted(job);
    format!(r#"Host(name: "{NAME}", job_name: {job}, ttl: {ttl}, interval: 10, metrics: [{metrics}])"#)
}

/// A text of a config that means this text.
fn quoted(text: &str) -> String {
    format!("{:?}", text.replace('{', "{{").replace('}', "}}"))
}
