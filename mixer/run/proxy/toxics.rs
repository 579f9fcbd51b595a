//! The kinds of toxics, one file each: parameters as Toxiproxy has them, and what they do.

mod bandwidth;
mod latency;
mod limit_connections;
mod limit_data;
mod reset_peer;
mod shared_bandwidth;
mod slicer;
mod slow_close;
mod stall;
mod timeout;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use promemu_core::rng::Rng;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::stage::Stage;
use bandwidth::Bandwidth;
use latency::Latency;
use limit_connections::LimitConnections;
use limit_data::LimitData;
use reset_peer::ResetPeer;
use shared_bandwidth::SharedBandwidth;
use slicer::Slicer;
use slow_close::SlowClose;
use stall::Stall;
use timeout::Timeout;

/// The longest duration of a parameter: what is longer never ends for anybody.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// The kind of a toxic, with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Latency(Latency),
    Bandwidth(Bandwidth),
    SlowClose(SlowClose),
    Timeout(Timeout),
    ResetPeer(ResetPeer),
    Slicer(Slicer),
    LimitData(LimitData),
    Stall(Stall),
    SharedBandwidth(SharedBandwidth),
    LimitConnections(LimitConnections),
}

/// The beginning of a stage.
pub(super) struct Start {
    /// The present time.
    pub(super) now: Instant,
    /// A random stream of its own.
    pub(super) random: Rng,
    /// The bytes that the same toxic let through before its update.
    pub(super) bytes_passed: u64,
    /// The time at which all connections together have sent what they have, for kinds that connections share.
    pub(super) shared: Arc<Mutex<Instant>>,
}

impl Kind {
    /// The kind of this name with these parameters over its defaults; `None` if there is no such kind. The error says which
    /// parameter is wrong.
    pub(super) fn parse(name: &str, attributes: &Map<String, Value>) -> Option<Result<Self, String>> {
        Some(match name {
            "latency" => read(attributes).map(Self::Latency),
            "bandwidth" => read(attributes).map(Self::Bandwidth),
            "slow_close" => read(attributes).map(Self::SlowClose),
            "timeout" => read(attributes).map(Self::Timeout),
            "reset_peer" => read(attributes).map(Self::ResetPeer),
            "slicer" => read(attributes).map(Self::Slicer),
            "limit_data" => read(attributes).map(Self::LimitData),
            "stall" => read(attributes).map(Self::Stall),
            "shared_bandwidth" => read(attributes).map(Self::SharedBandwidth),
            "limit_connections" => read(attributes).map(Self::LimitConnections),
            _ => return None,
        })
    }

    /// The name.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Bandwidth(_) => "bandwidth",
            Self::SlowClose(_) => "slow_close",
            Self::Timeout(_) => "timeout",
            Self::ResetPeer(_) => "reset_peer",
            Self::Slicer(_) => "slicer",
            Self::LimitData(_) => "limit_data",
            Self::Stall(_) => "stall",
            Self::SharedBandwidth(_) => "shared_bandwidth",
            Self::LimitConnections(_) => "limit_connections",
        }
    }

    /// The parameters.
    pub(super) fn attributes(&self) -> Map<String, Value> {
        match self {
            Self::Latency(kind) => written(kind),
            Self::Bandwidth(kind) => written(kind),
            Self::SlowClose(kind) => written(kind),
            Self::Timeout(kind) => written(kind),
            Self::ResetPeer(kind) => written(kind),
            Self::Slicer(kind) => written(kind),
            Self::LimitData(kind) => written(kind),
            Self::Stall(kind) => written(kind),
            Self::SharedBandwidth(kind) => written(kind),
            Self::LimitConnections(kind) => written(kind),
        }
    }

    /// Its work in one direction of a connection; `None` if it has none there.
    pub(super) fn stage(&self, start: Start) -> Option<Box<dyn Stage>> {
        Some(match self {
            Self::Latency(kind) => Box::new(kind.stage(start.random)),
            Self::Bandwidth(kind) => Box::new(kind.stage(start.now)),
            Self::SlowClose(kind) => Box::new(kind.clone()),
            Self::Timeout(kind) => Box::new(kind.stage(start.now)),
            Self::ResetPeer(kind) => Box::new(kind.clone()),
            Self::Slicer(kind) => Box::new(kind.stage(start)),
            Self::LimitData(kind) => Box::new(kind.stage(start.bytes_passed)),
            Self::Stall(kind) => Box::new(kind.stage(start)),
            Self::SharedBandwidth(kind) => Box::new(kind.stage(start.shared)),
            Self::LimitConnections(_) => return None,
        })
    }

    /// The maximum number of connections at once, if it sets one.
    pub(super) fn connections_max(&self) -> Option<u64> {
        let Self::LimitConnections(kind) = self else { return None };
        Some(kind.connections)
    }
}

fn read<T: DeserializeOwned>(attributes: &Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(attributes.clone())).map_err(|error| error.to_string())
}

fn written<T: Serialize>(kind: &T) -> Map<String, Value> {
    match serde_json::to_value(kind) {
        Ok(Value::Object(attributes)) => attributes,
        // A struct of numbers is a map.
        _ => Map::new(),
    }
}

/// A duration of a parameter in milliseconds; 0 if it is negative.
fn millis(number: i64) -> Duration {
    Duration::from_millis(number.try_into().unwrap_or(0)).min(FOREVER)
}

/// The time that bytes take at a rate in kB/s, each of 1 000 bytes.
fn transfer_time(bytes: usize, rate: u64) -> Duration {
    Duration::from_nanos((bytes as u64).saturating_mul(1_000_000) / rate.max(1)).min(FOREVER)
}

/// Number of bytes that pass together at a rate in kB/s: those of a tenth of a second.
fn piece_len(rate: u64) -> usize {
    usize::try_from(rate.saturating_mul(100)).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests;
