//! An event to a model of the host, which has the fault itself: its parameters, and the length of the episode.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::kind::{FaultBuild, FaultError, FaultKind, FaultSchedule};
use super::spec::{FaultEvent, FaultSpec, NeededModel};
use crate::number::Shown;
use crate::scenario::{Arguments, Param, ParamKind};
use crate::time::Span;

/// The models of processes.
pub(super) const PROCESSES: NeededModel = NeededModel { of: "processes", workload: "processes" };
/// The models of users.
pub(super) const USERS: NeededModel = NeededModel { of: "users", workload: "population" };

/// An event to a model, without the length of the episode.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelEvent {
    name: &'static str,
    model: NeededModel,
    data: Map<String, Value>,
}

/// The parameter of faults that meet a share of all requests.
pub(super) const SHARE: Param =
    Param { name: "share", kind: ParamKind::Number, default: "", help: "the share, up to 1" };

impl ModelEvent {
    /// A kind of fault that models have for a while, which is given.
    pub(super) const fn kind(
        name: &'static str,
        summary: &'static str,
        params: &'static [Param],
        build: &'static FaultBuild<Self>,
    ) -> FaultKind<Self> {
        FaultKind {
            name,
            summary,
            schedule: FaultSchedule::Episodes,
            takes_metrics: false,
            untimed_error: Some("needs every, at, lasts or on: the time of the fault"),
            params,
            build,
        }
    }

    /// The event of this name to such a model.
    pub(super) fn new(name: &'static str, model: NeededModel) -> Self {
        Self { name, model, data: Map::new() }
    }

    /// The same with a text, if it is given.
    pub(super) fn with_text(mut self, key: &'static str, arguments: &mut Arguments) -> Self {
        self.data.extend(arguments.text(key).map(|text| (key.to_owned(), json!(text))));
        self
    }

    /// The same with a number of 0 or more and at most `high`, if it is given.
    pub(super) fn with(
        mut self,
        key: &'static str,
        high: f64,
        arguments: &mut Arguments,
    ) -> Result<Self, FaultError> {
        let Some(number) = arguments.number(key) else { return Ok(self) };
        if (0.0..=high).contains(&number) {
            self.data.insert(key.to_owned(), json!(number));
            return Ok(self);
        }
        let range =
            if high.is_finite() { format!("from 0 to {}", Shown(high)) } else { "0 or more".to_owned() };
        Err(FaultError {
            param: Some(key),
            message: format!("{key} must be {range}, but is {}", Shown(number)),
        })
    }

    /// The same with a length of time in seconds, if it is given.
    pub(super) fn with_seconds(
        mut self,
        key: &'static str,
        arguments: &mut Arguments,
    ) -> Result<Self, FaultError> {
        let length = super::kind::length(arguments, key)?;
        self.data.extend(length.map(|span| (key.to_owned(), json!(span.as_secs_f64()))));
        Ok(self)
    }

    /// The same; refused without these.
    pub(super) fn needing(self, keys: &[&'static str]) -> Result<Self, FaultError> {
        match keys.iter().find(|key| !self.data.contains_key(**key)) {
            Some(key) => Err(FaultError { param: None, message: format!("{key} must be given") }),
            None => Ok(self),
        }
    }
}

impl FaultSpec for ModelEvent {
    /// Of an episode without an end, the model knows the length; an instant has none.
    fn emits(&self, lasts: Span) -> Option<FaultEvent> {
        let mut data = self.data.clone();
        if ![Span::ZERO, Span::FOREVER].contains(&lasts) {
            data.insert("duration".to_owned(), json!(lasts.as_secs_f64()));
        }
        Some(FaultEvent { name: Arc::from(self.name), data: Value::Object(data) })
    }

    /// Models of users are told: an episode may end early.
    fn emits_at_end(&self) -> Option<FaultEvent> {
        (self.model == USERS).then(|| {
            let mut data = self.data.clone();
            data.insert("ends".to_owned(), json!(true));
            FaultEvent { name: Arc::from(self.name), data: Value::Object(data) }
        })
    }

    fn model(&self) -> Option<NeededModel> {
        Some(self.model)
    }

    /// The parameters in words.
    fn describe(&self) -> String {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let words: Vec<String> =
            self.data.iter().map(|(key, value)| format!("{key} {}", word(value))).collect();
        words.join(", ")
    }
}
