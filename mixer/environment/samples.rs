//! Samples of a run as columns, for data frames.

use std::collections::BTreeMap;
use std::sync::Arc;

use promemu_core::plan::Plan;
use promemu_core::time::{Span, Time};
use promemu_core::timeline::RunLog;
use promemu_core::world::{JobStores, World};
use promemu_wire::plain_samples;

use crate::error::EnvironmentError;

/// The largest number of samples of a frame.
pub const SAMPLES_MAX: usize = 100_000_000;

/// Samples: a row is a time, a series by its number, and a value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// The time of each sample, in milliseconds since the Unix epoch.
    pub timestamps_ms: Vec<i64>,
    /// The number of its series.
    pub series: Vec<u32>,
    /// Its value.
    pub values: Vec<f64>,
    /// The metric of each series.
    pub metrics: Vec<String>,
    /// The labels of each series.
    pub labels: Vec<Vec<(String, String)>>,
}

/// The samples that scrapes of a run at these times see. What a log has came to the run from outside, as to a world.
pub fn of_run(
    plan: &Arc<Plan>,
    seed: u64,
    (start, until, step): (Time, Time, Span),
    log: Option<&RunLog>,
) -> Result<Frame, EnvironmentError> {
    if step == Span::ZERO || until < start {
        return Err(EnvironmentError::Usage(
            "an export needs a step above 0, and an end behind its start".to_owned(),
        ));
    }
    if log.is_some_and(|log| !log.is_complete()) {
        let why = "the log of the run is not complete; export shorter episodes";
        return Err(EnvironmentError::Usage(why.to_owned()));
    }
    let mut world = World::new(Arc::clone(plan), seed, start)?;
    let mut stores = JobStores::new(plan);
    let mut frame = Frame::default();
    let mut known: BTreeMap<(String, Vec<(String, String)>), u32> = BTreeMap::new();
    let mut actions = log.map(RunLog::actions).unwrap_or_default().iter().peekable();
    let mut at = start;
    while at <= until {
        while let Some(logged) = actions.next_if(|logged| logged.sent.time <= at) {
            world.advance_with(logged.sent.time, |step| stores.take(step));
            world.act(&logged.targets, &logged.sent.source, logged.sent.action.clone())?;
        }
        world.advance_with(at, |step| stores.take(step));
        let millis = i64::try_from(at.unix_millis()).unwrap_or(i64::MAX);
        for store in stores.stores() {
            plain_samples::for_each(store, |metric, labels, value| {
                let next = u32::try_from(frame.metrics.len()).unwrap_or(u32::MAX);
                let series = *known.entry((metric.to_owned(), labels.to_vec())).or_insert_with(|| {
                    frame.metrics.push(metric.to_owned());
                    frame.labels.push(labels.to_vec());
                    next
                });
                frame.timestamps_ms.push(millis);
                frame.series.push(series);
                frame.values.push(value);
            });
        }
        if frame.values.len() > SAMPLES_MAX {
            let why =
                format!("more than {SAMPLES_MAX} samples; export a shorter time, or with a longer step");
            return Err(EnvironmentError::Usage(why));
        }
        at += step;
    }
    Ok(frame)
}
