//! Any text is a script and a formula that end within their budgets, or an error.

use super::config;

/// Runs the text as a script, as a formula of an event, and as an expression of the config.
pub(crate) fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let hosts = format!(
        "[Host(name: \"h\", metrics: [Metric(name: \"s\", scenario: script(source: {text:?})), \
         Metric(name: \"f\", scenario: calc_by_event(events_config: {{ \"run_started\": {text:?} }})), \
         Metric(name: \"r\", scenario: relay_to_other_metric(source_metric_name: \"s\", calc_function: {text:?}))])]"
    );
    config::check(format!("Config(hosts: {hosts})").as_bytes());
    let expression = format!("{{{text}}}");
    config::check(
        format!("Config(hosts: [Host(name: \"h\", ttl: {expression:?}, metrics: [Metric(name: \"m\")])])")
            .as_bytes(),
    );
}
