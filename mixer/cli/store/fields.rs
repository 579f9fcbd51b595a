//! The fields of a measurement, as a policy writes them.

use indexmap::IndexMap;
use promemu_wire::recording::FieldRule;
use promemu_wire::samples::Selector;
use serde::Deserialize;

/// The label of which a measurement always has the tag.
const INSTANCE: &str = "instance";

/// The fields without any in a policy: the health of a service by the usual names of metrics.
const HEALTH: &str = r#"{
    "cpu_usage": [
        rate("node_cpu_seconds_total{mode!=\"idle\"}"),
        rate("container_cpu_usage_seconds_total"),
        rate("process_cpu_seconds_total"),
    ],
    "memory_usage": [
        difference("node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"),
        mean("container_memory_working_set_bytes"),
        mean("process_resident_memory_bytes"),
    ],
    "request_rate": [
        rate("http_requests_total"),
        rate("{__name__=~\"(http_request_duration|http_server_request_duration|http_server_requests)_seconds_count\"}"),
        rate("{__name__=~\"grpc_server_handled_total|nginx_http_requests_total\"}"),
    ],
    "error_rate": [
        share("http_requests_total{code=~\"5..\"}", "http_requests_total{code!=\"\"}"),
        share("http_requests_total{status=~\"5..\"}", "http_requests_total{status!=\"\"}"),
        share("http_server_requests_seconds_count{status=~\"5..\"}", "http_server_requests_seconds_count"),
        share("grpc_server_handled_total{grpc_code!=\"OK\"}", "grpc_server_handled_total"),
    ],
    "latency_p50": [quantile(0.5, "{__name__=~\"(http_request_duration|http_server_request_duration|http_server_requests)_seconds_bucket\"}")],
    "latency_p95": [quantile(0.95, "{__name__=~\"(http_request_duration|http_server_request_duration|http_server_requests)_seconds_bucket\"}")],
    "latency_p99": [quantile(0.99, "{__name__=~\"(http_request_duration|http_server_request_duration|http_server_requests)_seconds_bucket\"}")],
    "throughput": [
        rate("http_response_size_bytes_sum"),
        rate("container_network_transmit_bytes_total"),
        rate("node_network_transmit_bytes_total{device!=\"lo\"}"),
    ],
}"#;

/// Fields by name: the rules of which the first one with a value gives it.
pub(super) type FieldTexts = IndexMap<String, Vec<RuleText>>;

/// A rule as it is written, with its selectors.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RuleText {
    Mean(String),
    Rate(String),
    Share(String, String),
    Difference(String, String),
    Quantile(f64, String),
}

impl RuleText {
    fn rule(self) -> Result<FieldRule, String> {
        let select = |text: &String| Selector::parse(text);
        Ok(match self {
            Self::Mean(of) => FieldRule::Mean(select(&of)?),
            Self::Rate(of) => FieldRule::Rate(select(&of)?),
            Self::Share(part, whole) => FieldRule::Share(select(&part)?, select(&whole)?),
            Self::Difference(whole, part) => FieldRule::Difference(select(&whole)?, select(&part)?),
            Self::Quantile(q, of) if (0.0..=1.0).contains(&q) => FieldRule::Quantile(q, select(&of)?),
            Self::Quantile(q, _) => return Err(format!("quantile {q} must be from 0 to 1")),
        })
    }
}

/// The fields of these texts, or those of the health of a service.
pub(super) fn fields(texts: Option<FieldTexts>) -> Result<Vec<(String, Vec<FieldRule>)>, String> {
    let texts = match texts {
        Some(texts) => texts,
        None => ron::from_str(HEALTH).map_err(|error| error.to_string())?,
    };
    let field = |(name, rules): (String, Vec<RuleText>)| {
        let rules = rules.into_iter().map(RuleText::rule).collect::<Result<_, _>>();
        rules.map(|rules| (name.clone(), rules)).map_err(|why| format!("field {name}: {why}"))
    };
    texts.into_iter().map(field).collect()
}

/// The tags of a measurement: those of a database, and the instance.
pub(super) fn tags(of_database: &[(String, Vec<String>)]) -> Vec<(String, Vec<String>)> {
    let instance = (INSTANCE.to_owned(), vec![INSTANCE.to_owned()]);
    let has_own = of_database.iter().any(|(tag, _)| tag == INSTANCE);
    of_database.iter().cloned().chain((!has_own).then_some(instance)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_rules_and_without_any_they_are_those_of_health() {
        let names: Vec<String> = fields(None).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "cpu_usage",
                "memory_usage",
                "request_rate",
                "error_rate",
                "latency_p50",
                "latency_p95",
                "latency_p99",
                "throughput"
            ]
        );
        let told = |text: &str| fields(Some(ron::from_str(text).unwrap())).unwrap_err();
        assert_eq!(told("{ \"a\": [quantile(95, \"b\")] }"), "field a: quantile 95 must be from 0 to 1");
        assert!(told("{ \"a\": [mean(\"{b\")] }").starts_with("field a: selector \"{b\" has no }"));
    }
}
