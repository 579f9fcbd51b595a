//! The workloads `processes` and `processes_hostmetrics`: parameters, events, and the pool that shows a simulation.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use promemu_plugin::{Event, Level, Model, Param, Params, Refused, Table, Tables, Tick};
use serde_json::{Value, json};

use crate::member::begin_member;
use crate::profile::{PROFILE, profile};
use crate::real_processes::{RealLimits, RealProcesses};
use crate::{Action, Filter, KillLimit, NamingScheme, Priority, Settings, Simulation, Stage};

/// Default length of a fault in seconds.
const FAULT_SECS: f64 = 60.0;
/// Default cores of a spike.
const SPIKE_CORES: f64 = 1.0;
/// Default speed of a leak: 1 MiB a second.
const LEAK_BYTES_PER_SEC: f64 = 1_048_576.0;
/// Default number of children of a fork storm.
const CHILDREN: f64 = 20.0;
/// Default maximum of children at a time.
const CHILDREN_MAX: usize = 50;
/// Default cores of the host.
const CORES: f64 = 8.0;

/// Maximum length of a pattern: matching takes time in proportion to the product of both lengths.
const PATTERN_BYTES_MAX: usize = 1000;

/// `true` once the log says that real processes are simulated.
static IS_FALLBACK_LOGGED: AtomicBool = AtomicBool::new(false);

/// The processes of one host, in a naming scheme.
#[derive(Debug)]
pub struct Processes<N> {
    settings: Settings,
    simulation: Option<Simulation>,
    real: Option<RealProcesses>,
    changes: Vec<usize>,
    is_over: bool,
    has_failed: bool,
    names: PhantomData<N>,
}

impl<N: NamingScheme> Model for Processes<N> {
    const NAME: &'static str = N::WORKLOAD;
    const SUMMARY: &'static str = N::SUMMARY;
    const PARAMS: &'static [Param] = &[
        PROFILE,
        Param::number("process_count", "50", "number of processes"),
        Param::number("churn_rate", "-1", "share of the processes replaced each minute; -1: the profile's"),
        Param::number("chaos", "-1", "faults per minute; -1: the profile's"),
        Param::number("cores", "-1", "cores of the host; -1: 8, or what share_max allows"),
        Param::number(
            "children_max",
            "-1",
            "maximum children of fork storms at a time; -1: 50, or as many as can be real",
        ),
        Param::duration("duration", "inf", "time until the simulation ends"),
        Param::choice("real", "false,true", "false", "true: a live run has a real process for each"),
        Param::number("share_max", "0.5", "share of this machine's CPU that real processes may use"),
        Param::number("real_max", "64", "maximum number of real processes, children included; up to 1000"),
        Param::number(
            "memory_max",
            "268435456",
            "memory that real processes are filled with together, at most",
        ),
    ];
    const LISTENS: &'static str = "cpu_spike,memory_leak,kill,fork_storm";
    const EMITS: &'static str = "simulation_started,simulation_completed,simulation_failed,processes_counted";

    const SAVES: bool = true;

    fn new(params: &Params<'_>) -> Result<Self, Refused> {
        let profile = profile(params)?;
        let given = |name| Some(params.number(name)).filter(|given| given.to_bits() != (-1.0f64).to_bits());
        let whole = |name, number| whole(number).map_err(|why| params.refuse(name, why));
        let refuse = |(name, why)| params.refuse(name, why);
        let limits = RealLimits {
            cpu_share: params.number("share_max"),
            processes: whole("real_max", params.number("real_max"))?,
            memory_bytes: params.number("memory_max"),
        };
        let is_real = params.choice("real") == "true";
        let real = is_real.then(|| RealProcesses::new(limits)).transpose().map_err(refuse)?;
        let process_count = whole("process_count", params.number("process_count"))?;
        let room =
            real.as_ref().map_or(CHILDREN_MAX, |real| real.processes_max().saturating_sub(process_count));
        let children_max = given("children_max").map(|given| whole("children_max", given)).transpose()?;
        let duration = Duration::try_from_secs_f64(params.seconds("duration")).ok();
        let settings = Settings {
            churn_rate: given("churn_rate").unwrap_or(profile.churn_rate),
            chaos: given("chaos").unwrap_or(profile.chaos),
            process_count,
            cores: given("cores").unwrap_or(real.as_ref().map_or(CORES, RealProcesses::cores_max)),
            children_max: children_max.unwrap_or(room.min(CHILDREN_MAX)),
            ends_after_secs: duration.map(|duration| duration.as_secs()),
            profile,
        };
        settings.check().map_err(refuse)?;
        real.as_ref().map_or(Ok(()), |real| real.check(&settings)).map_err(refuse)?;
        Ok(Self {
            settings,
            simulation: None,
            real,
            changes: Vec::new(),
            is_over: false,
            has_failed: false,
            names: PhantomData,
        })
    }

    fn describe(&self) -> Result<Vec<Table>, String> {
        let rows_max = u32::try_from(self.settings.process_count + self.settings.children_max);
        Ok(vec![Table {
            name: "processes".to_owned(),
            labels: N::LABELS.to_owned(),
            // The settings have been checked.
            rows_max: rows_max.unwrap_or(0),
            families: N::families(),
        }])
    }

    fn advance(&mut self, tick: &mut Tick<'_>, tables: &mut Tables<'_>) -> Result<(), String> {
        let simulation = match &mut self.simulation {
            Some(simulation) => simulation,
            none => none.insert(start(&self.settings, tick)?),
        };
        simulation.advance(tick.now_nanos());
        if let Some(event) = tick.event() {
            simulation.act(action(&event)?)?;
        }
        let (count, memory_bytes) = match &mut self.real {
            Some(real) if tick.is_live() => {
                let followed = real.update::<N>(simulation, tick, tables);
                if let (Err(why), false) = (&followed, self.has_failed) {
                    self.has_failed = true;
                    tick.emit("simulation_failed", &json!({ "why": why }).to_string());
                }
                followed?
            }
            real => {
                if real.is_some() && !IS_FALLBACK_LOGGED.swap(true, Ordering::Relaxed) {
                    tick.log(
                        Level::Warn,
                        "real processes need a live run at normal speed; here they are simulated",
                    );
                }
                simulation.take_changes(&mut self.changes);
                show::<N>(simulation, self.changes.drain(..), tables)
            }
        };
        let cpu_cores = simulation.cores_in_use();
        let ended = simulation.ends().json();
        let counted = format!(
            r#"{{"count":{count},"cpu_cores":{cpu_cores},"memory_bytes":{memory_bytes},"ended":{ended}}}"#
        );
        tick.emit("processes_counted", &counted);
        if simulation.stage() == Stage::Completed && !std::mem::replace(&mut self.is_over, true) {
            tick.emit("simulation_completed", "");
        }
        Ok(())
    }

    /// Empty before the first tick, else whether it is over, and the simulation.
    fn save(&self) -> Result<Vec<u8>, String> {
        if self.real.as_ref().is_some_and(RealProcesses::are_running) {
            return Err("its real processes cannot be saved".to_owned());
        }
        let Some(simulation) = &self.simulation else { return Ok(Vec::new()) };
        let mut saved = vec![u8::from(self.is_over)];
        saved.extend(simulation.save()?);
        Ok(saved)
    }

    fn load(params: &Params<'_>, saved: &[u8]) -> Result<Self, Refused> {
        let mut processes = Self::new(params)?;
        if let Some((is_over, simulation)) = saved.split_first() {
            processes.is_over = *is_over != 0;
            processes.simulation = Some(Simulation::load(processes.settings.clone(), simulation)?);
        }
        Ok(processes)
    }
}

/// Shows the simulated processes; those in the changed slots begin or end. Returns their number and their memory in
/// bytes.
fn show<N: NamingScheme>(
    simulation: &Simulation,
    changes: impl Iterator<Item = usize>,
    tables: &mut Tables<'_>,
) -> (usize, f64) {
    for slot in changes {
        let number = u32::try_from(slot).unwrap_or(u32::MAX);
        match simulation.process(slot) {
            Some(it) => begin_member::<N>(&it, number, tables),
            None => tables.end(0, number),
        }
    }
    let (mut count, mut memory_bytes) = (0, 0.0);
    for (slot, it) in simulation.living() {
        N::write_values(&it, tables.row(0, u32::try_from(slot).unwrap_or(u32::MAX)));
        count += 1;
        memory_bytes += it.memory_bytes;
    }
    (count, memory_bytes)
}

fn start(settings: &Settings, tick: &mut Tick<'_>) -> Result<Simulation, String> {
    let simulation = Simulation::new(settings.clone(), tick.random_u64(), tick.now_nanos())?;
    tick.emit("simulation_started", "");
    Ok(simulation)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number of some millions"
)]
fn whole(number: f64) -> Result<usize, String> {
    if number.fract() == 0.0 && (0.0..=1e9).contains(&number) {
        Ok(number as usize)
    } else {
        Err(format!("must be a whole number from 0 to 1000000000, but is {number}"))
    }
}

/// The keys that each event's data may have, beside those of the filter.
const EVENT_KEYS: [(&str, &[&str]); 4] = [
    ("cpu_spike", &["intensity", "duration"]),
    ("memory_leak", &["bytes_per_sec", "duration"]),
    ("kill", &["count", "percent"]),
    ("fork_storm", &["children", "duration"]),
];
const FILTER_KEYS: [&str; 2] = ["pattern", "priority"];

/// Refuses keys that an event does not have: a misspelt filter would select all processes.
fn check_keys(event: &str, data: &Value) -> Result<(), String> {
    let own = EVENT_KEYS.iter().find(|(name, _)| *name == event).map_or(&[][..], |(_, keys)| *keys);
    let known = || FILTER_KEYS.iter().chain(own);
    let unknown = |key: &&String| !known().any(|known| *known == key.as_str());
    match data.as_object().and_then(|data| data.keys().find(unknown)) {
        Some(key) => {
            let known: Vec<&str> = known().copied().collect();
            Err(format!("event {event}: data have no key {key:?}; expected one of {}", known.join(", ")))
        }
        None => Ok(()),
    }
}

/// The action that an event requests.
fn action(event: &Event<'_>) -> Result<Action, String> {
    let data = if event.data.is_empty() { Ok(Value::Null) } else { serde_json::from_str(event.data) };
    let data = data.map_err(|error| format!("data of event {} are not JSON: {error}", event.name))?;
    // A name alone would otherwise select all processes.
    if !data.is_object() && !data.is_null() {
        let example = r#"{"pattern": "nginx*"}"#;
        return Err(format!("data of event {} must be a map, as in {example}, but are {data}", event.name));
    }
    check_keys(event.name, &data)?;
    let filter = filter(&data).map_err(|error| format!("event {}: {error}", event.name))?;
    let number = |name: &str, default| match data.get(name) {
        None => Ok(default),
        Some(given) => given.as_f64().filter(|number| *number >= 0.0).ok_or_else(|| {
            format!("event {}: {name} must be a number that is 0 or more, but is {given}", event.name)
        }),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let whole = |name: &str, default| number(name, default).map(|number| number as u64);
    let secs = whole("duration", FAULT_SECS)?;
    Ok(match event.name {
        "cpu_spike" => Action::CpuSpike { filter, cores: number("intensity", SPIKE_CORES)?, secs },
        "memory_leak" => {
            Action::MemoryLeak { filter, bytes_per_sec: number("bytes_per_sec", LEAK_BYTES_PER_SEC)?, secs }
        }
        "fork_storm" => {
            let children = whole("children", CHILDREN)?;
            Action::ForkStorm { filter, children: usize::try_from(children).unwrap_or(usize::MAX), secs }
        }
        _ => {
            let count = whole("count", f64::INFINITY)?;
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            Action::Kill { filter, limit: KillLimit { count, percent: number("percent", 100.0)? } }
        }
    })
}

/// Filter of an event by `pattern` and `priority`; selects all processes without them.
fn filter(data: &Value) -> Result<Filter, String> {
    let name = data.get("pattern").map_or(Some("*"), Value::as_str);
    let name = name.filter(|name| name.len() <= PATTERN_BYTES_MAX).ok_or_else(|| {
        format!("pattern must be text of {PATTERN_BYTES_MAX} bytes at most, as in \"nginx*\"")
    })?;
    let priority =
        match data.get("priority") {
            None => None,
            Some(word) => {
                let found = Priority::ALL.into_iter().find(|priority| word.as_str() == Some(priority.word()));
                Some(found.ok_or_else(|| {
                    format!("priority must be critical, high, medium or low, but is {word}")
                })?)
            }
        };
    Ok(Filter { name: name.to_owned(), priority })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, data: &str) -> Result<Action, String> {
        action(&Event { name, source: "a", data })
    }

    #[test]
    fn events_become_actions() {
        let all = Filter::named("*");
        assert_eq!(read("kill", ""), Ok(Action::kill(all.clone())));
        let limit = KillLimit { count: 3, percent: 50.0 };
        let some = Action::Kill { filter: all.clone(), limit };
        assert_eq!(read("kill", r#"{"count": 3, "percent": 50}"#), Ok(some));
        let low = Filter { name: "ng*".to_owned(), priority: Some(Priority::Low) };
        assert_eq!(read("kill", r#"{"pattern": "ng*", "priority": "low"}"#), Ok(Action::kill(low)));
        let spike = Action::CpuSpike { filter: all.clone(), cores: 2.5, secs: 9 };
        assert_eq!(read("cpu_spike", r#"{"intensity": 2.5, "duration": 9}"#), Ok(spike));
        let leak = Action::MemoryLeak { filter: all.clone(), bytes_per_sec: 1_048_576.0, secs: 60 };
        assert_eq!(read("memory_leak", "{}"), Ok(leak));
        let storm = Action::ForkStorm { filter: all, children: 7, secs: 30 };
        // Scripts make such numbers.
        assert_eq!(read("fork_storm", r#"{"children": 7.0, "duration": 30.5}"#), Ok(storm));
    }

    #[test]
    fn wrong_events_are_refused() {
        let refused = [
            read("kill", "{"),
            read("kill", r#""nginx""#),
            read("kill", r#"["nginx"]"#),
            read("kill", r#"{"pattern": 7}"#),
            read("kill", &format!(r#"{{"pattern": "{}"}}"#, "*".repeat(1001))),
            read("kill", r#"{"priority": "urgent"}"#),
            read("kill", r#"{"process_pattern": "python"}"#),
            read("kill", r#"{"pattern": "python", "duration": 9}"#),
            read("cpu_spike", r#"{"cores": 2}"#),
            read("memory_leak", r#"{"intensity": 2}"#),
            read("fork_storm", r#"{"count": 2}"#),
            read("cpu_spike", r#"{"intensity": "much"}"#),
            read("fork_storm", r#"{"children": -1}"#),
        ];
        let refused = refused.map(Result::unwrap_err).join("\n");
        insta::assert_snapshot!(refused, @r#"
        data of event kill are not JSON: EOF while parsing an object at line 1 column 1
        data of event kill must be a map, as in {"pattern": "nginx*"}, but are "nginx"
        data of event kill must be a map, as in {"pattern": "nginx*"}, but are ["nginx"]
        event kill: pattern must be text of 1000 bytes at most, as in "nginx*"
        event kill: pattern must be text of 1000 bytes at most, as in "nginx*"
        event kill: priority must be critical, high, medium or low, but is "urgent"
        event kill: data have no key "process_pattern"; expected one of pattern, priority, count, percent
        event kill: data have no key "duration"; expected one of pattern, priority, count, percent
        event cpu_spike: data have no key "cores"; expected one of pattern, priority, intensity, duration
        event memory_leak: data have no key "intensity"; expected one of pattern, priority, bytes_per_sec, duration
        event fork_storm: data have no key "count"; expected one of pattern, priority, children, duration
        event cpu_spike: intensity must be a number that is 0 or more, but is "much"
        event fork_storm: children must be a number that is 0 or more, but is -1
        "#);
    }
}
