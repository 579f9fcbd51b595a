//! A config as a system: a world, and the levers, faults and hosts of it that are acted on.

use std::sync::Arc;

use promemu_core::config::{ConfigDirs, ConfigFile, LoadOptions};
use promemu_core::event::HostId;
use promemu_core::expression::Value;
use promemu_core::metric::{ABSENT, is_absent};
use promemu_core::plan::{Action, HostPlan, HostSelection, Plan};
use promemu_core::time::{Span, Time};
use promemu_core::timeline::{RunLog, Targets};
use promemu_core::world::{Snapshot, World};

use crate::column::{Column, Place, Source};
use crate::error::EnvironmentError;
use crate::faults;
use crate::spec::{Spec, SystemSpec};

/// The source of actions in a run's log.
const AGENT: &str = "agent";
/// The source of the environment's own faults in a run's log.
const ENVIRONMENT: &str = "environment";

/// A lever of a system, for all hosts or for one.
#[derive(Clone, Debug, PartialEq)]
pub struct Handle {
    /// Its name.
    pub name: String,
    /// Its number in the plan, or in a model.
    pub lever: usize,
    /// The target for which it moves; `None` for all.
    pub target: Option<usize>,
    /// Its value at the start.
    pub default: f64,
}

/// A run of a config.
#[derive(Debug)]
pub struct WorldSystem {
    plan: Arc<Plan>,
    targets: Arc<[Arc<str>]>,
    start: Time,
    world: World,
}

/// The plan of a config as it is.
pub fn plan(spec: &Spec, start: Time) -> Result<Plan, EnvironmentError> {
    let SystemSpec::Config { name, class, args } = &spec.system else {
        return Err(EnvironmentError::Usage("the system is no config".to_owned()));
    };
    let mut options = LoadOptions::starting_at(start);
    options.class.clone_from(class);
    options.arguments =
        args.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let file = match crate::shipped::config(name) {
        Some(text) => ConfigFile::from_text(name, text),
        None => ConfigDirs::usual().open(name)?,
    };
    let plan = file.plan(&options)?.plan;
    plan.refuse_real_work()?;
    Ok(plan)
}

/// The plan of a config, with its faults as the environment begins them, and the hosts that are acted on.
pub fn load(spec: &Spec, start: Time) -> Result<(Arc<Plan>, Vec<HostId>), EnvironmentError> {
    let plan = plan(spec, start)?;
    let hosts = targets(&plan, &spec.targets)?;
    let plan = faults::on_targets(plan, &spec.faults.of, &hosts)?;
    Ok((Arc::new(plan), hosts))
}

fn targets(plan: &Plan, patterns: &[String]) -> Result<Vec<HostId>, EnvironmentError> {
    if patterns.is_empty() {
        return Ok(Vec::new());
    }
    let hosts = HostSelection::any_of(patterns.iter().map(String::as_str)).map_err(EnvironmentError::Spec)?;
    let chosen = (0..).zip(&plan.hosts).filter(|(_, host)| hosts.matches(host)).map(|(id, _)| id);
    let chosen: Vec<HostId> = chosen.collect();
    if chosen.is_empty() {
        return Err(EnvironmentError::Spec(format!("targets {hosts} match no host")));
    }
    Ok(chosen)
}

impl WorldSystem {
    /// A run of a plan with this seed.
    pub fn new(
        plan: Arc<Plan>,
        targets: &[HostId],
        seed: u64,
        start: Time,
    ) -> Result<Self, EnvironmentError> {
        let names = targets.iter().map(|id| Arc::clone(&plan.hosts[*id as usize].name)).collect();
        let world = World::new(Arc::clone(&plan), seed, start)?;
        Ok(Self { plan, targets: names, start, world })
    }

    /// Starts a run with another seed.
    pub fn restart(&mut self, seed: u64) -> Result<(), EnvironmentError> {
        self.world = World::new(Arc::clone(&self.plan), seed, self.start)?;
        Ok(())
    }

    /// The emulated time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.world.now()
    }

    /// Lets time pass.
    pub fn advance(&mut self, to: Time) {
        self.world.advance(to);
    }

    /// All that came to the run from outside.
    #[must_use]
    pub fn log(&self) -> &RunLog {
        self.world.log()
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The plan.
    #[must_use]
    pub const fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// `true` if all hosts have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.world.due() == Time::NEVER
    }

    /// Writes the cells of a column, all absent if one of them is.
    pub fn read(&self, column: &Column, cells: &mut [f64]) {
        let Source::Cells { host, places, labels } = &column.source else { return };
        let row = self.world.row(*host);
        if let [Place { pool: None, offset }] = places[..] {
            match row.get(offset..offset + cells.len()) {
                Some(found) => cells.copy_from_slice(found),
                None => cells.fill(ABSENT),
            }
            return;
        }
        cells.fill(0.0);
        let mut is_there = false;
        let mut add = |found: &[f64]| {
            if found.first().is_some_and(|cell| !is_absent(*cell)) {
                is_there = true;
                cells.iter_mut().zip(found).for_each(|(cell, found)| *cell += found);
            }
        };
        for Place { pool, offset } in places {
            match pool {
                None => add(row.get(*offset..).unwrap_or_default()),
                Some((pool, slots)) => {
                    for slot in 0..*slots {
                        let Some((own, row)) = self.world.member(*host, *pool, slot) else { continue };
                        if labels.iter().all(|(name, value)| own.get(name).is_none_or(|own| own == value)) {
                            add(row.get(*offset..).unwrap_or_default());
                        }
                    }
                }
            }
        }
        if !is_there {
            cells.fill(ABSENT);
        }
    }

    /// Moves a lever.
    pub fn move_lever(&mut self, handle: &Handle, value: f64) -> Result<(), EnvironmentError> {
        let action = Action::Lever { lever: handle.lever, value, lasts: Span::FOREVER };
        let targets = handle.target.map_or(Targets::All, |target| Targets::host(&self.targets[target]));
        Ok(self.world.act(&targets, AGENT, action)?)
    }

    /// Begins a fault.
    pub fn begin_fault(&mut self, id: &Arc<str>, lasts: Span) -> Result<(), EnvironmentError> {
        let action = Action::BeginFault { fault: Arc::clone(id), lasts };
        Ok(self.world.act(&Targets::All, ENVIRONMENT, action)?)
    }

    /// Ends a fault.
    pub fn end_fault(&mut self, id: &Arc<str>) -> Result<(), EnvironmentError> {
        let action = Action::EndFault { fault: Arc::clone(id) };
        Ok(self.world.act(&Targets::All, AGENT, action)?)
    }

    /// Takes a target down for a while.
    pub fn take_down(&mut self, target: usize, lasts: Span) -> Result<(), EnvironmentError> {
        let targets = self.targets.get(target).map_or(Targets::All, Targets::host);
        Ok(self.world.act(&targets, AGENT, Action::Down { lasts })?)
    }

    /// A copy of the run as it is now.
    pub fn snapshot(&self) -> Result<Snapshot, EnvironmentError> {
        Ok(self.world.snapshot()?)
    }

    /// Goes on from a copy.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), EnvironmentError> {
        Ok(self.world.restore(snapshot)?)
    }
}

/// The number of a plan's lever, and its default.
pub fn lever(plan: &Plan, name: &str) -> Result<(usize, f64), EnvironmentError> {
    let found = plan.levers.iter().position(|lever| *lever.name == *name);
    let found = found.map(|lever| (lever, plan.levers[lever].default));
    found.ok_or_else(|| {
        EnvironmentError::Spec(format!("lever {name:?} is not in the config; add it to levers"))
    })
}

/// The names of hosts.
#[must_use]
pub fn names(plan: &Plan, hosts: &[HostId]) -> Vec<String> {
    let host = |id: &HostId| -> &HostPlan { &plan.hosts[*id as usize] };
    hosts.iter().map(|id| host(id).name.to_string()).collect()
}
