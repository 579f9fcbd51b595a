//! A Grafana that asks its Prometheus, by the request that its own pages send
//! (<https://grafana.com/docs/grafana/latest/developers/http_api/data_source/#query-a-data-source>).

use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_run::http::{HttpOptions, TargetUrl};
use reqwest::Method;
use serde_json::{Value, json};

use super::rounds::Source;
use crate::prometheus_client::PrometheusClient;
use crate::test::dashboards::{PagePart, PageQuery};

/// Points that a panel has room for.
const POINTS_MAX: u64 = 1_000;
/// Time until a Grafana says which data sources it has.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One connection to a Grafana.
#[derive(Debug)]
pub(super) struct Grafana {
    client: PrometheusClient,
    url: TargetUrl,
    /// The id of its data source of Prometheus.
    source: String,
}

impl Grafana {
    /// Finds the data source: the default one, or else the first of Prometheus.
    ///
    /// # Errors
    ///
    /// In words: the Grafana is away, refuses to answer, or has no Prometheus.
    pub(super) fn connect(url: &TargetUrl, options: &HttpOptions) -> Result<Self, String> {
        let client = PrometheusClient::new(url.clone(), options).map_err(|error| error.to_string())?;
        let answer = client.exchange(Method::GET, "api/datasources", None, Some(CONNECT_TIMEOUT))?;
        let refusal = || format!("it has no list of data sources: {answer}");
        let sources = answer.as_array().ok_or_else(refusal)?;
        let mut of_prometheus = sources.iter().filter(|source| source["type"] == "prometheus");
        let found = of_prometheus.clone().find(|source| source["isDefault"] == true);
        let source = found.or_else(|| of_prometheus.next()).and_then(|source| source["uid"].as_str());
        let source = source.ok_or("it has no data source of the type prometheus")?.to_owned();
        Ok(Self { client, url: url.clone(), source })
    }

    /// Another connection.
    pub(super) fn another(&self, options: &HttpOptions) -> Result<Self, Error> {
        let client = PrometheusClient::new(self.url.clone(), options)?;
        Ok(Self { client, url: self.url.clone(), source: self.source.clone() })
    }

    fn query(&self, (number, query): (usize, &PageQuery)) -> Value {
        json!({
            "refId": format!("Q{number}"),
            "datasource": { "type": "prometheus", "uid": self.source },
            "expr": query.text,
            "range": !query.is_instant,
            "instant": query.is_instant,
            "interval": "",
            "intervalMs": query.step.as_nanos() / 1_000_000,
            "maxDataPoints": POINTS_MAX,
        })
    }
}

impl Source for Grafana {
    fn ask(&self, part: &PagePart, range: Span, to: Time) -> Result<bool, String> {
        let queries: Vec<Value> = part.queries.iter().enumerate().map(|query| self.query(query)).collect();
        let body = json!({
            "queries": queries,
            "from": to.before(range).unix_millis().to_string(),
            "to": to.unix_millis().to_string(),
        });
        let answer = self.client.exchange(Method::POST, "api/ds/query", Some(&body), None)?;
        let Some(results) = answer["results"].as_object() else {
            return Err(format!("Grafana answers {answer}"));
        };
        if let Some(why) = results.values().find_map(|result| result["error"].as_str()) {
            return Err(format!("Grafana refuses it: {why}"));
        }
        let has_values = |frame: &Value| {
            let columns = frame["data"]["values"].as_array().into_iter().flatten();
            columns.into_iter().any(|column| column.as_array().is_some_and(|values| !values.is_empty()))
        };
        Ok(results.values().filter_map(|result| result["frames"].as_array()).flatten().any(has_values))
    }
}
