//! The run that is tested, its twin without faults, and the rules that watch it.

use std::path::{Path, absolute};
use std::sync::Arc;

use promemu_core::backfill::{Backfill, Grid};
use promemu_core::error::Error;
use promemu_core::metric::Kind;
use promemu_core::plan::{Plan, Verdict, VerdictPlan};
use promemu_core::time::{Span, Time};
use promemu_core::verdict::verdicts_of_truth;
use promemu_wire::export::TargetLabels;

use crate::args::{ExportLabels, TestArgs, TestMode};
use crate::config;
use crate::settings::{Settings, interval, positive};
use crate::truth::default_span;

/// Seed of a test without `--seed`: each time the same, so that a test that passes goes on to pass.
const SEED: u64 = 1;
/// Maximum number of series for promtool.
const EXACT_SERIES_MAX: usize = 1_000;
/// Characters of a pattern of files.
pub(super) const WILDCARDS: [char; 3] = ['*', '?', '['];

/// The subject of a test.
#[derive(Debug)]
pub(super) struct Subject {
    /// The run.
    pub(super) run: TestRun,
    /// The same without faults; `None` if the config has none.
    pub(super) twin: Option<TestRun>,
    /// The verdicts that are judged.
    pub(super) verdicts: Vec<VerdictPlan>,
    /// Absolute paths of rule files, or patterns.
    pub(super) rules: Vec<String>,
    /// The times of scrapes.
    pub(super) scrapes: Grid,
    /// The times of evaluations.
    pub(super) evaluations: Grid,
    /// The labels of a target.
    pub(super) labels: TargetLabels,
    pub(super) seed: u64,
}

/// A run in virtual time.
#[derive(Debug)]
pub(super) struct TestRun {
    pub(super) plan: Arc<Plan>,
    pub(super) backfill: Backfill,
}

impl TestRun {
    fn new(plan: Plan, seed: u64, grid: &Grid) -> Result<Self, Error> {
        let plan = Arc::new(plan);
        let backfill = Backfill::new(Arc::clone(&plan), seed, grid.from, grid.to)?;
        Ok(Self { plan, backfill })
    }
}

impl Subject {
    pub(super) fn new(settings: &Settings, args: &TestArgs) -> Result<Self, Error> {
        let from = Time::parse(&args.from).map_err(|error| usage("--from or PME_TEST_FROM", &error))?;
        let step = interval("--step or PME_TEST_STEP", &args.step)?;
        let evaluation = match &args.evaluation_interval {
            Some(text) => interval("--evaluation-interval or PME_TEST_EVALUATION_INTERVAL", text)?,
            None => step,
        };
        let span = args.span.as_deref().map(|text| positive("--for or PME_TEST_FOR", text)).transpose()?;
        let file = config::open(settings, &args.name)?;
        let plan = config::load(settings, &file, from)?.plan;
        let length = span.unwrap_or_else(|| default_span(&plan));
        if length == Span::FOREVER {
            return Err(Error::Usage("--for or PME_TEST_FOR: a test must have an end".to_owned()));
        }
        let grid = |step| Grid { from, to: from + length, step };
        let (scrapes, seed) = (grid(step), settings.cli().seed.unwrap_or(SEED));
        let verdicts =
            if plan.verdicts.is_empty() { verdicts_of_truth(&plan) } else { plan.verdicts.clone() };
        let has_faults =
            !plan.faults.is_empty() || plan.hosts.iter().any(|host| host.faults().next().is_some());
        let run = TestRun::new(plan, seed, &scrapes)?;
        let twin = if has_faults
            && verdicts.iter().any(|verdict| matches!(verdict.verdict, Verdict::NoOtherAlerts { .. }))
        {
            let plan = settings.load_twin(&file, from)?.plan;
            Some(TestRun::new(plan, seed, &scrapes)?)
        } else {
            None
        };
        let labels = match args.labels {
            ExportLabels::Scrape => TargetLabels::Scraped,
            ExportLabels::Push => TargetLabels::Pushed,
        };
        let rules = args.rules.iter().map(|rule| rule_path(rule)).collect::<Result<_, _>>()?;
        Ok(Self { run, twin, verdicts, rules, scrapes, evaluations: grid(evaluation), labels, seed })
    }

    /// The way in which rules are evaluated, and the reason for it.
    pub(super) fn mode(&self, wanted: Option<TestMode>) -> (TestMode, String) {
        let series = self.run.plan.series_count();
        let is_native = |host: &Arc<promemu_core::plan::HostPlan>| {
            host.shape
                .all_metrics()
                .any(|metric| matches!(metric.cells.layout().kind, Kind::NativeHistogram(_)))
        };
        let has_native = self.run.plan.hosts.iter().any(is_native);
        match wanted {
            Some(mode) => (mode, "as --mode says".to_owned()),
            None if has_native => (TestMode::Large, "the config has native histograms".to_owned()),
            None if series > EXACT_SERIES_MAX => {
                (TestMode::Large, format!("more than {EXACT_SERIES_MAX} series"))
            }
            None => (TestMode::Exact, format!("up to {EXACT_SERIES_MAX} series")),
        }
    }
}

fn usage(flag: &str, error: &str) -> Error {
    Error::Usage(format!("{flag}: {error}"))
}

/// The absolute path of rules.
fn rule_path(rule: &str) -> Result<String, Error> {
    if !rule.contains(WILDCARDS) && !Path::new(rule).is_file() {
        return Err(Error::Usage(format!("--rules or PME_TEST_RULES: {rule} is not a file")));
    }
    let path =
        absolute(rule).map_err(|source| Error::System { what: format!("{rule} has no path"), source })?;
    Ok(path.display().to_string())
}
