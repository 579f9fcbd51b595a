//! The description of the API: what the routes declare of themselves, completed with the errors and an example of each
//! answer.
//!
//! Invariant: every error that an operation answers with is listed there, by its status and its code.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::error_code::ErrorCode as E;

/// Examples of answers by operation, as a daemon gave them.
const EXAMPLES: &str = include_str!("examples.json");

/// The errors of operations that are about a run.
const OF_RUN: [E; 3] = [E::UnknownRun, E::Conflict, E::RunOver];
/// The errors of operations that are about a host of a run.
const OF_HOST: [E; 5] = [E::UnknownRun, E::Conflict, E::RunOver, E::UnknownHost, E::ShardMissing];
/// The errors of operations that load a config.
const OF_CONFIG: [E; 4] = [E::UnknownConfig, E::InvalidConfig, E::InvalidValue, E::ConfigTooSlow];

/// The description as JSON.
pub(crate) fn describe(api: &OpenApi) -> String {
    let mut api = serde_json::to_value(api).unwrap_or_default();
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for (path, method, operation) in operations(&mut api) {
        let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
        let codes = codes(&path, &method, operation, &id);
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (status, answer) in responses.iter_mut() {
            answer["description"] = meaning_of_success(status).into();
            // Indexing would add a field that is not there.
            let content = answer.get_mut("content").and_then(Value::as_object_mut);
            if let (Some(example), Some(content)) = (examples.get(&id), content) {
                content.values_mut().for_each(|content| content["example"] = example.clone());
            }
        }
        for (status, codes) in by_status(codes) {
            responses.insert(status, error_answer(&codes));
        }
    }
    api.to_string()
}

/// All operations, each with its path and its method.
fn operations(api: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = api["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object_mut().into_iter().flatten();
        methods.map(|(method, operation)| (path.clone(), method.clone(), operation))
    })
}

fn meaning_of_success(status: &str) -> &'static str {
    match status {
        "201" => "It is created.",
        "202" => "It is accepted, and takes effect soon.",
        "204" => "It is gone. There is no body.",
        "503" => "It is not ready yet.",
        _ => "The answer.",
    }
}

/// The codes of an operation's errors: those of its parts, and those of its own.
fn codes(path: &str, method: &str, operation: &Value, id: &str) -> Vec<E> {
    let mut codes = vec![E::WrongHost, E::Internal];
    if !["/health", "/ready"].contains(&path) {
        codes.extend([E::TooMany, E::TooSlow]);
    }
    if path.starts_with("/api/") || path == "/metrics" {
        codes.push(E::Unauthorized);
    }
    if method != "get" {
        codes.push(E::CrossSite);
    }
    if operation["parameters"].is_array() {
        codes.push(E::InvalidRequest);
    }
    if operation["requestBody"].is_object() {
        codes.extend([E::InvalidRequest, E::BodyTooLarge, E::UnsupportedMediaType, E::InvalidBody]);
    }
    codes.extend(own_codes(id));
    codes
}

/// The codes that only some operations have.
fn own_codes(id: &str) -> Vec<E> {
    let (base, more): (&[E], &[E]) = match id {
        "status" | "overrides" | "levers" | "timeline" | "listened" | "run_metrics" | "results"
        | "charts" => (&OF_RUN, &[]),
        "hosts" | "fleet" | "metrics" | "series" | "live" | "spans" | "post_event" | "cpu_spike"
        | "memory_leak" | "process_kill" => (&OF_RUN, &[E::InvalidValue]),
        "host" | "remove_host" | "stop_host" | "start_host" => (&OF_HOST, &[]),
        "add_host" => (&OF_HOST, &[E::InvalidValue]),
        "metric" | "end_override" => (&OF_HOST, &[E::UnknownMetric]),
        "act" | "set_override" => (&OF_HOST, &[E::UnknownMetric, E::InvalidValue, E::CounterFalls]),
        "move_lever" | "release_lever" => (&OF_RUN, &[E::UnknownLever, E::UnknownHost, E::InvalidValue]),
        "skip_phase" => (&OF_RUN, &[E::UnknownPhase]),
        "begin_fault" => (&OF_RUN, &[E::UnknownFault, E::Conflict, E::InvalidValue]),
        "end_fault" => (&OF_RUN, &[E::UnknownFault, E::Conflict]),
        "events" => (&[E::UnknownRun, E::RunOver], &[E::InvalidValue]),
        "config" | "check" | "preview" => (&OF_CONFIG, &[]),
        "recording_samples" => (&[E::UnknownRecording], &[E::InvalidValue, E::TooSlow]),
        "create_run" | "create_simulation" => (&OF_CONFIG, &[E::Conflict]),
        "start_run" | "start_simulation" => (&OF_CONFIG, &[E::UnknownRun, E::Conflict]),
        "run_config" => (&OF_CONFIG, &[E::UnknownRun]),
        "run" | "simulation" => (&[E::UnknownRun], &[]),
        "stop_run" | "delete_run" | "stop_simulation" => (&[E::UnknownRun], &[E::Conflict]),
        _ => (&[], &[]),
    };
    [base, more].concat()
}

/// Codes by their status, each once.
fn by_status(codes: Vec<E>) -> BTreeMap<String, Vec<E>> {
    let mut by_status: BTreeMap<String, Vec<E>> = BTreeMap::new();
    for code in codes {
        let of_status = by_status.entry(code.status().as_str().to_owned()).or_default();
        if !of_status.contains(&code) {
            of_status.push(code);
        }
    }
    by_status
}

/// The answer with one of these codes, with an example of each.
fn error_answer(codes: &[E]) -> Value {
    let lines = codes.iter().map(|code| format!("`{}`: {}", code.name(), code.meaning()));
    let example = |code: &E| {
        let error = json!({ "error": { "code": code.name(), "message": code.meaning() } });
        (code.name().to_owned(), json!({ "summary": code.meaning(), "value": error }))
    };
    let examples: Map<String, Value> = codes.iter().map(example).collect();
    let schema = json!({ "$ref": "#/components/schemas/ErrorBody" });
    json!({
        "description": lines.collect::<Vec<_>>().join("\n\n"),
        "content": { "application/json": { "schema": schema, "examples": examples } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::described;

    fn api() -> Value {
        serde_json::from_str(&describe(described().get_openapi())).unwrap()
    }

    fn text<'a>(value: &'a Value, field: &str) -> &'a str {
        value[field].as_str().unwrap_or_default()
    }

    #[test]
    fn every_operation_says_what_it_does_and_describes_its_parameters() {
        let mut api = api();
        let mut count = 0;
        for (path, method, operation) in operations(&mut api) {
            let (summary, description) = (text(operation, "summary"), text(operation, "description"));
            assert!(summary.ends_with('.') && description.ends_with('.'), "{method} {path}: {description}");
            assert!(!summary.contains('\n') && summary != description, "{method} {path}: {summary}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(text(parameter, "description").len() > 5, "{method} {path}: {parameter}");
                let needs_example = parameter["in"] == "path";
                assert!(!needs_example || parameter["example"].is_string(), "{method} {path}: {parameter}");
            }
            count += 1;
        }
        assert!(count > 40, "{count}");
    }

    #[test]
    fn every_body_has_an_example_that_has_the_fields_of_its_schema() {
        let api = api();
        let mut count = 0;
        for (path, method, operation) in operations(&mut api.clone()) {
            let body = &operation["requestBody"]["content"]["application/json"];
            let answers = operation["responses"].as_object().unwrap().iter();
            let answers = answers.filter(|(status, _)| status.starts_with('2'));
            let answers = answers.map(|(_, answer)| &answer["content"]["application/json"]);
            for content in answers.chain([body]).filter(|content| content.is_object()) {
                let many = content["examples"].as_object().into_iter().flatten();
                let many: Vec<&Value> = many.map(|(_, example)| &example["value"]).collect();
                let examples = if many.is_empty() { vec![&content["example"]] } else { many };
                for example in examples {
                    assert!(!example.is_null(), "{method} {path} has no example: {content}");
                    let misfit = misfit(&api, &content["schema"], example);
                    assert_eq!(misfit, None, "{method} {path}");
                }
                count += 1;
            }
        }
        assert!(count > 45, "{count}");
    }

    /// The reason for which a value does not fit a schema.
    fn misfit(api: &Value, schema: &Value, value: &Value) -> Option<String> {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return misfit(api, &api["components"]["schemas"][name], value);
        }
        let parts = |field: &str| schema[field].as_array().cloned().unwrap_or_default();
        let one_of = [parts("oneOf"), parts("anyOf")].concat();
        if !one_of.is_empty() {
            let misfits: Option<Vec<String>> =
                one_of.iter().map(|schema| misfit(api, schema, value)).collect();
            return misfits.map(|misfits| misfits.join(", or "));
        }
        let all_of = parts("allOf");
        if !all_of.is_empty() {
            return all_of.iter().find_map(|schema| misfit(api, schema, value));
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let fits = |name: &Value| name.is_null() || name == found || (name == "number" && found == "integer");
        if !types.iter().any(fits) {
            return Some(format!("{value} is no {types:?}"));
        }
        if let Some(items) = value.as_array() {
            return items.iter().find_map(|item| misfit(api, &schema["items"], item));
        }
        let (Some(known), Some(fields)) = (schema["properties"].as_object(), value.as_object()) else {
            return None;
        };
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = required.into_iter().find(|name| !fields.contains_key(*name));
        let wrong = || {
            known.iter().find_map(|(name, schema)| {
                Some(format!("{name}: {}", misfit(api, schema, fields.get(name)?)?))
            })
        };
        missing.map(|name| format!("{name} is missing")).or_else(wrong)
    }

    #[test]
    fn every_operation_lists_its_errors_with_their_codes() {
        let mut api = api();
        for (path, method, operation) in operations(&mut api) {
            let responses = operation["responses"].as_object().unwrap();
            assert!(!responses.contains_key("default"), "{method} {path}");
            let errors: Vec<_> =
                responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])).collect();
            assert!(errors.len() >= 2, "{method} {path}");
            let parts = responses.values().flat_map(|answer| answer.as_object().unwrap().values());
            assert!(!parts.into_iter().any(Value::is_null), "{method} {path}: {responses:?}");
            for (status, answer) in errors.into_iter().filter(|(status, _)| *status != "503") {
                assert!(text(answer, "description").starts_with('`'), "{method} {path} {status}");
                assert!(!answer["content"]["application/json"]["examples"].as_object().unwrap().is_empty());
            }
            let has_body = operation["requestBody"].is_object();
            assert_eq!(has_body, responses.contains_key("413"), "{method} {path}");
            let about_a_run =
                path.contains("/runs/{id}") || path.contains("/hosts") || path.contains("/simulations/{id}");
            assert!(
                !about_a_run || text(&responses["404"], "description").contains("unknown_run"),
                "{method} {path}"
            );
        }
    }
}
