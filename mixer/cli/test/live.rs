//! The live mode: the run has real time, and a Prometheus that runs sees it and evaluates the rules that it has.
//!
//! Its samples of `ALERTS` say when alerts were on. Whatever it cannot say is undecided.

mod alertmanagers;
mod alerts;
mod rules;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::fault::Course;
use promemu_core::plan::{Plan, Verdict, VerdictPlan};
use promemu_core::time::{Span, Speed, Time};
use promemu_core::verdict::{AlertSeries, Notifications, Observation};
use promemu_run::clock::Clock;
use promemu_run::event_tap::EventTap;
use promemu_run::outputs::SharedOutputs;
use promemu_run::run::{Run, StopReason};
use promemu_run::settings::RunSettings;
use promemu_run::spec::RunSpec;
use promemu_run::threads;
use promemu_run::webhook::Webhook;
use promemu_wire::rule_file::RuleKind;
use tokio::task::block_in_place;
use tokio::time::sleep_until;
use tracing::info;

use super::case::Case;
use super::condition::Condition;
use super::dashboards;
use super::matrix::Matrix;
use super::query_times;
use super::range_query::RangeQuery;
use super::series_count::series_by_name;
use super::subject::Subject;
use crate::args::TestArgs;
use crate::block_on;
use crate::prometheus_client::{PrometheusClient, Unanswered};
use crate::settings::{Settings, server};
use crate::signals::Shutdown;
use alertmanagers::Alertmanagers;
use alerts::AlertSamples;

pub(super) use rules::LiveRules;
pub(super) use stage::Stage;

/// Time for the evaluations at the end of a run, beside the time between two of them.
const EVALUATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two questions for them.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Matchers of the series of a run whose hosts have labels of their own; not of those that Prometheus makes of them.
const RUN_MATCHERS: &str =
    "__name__!~\"scrape_.*|ALERTS|ALERTS_FOR_STATE\",name!=\"\",host!=\"\",address!=\"\"";

/// A Prometheus that runs, and its rules.
#[derive(Debug)]
pub(super) struct Live {
    prometheus: PrometheusClient,
    rules: LiveRules,
    /// The start of the Prometheus, as it says; `None` if it does not.
    started: Option<String>,
}

/// A Prometheus that runs, and the stage of the runs that it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct LiveOn<'a> {
    pub(super) prometheus: &'a Live,
    /// `None` for a run that has outputs of its own.
    pub(super) stage: Option<&'a Stage>,
}

impl<'a> LiveOn<'a> {
    /// One run.
    pub(super) const fn alone(prometheus: &'a Live) -> Self {
        Self { prometheus, stage: None }
    }
}

impl Live {
    /// Asks the Prometheus of `--prometheus` for its rules.
    pub(super) fn connect(settings: &Settings, args: &TestArgs) -> Result<Self, Error> {
        let flag = "--prometheus or PME_TEST_PROMETHEUS";
        let example = "--prometheus http://127.0.0.1:9090";
        let text = args.prometheus.to_str().filter(|text| is_url(text)).ok_or_else(|| {
            Error::Usage(format!("--live needs the address of a Prometheus that runs; add {example}"))
        })?;
        if settings.speed() != Speed::NORMAL {
            let message = "--speed is not for --live: a Prometheus that runs has the time of the clock";
            return Err(Error::Usage(message.to_owned()));
        }
        let (url, options) = server(flag, text, example)?;
        let prometheus = PrometheusClient::new(url, &options)?;
        let rules = LiveRules::read(&prometheus).map_err(|why| {
            Error::Run(format!("{} cannot be asked for its rules: {}", prometheus.url(), why.text()))
        })?;
        let started = started(&prometheus);
        Ok(Self { prometheus, rules, started })
    }

    /// The rules of the Prometheus.
    pub(super) const fn rules(&self) -> &LiveRules {
        &self.rules
    }

    /// Lets the run of a test live, and asks for what the Prometheus saw.
    pub(super) fn observe(
        &self,
        settings: &Settings,
        args: &TestArgs,
        subject: &mut Subject,
        stage: Option<&Stage>,
    ) -> Result<Observation, Error> {
        let is_notified = |verdict: &VerdictPlan| matches!(verdict.verdict, Verdict::Notifies { .. });
        let alertmanagers = if subject.verdicts.iter().any(is_notified) {
            Some(Alertmanagers::find(args, &self.prometheus)?)
        } else {
            None
        };
        threads::start();
        block_on(self.run(settings, alertmanagers.as_ref(), subject, stage))
    }

    async fn run(
        &self,
        settings: &Settings,
        alertmanagers: Option<&Alertmanagers>,
        subject: &mut Subject,
        stage: Option<&Stage>,
    ) -> Result<Observation, Error> {
        let shutdown = stage.map_or_else(|| Shutdown::listen(None), |stage| Ok(stage.shutdown().clone()))?;
        let webhook = match alertmanagers {
            Some(alertmanagers) => Some((alertmanagers, alertmanagers.listen().await?)),
            None => None,
        };
        let spec = spec(settings, subject, stage)?;
        let outputs = match stage {
            Some(stage) => Arc::clone(stage.outputs()),
            None => {
                SharedOutputs::open(&spec.settings.outputs, settings.self_metrics_address(), true).await?
            }
        };
        let run = Run::start(spec, &outputs).map_err(|conflict| Error::Run(conflict.to_string()))?;
        let seen = tokio::select! {
            seen = self.follow(&run, webhook.as_ref(), subject) => seen,
            () = shutdown.requested() => {
                run.stop(StopReason::Signal);
                Err(Error::Run("the test was stopped by a signal, so nothing is judged".to_owned()))
            }
        };
        run.stop(StopReason::Duration);
        let outcome = run.outcome().await;
        if stage.is_none() {
            outputs.end().await;
        }
        seen.and_then(|seen| outcome.map(|()| seen))
    }

    /// Waits until a run has its length, and observes it. Its hosts may have ended before.
    async fn follow(
        &self,
        run: &Run,
        webhook: Option<&(&Alertmanagers, Webhook)>,
        subject: &mut Subject,
    ) -> Result<Observation, Error> {
        run.begun().await;
        let Some(handle) = run.handle() else {
            return Err(Error::Run("the run ended before its hosts lived".to_owned()));
        };
        let length = subject.evaluations.to.since(subject.evaluations.from);
        info!(length = %length, prometheus = %self.prometheus.url(), "the run is live, and is judged at its end");
        sleep_until(handle.clock().instant_of(handle.clock().now() + length)).await;
        let course = handle.course();
        let (from, to) = (course.run_start(), course.run_start() + length);
        sleep_until(handle.clock().instant_of(to)).await;
        let of_run = |grid: Grid| Grid { from, to, ..grid };
        (subject.scrapes, subject.evaluations) = (of_run(subject.scrapes), of_run(subject.evaluations));
        Ok(block_in_place(|| {
            let notifications = webhook.map(|(alertmanagers, webhook)| alertmanagers.notifications(webhook));
            let notifications = notifications.unwrap_or_default();
            Observation { notifications, ..self.ask(subject, course) }
        }))
    }

    /// Asks for all that verdicts need.
    fn ask(&self, subject: &Subject, course: Course) -> Observation {
        let grid = subject.evaluations;
        let series = self.series(&subject.run.plan, &grid);
        let seen = series.as_ref().map_err(Clone::clone).and_then(|_| {
            let rules = self.rules_at(grid.to)?;
            Ok((self.alerts(&grid, &rules)?, rules.failing))
        });
        let undecided = |why: &String| {
            let names = self.rules.rules.alerts().map(|rule| rule.name.clone());
            names.map(|name| (name, why.clone())).collect()
        };
        let (alerts, undecided_alerts) = match &seen {
            Ok((alerts, failing)) => (alerts.clone(), failing.clone()),
            Err(why) => (Vec::new(), undecided(why)),
        };
        let hindrance = seen.err();
        let count = subject.run.plan.series_count() as u64;
        let answer = |condition: Condition| {
            if let Some(why) = &hindrance {
                return Err(why.clone());
            }
            let results = RangeQuery::new(grid, count).results(&self.prometheus, &condition.query);
            let series = results.map_err(Unanswered::text)?.series;
            condition.answer(series, grid.count())
        };
        let conditions = subject.conditions().into_iter();
        let answers = conditions.map(|(query, condition)| (query, answer(condition))).collect();
        let dashboards = match &hindrance {
            Some(why) => subject.dashboards.keys().map(|name| (name.clone(), Err(why.clone()))).collect(),
            None => dashboards::observe_live(subject, &self.prometheus),
        };
        let query_times = match &hindrance {
            // Queries that nobody asked are undecided.
            Some(_) => IndexMap::new(),
            None => query_times::observe_live(subject, &self.prometheus),
        };
        Observation {
            grid,
            course,
            alerts,
            twin: None,
            undecided_alerts,
            answers,
            compared: IndexMap::new(),
            series,
            dashboards,
            query_times,
            notifications: Notifications::default(),
        }
    }

    /// Number of series of the run by name. The error says why the Prometheus did not see the run as a whole.
    fn series(&self, plan: &Plan, grid: &Grid) -> Result<IndexMap<String, u64>, String> {
        let matchers = matchers(plan);
        let mut series = series_by_name(&self.prometheus, &matchers, grid).map_err(Unanswered::text)?;
        let is_recorded = |name: &str| {
            let groups = self.rules.rules.files.iter().flat_map(|(_, file)| &file.groups);
            groups
                .flat_map(|group| &group.rules)
                .any(|rule| rule.kind == RuleKind::Record && rule.name == name)
        };
        series.retain(|name, _| !is_recorded(name));
        if started(&self.prometheus) != self.started {
            return Err(
                "Prometheus was started again during the run, and missed a part of it; test again".to_owned()
            );
        }
        if series.is_empty() {
            let url = self.prometheus.url();
            return Err(format!(
                "{url} has no series of the run; let it scrape the run, or send the run there with --output"
            ));
        }
        Ok(series)
    }

    /// The rules when all of them were evaluated up to a time.
    fn rules_at(&self, time: Time) -> Result<LiveRules, String> {
        let limit = self.rules.longest_interval().times(2).duration() + EVALUATION_TIMEOUT;
        for _ in 0..limit.as_millis() / POLL_INTERVAL.as_millis() {
            let rules = LiveRules::read(&self.prometheus).map_err(Unanswered::text)?;
            if rules.evaluated_to >= time {
                return Ok(rules);
            }
            self.prometheus.pause(POLL_INTERVAL);
        }
        Err("Prometheus did not evaluate all rules until the end of the run; its log says why".to_owned())
    }

    fn alerts(&self, grid: &Grid, rules: &LiveRules) -> Result<Vec<AlertSeries>, String> {
        let millis = grid.to.since(grid.from).as_nanos() / 1_000_000;
        let time = grid.to.unix_millis_secs().to_string();
        let samples = |name: &str| -> Result<Matrix, String> {
            let query = format!("{name}[{millis}ms]");
            self.prometheus.read("query", &[("query", &query), ("time", &time)]).map_err(Unanswered::text)
        };
        let samples = AlertSamples::new(samples("ALERTS")?, &samples("ALERTS_FOR_STATE")?);
        let interval = |alert: &str| rules.intervals.get(alert).copied().unwrap_or(grid.step);
        Ok(samples.histories((grid.from, grid.to), interval))
    }
}

/// Matchers of the series of a run: the labels that tell its hosts apart, or where hosts have none, the names of its families.
fn matchers(plan: &Plan) -> String {
    if plan.hosts.iter().all(|host| host.labels.get("address").is_some()) {
        return RUN_MATCHERS.to_owned();
    }
    let names: Vec<&str> = plan.families.iter().map(|family| &*family.name).collect();
    format!("__name__=~\"({})(_bucket|_sum|_count)?\"", names.join("|"))
}

/// The specification of the live run of a test.
fn spec(settings: &Settings, subject: &Subject, stage: Option<&Stage>) -> Result<RunSpec, Error> {
    let clock = Clock::start();
    let Case { file, variant, .. } = &subject.case;
    let plan = settings.load_variant(file, variant, settings.cli().no_faults, clock.started_at())?.plan;
    let run_settings = match stage {
        Some(stage) => settings.run_settings(&stage.defaults(&plan.defaults))?,
        None => settings.run_settings(&plan.defaults)?,
    };
    Ok(RunSpec {
        id: variant.run_id.as_str().into(),
        settings: RunSettings {
            truth: settings.cli().truth.clone(),
            seed: subject.seed,
            status_interval: None,
            duration: Span::FOREVER,
            ..run_settings
        },
        plan,
        clock,
        history: None,
        watch: None,
        events: Arc::new(EventTap::default()),
        shard: None,
        keeps_last_metrics: false,
    })
}

/// The start of a Prometheus, if it says that.
fn started(prometheus: &PrometheusClient) -> Option<String> {
    let info = prometheus.ask("status/runtimeinfo", &[]).ok()?;
    info["startTime"].as_str().map(str::to_owned)
}

/// `true` for an address, which a program's path is not.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}
