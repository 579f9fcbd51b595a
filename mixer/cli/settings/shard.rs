//! `--shard`, and the bus between shards.

use promemu_core::error::Error;
use promemu_core::plan::Shard;
use promemu_core::time::Time;
use promemu_run::clock::wall_now;
use promemu_run::transport::{BusSettings, RunName};

use super::moments::moment;
use crate::args::Cli;

/// The shard's number is that of the pod.
const OF_POD: &str = "auto";
/// A pod of an Indexed Job has its number here, from 0.
const COMPLETION_INDEX: &str = "JOB_COMPLETION_INDEX";

/// A shard of a run, as the flags say.
#[derive(Clone, Debug, Default)]
pub(super) struct ShardFlags {
    pub(super) shard: Option<Shard>,
    pub(super) bus: Option<BusSettings>,
    /// The time at which the run has started; `None` for now, or for the time on which shards agree on the bus.
    pub(super) started_at: Option<Time>,
}

impl ShardFlags {
    pub(super) fn new(cli: &Cli) -> Result<Self, Error> {
        let shard = cli.shard.as_deref().map(shard).transpose()?;
        let started_at = cli.started_at.as_deref();
        let started_at =
            started_at.map(|text| moment("--started-at or PME_STARTED_AT", text, wall_now())).transpose()?;
        let refused = |what: &str| Err(Error::Usage(what.to_owned()));
        if cli.bus.is_some() && shard.is_none() {
            return refused("--bus or PME_BUS connects the shards of a run; add --shard, as in --shard 1/3");
        }
        if cli.bus.is_some() && started_at.is_some() {
            return refused("shards agree on their start on the bus; leave --started-at or --bus out");
        }
        if started_at.is_some() && cli.seed.is_none() {
            return refused("--started-at or PME_STARTED_AT needs the run's seed, too; add --seed");
        }
        if started_at.is_some_and(|at| at > wall_now()) {
            return refused("--started-at or PME_STARTED_AT is in the future; give a time that is over");
        }
        let joins = cli.bus.is_some() || started_at.is_some();
        if joins && cli.history.is_some() {
            return refused("a run that goes on from its start has that as its history; leave --history out");
        }
        if joins && cli.speed != "1x" {
            return refused(
                "a run that goes on from its start goes at the speed of the wall; leave --speed out",
            );
        }
        Ok(Self { shard, bus: bus(cli)?, started_at })
    }
}

fn bus(cli: &Cli) -> Result<Option<BusSettings>, Error> {
    let Some(server) = &cli.bus else { return Ok(None) };
    let config = cli.config.as_deref().unwrap_or_default();
    let stem = std::path::Path::new(config).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let named = cli.run_name.as_deref().map(str::parse).transpose()?;
    Ok(Some(BusSettings {
        server: server.parse()?,
        credentials: cli.bus_credentials.clone(),
        ca: cli.bus_ca.clone(),
        run: named.unwrap_or_else(|| RunName::of_config(stem.as_deref().unwrap_or_default())),
    }))
}

fn shard(text: &str) -> Result<Shard, Error> {
    let refused = |why: String| Error::Usage(format!("--shard or PME_SHARD: {why}"));
    match text.split_once('/') {
        Some((OF_POD, count)) => {
            let read = |name: &str| std::env::var(name).ok();
            let number = pod_number(read(COMPLETION_INDEX).as_deref(), read("HOSTNAME").as_deref());
            let number = number.ok_or_else(|| {
                refused(format!(
                    "{text} takes the number from {COMPLETION_INDEX}, or from the end of HOSTNAME as in shop-0; neither has one"
                ))
            })?;
            format!("{number}/{count}").parse().map_err(refused)
        }
        _ => text.parse().map_err(refused),
    }
}

/// The number of a pod's shard, from 1: by its index in an Indexed Job, or by its name in a `StatefulSet`.
fn pod_number(completion_index: Option<&str>, host_name: Option<&str>) -> Option<u64> {
    let ordinal = || host_name?.rsplit_once('-')?.1.parse::<u64>().ok();
    completion_index.and_then(|index| index.parse::<u64>().ok()).or_else(ordinal)?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_pod_counts_from_one() {
        assert_eq!(pod_number(Some("0"), Some("shop-7")), Some(1));
        assert_eq!(pod_number(None, Some("shop-7")), Some(8));
        assert_eq!(pod_number(Some(""), Some("shop")), None);
        assert_eq!(pod_number(None, None), None);
    }

    #[test]
    fn a_shard_that_is_none_is_refused_with_the_shards_that_there_are() {
        assert_eq!(shard("2/3").unwrap().to_string(), "2/3");
        let refused =
            ["4/3", "0/3", "1/0", "1", "x/3", "1/99999"].map(|text| shard(text).unwrap_err().to_string());
        insta::assert_snapshot!(refused.join("\n"), @r#"
        --shard or PME_SHARD: the shards of 3 are 1 to 3, but got 4
        --shard or PME_SHARD: the shards of 3 are 1 to 3, but got 0
        --shard or PME_SHARD: a run has from 1 to 10000 shards, but got 0
        --shard or PME_SHARD: expected NUMBER/ALL, as in 1/3, but got "1"
        --shard or PME_SHARD: expected NUMBER/ALL, as in 1/3, but got "x/3"
        --shard or PME_SHARD: a run has from 1 to 10000 shards, but got 99999
        "#);
    }
}
