//! One metric of a new config, and its text.

use std::fmt;
use std::str::FromStr;

use promemu_core::error::suggestion;
use promemu_core::metric::MetricType;

/// One metric of a new config, as `NAME:TYPE`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::new) struct StarterMetric {
    pub(super) name: String,
    pub(super) metric_type: MetricType,
}

impl FromStr for StarterMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let missing = || format!("{text:?} is not NAME:TYPE, as in cpu_usage_percent:gauge");
        let (name, type_name) =
            text.rsplit_once(':').filter(|(name, _)| !name.is_empty()).ok_or_else(missing)?;
        let unknown = || {
            format!(
                "{text:?} has an unknown type{}",
                suggestion(type_name, &MetricType::ALL.map(MetricType::name))
            )
        };
        let metric_type = MetricType::from_name(type_name).ok_or_else(unknown)?;
        if metric_type == MetricType::Counter && !name.ends_with("_total") {
            return Err(format!("a counter's name ends in _total; write {name}_total:counter"));
        }
        if metric_type == MetricType::Info && !name.ends_with("_info") {
            return Err(format!("an info's name ends in _info; write {name}_info:info"));
        }
        Ok(Self { name: name.to_owned(), metric_type })
    }
}

impl fmt::Display for StarterMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.metric_type.name())
    }
}

impl StarterMetric {
    /// The metric's text in the config. That of the first metric also explains events and the fields of all types.
    pub(super) fn text(&self, is_first: bool) -> String {
        let pattern = Pattern::of(self.metric_type);
        let (name, type_name) = (&self.name, self.metric_type.name());
        let description = name.trim_end_matches("_total").replace('_', " ");
        let mut lines = vec![
            format!("// {}", pattern.about),
            "Metric(".to_owned(),
            format!("    name: {name:?},"),
            format!("    metric_type: {type_name},"),
            format!("    description: {description:?},"),
        ];
        if is_first {
            lines.push("    // Time between two values, and labels in addition to the host's.".to_owned());
            lines.push("    update_interval: \"5s\",".to_owned());
            lines.push("    labels: { \"origin\": \"emulated\" },".to_owned());
        }
        // The only field of an info is labels, which the first metric has already.
        if !is_first || !pattern.scenario.is_empty() {
            lines.extend(pattern.fields.iter().map(|field| format!("    {field},")));
        }
        if pattern.scenario.is_empty() {
            lines.push("),".to_owned());
            return indented(&lines);
        }
        lines.push("    // Or, instead:".to_owned());
        lines.extend(pattern.alternatives.iter().map(|other| format!("    //     scenario: {other},")));
        if is_first {
            lines.push("    scenario: switch_scenario_by_events(".to_owned());
            lines.push("        // For a minute after the event:".to_owned());
            lines.push("        events_config: {".to_owned());
            lines.push("            \"warm_up@own\": (".to_owned());
            lines.push(format!("                scenario: {},", pattern.warm_up));
            lines.push("                duration: \"1m\",".to_owned());
            lines.push("            ),".to_owned());
            lines.push("        },".to_owned());
            lines.push("        // At all other times:".to_owned());
            lines.push(format!("        default_scenario: {},", pattern.scenario));
            lines.push("    ),".to_owned());
        } else {
            lines.push(format!("    scenario: {},", pattern.scenario));
        }
        lines.push("),".to_owned());
        indented(&lines)
    }
}

fn indented(lines: &[String]) -> String {
    lines.iter().map(|line| format!("                {line}\n")).collect::<Vec<_>>().concat()
}

/// The text for a metric of one type.
struct Pattern {
    about: &'static str,
    fields: &'static [&'static str],
    scenario: &'static str,
    alternatives: &'static [&'static str],
    warm_up: &'static str,
}

impl Pattern {
    const fn of(metric_type: MetricType) -> Self {
        match metric_type {
            MetricType::Gauge => GAUGE,
            MetricType::Counter => COUNTER,
            MetricType::Histogram => HISTOGRAM,
            MetricType::NativeHistogram => NATIVE_HISTOGRAM,
            MetricType::Summary => SUMMARY,
            MetricType::Info => INFO,
            MetricType::StateSet => STATE_SET,
        }
    }
}

const GAUGE: Pattern = Pattern {
    about: "A gauge shows the value of its scenario, within value_range.",
    fields: &["value_range: (0, 100)"],
    scenario: "random_walk(step: 5)",
    alternatives: &["random_in_range", "sine_wave(period: \"5m\")", "update_by_trend(trend: up)"],
    warm_up: "random_in_range(value_range: (80, 100))",
};

const COUNTER: Pattern = Pattern {
    about: "A counter adds up the values of its scenario, here as a rate per second.",
    fields: &["accumulate: per_second", "decimals: 0", "value_range: (0, 50)"],
    scenario: "random_walk(step: 5)",
    alternatives: &[
        "random_in_range",
        "sine_wave(amplitude: 20, offset: 25)",
        "variety_selection(values: [5, 20])",
    ],
    warm_up: "random_in_range(value_range: (40, 50))",
};

const HISTOGRAM: Pattern = Pattern {
    about: "A histogram counts in buckets: here 20 observations with each new value.",
    fields: &["observations: 20", "buckets: [0.05, 0.1, 0.25, 0.5, 1]", "value_range: (0.01, 2)"],
    scenario: "random_in_range(value_range: (0.02, 0.6))",
    alternatives: &[
        "random_walk(step: 0.1)",
        "sine_wave(amplitude: 0.4, offset: 0.5)",
        "variety_selection(values: [0.1, 1])",
    ],
    warm_up: "random_in_range(value_range: (0.5, 2))",
};

const NATIVE_HISTOGRAM: Pattern = Pattern {
    about: "A native histogram counts in exponential buckets: here 200 observations with each new value.",
    fields: &["observations: 200", "spread: lognormal(p99: \"value * 5\")", "value_range: (0.001, 10)"],
    scenario: "random_walk(step: 0.01, value_range: (0.1, 0.3))",
    alternatives: &["random_in_range(value_range: (0.1, 0.3))", "sine_wave(amplitude: 0.1, offset: 0.2)"],
    warm_up: "random_in_range(value_range: (0.5, 1))",
};

const SUMMARY: Pattern = Pattern {
    about: "A summary shows quantiles of the observations of the last ten minutes.",
    fields: &[
        "observations: 200",
        "quantiles: [0.5, 0.99]",
        "spread: lognormal(p99: \"value * 5\")",
        "value_range: (0.001, 10)",
    ],
    scenario: "random_walk(step: 0.01, value_range: (0.1, 0.3))",
    alternatives: &["random_in_range(value_range: (0.1, 0.3))", "sine_wave(amplitude: 0.1, offset: 0.2)"],
    warm_up: "random_in_range(value_range: (0.5, 1))",
};

const INFO: Pattern = Pattern {
    about: "An info is always 1; the information is in its labels.",
    fields: &["labels: { \"version\": \"1.2.3\" }"],
    scenario: "",
    alternatives: &[],
    warm_up: "",
};

const STATE_SET: Pattern = Pattern {
    about: "A stateset is in one of its states: the value of its scenario is the state's number, from 0.",
    fields: &["states: [\"starting\", \"running\", \"failed\"]"],
    scenario: "variety_selection(values: [1, 0, 2], change_probability: 0.05)",
    alternatives: &["random_in_range", "random_walk(step: 1)"],
    warm_up: "random_in_range(value_range: (0, 0))",
};

#[cfg(test)]
mod tests {
    use promemu_core::config::{ConfigFile, LoadOptions};
    use promemu_run::clock::wall_now;

    use super::super::Starter;
    use super::*;

    #[test]
    fn every_type_may_come_first_and_every_alternative_works() {
        for type_name in MetricType::ALL.map(MetricType::name) {
            let name = if type_name == "info" { "a_info" } else { "a_total" };
            let metric: StarterMetric = format!("{name}:{type_name}").parse().unwrap();
            let pattern = Pattern::of(metric.metric_type);
            let starter = Starter { metrics: vec![metric], ..Starter::new("shop") };
            let text = starter.checked_text().unwrap();
            for alternative in pattern.alternatives {
                let changed = text.replace(
                    &format!("default_scenario: {}", pattern.scenario),
                    &format!("default_scenario: {alternative}"),
                );
                assert_ne!(changed, text);
                let loaded =
                    ConfigFile::from_text("shop", &changed).plan(&LoadOptions::starting_at(wall_now()));
                assert!(loaded.is_ok_and(|loaded| loaded.warnings.is_empty()), "{alternative}");
            }
        }
    }
}
