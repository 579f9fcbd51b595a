//! `promemu clean`: deletes promemu's groups from the Pushgateways.

use std::sync::Arc;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::time::Span;
use promemu_run::outputs::pushgateway::{GatewayGroup, GatewaySettings, PushgatewayClient, RunInfo, Verdict};
use tracing::info;

use crate::settings::Settings;

/// Deletes the groups of ended promemu runs from the Pushgateways, with `all` also those of living runs.
pub(crate) async fn clean(settings: &Settings, all: bool) -> Result<(), Error> {
    for gateway in settings.gateways()? {
        clean_gateway(&gateway, all).await?;
    }
    Ok(())
}

async fn clean_gateway(gateway: &GatewaySettings, all: bool) -> Result<(), Error> {
    let url = &gateway.url;
    let client = || PushgatewayClient::new(url.clone(), &gateway.http, gateway.timeout);
    let unlisted = |error| {
        let advice = url.advice().map_or(String::new(), |advice| format!("; {advice}"));
        Error::Run(format!("groups of pushgateway {url} cannot be listed: {error}{advice}"))
    };
    let (groups, gateway_now) = client()?.groups().await.map_err(unlisted)?;
    let own = RunInfo::new("", Span::ZERO);
    let is_deleted = |group: &&GatewayGroup| match own.judge(group, gateway_now) {
        Verdict::Orphan => true,
        Verdict::Own | Verdict::Unclear { .. } | Verdict::Alive => all,
        Verdict::Stranger => false,
    };
    let mut by_shard: IndexMap<Option<String>, Vec<String>> = IndexMap::new();
    for group in groups.iter().filter(is_deleted) {
        let jobs = by_shard.entry(group.shard().map(str::to_owned)).or_default();
        jobs.extend(group.job().map(str::to_owned));
    }
    let (count, total) = (by_shard.values().map(Vec::len).sum::<usize>(), groups.len());
    let mut failed = 0;
    for (shard, jobs) in by_shard {
        failed += Arc::new(client()?.of_shard(shard)).delete_all(jobs).await;
    }
    let others = if all { "not promemu's" } else { "of living runs or not promemu's" };
    info!(%url, deleted = count - failed, total, "deleted groups; all others are {others}");
    if failed > 0 {
        let groups = plural(failed, "group", "groups");
        return Err(Error::Run(format!("{groups} could not be deleted; try again")));
    }
    Ok(())
}
