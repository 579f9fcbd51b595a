//! Answers of the API as tables for people.

use serde_json::Value;

use super::request::is_pattern;
use crate::args::CtlAction;
use crate::table::{self, table};

/// The text of an action's answer.
pub(super) fn render(action: &CtlAction, answer: &Value) -> String {
    match action {
        CtlAction::Status => status(answer),
        CtlAction::Hosts { .. } => list_part(
            answer,
            "hosts",
            [
                ("HOST", "name"),
                ("JOB", "job"),
                ("STATE", "state"),
                ("ADDRESS", "address"),
                ("UP S", "uptime_seconds"),
                ("LEFT S", "ttl_remaining_seconds"),
            ],
        ),
        CtlAction::Host { .. } => host(answer),
        CtlAction::Metrics(_) => {
            let columns = [("METRIC", "name"), ("TYPE", "type"), ("HOSTS", "hosts"), ("HELP", "help")];
            list_part(answer, "metrics", columns)
        }
        CtlAction::Events { .. } => {
            list(&answer["events"], [("EVENT", "name"), ("HEARERS", "hearers"), ("EFFECTS", "effects")])
        }
        CtlAction::Overrides => {
            let columns = [("HOST", "host"), ("METRIC", "metric"), ("VALUE", "value"), ("UNTIL", "until")];
            list(&answer["overrides"], columns)
        }
        CtlAction::Lever { lever: None, .. } => levers(answer["levers"].as_array().into_iter().flatten()),
        CtlAction::Lever { .. } => levers(std::iter::once(answer)),
        CtlAction::Configs => configs(answer),
        CtlAction::Check { .. } => check(answer),
        CtlAction::Runs => {
            let named = [("RUN", "id"), ("CONFIG", "config"), ("STATE", "state"), ("SEED", "seed")];
            let [id, config, state, seed] = named;
            list(&answer["runs"], [id, config, state, seed, ("RAN S", "ran_seconds"), ("ERROR", "error")])
        }
        CtlAction::Create { .. } | CtlAction::Show { .. } | CtlAction::End { .. } => run(answer),
        CtlAction::Emit { .. } => emitted(answer),
        CtlAction::Override { host, .. }
        | CtlAction::Release { host, .. }
        | CtlAction::Stop { host }
        | CtlAction::Start { host }
            if is_pattern(host) =>
        {
            acted(answer)
        }
        CtlAction::Down { .. } | CtlAction::Up { .. } => acted(answer),
        CtlAction::Override { .. } => overridden(answer),
        CtlAction::Release { .. } => fields(answer, &["id", "value"]),
        CtlAction::Stop { .. } | CtlAction::Start { .. } | CtlAction::Add { .. } => {
            fields(answer, &["name", "job", "state"])
        }
        CtlAction::Remove { .. } | CtlAction::Delete { .. } => "done\n".to_owned(),
    }
}

/// The fields of a run that are printed.
const RUN: [&str; 9] =
    ["id", "config", "state", "seed", "created_at", "started_at", "ended_at", "ran_seconds", "error"];

/// The counts of a report that are printed.
const COUNTS: [&str; 8] = [
    "emulated_seconds",
    "updates",
    "scenario_errors",
    "events",
    "hosts_begun",
    "hosts_ended",
    "members_begun",
    "members_ended",
];

/// A run, with its report when it is over.
fn run(answer: &Value) -> String {
    let head = fields(answer, &RUN);
    let report = &answer["report"];
    if report.is_null() {
        return head;
    }
    let reason = word(&report["reason"]).replace('_', " ");
    let columns = [
        ("OUTPUT", "kind"),
        ("WHERE", "target"),
        ("PUSHES", "pushes"),
        ("FAILED", "failures"),
        ("BYTES", "sent_bytes"),
        ("SAMPLES", "samples_sent"),
        ("DROPPED", "samples_dropped"),
    ];
    let outputs = list(&report["outputs"], columns);
    let (counts, processes) = (fields(report, &COUNTS), ended_processes(&report["processes"]));
    format!("{head}ended because: {reason}\n{counts}\n{processes}{outputs}")
}

/// The simulated processes that have ended, a line for each cause; nothing of a run without any.
fn ended_processes(processes: &Value) -> String {
    let Some(causes) = processes.as_object() else { return String::new() };
    let line = |(cause, counts): (&String, &Value)| {
        let mut line = counts.clone();
        line["cause"] = cause.replace('_', " ").into();
        line
    };
    let columns = [
        ("ENDED PROCESSES", "cause"),
        ("CRITICAL", "critical"),
        ("HIGH", "high"),
        ("MEDIUM", "medium"),
        ("LOW", "low"),
    ];
    format!("{}\n", list(&causes.iter().map(line).collect(), columns))
}

/// The answer to an event that was posted, with a hint if no host listens to it.
fn emitted(answer: &Value) -> String {
    let unheard = "no host listens to this event; promemu ctl events lists those that hosts listen to\n";
    let hint = if answer["hearers"] == 0 { unheard } else { "" };
    fields(answer, &["name", "source", "time", "hearers"]) + hint
}

/// The hosts that an action concerned.
fn acted(answer: &Value) -> String {
    let names: Vec<String> = answer["hosts"].as_array().into_iter().flatten().map(word).collect();
    let more = answer["not_listed"].as_u64().filter(|more| *more > 0);
    let more = more.map_or(String::new(), |more| format!(", and {more} more"));
    format!("{}hosts: {}{more}\n", fields(answer, &["count", "time"]), names.join(", "))
}

/// An overridden metric, with a hint if the value is outside its range.
fn overridden(answer: &Value) -> String {
    let state = &answer["override"];
    let until = state["until"].as_str().unwrap_or("released");
    let outside = "the value is outside the metric's value_range, and is shown nevertheless\n";
    let hint = if state["is_outside_range"] == true { outside } else { "" };
    format!("{}until: {until}\n{hint}", fields(answer, &["id", "value"]))
}

/// Levers with what moves them. Their values may be small, so they have all decimals.
fn levers<'a>(levers: impl Iterator<Item = &'a Value>) -> String {
    let rows = levers.map(|lever| {
        let faults: Vec<String> = lever["faults"].as_array().into_iter().flatten().map(word).collect();
        let set = lever["overrides"].as_array().into_iter().flatten().map(|set| {
            let until = set["until"].as_str().unwrap_or("released");
            format!("{} on {} until {until}", set["value"], word(&set["hosts"]))
        });
        let set: Vec<String> = set.collect();
        let [default, value] = ["default", "value"].map(|field| lever[field].to_string());
        [word(&lever["name"]), default, value, faults.join(", "), set.join("; ")]
    });
    table(["LEVER", "DEFAULT", "NOW", "FAULTS", "SET"], rows, 0, table::width())
}

fn host(answer: &Value) -> String {
    let rows = answer["listed_metrics"].as_array().into_iter().flatten().map(|metric| {
        let id = word(&metric["id"]);
        let host = format!("{}/", word(&answer["name"]));
        let name = id.strip_prefix(&host).unwrap_or(&id).to_owned();
        let mark = if metric["override"].is_null() { "" } else { "overridden" };
        [name, word(&metric["type"]), word(&metric["value"]), mark.to_owned()]
    });
    let metrics = table(["METRIC", "TYPE", "VALUE", ""], rows, 0, table::width());
    let about = ["name", "job", "state", "host", "address", "started_at"];
    let head = fields(answer, &about) + fields(answer, &["uptime_seconds", "ttl_remaining_seconds"]).as_str();
    format!("{head}\n{metrics}")
}

fn configs(answer: &Value) -> String {
    let rows = answer["configs"].as_array().into_iter().flatten().map(|config| {
        let is_good = config["error"].is_null();
        let about = if is_good { &config["classes"][0]["description"] } else { &config["error"] };
        [word(&config["name"]), word(about)]
    });
    table(["CONFIG", "DESCRIPTION"], rows, 0, table::width())
}

/// `error: file:line:column: message`
pub(super) fn problem(problem: &Value) -> String {
    let place: Vec<String> = ["file", "line", "column"]
        .iter()
        .map(|name| word(&problem[name]))
        .filter(|part| part != "-" && !part.is_empty())
        .collect();
    let place = if place.is_empty() { String::new() } else { format!("{}: ", place.join(":")) };
    format!("{}: {place}{}", word(&problem["severity"]), word(&problem["message"]))
}

fn status(answer: &Value) -> String {
    let about = ["run", "config", "state", "emulated_time", "speed", "seed", "uptime_seconds"];
    let head = fields(answer, &about)
        + fields(answer, &["series", "families", "events_total", "overrides"]).as_str();
    let hosts: Vec<String> = ["total", "running", "down", "waiting", "stopped", "ended"]
        .iter()
        .map(|state| format!("{} {state}", word(&answer["hosts"][state])))
        .collect();
    let named = [("OUTPUT", "kind"), ("WHERE", "target"), ("PUSHES", "pushes"), ("LAST", "last_push")];
    let [kind, target, pushes, last] = named;
    let columns = [kind, target, pushes, last, ("FAILED", "failures"), ("AWAY S", "away_for")];
    format!("{head}hosts: {}\n\n{}", hosts.join(", "), list(&answer["outputs"], columns))
}

fn check(answer: &Value) -> String {
    let problems = answer["problems"].as_array().into_iter().flatten();
    let mut lines: Vec<String> = problems.map(problem).collect();
    if answer["valid"] == true {
        let [hosts, jobs, series] = ["hosts", "jobs", "series"].map(|name| word(&answer[name]));
        lines.push(format!("valid: hosts {hosts}, jobs {jobs}, series {series}"));
    }
    lines.join("\n") + "\n"
}

/// The table of a part of a list, and a line with the length of the list if more matched.
fn list_part<const N: usize>(answer: &Value, name: &str, columns: [(&str, &str); N]) -> String {
    let shown = answer[name].as_array().map_or(0, Vec::len) as u64;
    let matched = answer["matched"].as_u64().unwrap_or_default();
    let rest = if shown < matched {
        format!("{shown} of {matched} are shown; choose the part with --offset and --limit\n")
    } else {
        String::new()
    };
    list(&answer[name], columns) + rest.as_str()
}

/// A table; each column has a heading and a field's name.
fn list<const N: usize>(rows: &Value, columns: [(&str, &str); N]) -> String {
    let row = |row: &Value| columns.map(|(_, field)| word(&row[field]));
    let rows = rows.as_array().into_iter().flatten().map(row);
    table(columns.map(|(heading, _)| heading), rows, 0, table::width())
}

/// `name: value` lines.
fn fields(answer: &Value, names: &[&str]) -> String {
    let line = |name: &&str| format!("{}: {}", name.replace('_', " "), word(&answer[name]));
    names.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// A value as text: numbers with two decimals at most, null as `-`.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(fraction) if !number.is_i64() && !number.is_u64() => {
                let text = format!("{fraction:.2}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => number.to_string(),
        },
        Value::Array(items) => items.iter().map(word).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::args::Command;

    fn parsed(words: &[&str]) -> CtlAction {
        let line = ["promemu", "ctl"].iter().chain(words).map(Into::into);
        let Some(Command::Ctl(args)) = crate::args::parse(line).unwrap().command else { panic!("it is ctl") };
        args.action
    }

    #[test]
    fn a_status_is_lines_and_a_table() {
        let answer = json!({
            "run": "main", "config": "shop", "state": "running", "emulated_time": "T", "speed": 1.0, "seed": 7,
            "uptime_seconds": 62.126, "series": 150, "families": 15, "events_total": 31, "overrides": 0,
            "hosts": { "total": 10, "running": 10, "down": 0, "waiting": 0, "stopped": 0, "ended": 0 },
            "outputs": [{ "kind": "pushgateway", "target": "http://gw", "pushes": 4, "last_push": "T", "failures": 0, "away_for": null }],
        });
        insta::assert_snapshot!(render(&CtlAction::Status, &answer), @"
        run: main
        config: shop
        state: running
        emulated time: T
        speed: 1
        seed: 7
        uptime seconds: 62.13
        series: 150
        families: 15
        events total: 31
        overrides: 0
        hosts: 10 total, 10 running, 0 down, 0 waiting, 0 stopped, 0 ended

        OUTPUT       WHERE      PUSHES  LAST  FAILED  AWAY S
        pushgateway  http://gw  4       T     0       -
        ");
    }

    #[test]
    fn a_list_of_hosts_with_long_names_fits_into_80_columns() {
        let host = json!({
            "name": "balancer-1", "job": "hosts_load_with_peaks", "state": "running", "address": "10.205.255.153",
            "uptime_seconds": 12_345.67, "ttl_remaining_seconds": 43_210.12,
        });
        insta::assert_snapshot!(render(&parsed(&["hosts"]), &json!({ "hosts": [host], "matched": 1 })), @"
        HOST        JOB                    STATE    ADDRESS         UP S      LEFT S
        balancer-1  hosts_load_with_peaks  running  10.205.255.153  12345.67  43210.12
        ");
    }

    #[test]
    fn an_event_that_no_host_listens_to_has_a_hint() {
        let posted = |hearers| json!({ "name": "nope", "source": "api", "time": "T", "hearers": hearers });
        insta::assert_snapshot!(render(&parsed(&["emit", "nope"]), &posted(0)), @"
        name: nope
        source: api
        time: T
        hearers: 0
        no host listens to this event; promemu ctl events lists those that hosts listen to
        ");
        assert!(!render(&parsed(&["emit", "nope"]), &posted(1)).contains("no host listens"));
    }

    #[test]
    fn an_override_has_its_end_and_a_hint_outside_the_range() {
        let answer = |until, is_outside_range| {
            let state = json!({ "until": until, "is_outside_range": is_outside_range });
            json!({ "id": "web/load", "value": 150.0, "override": state })
        };
        insta::assert_snapshot!(render(&parsed(&["override", "web", "load", "150"]), &answer(Some("T"), true)), @"
        id: web/load
        value: 150
        until: T
        the value is outside the metric's value_range, and is shown nevertheless
        ");
        insta::assert_snapshot!(render(&parsed(&["override", "web", "load", "150"]), &answer(None, false)), @"
        id: web/load
        value: 150
        until: released
        ");
    }

    #[test]
    fn a_check_lists_each_problem_with_its_place() {
        let answer = json!({ "valid": false, "problems": [
            { "severity": "error", "file": "posted.ron", "line": 2, "column": 13, "message": "no" },
            { "severity": "warning", "file": "", "line": null, "column": null, "message": "odd" },
        ] });
        assert_eq!(
            render(&parsed(&["check", "shop"]), &answer),
            "error: posted.ron:2:13: no\nwarning: odd\n"
        );
    }
}
