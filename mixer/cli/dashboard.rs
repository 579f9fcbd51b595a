//! `promemu dashboard`: a Grafana dashboard of a config's metrics, or of promemu's own.
//!
//! What a metric is decides how it is shown: counters as rates, histograms as quantiles and a heat map, infos as a
//! table. The same config gives the same bytes, so that dashboards can be kept beside their configs. The form is
//! Grafana's dashboard model
//! (<https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/>).

mod page;
mod panel;
mod query;
mod subject;
mod unit;
mod variables;

use promemu_core::error::Error;
use promemu_run::clock::wall_now;
use tracing::warn;

use crate::args::DashboardArgs;
use crate::settings::Settings;
use crate::stdout;
use query::View;
use subject::Subject;

/// Makes a dashboard: prints it, or writes it to a file.
pub(crate) fn make(settings: &Settings, args: &DashboardArgs) -> Result<(), Error> {
    let subject = match &args.name {
        Some(name) => {
            let file = settings.config_dirs().open(name)?;
            let loaded = settings.load(&file, wall_now())?;
            for warning in &loaded.warnings {
                warn!("{warning}");
            }
            Subject::of_plan(&loaded.plan)
        }
        None => Subject::of_own_metrics()?,
    };
    let view = view(args, &subject)?;
    let title = args.title.as_deref().unwrap_or(&subject.name);
    let text = page::text(&subject, &view, title)?;
    let Some(path) = &args.out else { return stdout::print(text.as_bytes()) };
    stdout::replace_file(path, text.as_bytes()).map_err(|source| {
        let what = format!("{} cannot be written; choose another file with --out", path.display());
        Error::System { what, source }
    })
}

/// What the flags say about how series are put together.
fn view(args: &DashboardArgs, subject: &Subject) -> Result<View, Error> {
    if args.one_host && !subject.labels.iter().any(|label| label == subject::HOST_LABEL) {
        return Err(Error::Usage(
            "--one-host or PME_DASHBOARD_ONE_HOST: promemu's own metrics have no hosts; leave it out"
                .to_owned(),
        ));
    }
    if let Some(label) = &args.by
        && !subject.has_label(label)
    {
        let known = subject.all_labels();
        return Err(Error::Usage(format!(
            "--by or PME_DASHBOARD_BY: no metric has a label {label:?}{}; there are {}",
            promemu_core::error::suggestion(label, &known),
            known.join(", ")
        )));
    }
    Ok(View { one_host: args.one_host, by: args.by.clone() })
}

#[cfg(test)]
mod tests;
