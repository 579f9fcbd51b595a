//! Simulations: runs with a model of simulated things, as that of processes.
//!
//! Such a model says when its work begins, is over or cannot go on, and counts with every tick. A run with one also tells
//! its own creation and end, to listeners outside it: hosts are not there yet, or not any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::{IndexMap, IndexSet};
use promemu_core::event::Event;
use promemu_core::plan::{HostPlan, Plan};
use promemu_core::time::Time;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::event_tap::EventTap;
use crate::report::EndedProcesses;

/// Told of a run when it is created.
const CREATED: &str = "simulation_created";
/// Emitted by a model with its first tick.
const STARTED: &str = "simulation_started";
/// Emitted by a model whose work is over, and told of a run at its end.
pub(crate) const COMPLETED: &str = "simulation_completed";
/// Emitted by a model that cannot go on, and told of a run that fails.
pub(crate) const FAILED: &str = "simulation_failed";
/// Emitted by a model with every tick.
const COUNTED: &str = "processes_counted";

/// `true` if a host has a model that says when its work is over.
pub(crate) fn simulates(host: &HostPlan) -> bool {
    let mut models = host.shape.pools.iter().filter_map(|pool| pool.model.as_ref());
    models.any(|of_pool| of_pool.model.model().emits.iter().any(|event| **event == *COMPLETED))
}

/// `true` if a host of the run has a model that says when its work is over.
#[must_use]
pub fn is_simulation(plan: &Plan) -> bool {
    plan.hosts.iter().any(|host| simulates(host))
}

/// Tells listeners that a simulation is there, before it starts.
pub fn tell_created(events: &EventTap, run_id: &str, time: Time) {
    events.tell(CREATED, serde_json::json!({ "run": run_id }), time);
}

/// The progress of a run's models, as their events tell it.
#[derive(Debug, Default)]
pub(crate) struct SimulationProgress {
    models: Mutex<Models>,
    progressed: Notify,
}

#[derive(Debug, Default)]
struct Models {
    /// The hosts whose model is over.
    over: IndexSet<Arc<str>>,
    has_failed: bool,
    /// The last counts of each host, as long as its model goes on.
    counted: IndexMap<Arc<str>, EndedProcesses>,
    /// The counts of models that began anew.
    counted_before: EndedProcesses,
}

impl SimulationProgress {
    fn models(&self) -> MutexGuard<'_, Models> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an event that a host has emitted.
    pub(crate) fn observe(&self, event: &Event) {
        let host = &event.source;
        match &*event.name {
            STARTED => self.models().begin(host),
            COMPLETED => {
                self.models().over.insert(Arc::clone(host));
                self.progressed.notify_one();
            }
            FAILED => self.models().has_failed = true,
            COUNTED => {
                let ended = event.data.get("ended").map(EndedProcesses::deserialize);
                if let Some(Ok(ended)) = ended {
                    self.models().counted.insert(Arc::clone(host), ended);
                }
            }
            _ => {}
        }
    }

    /// Waits until one more model is over.
    pub(crate) async fn progressed(&self) {
        self.progressed.notified().await;
    }

    pub(crate) fn is_over_somewhere(&self) -> bool {
        !self.models().over.is_empty()
    }

    pub(crate) fn is_over(&self, host: &str) -> bool {
        self.models().over.contains(host)
    }

    /// `true` once a model has said that it cannot go on.
    pub(crate) fn has_failed(&self) -> bool {
        self.models().has_failed
    }

    /// The processes that have ended, of all hosts; `None` if none were counted.
    pub(crate) fn processes(&self) -> Option<EndedProcesses> {
        let models = self.models();
        let mut sum = models.counted_before;
        models.counted.values().for_each(|ended| sum += *ended);
        (!models.counted.is_empty()).then_some(sum)
    }
}

impl Models {
    /// A host's model begins, perhaps anew.
    fn begin(&mut self, host: &Arc<str>) {
        self.over.swap_remove(host);
        let before = self.counted.insert(Arc::clone(host), EndedProcesses::default());
        self.counted_before += before.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(name: &str, host: &str, data: Value) -> Event {
        let (name, source) = (name.into(), host.into());
        Event { name, source, data, time: Time::from_unix_secs(1), sequence: 0, hops: 0 }
    }

    fn counted(host: &str, low: u64) -> Event {
        let [none, some] = [0, low].map(|low| json!({ "critical": 0, "high": 0, "medium": 0, "low": low }));
        let ended = json!({ "churned": some, "killed": none, "out_of_memory": none, "storms": 5 });
        event(COUNTED, host, json!({ "count": 3, "ended": ended }))
    }

    #[test]
    fn counts_are_those_of_all_hosts_and_of_models_that_began_anew() {
        let progress = SimulationProgress::default();
        progress.observe(&event(COUNTED, "a", json!({ "count": 3 })));
        assert_eq!(progress.processes(), None);
        for event in [counted("a", 3), counted("a", 4), counted("b", 10)] {
            progress.observe(&event);
        }
        let low = || progress.processes().unwrap().churned.low;
        assert_eq!(low(), 14);
        progress.observe(&event(STARTED, "a", Value::Null));
        assert_eq!(low(), 14, "what has ended before stays counted");
        progress.observe(&counted("a", 1));
        assert_eq!(low(), 15);
    }

    #[tokio::test]
    async fn a_model_is_over_until_it_begins_anew() {
        let progress = SimulationProgress::default();
        assert!(!progress.is_over_somewhere());
        progress.observe(&event(COMPLETED, "a", Value::Null));
        progress.progressed().await;
        assert!(progress.is_over("a") && !progress.is_over("b") && !progress.has_failed());
        progress.observe(&event(STARTED, "a", Value::Null));
        assert!(!progress.is_over_somewhere());
    }
}
