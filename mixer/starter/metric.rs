//! One metric of a new config: what the user asked for, and the text that is written for it.

use std::fmt;
use std::str::FromStr;

use promemu::error::suggestion;
use promemu::metric::MetricType;

/// One metric of a new config, as `NAME:TYPE`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StarterMetric {
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
        Ok(Self { name: name.to_owned(), metric_type })
    }
}

impl fmt::Display for StarterMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.metric_type.name())
    }
}

impl StarterMetric {
    /// The metric as the config has it; the first one shows events and fields that all types have.
    pub(super) fn text(&self, is_first: bool) -> String {
        let pattern = Pattern::of(self.metric_type);
        let (name, type_name) = (&self.name, self.metric_type.name());
        let described = name.trim_end_matches("_total").replace('_', " ");
        let mut lines = vec![
            format!("// {}", pattern.about),
            "Metric(".to_owned(),
            format!("    name: {name:?},"),
            format!("    metric_type: {type_name},"),
            format!("    description: {described:?},"),
        ];
        if is_first {
            lines.push("    // How often it has a new value, and its labels beside its host's.".to_owned());
            lines.push("    update_interval: \"5s\",".to_owned());
            lines.push("    labels: { \"origin\": \"emulated\" },".to_owned());
        }
        lines.extend(pattern.fields.iter().map(|field| format!("    {field},")));
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
        let lines: Vec<String> = lines.iter().map(|line| format!("                {line}\n")).collect();
        lines.concat()
    }
}

/// What is written for a metric of one type.
struct Pattern {
    about: &'static str,
    fields: &'static [&'static str],
    scenario: &'static str,
    alternatives: [&'static str; 3],
    warm_up: &'static str,
}

impl Pattern {
    const fn of(metric_type: MetricType) -> Self {
        match metric_type {
            MetricType::Gauge => Self {
                about: "A gauge shows what its scenario says, within value_range.",
                fields: &["value_range: (0, 100)"],
                scenario: "random_walk(step: 5)",
                alternatives: ["random_in_range", "sine_wave(period: \"5m\")", "update_by_trend(trend: up)"],
                warm_up: "random_in_range(value_range: (80, 100))",
            },
            MetricType::Counter => Self {
                about: "A counter adds up what its scenario says, here as a rate per second.",
                fields: &["accumulate: per_second", "decimals: 0", "value_range: (0, 50)"],
                scenario: "random_walk(step: 5)",
                alternatives: [
                    "random_in_range",
                    "sine_wave(amplitude: 20, offset: 25)",
                    "variety_selection(values: [5, 20])",
                ],
                warm_up: "random_in_range(value_range: (40, 50))",
            },
            _ => Self {
                about: "A histogram counts in buckets: here 20 observations with each new value.",
                fields: &["observations: 20", "buckets: [0.05, 0.1, 0.25, 0.5, 1]", "value_range: (0.01, 2)"],
                scenario: "random_in_range(value_range: (0.02, 0.6))",
                alternatives: [
                    "random_walk(step: 0.1)",
                    "sine_wave(amplitude: 0.4, offset: 0.5)",
                    "variety_selection(values: [0.1, 1])",
                ],
                warm_up: "random_in_range(value_range: (0.5, 2))",
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use promemu::clock::wall_now;
    use promemu::config::{ConfigFile, LoadOptions};

    use super::super::Starter;
    use super::*;

    #[test]
    fn every_type_may_come_first_and_every_alternative_works() {
        for type_name in MetricType::ALL.map(MetricType::name) {
            let metric: StarterMetric = format!("a_total:{type_name}").parse().unwrap();
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
