//! Grafana dashboards: the queries of their panels and annotations, and their variables, as they are in the file.
//!
//! The format is Grafana's dashboard model
//! (<https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>), also as it is exported
//! for sharing, and as its API answers it. Nothing is asked and no variable is filled in; queries of other data sources than
//! Prometheus, and hidden ones, are left out.

mod data_sources;
mod panels;
#[cfg(test)]
mod tests;
mod variables;

use serde_json::Value;

use self::data_sources::DataSources;
pub use self::variables::{GrafanaVariable, VariableKind};

/// A dashboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrafanaDashboard {
    /// Its title.
    pub title: String,
    /// The panels with queries, also those of rows, in their order.
    pub panels: Vec<GrafanaPanel>,
    /// The annotations with queries.
    pub annotations: Vec<GrafanaAnnotation>,
    /// The variables, in their order.
    pub variables: Vec<GrafanaVariable>,
}

/// A panel with queries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrafanaPanel {
    /// Its title, with variables as they are written; its number if it has none.
    pub title: String,
    /// The variables that it, and its row, is repeated by.
    pub repeated_by: Vec<String>,
    /// The unit of its values, if it is that of all of them.
    pub unit: Option<String>,
    /// Its queries; none if it is a library panel that is not in the file.
    pub queries: Vec<GrafanaQuery>,
    /// `true` for a library panel that is not in the file.
    pub is_elsewhere: bool,
}

/// A query of PromQL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrafanaQuery {
    /// The query, with variables as they are written.
    pub expr: String,
    /// The shortest step, as in `30s`, that it or its panel sets.
    pub min_step: Option<String>,
    /// `true` if it is asked at the end of the range alone.
    pub is_instant: bool,
}

/// An annotation with a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrafanaAnnotation {
    /// Its name.
    pub name: String,
    /// Its query.
    pub query: GrafanaQuery,
}

impl GrafanaDashboard {
    /// Reads a dashboard.
    ///
    /// # Errors
    ///
    /// In words: the text is not JSON, or not a dashboard.
    pub fn read(text: &str) -> Result<Self, String> {
        let file: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let model = file.get("dashboard").filter(|model| model.is_object()).unwrap_or(&file);
        if model.get("spec").is_some() || model.get("elements").is_some_and(Value::is_object) {
            let message = "it has the second schema of dashboards; export it as a classic model in Grafana";
            return Err(message.to_owned());
        }
        if !["panels", "rows"].iter().any(|field| model[*field].is_array()) {
            return Err("it is no dashboard of Grafana: it has no panels".to_owned());
        }
        let sources = DataSources::of(model);
        Ok(Self {
            title: text_of(&model["title"]).unwrap_or_default(),
            panels: panels::panels(model, &sources),
            annotations: annotations(model, &sources),
            variables: list(&model["templating"]["list"]).filter_map(variables::variable).collect(),
        })
    }
}

fn annotations(model: &Value, sources: &DataSources) -> Vec<GrafanaAnnotation> {
    let annotation = |found: &Value| {
        let target = &found["target"];
        let expr = [&found["expr"], &target["expr"]].into_iter().find_map(text_of)?;
        if !sources.is_prometheus([&target["datasource"], &found["datasource"]]) {
            return None;
        }
        let min_step = text_of(&found["step"]);
        let name = text_of(&found["name"]).unwrap_or_default();
        Some(GrafanaAnnotation { name, query: GrafanaQuery { expr, min_step, is_instant: false } })
    };
    list(&model["annotations"]["list"]).filter_map(annotation).collect()
}

/// The elements of a list; none of anything else.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text that is not empty.
fn text_of(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
