//! The panels of a dashboard: of its own, of rows, and of the library as far as they are in the file.

use serde_json::Value;

use super::data_sources::DataSources;
use super::{GrafanaPanel, GrafanaQuery, list, text_of};

/// All panels with queries of Prometheus.
pub(super) fn panels(model: &Value, sources: &DataSources) -> Vec<GrafanaPanel> {
    let mut reader = Reader { model, sources, panels: Vec::new() };
    // Before schema 16 all panels were in rows.
    for row in list(&model["rows"]) {
        reader.row(row);
    }
    let mut row_repeat = None;
    for panel in list(&model["panels"]) {
        if panel["type"] == "row" {
            // The panels of an open row follow it; those of a collapsed one are inside.
            row_repeat = text_of(&panel["repeat"]);
            reader.row(panel);
        } else {
            reader.panel(panel, row_repeat.as_ref());
        }
    }
    reader.panels
}

struct Reader<'a> {
    model: &'a Value,
    sources: &'a DataSources,
    panels: Vec<GrafanaPanel>,
}

impl Reader<'_> {
    fn row(&mut self, row: &Value) {
        let repeat = text_of(&row["repeat"]);
        for panel in list(&row["panels"]) {
            self.panel(panel, repeat.as_ref());
        }
    }

    fn panel(&mut self, placed: &Value, row_repeat: Option<&String>) {
        let library = placed.get("libraryPanel").filter(|library| library.is_object());
        let model = library.and_then(|library| self.library_model(library));
        let panel = model.unwrap_or(placed);
        let is_elsewhere = library.is_some() && model.is_none() && !placed["targets"].is_array();
        let queries = self.queries(panel);
        if queries.is_empty() && !is_elsewhere {
            return;
        }
        let number = || format!("panel {}", placed["id"]);
        let titles = [&placed["title"], &panel["title"]].into_iter().find_map(text_of);
        let library_name = || library.and_then(|library| text_of(&library["name"]));
        let title = titles.or_else(library_name).unwrap_or_else(number);
        let own_repeat = [&placed["repeat"], &panel["repeat"]].into_iter().find_map(text_of);
        let repeated_by = row_repeat.cloned().into_iter().chain(own_repeat).collect();
        self.panels.push(GrafanaPanel { title, repeated_by, unit: unit(panel), queries, is_elsewhere });
    }

    /// The model of a library panel: in an export for sharing, or in the panel itself.
    fn library_model(&self, library: &Value) -> Option<&Value> {
        let uid = text_of(&library["uid"])?;
        let element = &self.model["__elements"];
        let shared = match element {
            Value::Array(elements) => elements.iter().find(|element| element["uid"] == uid.as_str()),
            elements => elements.get(&uid),
        };
        shared.map(|element| &element["model"]).filter(|model| model.is_object())
    }

    fn queries(&self, panel: &Value) -> Vec<GrafanaQuery> {
        let panel_step = text_of(&panel["interval"]);
        let query = |target: &Value| {
            let is_shown = target["hide"] != true
                && self.sources.is_prometheus([&target["datasource"], &panel["datasource"]]);
            let expr = text_of(&target["expr"]).filter(|_| is_shown)?;
            let min_step = text_of(&target["interval"]).or_else(|| panel_step.clone());
            // Both is what a panel with a table and a graph asks; the range is the dearer one.
            let is_instant = target["instant"] == true && target["range"] != true;
            Some(GrafanaQuery { expr, min_step, is_instant })
        };
        list(&panel["targets"]).filter_map(query).collect()
    }
}

/// The unit of all values of a panel. `None` if some have another one, or values are transformed.
fn unit(panel: &Value) -> Option<String> {
    let is_unit = |property: &Value| property["id"] == "unit";
    let overrides = list(&panel["fieldConfig"]["overrides"]);
    let has_units = overrides.flat_map(|of_some| list(&of_some["properties"])).any(is_unit);
    let is_transformed = list(&panel["transformations"]).next().is_some();
    // A heat map's unit is that of its buckets, and a bar gauge of buckets has counts.
    let is_other = matches!(panel["type"].as_str(), Some("heatmap" | "histogram" | "table"));
    if has_units || is_transformed || is_other {
        return None;
    }
    let of_graph = list(&panel["yaxes"]).next().map(|axis| &axis["format"]);
    let fields = [Some(&panel["fieldConfig"]["defaults"]["unit"]), of_graph, Some(&panel["format"])];
    fields.into_iter().flatten().find_map(text_of)
}
