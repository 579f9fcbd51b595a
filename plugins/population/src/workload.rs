//! The workload `population`: parameters, events, and the tables that show it.

use promemu_plugin::{Model, Param, Params, Refused, Table, Tables, Tick};

use crate::fault;
use crate::params::{PARAMS, settings};
use crate::population::{Levers, Population};
use crate::settings::Settings;
use crate::tables;

/// The users of one host.
#[derive(Debug)]
pub struct Users {
    settings: Settings,
    population: Option<Population>,
}

impl Model for Users {
    const NAME: &'static str = "population";
    const SUMMARY: &'static str = "users of a product: sessions, tools, tokens, costs, errors, latencies";
    const PARAMS: &'static [Param] = PARAMS;
    const LISTENS: &'static str = fault::EVENTS;
    const SAVES: bool = true;

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        Ok(Self { settings: settings(params)?, population: None })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        Ok(tables::describe(&self.settings))
    }

    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        let now = tick.now_nanos();
        let population = match &mut self.population {
            Some(population) => population,
            none => {
                let (seed, levers) = (tick.random_u64(), levers(tick, now));
                let population = none.insert(Population::new(self.settings.clone(), seed, now, levers));
                tables::begin(population, now, tables);
                population
            }
        };
        population.advance(now, &mut |at| levers(tick, at));
        let followed = tick.event().map(|event| population.hear(&event, now));
        tables::write(population, tables);
        followed.unwrap_or(Ok(()))
    }

    /// Empty before the first tick.
    fn save(&self) -> Result<Vec<u8>, String> {
        self.population.as_ref().map_or_else(|| Ok(Vec::new()), Population::save)
    }

    fn load(params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let mut users = Self::new(params)?;
        if !saved.is_empty() {
            users.population = Some(Population::load(users.settings.clone(), saved)?);
        }
        Ok(users)
    }
}

fn levers(tick: &mut Tick<'_>, at: u64) -> Levers {
    let mut lever = |name| tick.lever_at(name, at).unwrap_or(1.0);
    Levers { load: lever("load"), users: lever("users"), capacity: lever("capacity") }
}
