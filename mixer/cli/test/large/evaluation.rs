//! The evaluation of rules and conditions on one run.

use std::io;
use std::path::Path;

use indexmap::{IndexMap, IndexSet};
use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::metric::{ABSENT, is_absent};
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_core::time::Span;
use promemu_core::verdict::{AlertStates, Answer, ResultSeries};
use promemu_wire::export::{GridSeries, write_grid_series};
use promemu_wire::rule_file::{Rule, RuleKind};

use super::super::blocks;
use super::super::condition::Condition;
use super::super::evaluated::Evaluated;
use super::super::prometheus::Prometheus;
use super::super::range_query::{RangeQuery, Results};
use super::super::reads::{ALERTS, Reads};
use super::super::rule_order::{TestRule, makers};
use super::super::series_count::series_by_name;
use super::super::subject::{Subject, TestRun};
use crate::prometheus_client::{PrometheusClient, Unanswered};

/// Series that rules record, by the time between two evaluations of their groups, and by their labels.
type RecordedSeries = IndexMap<Span, IndexMap<Vec<(String, String)>, GridSeries>>;

/// The evaluation of one run.
pub(super) struct Evaluation<'a> {
    subject: &'a Subject,
    rules: &'a [TestRule],
    program: &'a Path,
    /// The Prometheus on the blocks so far, or the reason for which there is none any more. It ends before its data go.
    prometheus: Result<Prometheus, String>,
    data: TemporaryFolder,
    query: RangeQuery,
    /// The states of alerts, by the time between two evaluations of their groups.
    states: IndexMap<Span, AlertStates>,
    /// Numbers of the rules without results, each with the reason.
    lost: IndexMap<usize, String>,
}

impl<'a> Evaluation<'a> {
    /// Writes the blocks of a run, and starts a Prometheus on them.
    pub(super) fn start(
        subject: &'a Subject,
        run: &TestRun,
        rules: &'a [TestRule],
        program: &'a Path,
    ) -> Result<Self, Error> {
        let data = TemporaryFolder::new().map_err(unwritable)?;
        blocks::write(subject, run, data.path())?;
        let prometheus = Ok(Prometheus::start(program, data.path())?);
        Ok(Self {
            subject,
            rules,
            program,
            data,
            prometheus,
            query: RangeQuery::new(subject.evaluations, run.plan.series_count() as u64),
            states: IndexMap::new(),
            lost: IndexMap::new(),
        })
    }

    /// Evaluates all rules, then these conditions.
    ///
    /// # Errors
    ///
    /// The rules are wrong, or blocks cannot be written. A Prometheus that is away is no error after the count of series.
    pub(super) fn evaluate(mut self, conditions: &[Condition]) -> Result<Evaluated, Error> {
        let grid = &self.subject.scrapes;
        let prometheus = self.prometheus.as_ref().map_err(|why| Error::Run(why.clone()))?;
        let series = series_by_name(prometheus.client(), "__name__!=\"\"", grid)
            .map_err(|why| Error::Run(format!("the series cannot be counted: {}", why.text())))?;
        let reads: Vec<Reads> = conditions.iter().map(|condition| Reads::of(&condition.query)).collect();
        let used: IndexSet<usize> = reads.iter().flat_map(|reads| makers(self.rules, reads)).collect();
        self.evaluate_rules(&used)?;
        let answers =
            conditions.iter().zip(&reads).map(|(condition, reads)| self.answer(condition, reads)).collect();
        let mut undecided_alerts = IndexMap::new();
        for (number, why) in &self.lost {
            let rule = &self.rules[*number].rule;
            if rule.kind == RuleKind::Alert {
                undecided_alerts.entry(rule.name.clone()).or_insert_with(|| why.clone());
            }
        }
        let of_interval = |(interval, states): (&Span, &AlertStates)| {
            states.histories(&self.subject.evaluations_of(Some(*interval)))
        };
        let alerts = self.states.iter().flat_map(of_interval).collect();
        Ok(Evaluated { alerts, undecided_alerts, answers, series })
    }

    /// Evaluates all rules, and asks a Prometheus whose data have all series that they make. It is given the names of those
    /// that are missing, too, each with the reason.
    ///
    /// # Errors
    ///
    /// The rules are wrong, or blocks cannot be written. In words: there is no Prometheus any more.
    pub(super) fn ask<T>(
        mut self,
        ask: impl FnOnce(&PrometheusClient, &IndexMap<String, String>) -> T,
    ) -> Result<Result<T, String>, Error> {
        self.evaluate_rules(&(0..self.rules.len()).collect())?;
        let series_of = |rule: &Rule| match rule.kind {
            RuleKind::Record => rule.name.clone(),
            RuleKind::Alert => ALERTS.to_owned(),
        };
        let lost = self.lost.iter().map(|(number, why)| (series_of(&self.rules[*number].rule), why.clone()));
        let lost = lost.collect();
        Ok(self.prometheus.as_ref().map(|prometheus| ask(prometheus.client(), &lost)).map_err(Clone::clone))
    }

    /// Evaluates all rules, level by level. The series of those that are `used` are added to the data.
    fn evaluate_rules(&mut self, used: &IndexSet<usize>) -> Result<(), Error> {
        for (number, rule) in self.rules.iter().enumerate() {
            if let Err(why) = &rule.level {
                self.lost.insert(number, why.clone());
            }
        }
        let levels = self.rules.iter().filter_map(|rule| rule.level.as_ref().ok()).max();
        for level in 0..=levels.copied().unwrap_or_default() {
            let recorded = self.evaluate_level(level, used)?;
            if !recorded.is_empty() {
                self.add_blocks(recorded)?;
            }
        }
        Ok(())
    }

    /// Evaluates the rules of a level. Returns the series that others or conditions read.
    fn evaluate_level(&mut self, level: usize, used: &IndexSet<usize>) -> Result<RecordedSeries, Error> {
        let rules = self.rules;
        let mut recorded = RecordedSeries::new();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.level == Ok(level)) {
            let series = match self.lost_source(&rule.sources) {
                Some(why) => Err(Unanswered::Failed(why)),
                None => self.evaluate_rule(rule),
            };
            let series = match series {
                Ok(series) => series,
                Err(Unanswered::Refused(why)) => return Err(Error::Usage(format!("{}: {why}", rule.place))),
                Err(Unanswered::Failed(why)) => {
                    self.lost.insert(number, why);
                    continue;
                }
            };
            if !used.contains(&number) && !rules.iter().any(|rule| rule.sources.contains(&number)) {
                continue;
            }
            let grid = self.subject.evaluations_of(rule.interval);
            let (steps, recorded) = (grid.count(), recorded.entry(grid.step).or_default());
            for ResultSeries { labels, values } in series {
                let known = recorded
                    .entry(labels.clone())
                    .or_insert_with(|| GridSeries { labels, values: vec![ABSENT; steps] });
                for (step, value) in values {
                    // Prometheus takes the first of two samples of a series, too.
                    if let Some(known) = known.values.get_mut(step).filter(|known| is_absent(**known)) {
                        *known = value;
                    }
                }
            }
        }
        Ok(recorded)
    }

    /// Evaluates a rule. Returns the series that it makes.
    fn evaluate_rule(&mut self, rule: &TestRule) -> Result<Vec<ResultSeries>, Unanswered> {
        let grid = self.subject.evaluations_of(rule.interval);
        let Results { series, has_histograms } = self.results(&rule.rule.expr, grid)?;
        let failed = Unanswered::Failed;
        match rule.rule.kind {
            RuleKind::Alert => {
                let mut states = AlertStates::default();
                let alert = rule.alert().map_err(failed)?;
                states.add(&alert, &grid, &series).map_err(failed)?;
                self.states.entry(grid.step).or_default().add(&alert, &grid, &series).map_err(failed)?;
                Ok(states.series())
            }
            RuleKind::Record if has_histograms => {
                let why = format!(
                    "{} records native histograms, which the large mode does not write; leave it out",
                    rule.place
                );
                Err(failed(why))
            }
            RuleKind::Record => recorded(rule, series).map_err(failed),
        }
    }

    /// The reason for which one of these rules has no results.
    fn lost_source(&self, sources: &[usize]) -> Option<String> {
        sources.iter().find_map(|source| {
            let why = self.lost.get(source)?;
            Some(format!("it reads {}, of which there is nothing: {why}", self.rules[*source].rule.name))
        })
    }

    fn results(&self, expression: &str, grid: Grid) -> Result<Results, Unanswered> {
        match &self.prometheus {
            Ok(prometheus) => self.query.over(grid).results(prometheus.client(), expression),
            Err(why) => Err(Unanswered::Failed(why.clone())),
        }
    }

    /// Adds series to the data. Prometheus reads new blocks when it starts.
    fn add_blocks(&mut self, recorded: RecordedSeries) -> Result<(), Error> {
        self.prometheus = Err("Prometheus does not run".to_owned());
        for (interval, series) in recorded {
            let (grid, series) = (self.subject.evaluations_of(Some(interval)), series.into_values());
            let series: Vec<GridSeries> = series.collect();
            write_grid_series(self.data.path(), &grid, &series, blocks::LENGTH_MAX).map_err(unwritable)?;
        }
        self.prometheus =
            Prometheus::start(self.program, self.data.path()).map_err(|error| error.to_string());
        Ok(())
    }

    /// The answer to a condition.
    fn answer(&self, condition: &Condition, reads: &Reads) -> Result<Answer, String> {
        let hindrance = reads.refusal().or_else(|| self.lost_source(&makers(self.rules, reads)));
        if let Some(why) = hindrance {
            return Err(why);
        }
        let results = self.results(&condition.query, self.subject.evaluations);
        let Results { series, .. } = results.map_err(Unanswered::text)?;
        condition.answer(series, self.subject.evaluations.count())
    }
}

/// The series that a rule records.
fn recorded(rule: &TestRule, results: Vec<ResultSeries>) -> Result<Vec<ResultSeries>, String> {
    let mut known: IndexMap<Vec<(String, String)>, IndexSet<usize>> = IndexMap::new();
    let mut all = Vec::with_capacity(results.len());
    for ResultSeries { mut labels, values } in results {
        labels.retain(|(name, _)| name != "__name__" && !rule.rule.labels.contains_key(name));
        let set = rule.rule.labels.iter().filter(|(name, value)| *name != "__name__" && !value.is_empty());
        labels.extend(set.map(|(name, value)| (name.clone(), value.clone())));
        labels.push(("__name__".to_owned(), rule.rule.name.clone()));
        labels.sort_unstable();
        let steps = known.entry(labels.clone()).or_default();
        if values.iter().any(|(step, _)| !steps.insert(*step)) {
            return Err(format!(
                "{} has two results with the same labels at once; keep a label that tells them apart",
                rule.place
            ));
        }
        all.push(ResultSeries { labels, values });
    }
    Ok(all)
}

fn unwritable(source: io::Error) -> Error {
    let what = "the samples cannot be written to the folder of temporary files".to_owned();
    Error::System { what, source }
}
