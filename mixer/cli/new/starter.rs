//! The text of a new config: short, and with comments that teach the language.
//!
//! [`Starter::checked_text`] returns no text that has an error or a warning.

mod labels;
mod metric;
mod pattern;

use indexmap::IndexSet;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::error::ConfigError;
use promemu_core::plural::plural;
use promemu_run::clock::wall_now;

pub(super) use labels::outside_quotes;
pub(super) use metric::StarterMetric;

/// The metrics of each host, unless others are given.
pub(super) const DEFAULT_METRICS: &str =
    "cpu_usage_percent:gauge requests_total{code=\"200|500\"}:counter response_seconds:histogram";

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
    /// The hosts' ttl; `None` for hosts that live for ever.
    pub(super) ttl: Option<String>,
    /// The metrics of each host, at least one.
    pub(super) metrics: Vec<StarterMetric>,
}

impl Starter {
    /// Three hosts with a gauge, a counter and a histogram.
    pub(super) fn new(name: &str) -> Self {
        let metrics = DEFAULT_METRICS.split(' ').filter_map(|metric| metric.parse().ok()).collect();
        Self {
            name: name.to_owned(),
            description: format!("emulated hosts of {name}"),
            hosts: HOSTS,
            job: name.to_owned(),
            ttl: None,
            metrics,
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
        let (ttl_argument, ttl) = self.ttl_lines();
        format!(
            r#"// A config for promemu, to start from.
//
// It is RON: Name(field: value), [lists], {{ "maps": … }}, (pairs) and comments as this one. Text
// may have expressions in braces, as "{{hosts * 2}}". `promemu scenarios` lists what makes values,
// `promemu scenarios NAME` describes one. docs/config-file.md of promemu has all fields.
Config(
    // Shown by promemu --list-configs.
    description: {description:?},

    // Arguments, as in promemu run {name} hosts=5. The default sets the type: a whole number, a
    // number, a duration as "15m", true or false, or text. Below, "{{hosts}}" stands for the value.
    args: {{
        "hosts": Arg(default: {hosts}, min: 1, help: "number of hosts"),
{ttl_argument}    }},

    // The hosts' job, which is a group on the Pushgateway. A Host may have a job_name of its own.
    default_job_name: {job:?},

{incident}    hosts: [
        Host(
            // Makes several hosts of this one: i is 1, then 2, up to hosts; {{i:02}} has two digits.
            repeat: Repeat(var: "i", from: 1, to: "{{hosts}}"),
            name: "{name}-{{i:02}}",
{ttl}            // Time between two reports of a host.
            interval: "10s",
            // Labels of all its series, beside its name, host and address, which are always there.
            labels: {{ "environment": "test", {zone} }},
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
            incident = self.incident(),
        )
    }

    /// The argument `ttl` and the field of the host; without a ttl the hosts live for ever.
    fn ttl_lines(&self) -> (String, &'static str) {
        match &self.ttl {
            Some(ttl) => (
                format!(
                    "        \"ttl\": Arg(default: {ttl:?}, help: \"ttl of every host, inf for ever\"),\n"
                ),
                "            ttl: \"{ttl}\",\n",
            ),
            None => (String::new(), ""),
        }
    }

    /// The levers that the metrics read, and an incident that moves them.
    fn incident(&self) -> String {
        if !self.metrics.iter().any(StarterMetric::has_load) {
            return String::new();
        }
        let has_errors = self.metrics.iter().any(StarterMetric::has_errors);
        let (lever, set, too) = if has_errors {
            (
                ", \"error_ratio\": 0.01",
                "            set: { \"error_ratio\": 0.2 },\n",
                " A fifth\n    // of the requests fails.",
            )
        } else {
            ("", "", "")
        };
        format!(
            r#"    // Levers are numbers of the run, which scenarios read as run.NAME. A fault moves them, and so
    // does a person: promemu ctl lever load 3 --for 5m
    levers: {{ "load": 1.0{lever} }},

    // An incident: at minute 5, and then every 15 minutes, the load grows four-fold.{too}
    // promemu plot {name} --for 15m draws it.
    faults: [
        Fault(
            id: "overload",
            at: "5m",
            lasts: "3m",
            every: "15m",
            times: {{ "load": ramp(to: 4, over: "1m") }},
{set}        ),
    ],

"#,
            name = self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "it shows the whole config")]
    fn a_new_config_is_commented_and_has_no_problems() {
        let text = Starter::new("shop").checked_text().unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text, @r##"
        // A config for promemu, to start from.
        //
        // It is RON: Name(field: value), [lists], { "maps": … }, (pairs) and comments as this one. Text
        // may have expressions in braces, as "{hosts * 2}". `promemu scenarios` lists what makes values,
        // `promemu scenarios NAME` describes one. docs/config-file.md of promemu has all fields.
        Config(
            // Shown by promemu --list-configs.
            description: "emulated hosts of shop",

            // Arguments, as in promemu run shop hosts=5. The default sets the type: a whole number, a
            // number, a duration as "15m", true or false, or text. Below, "{hosts}" stands for the value.
            args: {
                "hosts": Arg(default: 3, min: 1, help: "number of hosts"),
            },

            // The hosts' job, which is a group on the Pushgateway. A Host may have a job_name of its own.
            default_job_name: "shop",

            // Levers are numbers of the run, which scenarios read as run.NAME. A fault moves them, and so
            // does a person: promemu ctl lever load 3 --for 5m
            levers: { "load": 1.0, "error_ratio": 0.01 },

            // An incident: at minute 5, and then every 15 minutes, the load grows four-fold. A fifth
            // of the requests fails.
            // promemu plot shop --for 15m draws it.
            faults: [
                Fault(
                    id: "overload",
                    at: "5m",
                    lasts: "3m",
                    every: "15m",
                    times: { "load": ramp(to: 4, over: "1m") },
                    set: { "error_ratio": 0.2 },
                ),
            ],

            hosts: [
                Host(
                    // Makes several hosts of this one: i is 1, then 2, up to hosts; {i:02} has two digits.
                    repeat: Repeat(var: "i", from: 1, to: "{hosts}"),
                    name: "shop-{i:02}",
                    // Time between two reports of a host.
                    interval: "10s",
                    // Labels of all its series, beside its name, host and address, which are always there.
                    labels: { "environment": "test", "zone": "zone-{i % 2}" },
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
                            //     scenario: random_walk(step: 5),
                            //     scenario: sine_wave(period: "5m"),
                            //     scenario: update_by_trend(trend: up),
                            scenario: script(source: "20 * run.load + noise(4)"),
                        ),
                        // A counter adds up the values of its scenario, here as a rate per second.
                        Metric(
                            // One for each value of the label.
                            repeat: Repeat(var: "code", in: ["200", "500"]),
                            name: "requests_total",
                            metric_type: counter,
                            description: "requests",
                            labels: { "code": "{code}" },
                            accumulate: per_second,
                            decimals: 0,
                            value_range: (0, 1000),
                            // Or, instead:
                            //     scenario: random_walk(step: 5, value_range: (0, 50)),
                            //     scenario: sine_wave(amplitude: 20, offset: 25),
                            //     scenario: variety_selection(values: [5, 20]),
                            scenario: script(source: r#"
                                let errors = run.error_ratio;
                                let part = if code == "500" { errors } else { 1 - errors };
                                20 * run.load * random(0.8, 1.2) * part
                            "#),
                        ),
                        // A histogram counts observations, which scatter around the value of its scenario.
                        Metric(
                            name: "response_seconds",
                            metric_type: histogram,
                            description: "response seconds",
                            observations: "20 * run.load",
                            spread: lognormal(p99: "value * 5"),
                            buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
                            value_range: (0.001, 10),
                            // Or, instead:
                            //     scenario: random_walk(step: 0.01, value_range: (0.05, 0.2)),
                            //     scenario: random_in_range(value_range: (0.1, 0.3)),
                            //     scenario: sine_wave(amplitude: 0.1, offset: 0.2),
                            scenario: script(source: "0.08 * run.load"),
                        ),
                    ],
                ),
            ],
        )
        "##);
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
        "cpu" is not NAME:TYPE, as in cpu_usage_percent:gauge or requests_total{code="200|500"}:counter
        ":gauge" is not NAME:TYPE, as in cpu_usage_percent:gauge or requests_total{code="200|500"}:counter
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
