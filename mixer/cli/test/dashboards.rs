//! The queries of dashboards, with variables filled in from the data, asked of a Prometheus on the samples of the run.

mod choices;
mod data;
mod interpolation;
mod page;
mod queries;
pub(super) mod selectors;
mod units;

use std::path::Path;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::verdict::{DashboardPart, Outcome, PartKind, PartProblem};
use promemu_wire::grafana_dashboard::{GrafanaDashboard, GrafanaPanel, GrafanaVariable};

use self::choices::Choices;
pub(in crate::test) use self::data::Data;
use self::interpolation::TimeRange;
pub(in crate::test) use self::page::{PagePart, PageQuery, page};
use self::queries::Queries;
use super::large;
use super::rules::Rules;
use super::subject::Subject;
use crate::prometheus_client::PrometheusClient;

/// The parts of dashboards, by dashboard.
type Dashboards = IndexMap<String, Result<Vec<DashboardPart>, String>>;

/// Asks for all queries of the dashboards that verdicts name.
pub(super) fn observe(subject: &Subject, rules: &Rules, program: &Path) -> Result<Dashboards, Error> {
    if subject.dashboards.is_empty() {
        return Ok(Dashboards::new());
    }
    let seen = large::ask(subject, rules, program, |prometheus, lost| {
        let has_rules = !rules.files.is_empty();
        let data = Data::new(prometheus, &subject.scrapes, lost, has_rules);
        let parts = subject.dashboards.values().map(|dashboard| parts(dashboard, &data, subject));
        parts.collect::<Vec<_>>()
    })?;
    let names = subject.dashboards.keys().cloned();
    Ok(match seen {
        Ok(parts) => names.zip(parts.into_iter().map(Ok)).collect(),
        Err(why) => names.map(|name| (name, Err(why.clone()))).collect(),
    })
}

/// Asks a Prometheus that saw the run live.
pub(super) fn observe_live(subject: &Subject, prometheus: &PrometheusClient) -> Dashboards {
    let lost = IndexMap::new();
    let data = Data::new(prometheus, &subject.scrapes, &lost, true);
    let parts = |(name, dashboard): (&String, _)| (name.clone(), Ok(parts(dashboard, &data, subject)));
    subject.dashboards.iter().map(parts).collect()
}

fn parts(dashboard: &GrafanaDashboard, data: &Data<'_>, subject: &Subject) -> Vec<DashboardPart> {
    let choices = Choices::new(dashboard, data, TimeRange::new(&subject.scrapes, None));
    let queries = Queries::new(data, &choices, &subject.scrapes);
    let variables = dashboard.variables.iter().map(|variable| variable_part(variable, &choices));
    let panels = dashboard.panels.iter().map(|panel| panel_part(panel, &queries));
    let annotations = dashboard.annotations.iter().map(|annotation| {
        queries.part(
            PartKind::Annotation,
            &annotation.name,
            std::slice::from_ref(&annotation.query),
            &[],
            None,
        )
    });
    variables.chain(panels).chain(annotations).collect()
}

fn panel_part(panel: &GrafanaPanel, queries: &Queries<'_>) -> DashboardPart {
    let unit = panel.unit.as_deref();
    let mut part = queries.part(PartKind::Panel, &panel.title, &panel.queries, &panel.repeated_by, unit);
    if panel.is_elsewhere {
        part.problems.push(PartProblem {
            outcome: Outcome::Undecided,
            is_of_data: true,
            text: "the library panel is not in the file; export the dashboard for sharing".to_owned(),
            query: String::new(),
        });
    }
    part
}

/// A variable has values.
fn variable_part(variable: &GrafanaVariable, choices: &Choices<'_>) -> DashboardPart {
    let resolved = choices.resolve(&choices::Pins::new());
    let found = match resolved.options.get(&variable.name) {
        Some(Ok(values)) if !values.is_empty() => None,
        Some(Err(why)) => Some((Outcome::Undecided, format!("its values cannot be found: {why}"))),
        _ => Some((Outcome::Failed, format!("it has no values{}", choices.why_none(variable, &resolved)))),
    };
    let problem =
        found.map(|(outcome, text)| PartProblem { outcome, is_of_data: true, text, query: String::new() });
    DashboardPart {
        kind: PartKind::Variable,
        name: variable.name.clone(),
        queries: 0,
        values_left_out: 0,
        problems: problem.into_iter().collect(),
    }
}
