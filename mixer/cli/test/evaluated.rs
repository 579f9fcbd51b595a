//! The evaluation of both runs of a test, the one that is tested and its twin without faults, at once.

use std::thread;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::verdict::{AlertSeries, Answer, Notifications, Observation};

use super::condition::Condition;
use super::subject::{Subject, TestRun};

/// The rules and conditions of a test, evaluated on one run.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    /// The alerts.
    pub(super) alerts: Vec<AlertSeries>,
    /// Names of alerts of which nothing is known, with the reason.
    pub(super) undecided_alerts: IndexMap<String, String>,
    /// The answers to the conditions, in their order.
    pub(super) answers: Vec<Result<Answer, String>>,
    /// Number of series by metric name.
    pub(super) series: IndexMap<String, u64>,
}

/// Observes a test by `evaluate`, which evaluates its rules, and these conditions, on one run. The twin has no conditions.
pub(super) fn observe(
    subject: &Subject,
    evaluate: impl Fn(&TestRun, &[Condition]) -> Result<Evaluated, Error> + Sync,
) -> Result<Observation, Error> {
    let (queries, conditions): (Vec<String>, Vec<Condition>) = subject.conditions().into_iter().unzip();
    let (run, twin) = thread::scope(|scope| {
        let twin = subject.twin.as_ref().map(|twin| {
            let thread = thread::Builder::new().name("twin".to_owned());
            (twin, thread.spawn_scoped(scope, || evaluate(twin, &[])))
        });
        let run = evaluate(&subject.run, &conditions);
        let twin = twin.map(|(twin, thread)| match thread {
            Ok(thread) => thread.join(),
            // The system gives no thread.
            Err(_) => Ok(evaluate(twin, &[])),
        });
        (run, twin)
    });
    let run = run?;
    let mut undecided_alerts = run.undecided_alerts;
    let twin = match twin {
        Some(Ok(twin)) => {
            let twin = twin?;
            for (name, why) in twin.undecided_alerts {
                undecided_alerts.entry(name).or_insert_with(|| format!("without the faults: {why}"));
            }
            Some(twin.alerts)
        }
        Some(Err(_)) => return Err(Error::Run("the twin without faults could not be evaluated".to_owned())),
        None => None,
    };
    let answers = queries.into_iter().zip(run.answers).collect();
    let course = subject.run.backfill()?.course();
    let (grid, alerts, series) = (subject.evaluations, run.alerts, Ok(run.series));
    let missing = Some("only a live test, with --live, has notifications".to_owned());
    Ok(Observation {
        grid,
        course,
        alerts,
        twin,
        undecided_alerts,
        answers,
        compared: IndexMap::new(),
        series,
        dashboards: IndexMap::new(),
        query_times: IndexMap::new(),
        notifications: Notifications { received: Vec::new(), missing },
    })
}
