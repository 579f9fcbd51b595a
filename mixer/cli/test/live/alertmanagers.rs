//! The Alertmanagers of a live test, and the webhook to which they notify.

use promemu_core::error::Error;
use promemu_core::verdict::Notifications;
use promemu_run::http::{HttpOptions, TargetUrl};
use promemu_run::webhook::Webhook;

use crate::args::TestArgs;
use crate::prometheus_client::PrometheusClient;
use crate::settings::server;

/// The end of the address that a Prometheus has for an Alertmanager.
const ALERTS_PATHS: [&str; 2] = ["/api/v2/alerts", "/api/v1/alerts"];

/// The Alertmanagers, each with its start.
#[derive(Debug)]
pub(super) struct Alertmanagers {
    all: Vec<(PrometheusClient, String)>,
    /// The address of the webhook.
    address: String,
}

impl Alertmanagers {
    /// Asks the Alertmanager that is named, or those that the Prometheus has, since when they run.
    pub(super) fn find(args: &TestArgs, prometheus: &PrometheusClient) -> Result<Self, Error> {
        let address = args.webhook.clone().ok_or_else(|| {
            let message = "a verdict on notifications needs the address to which the Alertmanager sends them; add --webhook 127.0.0.1:9465";
            Error::Usage(message.to_owned())
        })?;
        let (flag, example) =
            ("--alertmanager or PME_TEST_ALERTMANAGER", "--alertmanager http://127.0.0.1:9093");
        let targets = match &args.alertmanager {
            Some(text) => vec![server(flag, text, example)?],
            None => known_to(prometheus)?,
        };
        if targets.is_empty() {
            let message =
                format!("{} sends alerts to no Alertmanager; name one with {example}", prometheus.url());
            return Err(Error::Run(message));
        }
        let all = targets.into_iter().map(|(url, options)| {
            let client = PrometheusClient::new(url, &options)?;
            let started = started(&client).map_err(Error::Run)?;
            Ok((client, started))
        });
        Ok(Self { all: all.collect::<Result<_, Error>>()?, address })
    }

    /// Listens for their notifications.
    pub(super) async fn listen(&self) -> Result<Webhook, Error> {
        Webhook::bind(&self.address).await
    }

    /// The notifications so far, and whether others may be missing.
    pub(super) fn notifications(&self, webhook: &Webhook) -> Notifications {
        let missing = self.all.iter().find_map(|(client, before)| match started(client) {
            Ok(now) if now == *before => None,
            Ok(_) => Some(format!("the Alertmanager at {} was started again during the run", client.url())),
            Err(why) => Some(why),
        });
        Notifications { received: webhook.received(), missing }
    }
}

/// The Alertmanagers of a Prometheus.
fn known_to(prometheus: &PrometheusClient) -> Result<Vec<(TargetUrl, HttpOptions)>, Error> {
    let answer = prometheus.ask("alertmanagers", &[]).map_err(Error::Run)?;
    let urls = answer["activeAlertmanagers"].as_array().into_iter().flatten();
    let urls = urls.filter_map(|known| known["url"].as_str()).map(|url| {
        let base = ALERTS_PATHS.iter().find_map(|path| url.strip_suffix(path)).unwrap_or(url);
        let url = TargetUrl::parse(base, "address of the Alertmanager", "http://127.0.0.1:9093")?;
        Ok((url, HttpOptions::default()))
    });
    urls.collect()
}

/// The time since which an Alertmanager runs, as it says.
fn started(client: &PrometheusClient) -> Result<String, String> {
    let away = |why: String| format!("the Alertmanager at {} is away: {why}", client.url());
    let status = client.json("api/v2/status").map_err(away)?;
    let started = status["uptime"].as_str().map(str::to_owned);
    started.ok_or_else(|| away("its status has no start".to_owned()))
}
