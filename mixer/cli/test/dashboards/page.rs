//! The queries of a dashboard that Grafana sends when a page is opened: one request for each panel and annotation, with the
//! default values of all variables.

use promemu_core::backfill::Grid;
use promemu_core::time::Span;
use promemu_wire::grafana_dashboard::{GrafanaDashboard, GrafanaQuery};

use super::choices::{Choices, Pins, Resolved};
use super::data::Data;
use super::interpolation::{TimeRange, fill_in, shortest_step};

/// A query with its variables filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::test) struct PageQuery {
    pub(in crate::test) text: String,
    /// Time between two steps.
    pub(in crate::test) step: Span,
    /// `true` if it is asked at the end of the range alone.
    pub(in crate::test) is_instant: bool,
}

/// The queries of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::test) struct PagePart {
    /// The panel's title, or the annotation's name.
    pub(in crate::test) name: String,
    pub(in crate::test) queries: Vec<PageQuery>,
}

/// The requests of a page over a range. Values of variables are asked for.
///
/// # Errors
///
/// In words: the values of a variable are not to be found, or a query names one that is not there.
pub(in crate::test) fn page(
    dashboard: &GrafanaDashboard,
    data: &Data<'_>,
    range: &Grid,
) -> Result<Vec<PagePart>, String> {
    let resolved = Choices::new(dashboard, data, TimeRange::new(range, None)).resolve(&Pins::new());
    if let Some((name, Err(why))) = resolved.options.iter().find(|(_, options)| options.is_err()) {
        return Err(format!("the values of ${name} cannot be found: {why}"));
    }
    let part = |name: &str, queries: &[GrafanaQuery]| {
        let queries: Result<_, String> =
            queries.iter().map(|query| filled(query, &resolved, range)).collect();
        Ok(PagePart { name: name.to_owned(), queries: queries? })
    };
    let panels = dashboard.panels.iter().map(|panel| part(&panel.title, &panel.queries));
    let annotations = dashboard.annotations.iter();
    let annotations = annotations.map(|of| part(&of.name, std::slice::from_ref(&of.query)));
    panels.chain(annotations).collect()
}

fn filled(query: &GrafanaQuery, resolved: &Resolved, range: &Grid) -> Result<PageQuery, String> {
    let min_step = shortest_step(query.min_step.as_deref(), &resolved.selection, range);
    let time = TimeRange::new(range, min_step);
    let filled = fill_in(&query.expr, &resolved.selection, &time);
    match filled.unknown.first() {
        Some(name) => Err(format!("the dashboard has no variable ${name}: {}", query.expr)),
        None => Ok(PageQuery { text: filled.text, step: time.step(), is_instant: query.is_instant }),
    }
}
