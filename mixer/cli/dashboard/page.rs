//! The whole dashboard: its panels in their places, and what is around them.

use promemu_core::error::Error;
use serde_json::{Value, json};

use super::panel::{self, Panel};
use super::query::View;
use super::subject::Subject;
use super::variables::{annotations, variables};

/// How many columns Grafana's grid has.
pub(super) const COLUMNS: usize = 24;

/// The version of Grafana's dashboard model that this is: that of Grafana 11.
const SCHEMA_VERSION: u32 = 39;

/// The dashboard as Grafana reads it.
pub(super) fn text(subject: &Subject, view: &View, title: &str) -> Result<String, Error> {
    let dashboard = json!({
        "uid": uid(title),
        "title": title,
        "description": "made by promemu dashboard",
        "tags": ["promemu"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": { "from": "now-15m", "to": "now" },
        "timezone": "",
        "links": [{
            "type": "dashboards",
            "title": "promemu",
            "tags": ["promemu"],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
        }],
        "templating": { "list": variables(subject, view) },
        "annotations": annotations(subject),
        "panels": panels(subject, view),
    });
    let text = serde_json::to_string_pretty(&dashboard)
        .map_err(|error| Error::Run(format!("the dashboard was not made because of a bug: {error}")))?;
    Ok(text + "\n")
}

fn panels(subject: &Subject, view: &View) -> Vec<Value> {
    let mut grid = Grid::default();
    if view.one_host {
        for number in subject.metrics.iter().filter_map(|metric| panel::number(metric, subject, view)) {
            grid.place(vec![number]);
        }
    }
    for metric in &subject.metrics {
        grid.place(panel::panels(metric, subject, view));
    }
    grid.panels
}

/// Panels, from left to right and from top to bottom.
#[derive(Debug, Default)]
struct Grid {
    panels: Vec<Value>,
    x: usize,
    y: usize,
    /// The height of the line that is being filled.
    height: usize,
}

impl Grid {
    /// Adds panels that belong into one line.
    fn place(&mut self, together: Vec<Panel>) {
        let width: usize = together.iter().map(|panel| panel.width).sum();
        let is_as_high = together.first().is_none_or(|panel| panel.height == self.height);
        if self.x + width > COLUMNS || !is_as_high {
            self.y += self.height;
            self.x = 0;
        }
        for Panel { mut json, width, height } in together {
            json["id"] = json!(self.panels.len() + 1);
            json["gridPos"] = json!({ "x": self.x, "y": self.y, "w": width, "h": height });
            self.panels.push(json);
            self.x += width;
            self.height = height;
        }
    }
}

/// What Grafana knows the dashboard by: at most 40 letters, digits and signs.
fn uid(title: &str) -> String {
    let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    "promemu-".chars().chain(title.chars().map(sign)).take(40).collect()
}
