//! Targets that a server lists (<https://prometheus.io/docs/prometheus/latest/http_sd/>).

use std::time::Duration;

use indexmap::IndexMap;
use promemu_core::error::Error;
use reqwest::Method;
use serde::Deserialize;
use tracing::warn;

use super::tally::SourceTally;
use crate::http::{HttpClient, HttpOptions, Limits, TargetUrl};

/// Limits of an answer.
const LIMITS: Limits =
    Limits { time: Some(Duration::from_secs(10)), silence: Duration::from_secs(10), body_bytes: 16 << 20 };
/// Number of targets, at most.
const TARGETS_MAX: usize = 10_000;

/// A target of a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) labels: Vec<(String, String)>,
}

/// A server that lists targets.
#[derive(Debug)]
pub(super) struct TargetList {
    http: HttpClient,
    url: TargetUrl,
}

#[derive(Deserialize)]
struct TargetGroup {
    targets: Vec<String>,
    #[serde(default)]
    labels: IndexMap<String, String>,
}

impl TargetList {
    pub(super) fn new(url: &TargetUrl, options: &HttpOptions) -> Result<Self, Error> {
        Ok(Self { http: HttpClient::new(url, options)?, url: url.clone() })
    }

    async fn targets(&self) -> Result<Vec<Target>, String> {
        let request =
            self.http.request(Method::GET, self.url.url().clone()).header("accept", "application/json");
        let answer = self.http.send(request, LIMITS).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("it answered {status}"));
        }
        let body = answer.body().await.map_err(|error| error.to_string())?;
        targets_of(&body)
    }
}

/// The targets of all lists; `None` if one does not answer, so that nothing is taken for gone.
pub(super) async fn all(lists: &[TargetList], tally: &SourceTally) -> Option<Vec<Target>> {
    let mut all = Vec::new();
    for list in lists {
        match list.targets().await {
            Ok(targets) => all.extend(targets),
            Err(why) => {
                warn!(url = %list.url, "list of targets cannot be read, the last one stays: {why}");
                tally.errors.inc();
                return None;
            }
        }
    }
    all.sort();
    all.dedup();
    Some(all)
}

fn targets_of(body: &[u8]) -> Result<Vec<Target>, String> {
    let groups: Vec<TargetGroup> =
        serde_json::from_slice(body).map_err(|error| format!("it is no list of targets: {error}"))?;
    let mut targets = Vec::new();
    for TargetGroup { targets: addresses, labels } in groups {
        let label = |name: &str| labels.get(name).map(String::as_str);
        let scheme = label("__scheme__").unwrap_or("http");
        let path = label("__metrics_path__").unwrap_or("/metrics");
        let own = labels.iter().filter(|(name, _)| !name.starts_with("__"));
        let own: Vec<(String, String)> = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        for address in addresses {
            targets.push(Target { url: format!("{scheme}://{address}{path}"), labels: own.clone() });
        }
    }
    if targets.len() > TARGETS_MAX {
        return Err(format!("it has {} targets, more than {TARGETS_MAX}", targets.len()));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gives_addresses_with_their_labels() {
        let body = br#"[{"targets":["a:1","b:2"],"labels":{"env":"prod","__metrics_path__":"/m"}},{"targets":["c:3"]}]"#;
        let targets = targets_of(body).unwrap();
        let urls: Vec<&str> = targets.iter().map(|target| &*target.url).collect();
        assert_eq!(urls, ["http://a:1/m", "http://b:2/m", "http://c:3/metrics"]);
        assert_eq!(targets[0].labels, [("env".to_owned(), "prod".to_owned())]);
        assert!(targets_of(b"{}").unwrap_err().starts_with("it is no list of targets: "));
    }
}
