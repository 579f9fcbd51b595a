//! The run that is tested, its twin without faults, and the rules that watch it.

use std::sync::Arc;

use indexmap::IndexMap;
use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::metric::Kind;
use promemu_core::plan::{Plan, Verdict, VerdictPlan};
use promemu_core::time::{Span, Time};
use promemu_core::verdict::{Answer, ComparedValues, verdicts_of_truth};
use promemu_run::clock::wall_now;
use promemu_wire::export::TargetLabels;
use promemu_wire::grafana_dashboard::GrafanaDashboard;
use promemu_wire::rule_file::Rule;
use tracing::warn;

use super::case::Case;
use super::condition::{Comparison, Condition, value_and_threshold};
use super::dashboard_files;
use super::live::LiveRules;
use super::rules::Rules;
use super::sweep::MEASURED;
use crate::args::{ExportLabels, TestArgs, TestMode};
use crate::config;
use crate::settings::{Settings, interval, positive};
use crate::truth::default_span;

/// Seed of a test without `--seed`: each time the same, so that a test that passes goes on to pass.
const SEED: u64 = 1;
/// Maximum number of series for promtool.
const EXACT_SERIES_MAX: usize = 1_000;
/// Maximum number of samples for promtool, which holds all of them as text.
const EXACT_SAMPLES_MAX: usize = 5_000_000;
/// Maximum number of scrapes, and of evaluations.
const TIMES_MAX: usize = 1_000_000;

/// The answers to conditions, by their keys.
type Answers = IndexMap<String, Result<Answer, String>>;

/// The subject of a test.
#[derive(Debug)]
pub(super) struct Subject {
    /// The config.
    pub(super) case: Case,
    /// The run.
    pub(super) run: TestRun,
    /// The same without faults; `None` if the config has none.
    pub(super) twin: Option<TestRun>,
    /// The verdicts that are judged.
    pub(super) verdicts: Vec<VerdictPlan>,
    /// The dashboards that verdicts name.
    pub(super) dashboards: IndexMap<String, GrafanaDashboard>,
    /// The rules that watch the run.
    pub(super) rules: Rules,
    /// The times of scrapes.
    pub(super) scrapes: Grid,
    /// The times of evaluations.
    pub(super) evaluations: Grid,
    /// The labels of a target.
    pub(super) labels: TargetLabels,
    pub(super) seed: u64,
    /// The values of the alerts' expressions, by alert, if a report shows them.
    pub(super) charts: IndexMap<String, Chart>,
    /// The queries whose values a sweep compares, by the name of their answers.
    pub(super) measures: IndexMap<String, String>,
    /// The comparisons of alerts whose values are asked for, by alert.
    pub(super) comparisons: IndexMap<String, Comparison>,
}

/// The value that an alert's expression compares.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chart {
    /// Its name among the answers.
    pub(super) key: String,
    /// The query for it.
    pub(super) query: String,
    /// The number that it is compared with.
    pub(super) threshold: Option<f64>,
}

impl Chart {
    fn of(expression: &str) -> Self {
        let (query, threshold) = value_and_threshold(expression);
        Self { key: format!("value of {query}"), query, threshold }
    }
}

/// A run, and its values in virtual time.
#[derive(Debug)]
pub(super) struct TestRun {
    pub(super) plan: Arc<Plan>,
    /// `None` of a live run.
    backfill: Option<Backfill>,
}

impl TestRun {
    fn new(plan: Plan, seed: u64, grid: &Grid) -> Result<Self, Error> {
        let plan = Arc::new(plan);
        let backfill = Backfill::new(Arc::clone(&plan), seed, grid.from, grid.to)?;
        Ok(Self { plan, backfill: Some(backfill) })
    }

    /// The run in virtual time.
    ///
    /// # Errors
    ///
    /// It is a live one.
    pub(super) fn backfill(&self) -> Result<&Backfill, Error> {
        let live = || Error::Run("a live run has no virtual time".to_owned());
        self.backfill.as_ref().ok_or_else(live)
    }
}

impl Subject {
    /// The subject of a test in virtual time, or of a live one with these rules.
    pub(super) fn new(
        settings: &Settings,
        args: &TestArgs,
        case: &Case,
        live: Option<&LiveRules>,
    ) -> Result<Self, Error> {
        let Case { file, variant, lasts, .. } = case;
        let from = match live {
            None => Time::parse(&args.from).map_err(|error| usage("--from or PME_TEST_FROM", &error))?,
            Some(_) => wall_now(),
        };
        let plan = config::load_variant(settings, file, variant, from)?.plan;
        let (scrapes, evaluations) = grids(args, (&plan, *lasts), from, live)?;
        let seed = settings.cli().seed.unwrap_or(SEED);
        let mut verdicts = verdicts_of(args, &plan);
        let dashboards =
            dashboard_files::read(&mut verdicts, file.source().map(|(path, _)| path), &args.dashboard)?;
        let rules = match live {
            None => Rules::read(&args.rules)?,
            Some(live) => live.rules.clone(),
        };
        rules.check(&verdicts, live.is_some())?;
        if args.sweep.is_none() {
            warn_of_few(&verdicts);
        }
        let measures = measures_of(args, &plan);
        let chart = |rule: &Rule| (rule.name.clone(), Chart::of(&rule.expr));
        let charts = args.html.iter().flat_map(|_| rules.alerts().map(chart)).collect();
        let needs_twin = live.is_none() && has_faults(&plan) && forbids_other_alerts(&verdicts);
        let run = match live {
            None => TestRun::new(plan, seed, &scrapes)?,
            Some(_) => TestRun { plan: Arc::new(plan), backfill: None },
        };
        let twin = if needs_twin {
            let plan = settings.load_variant(file, variant, true, from)?.plan;
            Some(TestRun::new(plan, seed, &scrapes)?)
        } else {
            None
        };
        let labels = match args.labels {
            ExportLabels::Scrape => TargetLabels::Scraped,
            ExportLabels::Push => TargetLabels::Pushed,
        };
        Ok(Self {
            case: case.clone(),
            run,
            twin,
            verdicts,
            dashboards,
            rules,
            scrapes,
            evaluations,
            labels,
            seed,
            charts,
            measures,
            comparisons: IndexMap::new(),
        })
    }

    /// The conditions to be asked, by the query of the verdict.
    pub(super) fn conditions(&self) -> IndexMap<String, Condition> {
        let queries = self.verdicts.iter().filter_map(|verdict| verdict.verdict.query());
        let mut conditions: IndexMap<String, Condition> =
            queries.map(|query| (query.to_owned(), Condition::of(query))).collect();
        let values =
            self.charts.values().map(|chart| (chart.key.clone(), Condition::values_of(&chart.query)));
        conditions.extend(values);
        let measured = self.measures.iter().map(|(name, query)| (name.clone(), Condition::values_of(query)));
        conditions.extend(measured);
        let compared = self.comparisons.values();
        conditions.extend(compared.map(|known| (known.key(), Condition::values_of(&known.query))));
        conditions
    }

    /// The values of comparisons, as far as they are among the answers.
    pub(super) fn compared(&self, answers: &Answers) -> IndexMap<String, ComparedValues> {
        let values_of = |(alert, comparison): (&String, &Comparison)| {
            let Ok(steps) = answers.get(&comparison.key())? else { return None };
            let values = steps.iter().map(|elements| elements.first().map(|element| element.value)).collect();
            let Comparison { threshold, is_above, .. } = *comparison;
            Some((alert.clone(), ComparedValues { threshold, is_above, values }))
        };
        self.comparisons.iter().filter_map(values_of).collect()
    }

    /// The way in which rules are evaluated, and the reason for it.
    ///
    /// # Errors
    ///
    /// The way that is wanted is not for so many samples.
    pub(super) fn mode(&self, wanted: Option<TestMode>) -> Result<(TestMode, String), Error> {
        let series = self.run.plan.series_count();
        let has_many = series.saturating_mul(self.scrapes.count()) > EXACT_SAMPLES_MAX;
        let is_native = |host: &Arc<promemu_core::plan::HostPlan>| {
            host.shape
                .all_metrics()
                .any(|metric| matches!(metric.cells.layout().kind, Kind::NativeHistogram(_)))
        };
        let has_native = self.run.plan.hosts.iter().any(is_native);
        let (mode, why) = match wanted {
            Some(TestMode::Exact) if has_many => {
                let message = format!(
                    "--mode or PME_TEST_MODE: exact is for up to {EXACT_SAMPLES_MAX} samples; use --mode large, or make --for shorter"
                );
                return Err(Error::Usage(message));
            }
            Some(mode) => (mode, "as --mode says".to_owned()),
            None if has_native => (TestMode::Large, "the config has native histograms".to_owned()),
            None if series > EXACT_SERIES_MAX => {
                (TestMode::Large, format!("more than {EXACT_SERIES_MAX} series"))
            }
            None if has_many => (TestMode::Large, format!("more than {EXACT_SAMPLES_MAX} samples")),
            None => match self.rules.own_intervals(self.evaluations.step).next() {
                Some((group, interval)) => {
                    (TestMode::Large, format!("the group {group:?} has an interval of its own, {interval}"))
                }
                None => (TestMode::Exact, format!("up to {EXACT_SERIES_MAX} series")),
            },
        };
        let is_large = mode == TestMode::Large;
        self.rules.warn_of_intervals(self.evaluations.step, self.scrapes.step, is_large);
        if is_large {
            self.check_intervals()?;
        }
        Ok((mode, why))
    }

    /// The times at which a group of rules is evaluated that has an interval of its own, or not.
    pub(super) fn evaluations_of(&self, interval: Option<Span>) -> Grid {
        Grid { step: interval.unwrap_or(self.evaluations.step), ..self.evaluations }
    }

    /// Refuses groups with too many evaluations.
    fn check_intervals(&self) -> Result<(), Error> {
        let mut own = self.rules.own_intervals(self.evaluations.step);
        let is_over = |interval: Span| self.evaluations_of(Some(interval)).count() > TIMES_MAX;
        match own.find(|(_, interval)| is_over(*interval)) {
            Some((group, interval)) => Err(Error::Usage(format!(
                "--for or PME_TEST_FOR: the group {group:?}, with its interval of {interval}, has more than {TIMES_MAX} evaluations; make it shorter"
            ))),
            None => Ok(()),
        }
    }
}

fn has_faults(plan: &Plan) -> bool {
    !plan.faults.is_empty() || plan.hosts.iter().any(|host| host.faults().next().is_some())
}

fn forbids_other_alerts(verdicts: &[VerdictPlan]) -> bool {
    verdicts.iter().any(|verdict| matches!(verdict.verdict, Verdict::NoOtherAlerts { .. }))
}

/// The verdicts that are judged, without those of dashboards that the command line names.
fn verdicts_of(args: &TestArgs, plan: &Plan) -> Vec<VerdictPlan> {
    match plan.verdicts.as_slice() {
        // It judges nothing.
        _ if args.sweep.is_some() => Vec::new(),
        // Dashboards alone are a test, too.
        [] if args.rules.is_empty() && !args.dashboard.is_empty() => Vec::new(),
        [] => verdicts_of_truth(plan),
        own => own.to_vec(),
    }
}

/// The queries of a sweep, by the name of their answers.
fn measures_of(args: &TestArgs, plan: &Plan) -> IndexMap<String, String> {
    let measure = |(name, query): (&String, &String)| (format!("{MEASURED}{name}"), query.clone());
    plan.measures.iter().filter(|_| args.sweep.is_some()).map(measure).collect()
}

/// The comparisons of the alerts that these verdicts expect to fire.
pub(super) fn comparisons<'v>(
    rules: &Rules,
    verdicts: impl Iterator<Item = &'v VerdictPlan>,
) -> IndexMap<String, Comparison> {
    let alerts = verdicts.filter_map(|verdict| match &verdict.verdict {
        Verdict::Fires { alert, .. } => Some(&alert.name),
        _ => None,
    });
    let comparison = |alert: &String| {
        let mut rules = rules.alerts().filter(|rule| rule.name == *alert);
        let only = rules.next().filter(|_| rules.next().is_none())?;
        Some((alert.clone(), Comparison::of(&only.expr)?))
    };
    alerts.filter_map(comparison).collect()
}

/// The times of scrapes and of evaluations.
fn grids(
    args: &TestArgs,
    (plan, lasts): (&Plan, Option<Span>),
    from: Time,
    live: Option<&LiveRules>,
) -> Result<(Grid, Grid), Error> {
    let step = interval("--step or PME_TEST_STEP", &args.step)?;
    let evaluation = match &args.evaluation_interval {
        Some(text) => interval("--evaluation-interval or PME_TEST_EVALUATION_INTERVAL", text)?,
        None => live.and_then(LiveRules::evaluation).unwrap_or(step),
    };
    let span = args.span.as_deref().map(|text| positive("--for or PME_TEST_FOR", text)).transpose()?;
    let length = lasts.or(span).unwrap_or_else(|| default_span(plan));
    if length == Span::FOREVER {
        return Err(Error::Usage("--for or PME_TEST_FOR: a test must have an end".to_owned()));
    }
    let grid = |flag: &str, step| {
        let grid = Grid { from, to: from + length, step };
        if grid.count() > TIMES_MAX {
            return Err(Error::Usage(format!(
                "--for or PME_TEST_FOR: {length} has more than {TIMES_MAX} times with a step of {step}; make it shorter, or {flag} longer"
            )));
        }
        Ok(grid)
    };
    Ok((grid("--step", step)?, grid("--evaluation-interval", evaluation)?))
}

/// Warns if the verdicts are content with rules that never fire.
fn warn_of_few(verdicts: &[VerdictPlan]) {
    let is_weak = |verdict: &VerdictPlan| {
        matches!(verdict.verdict, Verdict::NoOtherAlerts { .. } | Verdict::Series { .. })
    };
    if verdicts.iter().all(is_weak) {
        warn!(
            "no alert is expected to fire, so rules that never fire pass; name the alerts of a fault in its truth, or write verdicts"
        );
    }
}

fn usage(flag: &str, error: &str) -> Error {
    Error::Usage(format!("{flag}: {error}"))
}
