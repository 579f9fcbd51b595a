//! The text of a new config: short, and with comments that teach the language.
//!
//! [`Starter::checked_text`] returns no text that has an error or a warning.

mod metric;

use indexmap::IndexSet;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::error::ConfigError;
use promemu_core::metric::MetricType;
use promemu_core::plural::plural;
use promemu_run::clock::wall_now;

pub(super) use metric::StarterMetric;

/// Default number of hosts.
const HOSTS: u32 = 3;

/// Contents of a new config.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Starter {
    /// The config's name, and the start of the hosts' names.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) hosts: u32,
    /// The hosts' job, which may have expressions.
    pub(super) job: String,
    /// The metrics of each host, at least one.
    pub(super) metrics: Vec<StarterMetric>,
}

impl Starter {
    /// Three hosts with a gauge, a counter and a histogram.
    pub(super) fn new(name: &str) -> Self {
        let metric = |name: &str, metric_type| StarterMetric { name: name.to_owned(), metric_type };
        Self {
            name: name.to_owned(),
            description: format!("emulated hosts of {name}"),
            hosts: HOSTS,
            job: name.to_owned(),
            metrics: vec![
                metric("cpu_usage_percent", MetricType::Gauge),
                metric("requests_total", MetricType::Counter),
                metric("response_seconds", MetricType::Histogram),
            ],
        }
    }

    /// The number of hosts and metrics, in words.
    pub(super) fn summary(&self) -> String {
        let hosts = plural(self.hosts as usize, "host", "hosts");
        format!("{hosts} with {}", plural(self.metrics.len(), "metric", "metrics"))
    }

    /// The config's text, or the errors or warnings that it would have.
    pub(super) fn checked_text(&self) -> Result<String, String> {
        let mut names = IndexSet::new();
        if let Some(twice) = self.metrics.iter().find(|metric| !names.insert(&metric.name)) {
            return Err(format!("metric {:?} is given twice; leave one out", twice.name));
        }
        let text = self.text();
        match ConfigFile::from_text(&self.name, &text).plan(&LoadOptions::starting_at(wall_now())) {
            Ok(loaded) if loaded.warnings.is_empty() => Ok(text),
            Ok(loaded) => Err(loaded.warnings.join("; ")),
            Err(ConfigError::Invalid { problems, .. }) => {
                let messages: IndexSet<String> =
                    problems.into_iter().map(|problem| problem.message).collect();
                Err(messages.into_iter().collect::<Vec<_>>().join("; "))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn text(&self) -> String {
        let metrics: String =
            self.metrics.iter().enumerate().map(|(n, metric)| metric.text(n == 0)).collect();
        let zone = r#""zone": "zone-{i % 2}""#;
        format!(
            r#"// A config for promemu, to start from.
//
// It is RON: Name(field: value), [lists], {{ "maps": … }}, (pairs) and comments as this one. Text
// may have expressions in braces, as "{{hosts * 2}}". `promemu scenarios` lists what makes values,
// `promemu scenarios NAME` describes one. docs/configs.md in promemu's repository has all fields.
Config(
    // Shown by promemu --list-configs.
    description: {description:?},

    // Arguments, for --config-args hosts=5 ttl=1h. The default sets the type: a whole number, a
    // number, a duration as "15m", true or false, or text. Below, "{{hosts}}" stands for the value.
    args: {{
        "hosts": Arg(default: {hosts}, min: 1, help: "number of hosts"),
        "ttl": Arg(default: "15m", help: "ttl of every host, inf for ever"),
    }},

    // The hosts' job, which is a group on the Pushgateway. A Host may have a job_name of its own.
    default_job_name: {job:?},

    hosts: [
        Host(
            // Makes several hosts of this one: i is 1, then 2, up to hosts; {{i:02}} has two digits.
            repeat: Repeat(var: "i", from: 1, to: "{{hosts}}"),
            name: "{name}-{{i:02}}",
            ttl: "{{ttl}}",
            // Time between two reports of a host.
            interval: "10s",
            // Labels of all its series, beside its name, host and address, which are always there.
            labels: {{ "environment": "test", {zone} }},
            // Events: when a host starts, it emits warm_up, which its first metric listens to.
            // Other actions are start_metric("NAME") and stop_metric("NAME"). "EVENT@own" is an
            // event of the host itself, "EVENT@HOST" one of another host.
            listen_events: {{ "host_started": emit("warm_up") }},
            metrics: [
{metrics}            ],
        ),
    ],
)
"#,
            // A description has no expressions: its braces are doubled.
            description = self.description.replace('{', "{{").replace('}', "}}"),
            hosts = self.hosts,
            job = self.job,
            name = self.name,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_config_is_commented_and_has_no_problems() {
        let text = Starter::new("shop").checked_text().unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text, @r#"
        // A config for promemu, to start from.
        //
        // It is RON: Name(field: value), [lists], { "maps": … }, (pairs) and comments as this one. Text
        // may have expressions in braces, as "{hosts * 2}". `promemu scenarios` lists what makes values,
        // `promemu scenarios NAME` describes one. docs/configs.md in promemu's repository has all fields.
        Config(
            // Shown by promemu --list-configs.
            description: "emulated hosts of shop",

            // Arguments, for --config-args hosts=5 ttl=1h. The default sets the type: a whole number, a
            // number, a duration as "15m", true or false, or text. Below, "{hosts}" stands for the value.
            args: {
                "hosts": Arg(default: 3, min: 1, help: "number of hosts"),
                "ttl": Arg(default: "15m", help: "ttl of every host, inf for ever"),
            },

            // The hosts' job, which is a group on the Pushgateway. A Host may have a job_name of its own.
            default_job_name: "shop",

            hosts: [
                Host(
                    // Makes several hosts of this one: i is 1, then 2, up to hosts; {i:02} has two digits.
                    repeat: Repeat(var: "i", from: 1, to: "{hosts}"),
                    name: "shop-{i:02}",
                    ttl: "{ttl}",
                    // Time between two reports of a host.
                    interval: "10s",
                    // Labels of all its series, beside its name, host and address, which are always there.
                    labels: { "environment": "test", "zone": "zone-{i % 2}" },
                    // Events: when a host starts, it emits warm_up, which its first metric listens to.
                    // Other actions are start_metric("NAME") and stop_metric("NAME"). "EVENT@own" is an
                    // event of the host itself, "EVENT@HOST" one of another host.
                    listen_events: { "host_started": emit("warm_up") },
                    metrics: [
                        // A gauge shows the value of its scenario, within value_range.
                        Metric(
                            name: "cpu_usage_percent",
                            metric_type: gauge,
                            description: "cpu usage percent",
                            // Time between two values, and labels in addition to the host's.
                            update_interval: "5s",
                            labels: { "origin": "emulated" },
                            value_range: (0, 100),
                            // Or, instead:
                            //     scenario: random_in_range,
                            //     scenario: sine_wave(period: "5m"),
                            //     scenario: update_by_trend(trend: up),
                            scenario: switch_scenario_by_events(
                                // For a minute after the event:
                                events_config: {
                                    "warm_up@own": (
                                        scenario: random_in_range(value_range: (80, 100)),
                                        duration: "1m",
                                    ),
                                },
                                // At all other times:
                                default_scenario: random_walk(step: 5),
                            ),
                        ),
                        // A counter adds up the values of its scenario, here as a rate per second.
                        Metric(
                            name: "requests_total",
                            metric_type: counter,
                            description: "requests",
                            accumulate: per_second,
                            decimals: 0,
                            value_range: (0, 50),
                            // Or, instead:
                            //     scenario: random_in_range,
                            //     scenario: sine_wave(amplitude: 20, offset: 25),
                            //     scenario: variety_selection(values: [5, 20]),
                            scenario: random_walk(step: 5),
                        ),
                        // A histogram counts in buckets: here 20 observations with each new value.
                        Metric(
                            name: "response_seconds",
                            metric_type: histogram,
                            description: "response seconds",
                            observations: 20,
                            buckets: [0.05, 0.1, 0.25, 0.5, 1],
                            value_range: (0.01, 2),
                            // Or, instead:
                            //     scenario: random_walk(step: 0.1),
                            //     scenario: sine_wave(amplitude: 0.4, offset: 0.5),
                            //     scenario: variety_selection(values: [0.1, 1]),
                            scenario: random_in_range(value_range: (0.02, 0.6)),
                        ),
                    ],
                ),
            ],
        )
        "#);
    }

    #[test]
    fn texts_survive_the_round_trip_through_ron() {
        let description = "\"quotes\", \\ and\nlines {of} größe".to_owned();
        let starter = Starter { description: description.clone(), ..Starter::new("shop") };
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("shop.ron"), starter.checked_text().unwrap()).unwrap();
        let configs = promemu_core::config::ConfigDirs::new(Some(dir.path().to_owned())).list();
        let shop = configs.into_iter().find(|config| config.name == "shop").unwrap();
        assert_eq!(shop.classes.unwrap()[0].description, description);
    }

    #[test]
    fn contents_that_cannot_run_are_refused() {
        let refused = |metrics: &str| {
            let metrics = metrics.split(' ').map(str::parse).collect::<Result<_, _>>()?;
            Starter { metrics, ..Starter::new("shop") }.checked_text()
        };
        let cases = [
            "cpu",
            ":gauge",
            "cpu:gage",
            "requests:counter",
            "9lives:gauge",
            "push_time_seconds:gauge",
            "a:gauge a:histogram",
            "x:histogram x_count:gauge",
        ];
        let errors: Vec<String> = cases.iter().map(|case| refused(case).unwrap_err()).collect();
        insta::assert_snapshot!(errors.join("\n"), @r#"
        "cpu" is not NAME:TYPE, as in cpu_usage_percent:gauge
        ":gauge" is not NAME:TYPE, as in cpu_usage_percent:gauge
        "cpu:gage" has an unknown type; did you mean "gauge"?
        a counter's name ends in _total; write requests_total:counter
        metric name "9lives" is not allowed; use letters, digits, _ and :, not beginning with a digit
        metric name "push_time_seconds" is used by the Pushgateway or promemu; choose another
        metric "a" is given twice; leave one out
        metric "x_count" is a series of the histogram "x"; give one of them another name
        "#);
        let starter = Starter { hosts: u32::MAX, ..Starter::new("shop") };
        assert!(starter.checked_text().unwrap_err().contains("5000000"));
    }
}
