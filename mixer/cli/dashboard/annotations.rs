//! The annotations in all panels of a dashboard: switches, and the phases and faults of a timeline.

use promemu_core::metric::promql::selector;
use serde_json::{Value, json};

use super::catalog::{Catalog, CatalogMetric};
use super::variables::data_source;

/// The matcher of the selected jobs.
const JOBS: &str = "job=~\"$job\"";

/// All annotations. Grafana draws a region for a series that has a value for a while.
pub(super) fn annotations(catalog: &Catalog) -> Value {
    let switches = catalog.metrics.iter().filter(|metric| metric.is_switch).map(switch);
    let phases = (!catalog.phases.is_empty()).then(|| phases(&catalog.phases));
    let faults = catalog.shows_faults.then(faults);
    let list: Vec<Value> = phases.into_iter().chain(faults).chain(switches).collect();
    json!({ "list": list })
}

/// The times at which a metric was switched on, on any host.
fn switch(metric: &CatalogMetric) -> Value {
    let expr = format!("{} > 0", selector(&metric.name, JOBS));
    annotation(&metric.name, &expr, "orange", (&metric.help, "{{name}}"))
}

/// The phases, each with its name: `scenario_phase` has their numbers.
fn phases(names: &[String]) -> Value {
    let number = format!("max by (scenario) ({})", selector("scenario_phase", JOBS));
    let each = (1..).zip(names).map(|(n, name)| {
        // A replacement has groups after a dollar sign; the text has them doubled.
        let name = Value::from(name.replace('$', "$$"));
        format!("label_replace({number} == {n}, \"phase\", {name}, \"\", \"\")")
    });
    let expr = each.collect::<Vec<_>>().join(" or ");
    annotation("phases", &expr, "blue", ("{{phase}}", "{{scenario}}"))
}

/// The faults, each with its id.
fn faults() -> Value {
    let active = selector("fault_active", JOBS);
    let expr = format!("max by (fault, kind, target, root) ({active}) == 1");
    annotation("faults", &expr, "red", ("{{fault}}", "{{kind}} {{target}}"))
}

fn annotation(name: &str, expr: &str, colour: &str, (title, text): (&str, &str)) -> Value {
    json!({
        "name": name,
        "datasource": data_source(),
        "enable": true,
        "expr": expr,
        "iconColor": colour,
        "step": "10s",
        "titleFormat": title,
        "textFormat": text,
        "useValueForTime": false,
    })
}
