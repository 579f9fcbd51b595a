//! Answers of the API as tables for people; an action is answered with the record that it has changed.

use promemu_core::excerpt::beginning;
use promemu_core::plural::plural;
use promemu_core::time::Span;
use serde_json::Value;

use super::request::is_pattern;
use super::shard_tables::{kind_of, missing, shards, unreached};
use super::timeline_tables::{faults, timeline};
use super::words::{ago, bytes, duration, figure, until, word};
use crate::args::CtlAction;
use crate::table::{Column, cut, grouped, paragraph, prose, spare, table, whole};

/// The text of an action's answer, for a terminal of this width or a pipe.
pub(super) fn render(action: &CtlAction, answer: &Value, width: Option<u16>) -> String {
    match action {
        CtlAction::Status => status(answer, width),
        CtlAction::Hosts { .. } if answer["matched"] == 0 => {
            "no host matches; promemu ctl hosts lists all\n".to_owned() + missing(answer).as_str()
        }
        CtlAction::Hosts { .. } => {
            part_of_list(hosts(answer, width), answer, "hosts") + missing(answer).as_str()
        }
        CtlAction::Host { .. } => host(answer, width),
        CtlAction::Metrics(_) => part_of_list(metrics(answer, width), answer, "metrics"),
        CtlAction::Events { .. } => events(answer, width),
        CtlAction::Overrides if items(&answer["overrides"]).next().is_none() => {
            "no metric is overridden\n".to_owned()
        }
        CtlAction::Overrides => overrides(items(&answer["overrides"]), width),
        CtlAction::Lever { lever: None, .. } if items(&answer["levers"]).next().is_none() => {
            "the config has no levers\n".to_owned()
        }
        CtlAction::Lever { lever: None, .. } => levers(items(&answer["levers"]), width),
        CtlAction::Lever { value: Some(value), .. }
            if *value < 0.0 && answer["default"].as_f64() >= Some(0.0) =>
        {
            levers(std::iter::once(answer), width) + "the value is below 0, and the lever's default is not\n"
        }
        CtlAction::Lever { .. } => levers(std::iter::once(answer), width),
        CtlAction::Timeline { .. } => timeline(answer, width),
        CtlAction::Fault { .. } => faults(std::iter::once(answer), width),
        CtlAction::Configs => configs(answer, width),
        CtlAction::Check { .. } => check(answer),
        CtlAction::Runs => runs(answer, width),
        CtlAction::Create { .. } | CtlAction::Show { .. } | CtlAction::End { .. } => run(answer, width),
        CtlAction::Emit { .. } => emitted(answer, width),
        CtlAction::Down { span, .. } => acted(&format!("down{}", lasting(span.as_deref())), answer, width),
        CtlAction::Up { .. } => acted("up", answer, width),
        CtlAction::Override { host, metric, value, span, .. } if is_pattern(host) => {
            let lasting = lasting(span.as_deref());
            acted(&format!("with {metric} at {value}{lasting}"), answer, width)
        }
        CtlAction::Release { host, metric } if is_pattern(host) => {
            acted(&format!("with {metric} released"), answer, width)
        }
        CtlAction::Stop { host } if is_pattern(host) => acted("stopped", answer, width),
        CtlAction::Start { host } if is_pattern(host) => acted("started", answer, width),
        CtlAction::Remove { host } if is_pattern(host) => acted("removed", answer, width),
        CtlAction::Override { .. } => overridden(answer, width),
        CtlAction::Release { .. } => values(std::iter::once(answer), width),
        CtlAction::Stop { .. } | CtlAction::Start { .. } | CtlAction::Add { .. } => {
            let row = ["name", "job", "state"].map(|field| word(&answer[field]));
            table([whole("HOST"), spare("JOB"), whole("STATE")], [row], 0, width)
        }
        CtlAction::Remove { host } => format!("{host} is removed\n"),
        CtlAction::Delete { id } => format!("{id} is deleted\n"),
    }
}

/// The items of a list.
fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// A part of a list, and a line that says how much is shown, if there is more.
fn part_of_list(table: String, answer: &Value, name: &str) -> String {
    let shown = answer[name].as_array().map_or(0, Vec::len) as u64;
    let matched = answer["matched"].as_u64().unwrap_or_default();
    if shown >= matched {
        return table;
    }
    format!("{table}{shown} of {matched} are shown; choose the part with --offset and --limit\n")
}

fn hosts(answer: &Value, width: Option<u16>) -> String {
    let columns = [whole("HOST"), whole("STATE"), spare("ADDRESS"), whole("UP"), whole("LEFT")];
    let row = |host: &Value| {
        let [name, state, address] = ["name", "state", "address"].map(|field| word(&host[field]));
        let [up, left] = ["uptime_seconds", "ttl_remaining_seconds"].map(|field| duration(&host[field]));
        (word(&host["job"]), [name, state, address, up, left])
    };
    grouped("JOB", columns, items(&answer["hosts"]).map(row), width)
}

fn metrics(answer: &Value, width: Option<u16>) -> String {
    let columns = [whole("METRIC"), whole("TYPE"), whole("HOSTS"), prose("HELP")];
    let row = |family: &Value| ["name", "type", "hosts", "help"].map(|field| word(&family[field]));
    table(columns, items(&answer["metrics"]).map(row), 0, width)
}

fn events(answer: &Value, width: Option<u16>) -> String {
    let columns = [whole("EVENT"), whole("HOSTS"), prose("EFFECTS")];
    let row = |event: &Value| ["name", "hearers", "effects"].map(|field| word(&event[field]));
    let unheard = "no host listens to events; promemu ctl events --follow shows what happens\n";
    let hint = if items(&answer["events"]).next().is_none() { unheard } else { "" };
    table(columns, items(&answer["events"]).map(row), 0, width) + hint
}

/// The columns of overrides.
const OVERRIDES: [Column<'_>; 4] = [whole("HOST"), whole("METRIC"), whole("VALUE"), whole("UNTIL")];

fn overrides<'a>(overrides: impl Iterator<Item = &'a Value>, width: Option<u16>) -> String {
    let row = |set: &Value| {
        let [host, metric, value] = ["host", "metric", "value"].map(|field| word(&set[field]));
        [host, metric, value, end(set)]
    };
    table(OVERRIDES, overrides.map(row), 0, width)
}

/// The end of an override in a column.
fn end(set: &Value) -> String {
    if set["until"].is_null() { "release".to_owned() } else { until(&set["until"]) }
}

/// The present values of metrics.
fn values<'a>(metrics: impl Iterator<Item = &'a Value>, width: Option<u16>) -> String {
    let row = |metric: &Value| [word(&metric["host"]), key(metric), word(&metric["value"])];
    table([whole("HOST"), whole("METRIC"), whole("VALUE")], metrics.map(row), 0, width)
}

/// A metric's name with its own labels, out of its id `HOST/METRIC`.
fn key(metric: &Value) -> String {
    let (id, host) = (word(&metric["id"]), format!("{}/", word(&metric["host"])));
    id.strip_prefix(&host).unwrap_or(&id).to_owned()
}

fn runs(answer: &Value, width: Option<u16>) -> String {
    let columns =
        [whole("RUN"), whole("CONFIG"), whole("STATE"), whole("RAN"), spare("SEED"), prose("ERROR")];
    let row = |run: &Value| {
        let [id, config, state, seed, error] =
            ["id", "config", "state", "seed", "error"].map(|field| word(&run[field]));
        [id, config, state, duration(&run["ran_seconds"]), seed, error]
    };
    table(columns, items(&answer["runs"]).map(row), 0, width)
}

/// The counts of a report that are printed.
const COUNTS: [&str; 7] =
    ["updates", "scenario_errors", "events", "hosts_begun", "hosts_ended", "members_begun", "members_ended"];

/// A run, with its report when it is over.
fn run(answer: &Value, width: Option<u16>) -> String {
    let about = fields(answer, &["id", "config", "state", "seed", "created_at", "started_at", "ended_at"]);
    let head =
        format!("{about}ran: {}\nerror: {}\n", duration(&answer["ran_seconds"]), word(&answer["error"]));
    let report = &answer["report"];
    if report.is_null() {
        return head;
    }
    let reason = word(&report["reason"]).replace('_', " ");
    let emulated = duration(&report["emulated_seconds"]);
    let counts = fields(report, &COUNTS);
    let columns = [
        whole("OUTPUT"),
        whole("TARGET"),
        whole("PUSHES"),
        whole("FAILED"),
        spare("BYTES"),
        whole("SAMPLES"),
        whole("DROPPED"),
    ];
    let row = |output: &Value| {
        let [kind, target, pushes, failed] =
            ["kind", "target", "pushes", "failures"].map(|field| word(&output[field]));
        let [samples, dropped] = ["samples_sent", "samples_dropped"].map(|field| word(&output[field]));
        [kind, target, pushes, failed, bytes(&output["sent_bytes"]), samples, dropped]
    };
    let outputs = table(columns, items(&report["outputs"]).map(row), 0, width);
    let processes = ended_processes(&report["processes"], width);
    format!("{head}ended because: {reason}\nemulated: {emulated}\n{counts}\n{processes}{outputs}")
}

/// The simulated processes that have ended, a line for each cause; nothing of a run without any.
fn ended_processes(processes: &Value, width: Option<u16>) -> String {
    let Some(causes) = processes.as_object() else { return String::new() };
    let columns = [whole("ENDED PROCESSES"), whole("CRITICAL"), whole("HIGH"), whole("MEDIUM"), whole("LOW")];
    let row = |(cause, counts): (&String, &Value)| {
        let [critical, high, medium, low] =
            ["critical", "high", "medium", "low"].map(|priority| word(&counts[priority]));
        [cause.replace('_', " "), critical, high, medium, low]
    };
    format!("{}\n", table(columns, causes.iter().map(row), 0, width))
}

/// The answer to an event that was posted, with a hint if no host listens to it.
fn emitted(answer: &Value, width: Option<u16>) -> String {
    let unheard = "no host listens to this event; promemu ctl events lists those that hosts listen to\n";
    let hint = if answer["hearers"] == 0 { unheard } else { "" };
    let row = ["name", "source", "time", "hearers"].map(|field| word(&answer[field]));
    table([whole("EVENT"), whole("SOURCE"), whole("TIME"), whole("HOSTS")], [row], 0, width) + hint
}

/// The duration of an action, behind what it does.
fn lasting(span: Option<&str>) -> String {
    let span = span.and_then(|text| Span::parse(text).ok());
    span.map_or(String::new(), |span| format!(" for {span}"))
}

/// The hosts that an action concerned, in a sentence.
fn acted(effect: &str, answer: &Value, width: Option<u16>) -> String {
    let count = answer["count"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let more = answer["not_listed"].as_u64().filter(|more| *more > 0);
    let more = more.map_or(String::new(), |more| format!(", and {more} more"));
    let text = format!("{} {effect}: {}{more}", plural(count, "host", "hosts"), word(&answer["hosts"]));
    let text = if width.is_some() { paragraph(&text, 0, width) } else { text + "\n" };
    text + unreached(answer).as_str()
}

/// An overridden metric, with a hint if the value is outside its range.
fn overridden(answer: &Value, width: Option<u16>) -> String {
    let set = &answer["override"];
    let outside = "the value is outside the metric's value_range, and is shown nevertheless\n";
    let hint = if set["is_outside_range"] == true { outside } else { "" };
    // The value of a metric with observations is their number.
    let observes = ["histogram", "native_histogram", "summary"].iter().any(|kind| answer["type"] == *kind);
    let value = if observes { &set["value"] } else { &answer["value"] };
    let row = [word(&answer["host"]), key(answer), word(value), end(set)];
    let absent = "the host shows nothing while it is down, or before it has begun\n";
    let why = if value.is_null() { absent } else { "" };
    table(OVERRIDES, [row], 0, width) + hint + why
}

/// Levers with what moves them.
fn levers<'a>(levers: impl Iterator<Item = &'a Value>, width: Option<u16>) -> String {
    let row = |lever: &Value| {
        let set = items(&lever["overrides"]).map(|set| {
            format!(
                "{} on {} until {}",
                figure(&set["value"]),
                beginning(&word(&set["hosts"])),
                until(&set["until"])
            )
        });
        let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let set = or_none(set.collect::<Vec<_>>().join("; "));
        let [default, value] = ["default", "value"].map(|field| figure(&lever[field]));
        let on_hosts = items(&lever["by_hosts"]).map(|group| {
            let (count, named) = (group["count"].as_u64(), group["hosts"].as_array());
            let more = count.zip(named).map_or(0, |(count, named)| count.saturating_sub(named.len() as u64));
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("; {} on {}{more}", figure(&group["value"]), word(&group["hosts"]))
        });
        let value = format!("{value}{}", on_hosts.collect::<String>());
        [word(&lever["name"]), default, value, or_none(word(&lever["faults"])), set]
    };
    let columns = [whole("LEVER"), whole("DEFAULT"), prose("VALUE"), prose("FAULTS"), prose("SET")];
    table(columns, levers.map(row), 0, width)
}

fn host(answer: &Value, width: Option<u16>) -> String {
    let row = |metric: &Value| {
        let set = &metric["override"];
        let set = if set.is_null() { "-".to_owned() } else { format!("until {}", until(&set["until"])) };
        [key(metric), word(&metric["type"]), word(&metric["value"]), set]
    };
    let columns = [whole("METRIC"), spare("TYPE"), whole("VALUE"), whole("OVERRIDE")];
    let metrics = table(columns, items(&answer["listed_metrics"]).map(row), 0, width);
    let [up, left] = ["uptime_seconds", "ttl_remaining_seconds"].map(|field| duration(&answer[field]));
    let head = fields(answer, &["name", "job", "state", "host", "address", "started_at"]);
    format!("{head}up: {up}\nleft: {left}\n\n{metrics}")
}

fn configs(answer: &Value, width: Option<u16>) -> String {
    let row = |config: &Value| {
        let is_good = config["error"].is_null();
        let about = if is_good { &config["classes"][0]["description"] } else { &config["error"] };
        [word(&config["name"]), word(about)]
    };
    table([whole("CONFIG"), cut("DESCRIPTION")], items(&answer["configs"]).map(row), 0, width)
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

fn status(answer: &Value, width: Option<u16>) -> String {
    let head = format!(
        "{}up: {}\n{}speed: {}x\n{}events: {}\n{}",
        fields(answer, &["run", "config", "state"]),
        duration(&answer["uptime_seconds"]),
        fields(answer, &["emulated_time"]),
        word(&answer["speed"]),
        fields(answer, &["seed", "series", "families"]),
        word(&answer["events_total"]),
        fields(answer, &["overrides"]),
    );
    let hosts: Vec<String> = ["total", "running", "down", "waiting", "stopped", "ended"]
        .iter()
        .map(|state| format!("{} {state}", word(&answer["hosts"][state])))
        .collect();
    let columns = [
        whole("OUTPUT"),
        whole("TARGET"),
        whole("PUSHES"),
        whole("LAST PUSH"),
        whole("FAILED"),
        whole("AWAY"),
    ];
    let row = |output: &Value| {
        let [target, pushes, failed] = ["target", "pushes", "failures"].map(|field| word(&output[field]));
        let last = ago(&output["last_push"], &answer["time"]);
        [kind_of(output), target, pushes, last, failed, duration(&output["away_for"])]
    };
    let outputs = table(columns, items(&answer["outputs"]).map(row), 0, width);
    let hosts = format!("hosts: {}", hosts.join(", "));
    let hosts = if width.is_some() { paragraph(&hosts, 0, width) } else { hosts + "\n" };
    format!("{head}{hosts}\n{outputs}{}", shards(answer, width))
}

fn check(answer: &Value) -> String {
    let mut lines: Vec<String> = items(&answer["problems"]).map(problem).collect();
    if answer["valid"] == true {
        let count =
            |name: &str| answer[name].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
        lines.push(format!(
            "valid: {}, {}, {}",
            plural(count("hosts"), "host", "hosts"),
            plural(count("jobs"), "job", "jobs"),
            plural(count("series"), "series", "series")
        ));
    }
    lines.join("\n") + "\n"
}

/// `name: value` lines.
fn fields(answer: &Value, names: &[&str]) -> String {
    let line = |name: &&str| format!("{}: {}\n", name.replace('_', " "), word(&answer[name]));
    names.iter().map(line).collect()
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

    fn shown(words: &[&str], answer: &Value) -> String {
        render(&parsed(words), answer, Some(80))
    }

    fn piped(words: &[&str], answer: &Value) -> String {
        render(&parsed(words), answer, None)
    }

    fn host(name: &str, job: &str) -> Value {
        json!({
            "name": name, "job": job, "state": "running", "address": "10.205.255.153", "uptime_seconds": 12_345.67,
            "ttl_remaining_seconds": 43_210.12,
        })
    }

    #[test]
    fn a_status_is_lines_and_a_table() {
        let output = |target: &str| {
            json!({
                "kind": "pushgateway", "target": target, "pushes": 4, "last_push": "2026-01-05T00:00:00Z", "failures": 0,
                "away_for": 62.1,
            })
        };
        let answer = json!({
            "run": "main", "config": "shop", "state": "running", "emulated_time": "2026-01-05T00:00:05Z", "speed": 1.0,
            "seed": 7, "uptime_seconds": 62.126, "series": 150, "families": 15, "events_total": 31, "overrides": 0,
            "time": "2026-01-05T00:00:05Z",
            "hosts": { "total": 10, "running": 10, "down": 0, "waiting": 0, "stopped": 0, "ended": 0 },
            "outputs": [output("http://gateway:9091"), output("http://127.0.0.1:9091")],
        });
        insta::assert_snapshot!(shown(&["status"], &answer), @"
        run: main
        config: shop
        state: running
        up: 1m 2s
        emulated time: 2026-01-05T00:00:05Z
        speed: 1x
        seed: 7
        series: 150
        families: 15
        events: 31
        overrides: 0
        hosts: 10 total, 10 running, 0 down, 0 waiting, 0 stopped, 0 ended

        OUTPUT       TARGET                 PUSHES  LAST PUSH  FAILED  AWAY
        pushgateway  http://gateway:9091    4       5s ago     0       1m 2s
        pushgateway  http://127.0.0.1:9091  4       5s ago     0       1m 2s
        ");
    }

    #[test]
    fn hosts_with_long_names_fit_into_80_columns_below_their_job() {
        let job = "hosts_load_peaks_20261128-121112";
        let hosts = json!({ "matched": 3, "hosts": [
            host("balancer-1", job), host("worker-1.eu-west-1.compute.internal", job), host("till", "shop"),
        ] });
        insta::assert_snapshot!(shown(&["hosts"], &hosts), @"
        HOST                                 STATE    ADDRESS         UP      LEFT
        job hosts_load_peaks_20261128-121112
        balancer-1                           running  10.205.255.153  3h 25m  12h
        worker-1.eu-west-1.compute.internal  running  10.205.255.153  3h 25m  12h
        job shop
        till                                 running  10.205.255.153  3h 25m  12h
        ");
        insta::assert_snapshot!(piped(&["hosts"], &hosts), @"
        HOST                                 STATE    ADDRESS         UP      LEFT  JOB
        balancer-1                           running  10.205.255.153  3h 25m  12h   hosts_load_peaks_20261128-121112
        worker-1.eu-west-1.compute.internal  running  10.205.255.153  3h 25m  12h   hosts_load_peaks_20261128-121112
        till                                 running  10.205.255.153  3h 25m  12h   shop
        ");
    }

    #[test]
    fn an_event_that_no_host_listens_to_has_a_hint() {
        let posted = |hearers| json!({ "name": "nope", "source": "api", "time": "T", "hearers": hearers });
        insta::assert_snapshot!(shown(&["emit", "nope"], &posted(0)), @"
        EVENT  SOURCE  TIME  HOSTS
        nope   api     T     0
        no host listens to this event; promemu ctl events lists those that hosts listen to
        ");
        assert!(!shown(&["emit", "nope"], &posted(1)).contains("no host listens"));
    }

    #[test]
    fn an_override_has_its_end_and_a_hint_outside_the_range() {
        let answer = |until, is_outside_range| {
            let state = json!({ "until": until, "is_outside_range": is_outside_range });
            json!({ "id": "web/load{cpu=\"0\"}", "host": "web", "value": 150.0, "override": state })
        };
        insta::assert_snapshot!(shown(&["override", "web", "load", "150"], &answer(Some("T"), true)), @r#"
        HOST  METRIC         VALUE  UNTIL
        web   load{cpu="0"}  150    T
        the value is outside the metric's value_range, and is shown nevertheless
        "#);
        insta::assert_snapshot!(shown(&["override", "web", "load", "150"], &answer(None, false)), @r#"
        HOST  METRIC         VALUE  UNTIL
        web   load{cpu="0"}  150    release
        "#);
    }

    #[test]
    fn an_answer_that_shows_nothing_says_why() {
        let set = json!({ "value": 5.0, "until": null, "is_outside_range": false });
        let down = json!({ "id": "a/load", "host": "a", "type": "gauge", "value": null, "override": set });
        insta::assert_snapshot!(shown(&["override", "a", "load", "5"], &down), @"
        HOST  METRIC  VALUE  UNTIL
        a     load    -      release
        the host shows nothing while it is down, or before it has begun
        ");
        let none = json!({ "hosts": [], "matched": 0 });
        for words in [&["hosts", "web-9"][..], &["hosts", "--state", "down"]] {
            assert_eq!(shown(words, &none), "no host matches; promemu ctl hosts lists all\n");
        }
        let beyond = json!({ "hosts": [], "matched": 4 });
        assert!(shown(&["hosts", "--offset", "9"], &beyond).contains("0 of 4 are shown"));
        let events = shown(&["events"], &json!({ "events": [] }));
        assert!(
            events.ends_with("\nno host listens to events; promemu ctl events --follow shows what happens\n"),
            "{events}"
        );
    }

    #[test]
    fn a_lever_below_0_whose_default_is_not_has_a_hint() {
        let answer = |default| json!({ "name": "load", "default": default, "value": -1.0, "faults": [], "overrides": [] });
        for (words, default, is_told) in [
            (&["lever", "load", "-1"][..], 1.0, true),
            (&["lever", "load", "-0.5"], 0.0, true),
            (&["lever", "load", "-1"], -2.0, false),
            (&["lever", "load", "0"], 1.0, false),
            (&["lever"], 1.0, false),
        ] {
            let text = shown(words, &answer(default));
            assert_eq!(
                text.contains("the value is below 0, and the lever's default is not"),
                is_told,
                "{words:?}"
            );
        }
    }

    #[test]
    fn an_overridden_histogram_shows_the_value_that_it_observes() {
        let set = json!({ "value": 0.5, "until": null, "is_outside_range": false });
        let answer =
            json!({ "id": "web/took", "host": "web", "type": "histogram", "value": 12.0, "override": set });
        assert!(shown(&["override", "web", "took", "0.5"], &answer).contains("took    0.5    release"));
    }

    #[test]
    fn an_action_on_many_hosts_is_a_sentence_and_one_line_in_a_pipe() {
        let names: Vec<String> = (1..=12).map(|i| format!("worker-{i:02}")).collect();
        let answer = json!({ "count": 112, "hosts": names, "not_listed": 100, "time": "T" });
        insta::assert_snapshot!(shown(&["down", "worker-*"], &answer), @"
        112 hosts down: worker-01, worker-02, worker-03, worker-04, worker-05,
        worker-06, worker-07, worker-08, worker-09, worker-10, worker-11, worker-12, and
        100 more
        ");
        assert_eq!(piped(&["override", "*", "load", "-5"], &answer).lines().count(), 1);
        let one = json!({ "count": 1, "hosts": ["a"], "not_listed": 0, "time": "T" });
        insta::assert_snapshot!(piped(&["override", "zone=x", "load", "-5"], &one), @"1 host with load at -5: a");
    }

    #[test]
    fn a_check_lists_each_problem_with_its_place() {
        let answer = json!({ "valid": false, "problems": [
            { "severity": "error", "file": "posted.ron", "line": 2, "column": 13, "message": "no" },
            { "severity": "warning", "file": "", "line": null, "column": null, "message": "odd" },
        ] });
        assert_eq!(shown(&["check", "shop"], &answer), "error: posted.ron:2:13: no\nwarning: odd\n");
        let valid = json!({ "valid": true, "problems": [], "hosts": 1, "jobs": 1, "series": 5 });
        assert_eq!(shown(&["check", "shop"], &valid), "valid: 1 host, 1 job, 5 series\n");
    }
}
