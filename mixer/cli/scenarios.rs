//! `promemu scenarios`: the scenarios, their parameters and examples.

use promemu_core::error::{Error, suggestion};
use promemu_core::scenario::{AnyKind, Param, ParamKind, kinds};
use promemu_core::time::Span;

use crate::stdout;
use crate::table::{self, paragraph, prose, table, whole};

/// Number of optional parameters in an example.
const OPTIONAL_IN_EXAMPLE: usize = 2;

/// Prints the list of scenarios, or the description of one.
pub(crate) fn scenarios(name: Option<&str>) -> Result<(), Error> {
    let width = table::width();
    let Some(name) = name else { return stdout::print(list(width).as_bytes()) };
    let kinds = kinds();
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
    let unknown = || Error::Usage(format!("unknown scenario {name:?}{}", suggestion(name, &known)));
    let kind = kinds.iter().find(|kind| kind.name == name).ok_or_else(unknown)?;
    stdout::print(description(kind, width).as_bytes())
}

fn list(width: Option<u16>) -> String {
    let rows = kinds().into_iter().map(|kind| [kind.name, kind.summary].map(str::to_owned));
    table([whole("SCENARIO"), prose("DESCRIPTION")], rows, 0, width)
}

fn description(kind: &AnyKind, width: Option<u16>) -> String {
    let summary = paragraph(&format!("{}: {}", kind.name, kind.summary), 0, width);
    let params = if kind.params.is_empty() {
        "It has no parameters.\n".to_owned()
    } else {
        let rows = kind.params.iter().map(row);
        table([whole("PARAMETER"), prose("TYPE"), prose("DEFAULT"), prose("HELP")], rows, 0, width)
    };
    format!("{summary}\n{params}\nIn a metric:\n\n    scenario: {}\n", example(kind))
}

fn row(param: &Param) -> [String; 4] {
    let takes = param.kind.describe().replace('`', "");
    let default = if param.default.is_empty() { "must be given" } else { param.default };
    [param.name.to_owned(), takes, default.to_owned(), param.help.to_owned()]
}

/// The scenario in a config, with its required parameters, or without any with its first ones.
fn example(kind: &AnyKind) -> String {
    let required: Vec<&Param> = kind.params.iter().filter(|param| param.default.is_empty()).collect();
    let first = || kind.params.iter().take(OPTIONAL_IN_EXAMPLE).collect();
    let shown: Vec<&Param> = if required.is_empty() { first() } else { required };
    if shown.is_empty() {
        return kind.name.to_owned();
    }
    let params = shown.iter().enumerate().map(|(n, param)| format!("{}: {}", param.name, value(param, n)));
    format!("{}({})", kind.name, params.collect::<Vec<_>>().join(", "))
}

/// A value for a parameter: its default if that is a value, else a sample of its kind.
fn value(param: &Param, place: usize) -> String {
    let default = param.default;
    match param.kind {
        ParamKind::Number if default.parse::<f64>().is_ok() => default.to_owned(),
        ParamKind::Number => "1".to_owned(),
        ParamKind::Span if Span::parse(default).is_ok() => format!("{default:?}"),
        ParamKind::Span => "\"30s\"".to_owned(),
        ParamKind::Range if default.starts_with('(') => default.to_owned(),
        ParamKind::Range if place == 0 => "(5, 25)".to_owned(),
        ParamKind::Range => "(75, 100)".to_owned(),
        ParamKind::Numbers => match default.split_once(" times ").map(|(count, _)| count.parse()) {
            Some(Ok(count)) => format!("[{}]", vec!["1"; count].join(", ")),
            _ => "[1, 2, 3]".to_owned(),
        },
        ParamKind::Choice(choices) => choices.first().copied().unwrap_or_default().to_owned(),
        ParamKind::Text => "\"cpu_usage_percent\"".to_owned(),
        ParamKind::Texts => "[\"a\", \"b\"]".to_owned(),
        ParamKind::Formula => "\"value / 2\"".to_owned(),
        ParamKind::Formulas => "{ \"sale\": \"value + 1\" }".to_owned(),
        ParamKind::Cases => "{ \"sale\": (scenario: random_walk) }".to_owned(),
        ParamKind::Script => "\"value + noise(1)\"".to_owned(),
        ParamKind::Scenario => "random_walk".to_owned(),
        ParamKind::Scenarios => "[sine_wave, random_walk]".to_owned(),
        ParamKind::Structured(_) if default.is_empty() => "[]".to_owned(),
        ParamKind::Structured(_) => default.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use promemu_core::config::{ConfigFile, LoadOptions};
    use promemu_core::scenario::kind;
    use promemu_run::clock::wall_now;

    use super::*;

    #[test]
    fn every_example_works_in_a_config() {
        for kind in kinds() {
            let example = example(kind);
            let text = format!(
                "Config(hosts: [Host(name: \"h\", metrics: [
                    Metric(name: \"cpu_usage_percent\", value_range: (0, 100)),
                    Metric(name: \"example\", value_range: (0, 100), scenario: {example})])])"
            );
            let loaded = ConfigFile::from_text("example", &text).plan(&LoadOptions::starting_at(wall_now()));
            // The events of an example are not emitted.
            let is_good = |warning: &String| warning.contains("is never emitted");
            assert!(loaded.is_ok_and(|loaded| loaded.warnings.iter().all(is_good)), "{example}");
        }
    }

    #[test]
    fn lists_and_descriptions_keep_to_the_width() {
        let fits = |text: &str| text.lines().all(|line| line.chars().count() <= 80);
        assert!(fits(&list(Some(80))), "{}", list(Some(80)));
        for kind in kinds() {
            let description = description(kind, Some(80));
            let (tables, _) = description.split_once("In a metric").unwrap();
            assert!(fits(tables), "{description}");
        }
    }

    #[test]
    fn a_description_has_the_parameters_and_an_example() {
        let walk = kind("random_walk").unwrap();
        insta::assert_snapshot!(description(walk, Some(80)), @"
        random_walk: a random step at each update, reflected at the ends of the
        value_range

        PARAMETER    TYPE         DEFAULT                   HELP
        step         number       1 % of the value_range    the largest step, up or down
        value_range  (low, high)  the metric's value_range  lowest and highest value
        bias         number       0                         added to every step

        In a metric:

            scenario: random_walk(step: 1, value_range: (75, 100))
        ");
        let time = kind("time_duration").unwrap();
        insta::assert_snapshot!(description(time, Some(80)), @"
        time_duration: seconds since the first update

        It has no parameters.

        In a metric:

            scenario: time_duration
        ");
    }
}
