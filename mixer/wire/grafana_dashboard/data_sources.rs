//! The data sources that a dashboard names, by variable or by input of an export.

use serde_json::Value;

use super::{list, text_of};

/// The type of a Prometheus in Grafana, and those of services that speak its language.
const PROMETHEUS: [&str; 4] = [
    "prometheus",
    "grafana-amazonprometheus-datasource",
    "grafana-azureprometheus-datasource",
    "victoriametrics-metrics-datasource",
];
/// The source of panels that show another panel's answer.
const OTHER_PANEL: &str = "-- Dashboard --";

/// The types of data sources by the variable or the input that names them.
#[derive(Debug, Default)]
pub(super) struct DataSources(Vec<(String, String)>);

impl DataSources {
    /// Those of a dashboard.
    pub(super) fn of(model: &Value) -> Self {
        let inputs = list(&model["__inputs"])
            .filter_map(|input| Some((text_of(&input["name"])?, text_of(&input["pluginId"])?)));
        let variables = list(&model["templating"]["list"])
            .filter(|variable| variable["type"] == "datasource")
            .filter_map(|variable| Some((text_of(&variable["name"])?, text_of(&variable["query"])?)));
        Self(inputs.chain(variables).collect())
    }

    /// `true` unless the first of these references that says a type says another one than Prometheus.
    pub(super) fn is_prometheus<'v>(&self, references: impl IntoIterator<Item = &'v Value>) -> bool {
        let kind = references.into_iter().find_map(|reference| self.kind(reference));
        kind.is_none_or(|kind| PROMETHEUS.contains(&kind.as_str()))
    }

    /// The type that a reference, an object or a name, says.
    fn kind(&self, reference: &Value) -> Option<String> {
        if let Some(kind) = text_of(&reference["type"]).filter(|kind| kind != "datasource") {
            return Some(kind);
        }
        let name = text_of(&reference["uid"]).or_else(|| text_of(reference))?;
        if name == OTHER_PANEL {
            return Some(name);
        }
        let variable = name.trim_start_matches('$').trim_matches(['{', '}']);
        self.0.iter().find(|(known, _)| known == variable).map(|(_, kind)| kind.clone())
    }
}
