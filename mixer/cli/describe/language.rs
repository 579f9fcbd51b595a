//! The fields, scenarios, faults, events and flags that there are, as JSON: an editor completes and checks configs with it.

use promemu_core::config::reference::{Field, RECORDS};
use promemu_core::event::LIFECYCLE;
use promemu_core::fault::KINDS as FAULTS;
use promemu_core::metric::MetricType;
use promemu_core::scenario::{Param, kinds};
use serde_json::{Value, json};

use crate::args::{Flag, commands, flags};
use crate::exit_codes::EXIT_CODES;

/// All of it.
pub(super) fn language() -> Value {
    let records = RECORDS.map(|record| {
        json!({
            "name": record.name,
            "summary": plain(record.summary),
            "fields": record.fields.iter().flat_map(fields).collect::<Vec<_>>(),
        })
    });
    let scenarios = kinds().into_iter().map(|kind| {
        json!({ "name": kind.name, "summary": plain(kind.summary), "parameters": params(kind.params) })
    });
    let faults = FAULTS.iter().map(|kind| {
        let metrics = kind.takes_metrics.then_some("metrics");
        let times = kind.schedule.fields().iter().copied().chain(metrics);
        json!({
            "name": kind.name,
            "summary": plain(kind.summary),
            "times": times.collect::<Vec<_>>(),
            "parameters": params(kind.params),
        })
    });
    let flags: Vec<Flag> = flags().into_iter().map(|flag| Flag { help: plain(&flag.help), ..flag }).collect();
    let exit_codes = EXIT_CODES.map(|(code, meaning)| json!({ "code": code, "meaning": plain(meaning) }));
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "records": records,
        "metric_types": MetricType::ALL.map(MetricType::name),
        "scenarios": scenarios.collect::<Vec<_>>(),
        "faults": faults.collect::<Vec<_>>(),
        "events": LIFECYCLE,
        "commands": commands(),
        "flags": flags,
        "exit_codes": exit_codes,
    })
}

/// An object for each field that is described together with others.
fn fields(field: &Field) -> impl Iterator<Item = Value> {
    field.names.iter().map(|name| {
        json!({
            "name": name,
            "takes": plain(field.takes),
            "is_required": field.default == "must be given",
            "default": plain(field.default),
            "help": plain(field.help),
        })
    })
}

fn params(params: &[Param]) -> Vec<Value> {
    let object = |param: &Param| {
        json!({
            "name": param.name,
            "takes": plain(&param.kind.describe()),
            "is_required": param.default.is_empty(),
            "default": plain(param.default),
            "help": plain(param.help),
        })
    };
    params.iter().map(object).collect()
}

/// Markdown without its marks of code and of links.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        let target = link.split_once("](").and_then(|(label, after)| Some((label, after.split_once(')')?.1)));
        // A bracket without a target is one of a list.
        let Some((label, after)) = target.filter(|(label, _)| !label.contains(['[', ']'])) else {
            plain.push_str(before);
            plain.push('[');
            rest = link;
            continue;
        };
        plain.push_str(before);
        plain.push_str(label);
        rest = after;
    }
    plain.push_str(rest);
    plain.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_without_the_marks_of_markdown() {
        for (markdown, text) in [
            ("a [fault](#faults-of-a-host) without its `times`", "a fault without its times"),
            ("`web-0[12]`, or [Labels](#labels)", "web-0[12], or Labels"),
            ("a list, as in [a, b]", "a list, as in [a, b]"),
        ] {
            assert_eq!(plain(markdown), text);
        }
    }

    #[test]
    fn every_text_is_plain_and_every_name_is_there_once() {
        let language = language();
        let text = format!("{language:#}");
        let marked: Vec<&str> =
            text.lines().filter(|line| line.contains('`') || line.contains("](")).collect();
        assert!(marked.is_empty(), "{marked:#?}");
        for list in ["records", "scenarios", "faults", "commands"] {
            let names: Vec<&Value> = language[list]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item.get("name").unwrap_or(&item["command"]))
                .collect();
            let unique: std::collections::BTreeSet<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(unique.len(), names.len(), "{list}");
        }
        let metric = language["records"].as_array().unwrap().iter().find(|record| record["name"] == "Metric");
        let fields = metric.unwrap()["fields"].as_array().unwrap();
        assert!(fields.iter().any(|field| field["name"] == "value_range"), "{fields:?}");
        let sine = language["scenarios"].as_array().unwrap().iter().find(|kind| kind["name"] == "sine_wave");
        assert_eq!(sine.unwrap()["parameters"][0]["name"], "period");
    }
}
