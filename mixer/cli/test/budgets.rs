//! `promemu test --live --dashboard FILE` without a config: how long a dashboard's page and its queries take on a Prometheus that
//! runs, and how many series that has, against budgets.
//!
//! Nothing of it is a run: the Prometheus is only asked.

mod grafana;
mod limits;
mod report;
mod rounds;
mod unread;

use std::process::ExitCode;

use indexmap::{IndexMap, IndexSet};
use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_core::verdict::Outcome;
use promemu_run::clock::wall_now;
use promemu_run::http::{HttpOptions, TargetUrl};
use promemu_wire::grafana_dashboard::GrafanaDashboard;

use super::dashboard_files;
use super::dashboards::{Data, PagePart, page};
use crate::args::TestArgs;
use crate::cardinality::series_by_metric;
use crate::prometheus_client::{PrometheusClient, Unanswered};
use crate::report_file::{self, is_printed};
use crate::settings::{positive, server};
use crate::stdout;
use grafana::Grafana;
use limits::{Budgets, QueryClass};
use report::{Measured, Report, SeriesMeasured};
use rounds::{AT_ONCE, Source, Times, measure};
use unread::unread;

/// Length of the range of a page, unless `--for` says otherwise.
const RANGE: Span = Span::from_secs(3_600);

/// Measures dashboards if no config is named; `None` for the test of a config.
///
/// # Errors
///
/// A flag or a file is wrong, or a report cannot be written.
pub(super) fn without_config(args: &TestArgs) -> Result<Option<ExitCode>, Error> {
    if args.name.is_empty() && args.live && !args.dashboard.is_empty() {
        return measure_dashboards(args).map(Some);
    }
    if args.grafana.is_some() || !args.budget.is_empty() {
        let message =
            "--grafana and --budget are for dashboards that are measured; leave the config's name out";
        return Err(Error::Usage(message.to_owned()));
    }
    Ok(None)
}

fn measure_dashboards(args: &TestArgs) -> Result<ExitCode, Error> {
    refuse_flags_of_runs(args)?;
    let budgets = Budgets::parse(&args.budget)?;
    let place = Place::of(args)?;
    let dashboards = dashboard_files::read(&mut Vec::new(), None, &args.dashboard)?;
    let range = args.span.as_deref().map(|text| positive("--for or PME_TEST_FOR", text)).transpose()?;
    let step = positive("--step or PME_TEST_STEP", &args.step)?;
    let to = wall_now();
    let grid = Grid { from: to.before(range.unwrap_or(RANGE)), to, step };
    let mut report = Report::new(place.prometheus.url().to_string(), grid);
    for (name, dashboard) in &dashboards {
        report.measured.extend(of_dashboard(name, dashboard, &place, (grid, &budgets)));
    }
    report.series = of_series(&place.prometheus, &budgets);
    let queries = report.measured.iter().map(|of| of.query.as_str()).filter(|query| !query.is_empty());
    report.unread = unread(&place.prometheus, &grid, queries);
    if !is_printed(args.json.as_ref()) {
        stdout::print(report.text().as_bytes())?;
    }
    if let Some(path) = &args.json {
        report_file::write(path, "--json", &report.json())?;
    }
    Ok(match report.worst() {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Undecided => ExitCode::from(super::UNDECIDED),
        Outcome::Failed => ExitCode::from(super::FAILED),
    })
}

/// Refuses flags that are about a run.
fn refuse_flags_of_runs(args: &TestArgs) -> Result<(), Error> {
    let given = [
        ("--junit", args.junit.is_some()),
        ("--html", args.html.is_some()),
        ("--update", args.update),
        ("--webhook", args.webhook.is_some()),
        ("--alertmanager", args.alertmanager.is_some()),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Error::Usage(format!(
            "{flag} is of the test of a config, and none is named; without one, dashboards are measured"
        ))),
        None => Ok(()),
    }
}

/// The servers that are asked.
struct Place {
    prometheus: PrometheusClient,
    /// More clients, as a browser has several connections.
    clients: Vec<PrometheusClient>,
    grafanas: Vec<Grafana>,
}

impl Place {
    fn of(args: &TestArgs) -> Result<Self, Error> {
        let flag = "--prometheus or PME_TEST_PROMETHEUS";
        let text = args.prometheus.to_str().filter(|text| super::live::is_url(text)).ok_or_else(|| {
            let message =
                "--live needs the address of a Prometheus that runs; add --prometheus http://127.0.0.1:9090";
            Error::Usage(message.to_owned())
        })?;
        let (url, options) = server(flag, text, "--prometheus http://127.0.0.1:9090")?;
        let client = || PrometheusClient::new(url.clone(), &options);
        let clients = (0..AT_ONCE).map(|_| client()).collect::<Result<_, Error>>()?;
        let grafanas = match &args.grafana {
            Some(text) => {
                let (url, options) =
                    server("--grafana or PME_TEST_GRAFANA", text, "--grafana http://127.0.0.1:3000")?;
                grafanas(&url, &options)?
            }
            None => Vec::new(),
        };
        Ok(Self { prometheus: client()?, clients, grafanas })
    }
}

fn grafanas(url: &TargetUrl, options: &HttpOptions) -> Result<Vec<Grafana>, Error> {
    let first = Grafana::connect(url, options)
        .map_err(|why| Error::Run(format!("{url} is no Grafana that can be asked: {why}")))?;
    (0..AT_ONCE).map(|_| first.another(options)).collect()
}

/// The page of a dashboard, and its queries one by one.
fn of_dashboard(
    name: &str,
    dashboard: &GrafanaDashboard,
    place: &Place,
    (grid, budgets): (Grid, &Budgets),
) -> Vec<Measured> {
    let lost = IndexMap::new();
    let data = Data::new(&place.prometheus, &grid, &lost, true);
    let new = |class: QueryClass, query: &str, times: Result<Times, String>| Measured {
        dashboard: name.to_owned(),
        class,
        query: query.to_owned(),
        limit: budgets.limit(class),
        times,
    };
    let parts = match page(dashboard, &data, &grid) {
        Ok(parts) => parts,
        Err(why) => return vec![new(QueryClass::Page, "", Err(why))],
    };
    let prometheus: Vec<&dyn Source> = place.clients.iter().map(|client| client as &dyn Source).collect();
    let mut found = vec![new(QueryClass::Page, "", measure(&prometheus, &parts, &grid))];
    if !place.grafanas.is_empty() {
        let grafanas: Vec<&dyn Source> =
            place.grafanas.iter().map(|grafana| grafana as &dyn Source).collect();
        found.push(new(QueryClass::GrafanaPage, "", measure(&grafanas, &parts, &grid)));
    }
    let mut queries: Vec<_> = parts.into_iter().flat_map(|part| part.queries).collect();
    let mut seen = IndexSet::new();
    queries.retain(|query| seen.insert(query.text.clone()));
    for query in queries {
        let text = query.text.clone();
        let alone = [PagePart { name: String::new(), queries: vec![query] }];
        let times = measure(&prometheus[..1], &alone, &grid);
        found.push(new(QueryClass::of(&text), &text, times));
    }
    found
}

/// The series of the Prometheus: those that it has in memory, or else those of now.
fn of_series(prometheus: &PrometheusClient, budgets: &Budgets) -> Vec<SeriesMeasured> {
    let rows = |name: &str, limit, count| SeriesMeasured { name: name.to_owned(), limit, count };
    match series_by_metric(prometheus).map_err(Unanswered::text) {
        Ok((total, metrics)) => {
            let largest = metrics.first().map_or(("no metric", 0), |(name, count)| (name.as_str(), *count));
            vec![rows("all metrics", budgets.total, Ok(total)), rows(largest.0, budgets.each, Ok(largest.1))]
        }
        Err(why) => vec![rows("all metrics", budgets.total, Err(why))],
    }
}
