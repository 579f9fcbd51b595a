//! The workload `dynamics`: a host that goes on from its last recorded state.

use promemu_dynamics::actions::Action;
use promemu_dynamics::numbers::{index, number};
use promemu_dynamics::role::{HostState, Moment, RoleModel};
use promemu_dynamics::series::Series;
use promemu_plugin::{Model, Param, Params, Refused, Table, Tables, Tick};
use serde::{Deserialize, Serialize};

use crate::model_file;
use crate::tables::{Layout, Seen};

/// Points of a step at which a lever is looked at.
const LOOKS: u64 = 4;
const NANOS: f64 = 1e9;

/// A learned host.
#[derive(Debug)]
pub struct Dynamics {
    model: RoleModel,
    actions: Vec<Action>,
    /// The place of the host in its role, and its levers, one for each action.
    host: usize,
    levers: Vec<String>,
    layout: Layout,
    running: Option<Running>,
}

/// A host that runs.
#[derive(Debug, Serialize, Deserialize)]
struct Running {
    state: HostState,
    series: Series,
    seen: Seen,
    /// The begin of the lattice, and the number of steps that were made.
    began_nanos: u64,
    steps: u64,
}

impl Model for Dynamics {
    const NAME: &'static str = "dynamics";
    const SUMMARY: &'static str = "a host of a dynamics model, from its last recorded state on";
    const PARAMS: &'static [Param] = &[
        Param::text("model", "", "the model file, as promemu fit --dynamics writes it"),
        Param::text("host", "", "the recorded host"),
    ];
    const SAVES: bool = true;

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let file = model_file::read(params)?;
        let name = params.text("host");
        let place = |model: &RoleModel| model.role.hosts.iter().position(|host| host.name == name);
        let found = file.roles.iter().find_map(|model| Some((model, place(model)?)));
        let Some((model, host)) = found else {
            let hosts = file.roles.iter().flat_map(|model| &model.role.hosts);
            let names: Vec<&str> = hosts.map(|host| &*host.name).collect();
            let why = format!("is not in the model: {name:?}; it has {}", names.join(", "));
            return Err(params.refuse("host", why));
        };
        let levers = file.actions.iter().map(|action| action.lever_of(name)).collect();
        let (model, layout) = (model.clone(), Layout::of(&model.role));
        Ok(Self { model, actions: file.actions, host, levers, layout, running: None })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        Ok(self.layout.describe())
    }

    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        let now = tick.now_nanos();
        if self.running.is_none() {
            self.running = Some(self.begun(tick));
            self.layout.begin(now, tables);
        }
        let Self { model, actions, levers, layout, running, .. } = self;
        let Some(running) = running else { return Ok(()) };
        let step_nanos = step_nanos(model);
        while running.next_nanos(step_nanos) <= now {
            let end = running.next_nanos(step_nanos);
            let levels: Vec<f64> = actions
                .iter()
                .zip(&*levers)
                .map(|(action, lever)| level(tick, (action, lever), end, step_nanos))
                .collect();
            let moment = Moment { levels: &levels, at_secs: seconds(end) };
            model.advance(&mut running.state, moment, Some(&mut || tick.random()));
            running.series.advance(model, &running.state);
            running.steps += 1;
        }
        layout.write(&running.series, &mut running.seen, tables);
        Ok(())
    }

    /// Empty before the first tick.
    fn save(&self) -> Result<Vec<u8>, String> {
        let Some(running) = &self.running else { return Ok(Vec::new()) };
        postcard::to_allocvec(running).map_err(|error| error.to_string())
    }

    fn load(params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let mut host = Self::new(params)?;
        if !saved.is_empty() {
            let running: Running = postcard::from_bytes(saved).map_err(|error| error.to_string())?;
            if !running.state.fits(&host.model)
                || running.series.values().len() != host.model.role.columns.len()
            {
                return Err("the saved state is of another model; start again without it".into());
            }
            host.running = Some(running);
        }
        Ok(host)
    }
}

impl Dynamics {
    /// The host at its begin: its last recorded state, one member of the ensemble, and levers that have been as they are for long.
    fn begun(&self, tick: &mut Tick<'_>) -> Running {
        let now = tick.now_nanos();
        let levels: Vec<f64> = self
            .actions
            .iter()
            .zip(&self.levers)
            .map(|(action, lever)| action.level(tick.lever_at(lever, now).unwrap_or_default()))
            .collect();
        let member = index(tick.random() * number(self.model.members.len().max(1)));
        let mut state = self.model.newest(self.host, &levels, member);
        state.scatter(&self.model, &mut || tick.random());
        let series = Series::of(&self.model, &state);
        Running { seen: Seen::of(&series), state, series, began_nanos: now, steps: 0 }
    }
}

impl Running {
    const fn next_nanos(&self, step_nanos: u64) -> u64 {
        self.began_nanos.saturating_add(step_nanos.saturating_mul(self.steps + 1))
    }
}

/// The mean level of an action in the step that ends at a time.
fn level(tick: &mut Tick<'_>, (action, lever): (&Action, &str), end: u64, step_nanos: u64) -> f64 {
    let at = |look: u64| end.saturating_sub(step_nanos / (2 * LOOKS) * (2 * look + 1));
    let levels = (0..LOOKS).map(|look| action.level(tick.lever_at(lever, at(look)).unwrap_or_default()));
    levels.sum::<f64>() / f64::from(u32::try_from(LOOKS).unwrap_or(1))
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a day are exact enough")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / NANOS
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a step is above 0, and the cast saturates"
)]
fn step_nanos(model: &RoleModel) -> u64 {
    ((model.step_secs * NANOS) as u64).max(1)
}
