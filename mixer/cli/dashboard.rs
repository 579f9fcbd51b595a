//! `promemu dashboard`: a Grafana dashboard of a config's metrics, or of promemu's own.
//!
//! The type of a metric sets its panels: a rate for a counter, quantiles and a heat map for a histogram, a table for an
//! info. The same config gives the same bytes, so that dashboards can be kept beside their configs. The format is
//! Grafana's dashboard model
//! (<https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>).

mod annotations;
mod catalog;
mod model;
mod panel;
mod query;
mod rule_limits;
mod senses;
mod stats;
mod thresholds;
mod unit;
mod variables;

use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use tracing::info;

use crate::args::DashboardArgs;
use crate::settings::Settings;
use crate::test::Rules;
use crate::{config, output_file, stdout};
use catalog::Catalog;
use query::View;

/// Prints a dashboard, or writes it to a file.
pub(crate) fn dashboard(settings: &Settings, args: &DashboardArgs) -> Result<(), Error> {
    let catalog = match &args.name {
        Some(name) => {
            let loaded = config::load_named(settings, name, wall_now())?;
            Catalog::of_plan(&loaded.plan)
        }
        None => Catalog::of_self_metrics()?,
    };
    let catalog = catalog.with_limits_of(&Rules::read(&args.rules)?);
    let view = view(args, &catalog)?;
    let title = args.title.as_deref().unwrap_or(&catalog.name);
    let text = model::text(&catalog, &view, (title, &args.page_url))?;
    let Some(path) = &args.out else { return stdout::print_for_programs(text.as_bytes()) };
    if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
        return Err(Error::Usage(format!(
            "--out or PME_DASHBOARD_OUT: a dashboard is JSON, and {} names YAML; end it in .json",
            path.display()
        )));
    }
    output_file::replace(path, text.as_bytes()).map_err(|source| unwritable(path, "--out", source))?;
    info!(out = %path.display(), title, "dashboard written");
    Ok(())
}

/// The view of the flags; refuses labels that no metric has.
fn view(args: &DashboardArgs, catalog: &Catalog) -> Result<View, Error> {
    if args.one_host && !catalog.labels.iter().any(|label| label == catalog::HOST_LABEL) {
        return Err(Error::Usage(
            "--one-host or PME_DASHBOARD_ONE_HOST: promemu's own metrics have no hosts; leave it out"
                .to_owned(),
        ));
    }
    if let Some(label) = &args.by
        && !catalog.has_label(label)
    {
        let known = catalog.all_labels();
        return Err(Error::Usage(format!(
            "--by or PME_DASHBOARD_BY: no metric has a label {label:?}{}; the labels are {}",
            promemu_core::error::suggestion(label, &known),
            known.join(", ")
        )));
    }
    Ok(View { one_host: args.one_host, by: args.by.clone() })
}

#[cfg(test)]
mod tests;
