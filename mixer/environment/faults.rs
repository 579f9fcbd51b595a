//! Faults that are drawn for an episode, and their variants for single hosts.

use std::sync::Arc;

use promemu_core::event::HostId;
use promemu_core::fault::{FaultPlan, FaultTrigger, Windows};
use promemu_core::plan::{HostPlan, HostSelection, HostSetup, Plan, RunFault, RunPart};
use promemu_core::rng::{Rng, Seed};
use promemu_core::time::Span;

use crate::error::EnvironmentError;
use crate::spec::Spec;

/// The largest number of faults of an episode.
const FAULTS_MAX: usize = 1_000;

/// A fault of an episode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnFault {
    /// The number of its kind among the environment's.
    pub kind: usize,
    /// The number of its target.
    pub target: usize,
    /// The step before which it begins.
    pub begin: u32,
    /// The step before which it ends, if nothing ends it earlier.
    pub end: u32,
}

/// The id of a fault of a kind on a target; on the system as a whole it is the kind's.
#[must_use]
pub fn id(kind: &str, target: Option<&str>) -> Arc<str> {
    target.map_or_else(|| kind.into(), |target| format!("{kind}@{target}").into())
}

/// Draws the faults of an episode: as many sequences of faults as may be at once, each with gaps between them. They come in order of
/// begin, and none of them while another one of its kind is on at the same target.
#[must_use]
pub fn draw(spec: &Spec, targets: usize, at_once: u32, seed: u64) -> Vec<DrawnFault> {
    let kinds = spec.faults.of.len();
    let mut rng = Seed::new(seed).child("faults of an environment").rng();
    let mut drawn: Vec<DrawnFault> = Vec::new();
    if kinds == 0 || targets == 0 {
        return drawn;
    }
    for _ in 0..at_once {
        let mut at = steps(spec.faults.gap, spec, &mut rng);
        while at < spec.steps && drawn.len() < FAULTS_MAX {
            let (kind, target) = (below(kinds, &mut rng), below(targets, &mut rng));
            let end = at + steps(spec.faults.lasts, spec, &mut rng).max(1);
            let is_free = drawn.iter().all(|other| {
                (other.kind, other.target) != (kind, target) || other.end < at || end < other.begin
            });
            if is_free {
                drawn.push(DrawnFault { kind, target, begin: at, end });
            }
            at = end + steps(spec.faults.gap, spec, &mut rng).max(1);
        }
    }
    drawn.sort_by_key(|fault| (fault.begin, fault.kind, fault.target));
    drawn
}

fn below(bound: usize, rng: &mut Rng) -> usize {
    usize::try_from(rng.below(bound as u64)).unwrap_or(0)
}

/// A drawn time, in whole steps.
fn steps((low, high): (Span, Span), spec: &Spec, rng: &mut Rng) -> u32 {
    let nanos = low.as_nanos() + rng.below(high.minus(low).as_nanos().saturating_add(1));
    u32::try_from(nanos / spec.step.as_nanos().max(1)).unwrap_or(u32::MAX / 4).min(u32::MAX / 4)
}

/// The plan with only these of its faults, without times, and one of each for each target.
pub fn on_targets(mut plan: Plan, kinds: &[String], targets: &[HostId]) -> Result<Plan, EnvironmentError> {
    let all = std::mem::take(&mut plan.faults);
    let mut chosen = Vec::new();
    for kind in kinds {
        let found = all.iter().find(|fault| *fault.id == **kind);
        let known = || all.iter().map(|fault| &*fault.id).collect::<Vec<_>>().join(", ");
        chosen.push(found.ok_or_else(|| {
            EnvironmentError::Spec(format!("fault {kind:?} is not in the config; it has {}", known()))
        })?);
    }
    let names: Vec<Option<Arc<str>>> = if targets.is_empty() {
        vec![None]
    } else {
        targets.iter().map(|id| Some(Arc::clone(&plan.hosts[*id as usize].name))).collect()
    };
    let mut variants = Vec::new();
    for fault in chosen {
        for target in &names {
            variants.push((Arc::clone(&fault.id), target.clone(), variant(fault, target.as_deref())?));
        }
    }
    for host in &mut plan.hosts {
        if let Some(part) = &host.run {
            let part = Arc::new(part_of(part, &host.name, &variants));
            let setup = HostSetup { run: Some(part), ..(*host.setup).clone() };
            *host = Arc::new(HostPlan { setup: Arc::new(setup), ..(**host).clone() });
        }
    }
    plan.faults = variants.into_iter().map(|(_, _, fault)| fault).collect();
    Ok(plan)
}

type Variant = (Arc<str>, Option<Arc<str>>, Arc<RunFault>);

fn variant(fault: &RunFault, target: Option<&str>) -> Result<Arc<RunFault>, EnvironmentError> {
    let hosts = match target {
        Some(target) => Some(HostSelection::parse(target).map_err(EnvironmentError::Spec)?),
        None => fault.hosts.clone(),
    };
    let times = Windows::never(fault.times.lasts);
    Ok(Arc::new(RunFault { id: id(&fault.id, target), times, on: Vec::new(), hosts, ..fault.clone() }))
}

/// A host's part of the run with the variants that reach it.
fn part_of(part: &RunPart, host: &Arc<str>, variants: &[Variant]) -> RunPart {
    let of_host =
        || variants.iter().filter(|(_, target, _)| target.as_ref().is_none_or(|target| target == host));
    let moves = |kind: &str| part.faults.iter().any(|fault| *fault.id == *kind);
    let faults =
        of_host().filter(|(kind, _, _)| moves(kind)).map(|(_, _, fault)| Arc::clone(fault)).collect();
    let mut shown = Vec::new();
    for (kind, _, fault) in of_host() {
        for own in part.shown.iter().filter(|own| own.id_in_run() == Some(kind)) {
            shown.push(Arc::new(FaultPlan {
                trigger: FaultTrigger::OfRun(fault.times),
                stream: FaultPlan::stream_of(&fault.id),
                ..(**own).clone()
            }));
        }
    }
    RunPart { faults, shown, ..part.clone() }
}
