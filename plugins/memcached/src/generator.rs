//! The generator: the load as promemu starts, reads and stops it.

use std::io::Write;
use std::time::Duration;

use promemu_plugin::{Generator, Level, Param, Params, Refused, Table, Tables, Tick};
use serde_json::json;

use crate::load::Load;
use crate::params;
use crate::settings::{ServerSettings, Settings};
use crate::summary::Summary;
use crate::tables::{self, Recent};
use crate::{State, Transition};

/// Part of the deadline of a stop that is not spent on waiting for requests under way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Load on memcached servers.
#[derive(Debug)]
pub struct MemcachedLoad {
    settings: Settings,
    load: Option<Load>,
    has_begun: bool,
    recent: Recent,
}

impl Generator for MemcachedLoad {
    const NAME: &'static str = "memcached_load";
    const SUMMARY: &'static str = "load on real memcached servers, and how their clients feel it";
    const PARAMS: &'static [Param] = params::PARAMS;
    const EMITS: &'static str = "breaker_opened,breaker_half_opened,breaker_closed";

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let settings = params::settings(params)?;
        Ok(Self { settings, load: None, has_begun: false, recent: Recent::default() })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        Ok(tables::describe(self.settings.servers.len()))
    }

    fn start(&mut self) -> Result<(), String> {
        self.load = Some(Load::start(self.settings.clone())?);
        Ok(())
    }

    fn collect(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        let Some(load) = &self.load else { return Ok(()) };
        if !load.is_running() {
            return Err("the thread of the load has panicked".to_owned());
        }
        if let Some(lever) = &self.settings.lever {
            let factor = tick.lever_at(lever, tick.now_nanos());
            load.set_factor(factor.ok_or_else(|| format!("the run has no lever {lever:?}"))?);
        }
        if !std::mem::replace(&mut self.has_begun, true) {
            tables::begin(&self.settings.servers, tick.now_nanos(), tables);
            load.begin(tick.random_u64(), tick.now_nanos());
        }
        tables::write(&load.client, &mut self.recent, tables);
        let mut state = load.client.state();
        let news = state.servers.iter_mut();
        let news = news.map(|server| (server.take_first_failures(), server.guard.take_transitions()));
        let news: Vec<_> = news.collect();
        drop(state);
        for (ServerSettings { name, address }, (failures, changes)) in self.settings.servers.iter().zip(news)
        {
            for (outcome, why) in failures {
                let outcome = outcome.word();
                tick.log(
                    Level::Warn,
                    &format!("{name} at {address}: first failure of kind {outcome}: {why}"),
                );
            }
            for change in changes {
                tell(name, change, tick);
            }
        }
        Ok(())
    }

    fn stop(&mut self, deadline: Duration) {
        let Some(mut load) = self.load.take() else { return };
        load.stop(deadline.saturating_sub(LAST_WORDS));
        let summary = Summary::of(&load.client);
        let mut text = summary.table();
        if let Some(path) = &self.settings.summary {
            let written = summary.json().and_then(|json| {
                std::fs::write(path, json + "\n")
                    .map_err(|error| format!("cannot write the summary: {error}"))
            });
            if let Err(error) = written {
                text.extend([path.display().to_string().as_str(), ": ", &error, "\n"]);
            }
        }
        // Nobody may read it any more.
        drop(std::io::stderr().lock().write_all(text.as_bytes()));
    }
}

fn tell(server: &str, change: Transition, tick: &mut Tick<'_>) {
    let (event, level) = match change.to {
        State::Open => ("breaker_opened", Level::Warn),
        State::HalfOpen => ("breaker_half_opened", Level::Info),
        State::Closed => ("breaker_closed", Level::Info),
    };
    let (from, to) = (change.from.word(), change.to.word());
    tick.log(level, &format!("circuit breaker of {server} is {to}, and was {from}"));
    tick.emit(event, &json!({ "server": server, "from": from, "to": to }).to_string());
}
