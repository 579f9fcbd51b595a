//! `promemu clean`: deletes promemu's groups from the Pushgateways.

use std::sync::Arc;

use promemu_core::error::Error;
use promemu_core::plural::plural;
use promemu_core::time::Span;
use promemu_run::outputs::pushgateway::{GatewayGroup, GatewaySettings, PushgatewayClient, RunInfo, Verdict};
use tracing::info;

use crate::settings::Settings;

/// Deletes promemu's groups from the Pushgateways: those of runs that are over, or all.
pub(crate) async fn clean(settings: &Settings, all: bool) -> Result<(), Error> {
    for gateway in settings.gateways()? {
        clean_gateway(&gateway, all).await?;
    }
    Ok(())
}

async fn clean_gateway(gateway: &GatewaySettings, all: bool) -> Result<(), Error> {
    let url = &gateway.url;
    let client = Arc::new(PushgatewayClient::new(url.clone(), &gateway.http, gateway.timeout)?);
    let away = |error| Error::Run(format!("the groups of pushgateway {url} cannot be listed: {error}"));
    let (groups, gateway_now) = client.groups().await.map_err(away)?;
    let own = RunInfo::new("", Span::ZERO);
    let is_doomed = |group: &&GatewayGroup| match own.judge(group, gateway_now) {
        Verdict::Orphan => true,
        Verdict::Own | Verdict::Unclear { .. } | Verdict::Alive => all,
        Verdict::Stranger => false,
    };
    let doomed: Vec<String> =
        groups.iter().filter(is_doomed).filter_map(|group| group.job_only().map(str::to_owned)).collect();
    let (count, total) = (doomed.len(), groups.len());
    let failed = client.delete_all(doomed).await;
    if total == 0 {
        info!("there are no groups on {url}");
        return Ok(());
    }
    let others =
        if all { "the others are not promemu's" } else { "the others are a living run's or not promemu's" };
    info!("deleted {} of {} on {url}; {others}", count - failed, plural(total, "group", "groups"));
    if failed > 0 {
        let groups = plural(failed, "group", "groups");
        return Err(Error::Run(format!("{groups} could not be deleted; try again")));
    }
    Ok(())
}
