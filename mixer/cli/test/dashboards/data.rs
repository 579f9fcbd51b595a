//! The questions to a Prometheus on the data of a run, each of which is asked once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use promemu_core::backfill::Grid;
use promemu_core::time::Span;
use serde_json::Value;

use crate::prometheus_client::PrometheusClient;

/// Maximum number of steps of a query: Prometheus refuses more than 11 000.
const STEPS_MAX: u64 = 10_000;

/// The outcome of a question: an answer, or in words why there is none.
pub(super) type Answer<T> = Result<T, String>;

/// The data of a run.
#[derive(Debug)]
pub(in crate::test) struct Data<'a> {
    prometheus: &'a PrometheusClient,
    from: String,
    to: String,
    step: String,
    /// Names of series that rules should have made, with the reason for which there are none.
    lost: &'a IndexMap<String, String>,
    /// `true` if the alerts of rules are among the data.
    pub(super) has_alerts: bool,
    lists: RefCell<BTreeMap<String, Answer<Vec<String>>>>,
    presence: RefCell<BTreeMap<String, Answer<bool>>>,
}

impl<'a> Data<'a> {
    /// The data of a run with scrapes at these times.
    pub(in crate::test) fn new(
        prometheus: &'a PrometheusClient,
        scrapes: &Grid,
        lost: &'a IndexMap<String, String>,
        has_alerts: bool,
    ) -> Self {
        let least = scrapes.to.since(scrapes.from).as_nanos().div_ceil(STEPS_MAX);
        let step = scrapes.step.max(Span::from_nanos(least));
        Self {
            prometheus,
            from: scrapes.from.rfc3339(),
            to: scrapes.to.rfc3339(),
            step: step.as_secs_f64().to_string(),
            lost,
            has_alerts,
            lists: RefCell::default(),
            presence: RefCell::default(),
        }
    }

    /// The reason for which rules did not make a series of this name.
    pub(super) fn lost(&self, name: &str) -> Option<&str> {
        self.lost.get(name).map(String::as_str)
    }

    /// The values of a label, of all series or of those of a selector.
    pub(super) fn label_values(&self, label: &str, selector: Option<&str>) -> Answer<Vec<String>> {
        self.list(&format!("label/{label}/values"), selector)
    }

    /// The names of labels, of all series or of those of a selector.
    pub(super) fn label_names(&self, selector: Option<&str>) -> Answer<Vec<String>> {
        self.list("labels", selector)
    }

    fn list(&self, path: &str, selector: Option<&str>) -> Answer<Vec<String>> {
        let key = format!("{path} {}", selector.unwrap_or_default());
        if let Some(known) = self.lists.borrow().get(&key) {
            return known.clone();
        }
        let mut parameters = vec![("start", self.from.as_str()), ("end", self.to.as_str())];
        parameters.extend(selector.map(|selector| ("match[]", selector)));
        let texts = |data: Value| {
            let items = data.as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let answer = self.prometheus.ask(path, &parameters).map(texts);
        self.lists.borrow_mut().insert(key, answer.clone());
        answer
    }

    /// The elements of a query at the end of the run, as Grafana writes them: `name{label="value"} value time`.
    pub(super) fn query_result(&self, query: &str) -> Answer<Vec<String>> {
        let answer = self.prometheus.ask("query", &[("query", query), ("time", &self.to)])?;
        if let Some(scalar) = answer["result"].as_array().filter(|_| answer["resultType"] == "scalar") {
            return Ok(vec![scalar.get(1).and_then(Value::as_str).unwrap_or_default().to_owned()]);
        }
        let element = |element: &Value| {
            let labels = element["metric"].as_object().into_iter().flatten();
            let (mut name, mut pairs) = (String::new(), Vec::new());
            for (label, value) in labels {
                match label.as_str() {
                    "__name__" => name = value.as_str().map(str::to_owned).unwrap_or_default(),
                    label => pairs.push(format!("{label}={value}")),
                }
            }
            let value = element["value"][1].as_str().unwrap_or_default();
            format!("{name}{{{}}} {value} {}", pairs.join(","), element["value"][0])
        };
        Ok(answer["result"].as_array().into_iter().flatten().map(element).collect())
    }

    /// `true` if a query returns data at any step of the run. A `vector` is counted, so that its answer is short.
    pub(super) fn is_present(&self, query: &str, is_vector: bool) -> Answer<bool> {
        if let Some(known) = self.presence.borrow().get(query) {
            return known.clone();
        }
        // A comment would end behind the parenthesis.
        let asked = if is_vector { format!("count(\n{query}\n)") } else { query.to_owned() };
        let parameters = [
            ("query", asked.as_str()),
            ("start", self.from.as_str()),
            ("end", self.to.as_str()),
            ("step", self.step.as_str()),
        ];
        let answer = self.prometheus.ask("query_range", &parameters);
        let answer = answer.map(|data| data["result"].as_array().is_some_and(|series| !series.is_empty()));
        self.presence.borrow_mut().insert(query.to_owned(), answer.clone());
        answer
    }
}
