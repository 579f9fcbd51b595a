//! One metric of a new config, and its text.

use std::fmt;
use std::str::FromStr;

use promemu_core::error::suggestion;
use promemu_core::metric::MetricType;

use super::labels::Labels;
use super::pattern::{Pattern, Scenario};

/// One metric of a new config, as `NAME:TYPE` or `NAME{LABEL="VALUE|OTHER"}:TYPE`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::new) struct StarterMetric {
    pub(super) name: String,
    pub(super) labels: Labels,
    pub(super) metric_type: MetricType,
}

impl FromStr for StarterMetric {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let missing = || {
            format!(
                "{text:?} is not NAME:TYPE, as in cpu_usage_percent:gauge or requests_total{{code=\"200|500\"}}:counter"
            )
        };
        let (series, type_name) = text.rsplit_once(':').ok_or_else(missing)?;
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, Labels::read(rest.strip_suffix('}').ok_or_else(missing)?)?),
            None => (series, Labels::default()),
        };
        if name.is_empty() {
            return Err(missing());
        }
        let unknown = || {
            format!(
                "{text:?} has an unknown type{}",
                suggestion(type_name, &MetricType::ALL.map(MetricType::name))
            )
        };
        let metric_type = MetricType::from_name(type_name).ok_or_else(unknown)?;
        if metric_type == MetricType::Counter && !name.ends_with("_total") {
            return Err(format!("a counter's name ends in _total; write {name}_total{labels}:counter"));
        }
        if metric_type == MetricType::Info && !name.ends_with("_info") {
            return Err(format!("an info's name ends in _info; write {name}_info{labels}:info"));
        }
        Ok(Self { name: name.to_owned(), labels, metric_type })
    }
}

impl fmt::Display for StarterMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}:{}", self.name, self.labels, self.metric_type.name())
    }
}

impl StarterMetric {
    /// `true` if its values follow the lever `load`.
    pub(super) const fn has_load(&self) -> bool {
        matches!(Pattern::of(self.metric_type).scenario, Scenario::Formula(_))
    }

    /// `true` if its values follow the lever `error_ratio`.
    pub(super) fn has_errors(&self) -> bool {
        self.metric_type == MetricType::Counter && self.labels.share().is_some()
    }

    /// The metric's text in the config. That of the first metric also explains the fields of all types.
    pub(super) fn text(&self, is_first: bool) -> String {
        let pattern = Pattern::of(self.metric_type);
        let mut lines = vec![format!("// {}", pattern.about), "Metric(".to_owned()];
        let mut field = |text: &str| lines.push(format!("    {text}"));
        if let Some(repeat) = self.labels.repeat() {
            field("// One for each value of the label.");
            field(&format!("{repeat},"));
        }
        field(&format!("name: {:?},", self.name));
        field(&format!("metric_type: {},", self.metric_type.name()));
        let description = self.name.trim_end_matches("_total").replace('_', " ");
        field(&format!("description: {description:?},"));
        if is_first {
            field("// Time between two values, and labels in addition to the host's.");
            field("update_interval: \"5s\",");
        }
        if let Some(labels) = self.label_field(is_first) {
            field(&format!("{labels},"));
        }
        for text in pattern.fields {
            field(&format!("{text},"));
        }
        if let Some(scenario) = self.scenario(&pattern) {
            field("// Or, instead:");
            for other in pattern.alternatives {
                field(&format!("//     scenario: {other},"));
            }
            format!("scenario: {scenario},").lines().for_each(&mut field);
        }
        lines.push("),".to_owned());
        lines.iter().map(|line| format!("                {line}\n")).collect::<Vec<_>>().concat()
    }

    /// The metric's labels; an info and the first metric have some as an example.
    fn label_field(&self, is_first: bool) -> Option<String> {
        if !self.labels.is_empty() {
            return Some(self.labels.field());
        }
        if self.metric_type == MetricType::Info {
            return Some("labels: { \"version\": \"1.2.3\" }".to_owned());
        }
        is_first.then(|| "labels: { \"origin\": \"emulated\" }".to_owned())
    }

    fn scenario(&self, pattern: &Pattern) -> Option<String> {
        let formula = match pattern.scenario {
            Scenario::None => return None,
            Scenario::Other(scenario) => return Some(scenario.to_owned()),
            Scenario::Formula(formula) => formula,
        };
        // A raw text keeps the quotes of the formula readable.
        Some(match self.labels.share().filter(|_| self.metric_type == MetricType::Counter) {
            Some(share) => {
                format!(
                    "script(source: r#\"\n    let errors = run.error_ratio;\n    let part = {share};\n    {formula} * part\n\"#)"
                )
            }
            None => format!("script(source: {formula:?})"),
        })
    }
}

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
            let scenario = metric.scenario(&pattern);
            let starter = Starter { metrics: vec![metric], ..Starter::new("shop") };
            let text = starter.checked_text().unwrap();
            for alternative in pattern.alternatives {
                let used = format!("\n                    scenario: {},", scenario.as_deref().unwrap());
                let changed = text.replace(&used, &format!("\n                    scenario: {alternative},"));
                assert_ne!(changed, text);
                let loaded =
                    ConfigFile::from_text("shop", &changed).plan(&LoadOptions::starting_at(wall_now()));
                assert!(loaded.is_ok_and(|loaded| loaded.warnings.is_empty()), "{alternative}");
            }
        }
    }

    #[test]
    fn a_label_may_be_called_as_a_variable_of_the_script() {
        for label in ["errors", "part"] {
            let metric: StarterMetric = format!("a_total{{{label}=\"200|500\"}}:counter").parse().unwrap();
            let text = metric.text(false);
            assert!(text.contains(&format!("if {label}_value == \"500\" {{ errors }}")), "{text}");
        }
    }

    #[test]
    fn labels_are_read_with_and_without_quotes_and_each_value_is_a_series() {
        let series = |metric: &str| {
            let metric: StarterMetric = metric.parse()?;
            let starter = Starter { hosts: 1, metrics: vec![metric], ..Starter::new("shop") };
            let text = starter.checked_text()?;
            let loaded = ConfigFile::from_text("shop", &text).plan(&LoadOptions::starting_at(wall_now()));
            Ok::<_, String>(loaded.unwrap().plan.series_count())
        };
        for (metric, count) in [
            (r#"a_total{code="200|500"}:counter"#, 2),
            ("a_total{code=200|404|500|503,method=\"GET|PUT\"}:counter", 8),
            (r#"a{name_of="x"}:gauge"#, 1),
            (r#"a{i="1|2",run="{a}|b"}:gauge"#, 4),
            (r#"a{generation="1|2",slot="1|2"}:gauge"#, 4),
            (r#"a{url="http://x:1|y z"}:gauge"#, 2),
            (r#"a_info{version="1|2"}:info"#, 2),
        ] {
            assert_eq!(series(metric), Ok(count), "{metric}");
        }
        for (metric, complaint) in [
            (r#"a{code="200|500":gauge"#, "is not NAME:TYPE"),
            ("a{code}:gauge", "are not of the form"),
            (r#"a{code="1}:gauge"#, "are not of the form"),
            (r#"a{c="1",c="2"}:gauge"#, "is given twice; write its values as c=\"a|b\""),
            (r#"{code="200"}:gauge"#, "is not NAME:TYPE"),
            (r#"a{code="200|500"}:counter"#, r#"write a_total{code="200|500"}:counter"#),
            (r#"a{zone="x"}:gauge"#, "zone"),
            (r#"a{9="x"}:gauge"#, "label"),
        ] {
            let error = series(metric).unwrap_err();
            assert!(error.contains(complaint), "{metric}: {error}");
        }
    }
}
