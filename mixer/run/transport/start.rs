//! The start of a sharded run: its time and seed, on which all shards agree.

use async_nats::jetstream::kv::Store;
use promemu_core::error::Error;
use promemu_core::rng::random_seed;
use promemu_core::time::Time;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::server::unanswered;
use super::settings::RunName;
use crate::clock::wall_now;

/// The most looks at a start that another shard changes meanwhile.
const TRIES_MAX: usize = 20;

/// The start of a run. Its shards have the same, whenever they come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStart {
    /// Nanoseconds since the Unix epoch.
    started_at_nanos: u64,
    /// The seed of all randomness.
    pub seed: u64,
    /// The config's name.
    config: String,
    /// Number of shards.
    shards: u32,
    /// The run's log begins with this number in the stream.
    pub(super) log_from: u64,
}

impl RunStart {
    /// A start at this moment, with a random seed unless one is given.
    #[must_use]
    pub fn now(config: &str, shards: u32, seed: Option<u64>) -> Self {
        let nanos = wall_now().since(Time::from_unix_nanos(0)).as_nanos();
        let seed = seed.unwrap_or_else(random_seed);
        Self { started_at_nanos: nanos, seed, config: config.to_owned(), shards, log_from: 1 }
    }

    /// The same start, whose log begins with this number.
    pub(super) fn with_log_from(self, log_from: u64) -> Self {
        Self { log_from, ..self }
    }

    /// The time at which its hosts start.
    #[must_use]
    pub const fn started_at(&self) -> Time {
        Time::from_unix_nanos(self.started_at_nanos)
    }

    /// Refuses a shard of another run that has the same name.
    fn check(&self, own: &Self, run: &RunName, seed: Option<u64>) -> Result<(), Error> {
        let is_same = (&self.config, self.shards) == (&own.config, own.shards);
        if !is_same {
            return Err(Error::Usage(format!(
                "run {run} on the bus has {} shards of config {:?}, and this is one of {} of config {:?}; give this one another \
                 name with --run-name",
                self.shards, self.config, own.shards, own.config
            )));
        }
        match seed {
            Some(seed) if seed != self.seed => Err(Error::Usage(format!(
                "run {run} on the bus has the seed {}, and --seed gives {seed}; leave --seed out to join it, or give another \
                 name with --run-name",
                self.seed
            ))),
            _ => Ok(()),
        }
    }
}

/// Joins the start of a run, or makes it: of several shards that come at once, one decides. A run none of whose shards is
/// `present` any more is over, and makes room for another one of its name.
pub(super) async fn agree(
    starts: &Store,
    run: &RunName,
    own: RunStart,
    seed: Option<u64>,
    mut present: impl AsyncFnMut() -> Result<bool, Error>,
) -> Result<RunStart, Error> {
    for _ in 0..TRIES_MAX {
        let entry = starts.entry(run.as_str()).await.map_err(unanswered)?;
        let known = entry.as_ref().and_then(|entry| serde_json::from_slice::<RunStart>(&entry.value).ok());
        if let Some(known) = known {
            let is_young = own.started_at().since(known.started_at()) <= super::presence::SILENT_AFTER;
            if is_young || present().await? {
                known.check(&own, run, seed)?;
                return Ok(known);
            }
        }
        let value = serde_json::to_vec(&own).map_err(|bug| Error::Run(bug.to_string()))?;
        let is_made = match entry {
            Some(entry) => starts.update(run.as_str(), value.into(), entry.revision).await.is_ok(),
            None => starts.create(run.as_str(), value.into()).await.is_ok(),
        };
        if is_made {
            info!(run = %run, seed = own.seed, "this shard has started the run");
            return Ok(own);
        }
    }
    Err(Error::Run(format!("the shards of run {run} do not agree on a start; start them again")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_of_another_run_is_refused_by_what_differs() {
        let run = RunName::of_config("shop");
        let known = RunStart { seed: 7, ..RunStart::now("shop", 3, None) };
        let check = |own: &RunStart, seed| known.check(own, &run, seed).map_err(|error| error.to_string());
        assert_eq!(check(&RunStart::now("shop", 3, None), None), Ok(()));
        assert_eq!(check(&RunStart::now("shop", 3, Some(7)), Some(7)), Ok(()));
        let error = check(&RunStart::now("shop", 4, None), None).unwrap_err();
        assert!(error.contains("3 shards") && error.contains("one of 4"), "{error}");
        let error = check(&RunStart::now("shop", 3, Some(8)), Some(8)).unwrap_err();
        assert!(error.contains("seed 7") && error.contains("gives 8"), "{error}");
    }
}
