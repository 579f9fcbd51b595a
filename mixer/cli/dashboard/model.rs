//! The dashboard as JSON: its panels in Grafana's grid, its variables and annotations.

use promemu_core::error::Error;
use serde_json::{Value, json};

use super::annotations::annotations;
use super::catalog::Catalog;
use super::panel::{self, Panel};
use super::query::View;
use super::senses;
use super::stats;
use super::variables::variables;

/// Number of columns of Grafana's grid.
pub(super) const COLUMNS: usize = 24;

/// The version of Grafana's dashboard model: that of Grafana 11.
const SCHEMA_VERSION: u32 = 39;

/// The dashboard's JSON, with this title and a link to the live page at this address.
pub(super) fn text(catalog: &Catalog, view: &View, (title, page): (&str, &str)) -> Result<String, Error> {
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
            "icon": "",
            "tooltip": "",
            "url": "",
            "tags": ["promemu"],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
        }, {
            "type": "link",
            "title": "live page",
            "icon": "external link",
            "tooltip": "the run on promemu's page",
            "url": page,
            "tags": [],
            "asDropdown": false,
            "includeVars": false,
            "keepTime": false,
            "targetBlank": true,
        }],
        "templating": { "list": variables(catalog, view) },
        "annotations": annotations(catalog),
        "panels": panels(catalog, view),
    });
    let text = serde_json::to_string_pretty(&dashboard)
        .map_err(|error| Error::Run(format!("dashboard was not made because of a bug: {error}")))?;
    Ok(text + "\n")
}

fn panels(catalog: &Catalog, view: &View) -> Vec<Value> {
    let mut grid = Grid::default();
    if view.one_host {
        for number in catalog.metrics.iter().filter_map(|metric| panel::number(metric, catalog, view)) {
            grid.place(vec![number]);
        }
    }
    if !view.one_host {
        let stats = stats::stats(catalog, view);
        if !stats.is_empty() {
            grid.begin_row("is it well?");
            for stat in stats {
                grid.place(vec![stat]);
            }
        }
    }
    for (sense, metrics) in senses::in_rows(&catalog.metrics) {
        grid.begin_row(sense);
        for metric in metrics {
            grid.place(panel::panels(metric, catalog, view));
        }
    }
    grid.panels
}

/// Places panels from left to right and from top to bottom.
#[derive(Debug, Default)]
struct Grid {
    panels: Vec<Value>,
    x: usize,
    y: usize,
    /// The height of the current row.
    height: usize,
}

impl Grid {
    /// Begins a row of panels with a title.
    fn begin_row(&mut self, title: &str) {
        self.y += self.height;
        let id = self.panels.len() + 1;
        self.panels.push(json!({
            "type": "row", "id": id, "title": title, "collapsed": false, "panels": [],
            "gridPos": { "x": 0, "y": self.y, "w": COLUMNS, "h": 1 },
        }));
        (self.x, self.y, self.height) = (0, self.y + 1, 0);
    }

    /// Adds panels that stand side by side.
    fn place(&mut self, group: Vec<Panel>) {
        let width: usize = group.iter().map(|panel| panel.width).sum();
        let has_height = group.first().is_none_or(|panel| panel.height == self.height);
        if self.x + width > COLUMNS || !has_height {
            self.y += self.height;
            self.x = 0;
        }
        for Panel { mut json, width, height } in group {
            json["id"] = json!(self.panels.len() + 1);
            json["gridPos"] = json!({ "x": self.x, "y": self.y, "w": width, "h": height });
            self.panels.push(json);
            self.x += width;
            self.height = height;
        }
    }
}

/// Grafana's identifier of the dashboard: at most 40 letters, digits and signs.
fn uid(title: &str) -> String {
    let sign = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    "promemu-".chars().chain(title.chars().map(sign)).take(40).collect()
}
