//! Presence: the shards that say that they are there, every few seconds.

use std::time::Duration;

use async_nats::jetstream::kv::Store;
use futures_util::StreamExt;
use promemu_core::error::Error;
use promemu_core::plan::Shard;
use promemu_core::time::{Span, Time};
use serde::{Deserialize, Serialize};

use super::server::unanswered;
use super::settings::RunName;
use crate::clock::wall_now;

/// Real time between two signs of life.
pub(super) const SIGN_INTERVAL: Duration = Duration::from_secs(5);
/// A shard without a sign of life for this long is missing.
pub(super) const SILENT_AFTER: Span = Span::from_secs(30);

/// The presence of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPresence {
    /// Its number, from 1.
    pub shard: u32,
    /// Its last sign of life, in nanoseconds since the Unix epoch.
    at_nanos: u64,
    /// `true` if it has ended since.
    has_left: bool,
}

impl ShardPresence {
    pub(super) fn now(shard: Shard) -> Self {
        let at_nanos = wall_now().since(Time::from_unix_nanos(0)).as_nanos();
        Self { shard: shard.number(), at_nanos, has_left: false }
    }

    fn is_present(&self) -> bool {
        !self.has_left && wall_now().since(Time::from_unix_nanos(self.at_nanos)) <= SILENT_AFTER
    }
}

fn key(run: &RunName, shard: u32) -> String {
    format!("{run}.{shard}")
}

/// Gives a sign of life.
pub(super) async fn show(signs: &Store, run: &RunName, own: &ShardPresence) -> Result<(), Error> {
    let value = serde_json::to_vec(own).map_err(|bug| Error::Run(bug.to_string()))?;
    signs.put(key(run, own.shard), value.into()).await.map(|_| ()).map_err(unanswered)
}

/// The last sign of life of a shard, however old.
pub(super) async fn last_sign(signs: &Store, run: &RunName, shard: Shard) -> Result<Option<Time>, Error> {
    let value = signs.get(key(run, shard.number())).await.map_err(unanswered)?;
    let sign = value.and_then(|value| serde_json::from_slice::<ShardPresence>(&value).ok());
    Ok(sign.map(|sign| Time::from_unix_nanos(sign.at_nanos)))
}

/// Says that a shard has ended.
pub(super) async fn leave(signs: &Store, run: &RunName, shard: Shard) {
    let last = ShardPresence { has_left: true, ..ShardPresence::now(shard) };
    // Without it the last sign becomes too old by itself.
    let _is_told = show(signs, run, &last).await.is_ok();
}

/// The shards of a run that are there.
pub(super) async fn present(signs: &Store, run: &RunName) -> Result<Vec<ShardPresence>, Error> {
    let prefix = format!("{run}.");
    let mut keys = signs.keys().await.map_err(unanswered)?;
    let mut names = Vec::new();
    while let Some(key) = keys.next().await {
        let key = key.map_err(unanswered)?;
        names.extend(key.starts_with(&prefix).then_some(key));
    }
    // A key that is put meanwhile may come twice.
    names.sort_unstable();
    names.dedup();
    let mut shards = Vec::new();
    for name in names {
        let value = signs.get(name).await.map_err(unanswered)?;
        let shard = value.and_then(|value| serde_json::from_slice::<ShardPresence>(&value).ok());
        shards.extend(shard.filter(ShardPresence::is_present));
    }
    Ok(shards)
}
