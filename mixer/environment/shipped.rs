//! The descriptions that promemu brings, and those that follow from a config or a model.

use std::collections::BTreeMap;

use promemu_core::metric::Kind as CellKind;
use promemu_core::plan::Plan;
use promemu_core::time::Span;

use crate::action::ActionKind;
use crate::error::EnvironmentError;
use crate::learned_system::Learned;
use crate::spec::{
    ActionSpec, COLUMNS_MAX, FaultsSpec, ObjectiveSpec, ObserveSpec, ReadAs, RewardSpec, Spec, SystemSpec,
};
use crate::world_system;

/// The shipped descriptions, by their names.
pub const ENVIRONMENTS: [(&str, &str); 2] = [
    ("incident", include_str!("environments/incident.ron")),
    ("autoscale", include_str!("environments/autoscale.ron")),
];

/// The shipped playbooks, by the names of their environments.
pub const PLAYBOOKS: [(&str, &str); 2] = [
    ("incident", include_str!("environments/incident_playbook.ron")),
    ("autoscale", include_str!("environments/autoscale_playbook.ron")),
];

/// Configs of environments that no other command brings.
const CONFIGS: [(&str, &str); 1] = [("autoscale_users", include_str!("environments/autoscale_users.ron"))];

/// The number of columns that is observed without a description.
const OBSERVED_MAX: usize = COLUMNS_MAX / 2;

/// The text of a config that only environments use.
#[must_use]
pub fn config(name: &str) -> Option<&'static str> {
    CONFIGS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The shipped description of this name.
#[must_use]
pub fn environment(name: &str) -> Option<Result<Spec, EnvironmentError>> {
    ENVIRONMENTS.iter().find(|(known, _)| *known == name).map(|(_, text)| Spec::parse(text))
}

/// The description of a config that has none: the metrics of all hosts, restarts and pages of each, and its own faults.
pub fn of_config(
    name: &str,
    class: Option<&str>,
    args: BTreeMap<String, String>,
) -> Result<Spec, EnvironmentError> {
    let system = SystemSpec::Config { name: name.to_owned(), class: class.map(str::to_owned), args };
    let mut spec = plain(system, Span::from_secs(10));
    let plan = world_system::plan(&spec, crate::environment::START)?;
    spec.observe = metrics(&plan);
    if spec.observe.is_empty() {
        let why = format!(
            "config {name} has no metrics of hosts that can be observed; write a description of the environment"
        );
        return Err(EnvironmentError::Spec(why));
    }
    spec.targets = vec!["*".to_owned()];
    let of: Vec<String> = plan.faults.iter().map(|fault| fault.id.to_string()).collect();
    let restart = ActionSpec { ends: of.clone(), down: spec.step, ..action(ActionKind::Restart) };
    spec.actions = vec![restart, action(ActionKind::Page)];
    let secs = Span::from_secs;
    spec.faults = FaultsSpec { of, gap: (secs(120), secs(600)), lasts: (secs(120), secs(600)) };
    spec.reward = RewardSpec { action: 0.1, false_page: 1.0, missed_fault: 5.0, ..spec.reward };
    Ok(spec)
}

/// The description of a model: all of its metrics, each at most two deviations above its mean, and its levers up and down.
#[must_use]
pub fn of_model(path: &str, learned: &Learned) -> Spec {
    let mut spec = plain(SystemSpec::Model(path.to_owned()), learned.step());
    spec.warm_up = learned.step().times(2).plus(Span::from_secs(2));
    let mut objectives: Vec<ObjectiveSpec> = Vec::new();
    for (_, model) in learned.hosts() {
        for column in &model.role.columns {
            let name = column.shown();
            if spec.observe.iter().any(|known| known.metric.as_deref() == Some(&*name)) {
                continue;
            }
            let (low, high) = (column.value(column.low), column.value(column.high));
            let range = (low < high).then_some((low, high));
            spec.observe.push(ObserveSpec { metric: Some(name.clone()), range, ..nothing() });
            objectives.push(ObjectiveSpec { column: name, above: column.value(2.0), weight: 1.0 });
        }
    }
    let count = f64::from(u32::try_from(objectives.len().max(1)).unwrap_or(u32::MAX));
    for objective in &mut objectives {
        objective.weight = 0.1 / count;
    }
    let lever = |kind| ActionSpec { lever: Some("{target}".to_owned()), ..action(kind) };
    if !learned.levers.is_empty() {
        spec.actions = vec![lever(ActionKind::ScaleUp), lever(ActionKind::ScaleDown)];
    }
    spec.reward = RewardSpec { objectives, action: 0.05, ..spec.reward };
    spec
}

fn metrics(plan: &Plan) -> Vec<ObserveSpec> {
    let mut columns = 0;
    let mut observed: Vec<ObserveSpec> = Vec::new();
    for host in &plan.hosts {
        for metric in &host.shape.metrics {
            let is_read = matches!(
                metric.cells.layout().kind,
                CellKind::Value | CellKind::Histogram { .. } | CellKind::Summary { .. }
            );
            if !is_read || observed.iter().any(|known| known.metric.as_deref() == Some(&*metric.name)) {
                continue;
            }
            let hosts =
                plan.hosts.iter().filter(|host| host.shape.metrics.iter().any(|own| own.name == metric.name));
            columns += hosts.count();
            if columns > OBSERVED_MAX {
                return observed;
            }
            let (low, high) = metric.value_range;
            let is_gauge = metric.cells.aggregation() == promemu_core::metric::Aggregation::Gauge;
            let range =
                (is_gauge && low.is_finite() && high.is_finite() && low < high).then_some((low, high));
            observed.push(ObserveSpec { metric: Some(metric.name.to_string()), range, ..nothing() });
        }
    }
    observed
}

fn plain(system: SystemSpec, step: Span) -> Spec {
    Spec {
        description: String::new(),
        system,
        step,
        steps: 180,
        warm_up: step.times(2).max(Span::from_secs(5)),
        observe: Vec::new(),
        alarms: Vec::new(),
        targets: Vec::new(),
        actions: Vec::new(),
        faults: FaultsSpec::default(),
        reward: RewardSpec {
            objectives: Vec::new(),
            replicas: None,
            replica_second: 0.0,
            action: 0.0,
            false_page: 0.0,
            missed_fault: 0.0,
            success: 1.0,
        },
        levels: Vec::new(),
    }
}

const fn nothing() -> ObserveSpec {
    ObserveSpec {
        name: None,
        metric: None,
        lever: None,
        labels: BTreeMap::new(),
        hosts: None,
        read: ReadAs::Default,
        range: None,
    }
}

const fn action(kind: ActionKind) -> ActionSpec {
    ActionSpec {
        kind,
        ends: Vec::new(),
        lever: None,
        by: 0.0,
        min: 0.0,
        max: 0.0,
        after: Span::ZERO,
        down: Span::ZERO,
    }
}
