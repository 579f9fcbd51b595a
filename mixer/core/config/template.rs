//! The typed template of a config: its shape checked, its expressions compiled.
//!
//! Errors that do not depend on arguments are found here: unknown fields, wrong types, unknown scenarios,
//! expressions that do not compile. Values come in [`super::resolve`].

mod action;
mod argument;
mod cells;
mod curve;
mod fault;
mod formula;
mod host;
mod label;
mod metric;
mod overrides;
mod playlist;
mod pool;
mod range;
mod repeat;
mod replay;
mod run_fault;
mod scenario;
mod structured;
mod timeline;
mod toxiproxy;
mod truth;
mod verdict;
mod verdict_sets;
mod workload;

use indexmap::IndexMap;

pub(super) use action::ActionTemplate;
pub(super) use argument::{ArgTemplate, read_arguments};
pub(super) use cells::{CellsTemplate, Listed, ObservationDistributionTemplate};
pub(super) use curve::{CurveKind, CurveTemplate};
pub(super) use fault::FaultTemplate;
pub(super) use formula::FormulaTemplate;
pub(super) use host::HostTemplate;
pub(super) use label::LabelTemplate;
pub(super) use metric::MetricTemplate;
pub(super) use playlist::{ItemArgument, ItemArguments, ItemTemplate, PLAYLIST, PlaylistTemplate};
pub(super) use pool::PoolTemplate;
pub(super) use range::RangeTemplate;
pub(super) use repeat::{Over, RepeatTemplate};
pub(super) use replay::ReplayTemplate;
pub(super) use run_fault::{LeverChangeTemplate, RunFaultTemplate};
pub(super) use scenario::{CaseTemplate, ParamTemplate, ScenarioTemplate};
pub(super) use structured::{StructuredTemplate, StructuredValue};
pub(super) use timeline::{PhaseLevers, PhaseTemplate, RepeatCount, TimelineTemplate};
pub(super) use toxiproxy::ToxiproxyTemplate;
pub(super) use truth::TruthTemplate;
pub(super) use verdict::{AlertTemplate, VerdictKind, VerdictTemplate};
pub(super) use workload::WorkloadTemplate;

use verdict_sets::read_verdicts;

use super::fields::{Fields, read_all, read_name, read_scalar};
use super::tree::{Node, NodeKind};
use super::value::Scalar;
use crate::error::{Problems, SourceSpan};
use crate::fault::FaultSchedule;
use crate::time::Span;

/// One class of a config file.
#[derive(Debug)]
pub(super) struct ConfigTemplate {
    pub(super) span: SourceSpan,
    pub(super) description: String,
    pub(super) args: IndexMap<String, ArgTemplate>,
    pub(super) default_job_name: Option<Scalar<String>>,
    pub(super) levers: IndexMap<String, LeverTemplate>,
    pub(super) faults: Vec<RunFaultTemplate>,
    pub(super) timeline: Option<TimelineTemplate>,
    pub(super) timeline_from: Option<Scalar<String>>,
    pub(super) toxiproxy: Option<ToxiproxyTemplate>,
    pub(super) verdicts: Vec<VerdictTemplate>,
    /// Queries by name.
    pub(super) measures: IndexMap<String, String>,
    pub(super) hosts: Vec<HostTemplate>,
    pub(super) replay: Option<ReplayTemplate>,
    /// `false` if hosts are missing because of their errors.
    pub(super) has_all_hosts: bool,
    pub(super) metric_sets: IndexMap<String, Vec<MetricTemplate>>,
    pub(super) pushgateway_url: Option<Scalar<String>>,
    pub(super) serve: Option<Scalar<String>>,
    pub(super) push_interval: Option<Scalar<Span>>,
    pub(super) cleanup_on_start: Option<Scalar<bool>>,
    pub(super) cleanup_on_finish: Option<Scalar<bool>>,
    pub(super) identity_labels: Option<Scalar<bool>>,
}

/// A lever, with the place of its name.
#[derive(Debug)]
pub(super) struct LeverTemplate {
    pub(super) span: SourceSpan,
    /// `None` if it has an error.
    pub(super) default: Option<Scalar<f64>>,
}

/// Metric sets and levers of other files.
#[derive(Debug, Default)]
pub(super) struct Included {
    pub(super) sets: Vec<(Node, Node)>,
    pub(super) levers: Vec<(Node, Node)>,
}

impl ConfigTemplate {
    /// The arguments that the ttl of a host depends on.
    pub(super) fn ttl_arguments(&self) -> Vec<String> {
        let hosts = self.hosts.iter().flat_map(|host| [host].into_iter().chain(host.overrides.values()));
        let names: Vec<&str> = hosts.filter_map(|host| host.ttl.as_ref()).flat_map(Scalar::names).collect();
        self.args.keys().filter(|name| names.contains(&name.as_str())).cloned().collect()
    }

    /// The faults of the run, first those outside of the timeline.
    pub(super) fn all_faults(&self) -> impl Iterator<Item = &RunFaultTemplate> {
        self.faults.iter().chain(self.timeline.iter().flat_map(|timeline| &timeline.faults))
    }

    /// `true` if it has something that is done for real.
    pub(super) fn has_effects(&self) -> bool {
        let is_real = |fault: &FaultTemplate| fault.kind.schedule == FaultSchedule::OfRun;
        self.toxiproxy.is_some() || self.all_faults().any(|fault| fault.kind.as_ref().is_some_and(is_real))
    }

    /// Reads a class.
    pub(super) fn read(node: Node, included: Included, problems: &mut Problems) -> Option<Self> {
        let span = node.span;
        let mut fields = Fields::of(node, "Config", problems)?;
        // Already read: see `include.rs` and `extension.rs`.
        fields.take("include");
        fields.take("extends");
        let description = fields.constant_text("description", problems);
        let args = ArgTemplate::read_all(&mut fields, problems);
        let default_job_name = fields.scalar("default_job_name", problems);
        let own_levers = fields.map("levers", problems);
        let levers = included.levers.into_iter().chain(own_levers).filter_map(|(key, node)| {
            let name = read_name(&key, "a lever's name", problems)?;
            let default = read_scalar(&node, &name, problems);
            Some((name, LeverTemplate { span: key.span, default }))
        });
        let levers = levers.collect();
        let faults = fields.list("faults", problems);
        let faults = read_all(faults, problems, RunFaultTemplate::read);
        let timeline = fields.take("timeline").and_then(|node| TimelineTemplate::read(node, problems));
        let toxiproxy = fields.take("toxiproxy").and_then(|node| ToxiproxyTemplate::read(node, problems));
        let verdicts = read_verdicts(&mut fields, problems);
        let measures = read_measures(&mut fields, problems);
        let listed = fields.list("hosts", problems);
        let count = listed.len();
        let hosts = read_all(listed, problems, HostTemplate::read);
        let replay = fields.take("replay").map(|node| ReplayTemplate::read(node, problems));
        let has_all_hosts = hosts.len() == count && replay.as_ref().is_none_or(Option::is_some);
        let replay = replay.flatten();
        let own_sets = fields.map("metric_sets", problems);
        let metric_sets = read_metric_sets(included.sets.into_iter().chain(own_sets), problems);
        let template = Self {
            span,
            description,
            args,
            default_job_name,
            levers,
            faults,
            timeline,
            timeline_from: fields.scalar("timeline_from", problems),
            toxiproxy,
            verdicts,
            measures,
            hosts,
            replay,
            has_all_hosts,
            metric_sets,
            pushgateway_url: fields.scalar("pushgateway_url", problems),
            serve: fields.scalar("serve", problems),
            push_interval: fields.scalar("push_interval", problems),
            cleanup_on_start: fields.scalar("cleanup_on_start", problems),
            cleanup_on_finish: fields.scalar("cleanup_on_finish", problems),
            identity_labels: fields.scalar("identity_labels", problems),
        };
        fields.refuse_unknown(problems);
        Some(template)
    }
}

/// Lists of metrics by name.
fn read_metric_sets(
    sets: impl Iterator<Item = (Node, Node)>,
    problems: &mut Problems,
) -> IndexMap<String, Vec<MetricTemplate>> {
    let sets = sets.filter_map(|(key, node)| {
        let name = read_name(&key, "a metric set's name", problems)?;
        let NodeKind::List(metrics) = node.kind else {
            problems.error(node.span, format!("metric set {name:?} takes a list of Metric(…)"));
            return None;
        };
        Some((name, read_all(metrics, problems, MetricTemplate::read)))
    });
    sets.collect()
}

/// Queries by name. Their braces are no expressions.
fn read_measures(fields: &mut Fields, problems: &mut Problems) -> IndexMap<String, String> {
    let measures = fields.map("measures", problems).into_iter().filter_map(|(key, node)| {
        let name = read_name(&key, "a measure's name", problems)?;
        Some((name, read_name(&node, "a query, as in \"sum(up)\"", problems)?))
    });
    measures.collect()
}
