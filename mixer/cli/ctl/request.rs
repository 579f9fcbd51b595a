//! The request of each action: its route and its body.

use std::path::Path;

use promemu_core::error::Error;
use promemu_core::expression::Value as Argument;
use promemu_core::time::Span;
use promemu_core::{text_file, user_file};
use serde_json::{Map, Value, json};
use tracing::warn;

use crate::args::{Cli, CtlAction, CtlArgs, FaultChange, ListArgs, TimelineChange};
use crate::settings::{arguments_of_file, arguments_of_flags};

/// A query's parameters; one without a value is left out.
type Query<'a> = [(&'a str, Option<&'a str>)];

/// A request to the control API.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    /// With its query.
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

impl Request {
    /// The request of an action; reads a config's file that is local.
    pub(super) fn new(cli: &Cli, args: &CtlArgs) -> Result<Self, Error> {
        let run = [("run", args.run.as_deref())];
        if let CtlAction::Host { host } = &args.action
            && is_pattern(host)
        {
            return Err(Error::Usage(format!(
                "host shows one host, but {host:?} is a pattern; write promemu ctl hosts '{host}'"
            )));
        }
        Self::of_pattern(&args.action, &run).map_or_else(|| Self::of_action(cli, args, &run), Ok)
    }

    fn of_action(cli: &Cli, args: &CtlArgs, run: &Query<'_>) -> Result<Self, Error> {
        Ok(match &args.action {
            CtlAction::Status => Self::get(path("/api/v1/status", run)),
            CtlAction::Hosts { pattern, list, job, state } => {
                let filters =
                    [("job", job.as_deref()), ("state", state.as_deref()), ("hosts", pattern.as_deref())];
                Self::get(list_path("/api/v1/hosts", run, list, &filters))
            }
            CtlAction::Host { host } => Self::host(host, args),
            CtlAction::Metrics(list) => Self::get(list_path("/api/v1/metrics", run, list, &[])),
            CtlAction::Events { .. } => Self::events(args),
            CtlAction::Emit { event, data, source } => {
                let body = event_body(event, data.as_ref(), source.as_deref());
                Self::post(path("/api/v1/events", run), Some(body))
            }
            CtlAction::Override { host, metric, value, span, allow_reset } => {
                let body = override_body(*value, *allow_reset, span.as_deref());
                Self { method: "PUT", path: override_path(host, metric, run), body: Some(body) }
            }
            CtlAction::Lever { lever: Some(lever), value, span, hosts, release } => {
                Self::of_lever(lever, *value, span.as_deref(), hosts.as_deref(), *release, run)?
            }
            CtlAction::Lever { lever: None, .. } => Self::get(path("/api/v1/levers", run)),
            CtlAction::Timeline { change } => Self::of_timeline(change.as_ref(), run),
            CtlAction::Fault { change } => Self::of_fault(change, run),
            CtlAction::Release { host, metric } => Self::delete(override_path(host, metric, run)),
            CtlAction::Overrides => Self::get(path("/api/v1/overrides", run)),
            CtlAction::Down { hosts, span } => Self::act("down", hosts, json!({}), span.as_deref(), run),
            CtlAction::Up { hosts } => Self::act("up", hosts, json!({}), None, run),
            CtlAction::Stop { host } => Self::post(host_path(host, "/stop", run), None),
            CtlAction::Start { host } => Self::post(host_path(host, "/start", run), None),
            CtlAction::Add { name, like, label, ttl } => {
                let body = new_host_body(name, like, label, ttl.as_deref())?;
                Self::post(path("/api/v1/hosts", run), Some(body))
            }
            CtlAction::Remove { host } => Self::delete(host_path(host, "", run)),
            CtlAction::Configs => Self::get("/api/v1/configs".to_owned()),
            CtlAction::Check { config, .. } => {
                Self::post("/api/v1/configs/check".to_owned(), Some(config_body(cli, config)?))
            }
            CtlAction::Runs => Self::runs(),
            CtlAction::Create { config, id, lasting, history, watch, .. } => {
                let mut body = config_body(cli, config)?;
                add(&mut body, "id", id.as_deref());
                add(&mut body, "seed", cli.seed);
                add(&mut body, "duration", lasting.as_deref());
                add(&mut body, "history", history.as_deref());
                add(&mut body, "watch", watch.then_some(true));
                Self::post("/api/v1/runs".to_owned(), Some(body))
            }
            CtlAction::Show { id } => Self::get(run_path(id, "")),
            CtlAction::End { id } => Self::post(run_path(id, "/stop"), None),
            CtlAction::Delete { id } => Self::delete(run_path(id, "")),
        })
    }

    /// The request that moves a lever, releases it, or lists it among all.
    fn of_lever(
        lever: &str,
        value: Option<f64>,
        span: Option<&str>,
        hosts: Option<&str>,
        release: bool,
        run: &Query<'_>,
    ) -> Result<Self, Error> {
        if let Some(value) = value {
            let mut body = json!({ "value": value });
            add(&mut body, "for", span);
            add(&mut body, "hosts", hosts);
            return Ok(Self { method: "PUT", path: lever_path(lever, run), body: Some(body) });
        }
        if release {
            let query: &Query<'_> = &[("hosts", hosts)];
            return Ok(Self::delete(lever_path(lever, &[run, query].concat())));
        }
        let line = match lever.split_once('=') {
            Some((lever, value)) => format!("{lever} {value}"),
            None if span.is_some() || hosts.is_some() => format!("{lever} VALUE"),
            None => return Ok(Self::get(path("/api/v1/levers", run))),
        };
        Err(Error::Usage(format!("no value given for a lever to move; write promemu ctl lever {line}")))
    }

    fn of_timeline(change: Option<&TimelineChange>, run: &Query<'_>) -> Self {
        match change {
            None => Self::get(path("/api/v1/timeline", run)),
            Some(TimelineChange::Skip { phase }) => {
                Self::post(path("/api/v1/timeline/skip", run), Some(json!({ "phase": phase })))
            }
        }
    }

    fn of_fault(change: &FaultChange, run: &Query<'_>) -> Self {
        match change {
            FaultChange::Begin { id, span } => {
                let mut body = json!({});
                add(&mut body, "for", span.as_deref());
                Self { method: "PUT", path: fault_path(id, run), body: Some(body) }
            }
            FaultChange::End { id } => Self::delete(fault_path(id, run)),
        }
    }

    /// The request of an action that takes one host or a pattern of hosts, for a pattern.
    fn of_pattern(action: &CtlAction, run: &Query<'_>) -> Option<Self> {
        Some(match action {
            CtlAction::Override { host, metric, value, span, allow_reset } if is_pattern(host) => {
                let body = json!({ "metric": metric, "value": value, "allow_reset": allow_reset });
                Self::act("override", host, body, span.as_deref(), run)
            }
            CtlAction::Release { host, metric } if is_pattern(host) => {
                Self::act("release", host, json!({ "metric": metric }), None, run)
            }
            CtlAction::Remove { host } if is_pattern(host) => Self::act("remove", host, json!({}), None, run),
            CtlAction::Stop { host } if is_pattern(host) => Self::act("stop", host, json!({}), None, run),
            CtlAction::Start { host } if is_pattern(host) => Self::act("start", host, json!({}), None, run),
            _ => return None,
        })
    }

    /// An action on all hosts that a pattern selects, with its parameters.
    fn act(name: &str, hosts: &str, mut body: Value, span: Option<&str>, run: &Query<'_>) -> Self {
        add(&mut body, "action", Some(name));
        add(&mut body, "hosts", Some(hosts));
        add(&mut body, "for", span);
        Self::post(path("/api/v1/actions", run), Some(body))
    }

    /// The request for one host.
    pub(super) fn host(name: &str, args: &CtlArgs) -> Self {
        Self::get(host_path(name, "", &[("run", args.run.as_deref())]))
    }

    /// The request for the list of runs.
    pub(super) fn runs() -> Self {
        Self::get("/api/v1/runs".to_owned())
    }

    /// The request for the events that hosts of the run listen to.
    pub(super) fn events(args: &CtlArgs) -> Self {
        Self::get(path("/api/v1/events", &[("run", args.run.as_deref())]))
    }

    fn get(path: String) -> Self {
        Self { method: "GET", path, body: None }
    }

    fn post(path: String, body: Option<Value>) -> Self {
        Self { method: "POST", path, body }
    }

    fn delete(path: String) -> Self {
        Self { method: "DELETE", path, body: None }
    }
}

/// `true` for a pattern of hosts, which an action for one host does not take.
pub(super) fn is_pattern(hosts: &str) -> bool {
    hosts.contains(['*', '?', '[', '='])
}

/// The path of the stream of a run's events.
pub(super) fn event_stream_path(args: &CtlArgs) -> String {
    path("/api/v1/events/stream", &[("run", args.run.as_deref())])
}

fn host_path(host: &str, rest: &str, run: &Query<'_>) -> String {
    path(&format!("/api/v1/hosts/{}{rest}", escaped(host)), run)
}

fn run_path(id: &str, rest: &str) -> String {
    format!("/api/v1/runs/{}{rest}", escaped(id))
}

fn fault_path(id: &str, query: &Query<'_>) -> String {
    path(&format!("/api/v1/faults/{}", escaped(id)), query)
}

fn lever_path(lever: &str, query: &Query<'_>) -> String {
    path(&format!("/api/v1/levers/{}", escaped(lever)), query)
}

fn override_path(host: &str, metric: &str, run: &Query<'_>) -> String {
    host_path(host, &format!("/metrics/{}/override", escaped(metric)), run)
}

fn list_path(route: &str, run: &Query<'_>, list: &ListArgs, filters: &Query<'_>) -> String {
    let (offset, limit) = (list.offset.to_string(), list.limit.to_string());
    let page: &Query<'_> =
        &[("search", list.search.as_deref()), ("offset", Some(&offset)), ("limit", Some(&limit))];
    path(route, &[run, page, filters].concat())
}

fn override_body(value: f64, allow_reset: bool, span: Option<&str>) -> Value {
    let mut body = json!({ "value": value, "allow_reset": allow_reset });
    add(&mut body, "for", span);
    body
}

fn event_body(name: &str, data: Option<&Value>, source: Option<&str>) -> Value {
    let mut body = json!({ "name": name });
    add(&mut body, "data", data.cloned());
    add(&mut body, "source", source);
    body
}

fn new_host_body(name: &str, like: &str, labels: &[String], ttl: Option<&str>) -> Result<Value, Error> {
    let mut object = Map::new();
    // The variable may hold several blanks in a row.
    for label in labels.iter().filter(|label| !label.is_empty()) {
        let wrong = || Error::Usage(format!("--label or PME_CTL_LABEL must be NAME=VALUE, but is {label:?}"));
        let (name, value) = label.split_once('=').ok_or_else(wrong)?;
        object.insert(name.to_owned(), json!(value));
    }
    let mut body = json!({ "name": name, "template": like, "labels": object });
    add(&mut body, "ttl", ttl);
    Ok(body)
}

/// A config by its name, or by the text of a local file, with its arguments.
fn config_body(cli: &Cli, config: &str) -> Result<Value, Error> {
    let path = Path::new(config);
    let is_file = config == user_file::STDIN || path.extension().is_some_and(|extension| extension == "ron");
    let mut body = if is_file {
        let what = format!("{config} cannot be read");
        let text = text_file::read(path, user_file::CONFIG_BYTES_MAX);
        let text = text.map_err(|source| Error::System { what, source })?;
        json!({ "text": text })
    } else {
        json!({ "config": config })
    };
    let mut arguments = arguments_of_file(cli)?;
    arguments.extend(arguments_of_flags(cli)?);
    let arguments = arguments.into_iter().map(|(name, value)| (name, as_json(value)));
    body["args"] = Value::Object(arguments.collect());
    add(&mut body, "class", cli.class.as_deref());
    Ok(body)
}

fn as_json(value: Argument) -> Value {
    match value {
        Argument::Bool(is_true) => json!(is_true),
        Argument::Int(number) => json!(number),
        Argument::Float(number) => json!(number),
        Argument::Text(text) => json!(text),
        Argument::List(items) => items.into_iter().map(as_json).collect(),
    }
}

/// The fields that are durations.
const SPANS: [&str; 3] = ["for", "duration", "history"];

/// Adds a field to an object, if it has a value. Warns of a duration that is probably another one than was meant.
fn add(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    let Some(value) = value.map(Into::into) else { return };
    if let Some(doubt) = value.as_str().and_then(Span::doubt).filter(|_| SPANS.contains(&name)) {
        warn!("{name}: {doubt}");
    }
    object[name] = value;
}

/// A route with its query, if it has one.
fn path(route: &str, query: &Query<'_>) -> String {
    let query = query.iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped((*value)?))));
    let query: Vec<String> = query.collect();
    if query.is_empty() { route.to_owned() } else { format!("{route}?{}", query.join("&")) }
}

/// A text as part of a path or a query: each byte but letters, digits, `-`, `.` and `_` as `%2F`.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Command;

    fn request(line: &[&str]) -> Result<String, Error> {
        let line = ["promemu", "ctl"].iter().chain(line).map(Into::into);
        let cli = crate::args::parse(line).expect("the flags are known");
        let Some(Command::Ctl(args)) = &cli.command else { panic!("it is ctl") };
        let Request { method, path, body } = Request::new(&cli, args)?;
        Ok(format!("{method} {path}{}", body.map_or(String::new(), |body| format!(" {body}"))))
    }

    #[test]
    fn each_action_has_its_route() {
        let all = [
            &["status"][..],
            &["hosts", "--search", "web 1", "--state", "running", "--run", "two"],
            &["hosts", "zone=north"],
            &["host", "rack/1"],
            &["emit", "go", "--data", "{\"x\": 1}"],
            &["override", "web-1", "disk{device=\"sda\"}", "9.5", "--for", "2m"],
            &["override", "web-1", "load", "-5"],
            &["override", "zone=north", "load", "-0.5", "--for", "2m"],
            &["release", "web-1", "load"],
            &["release", "web-*", "load"],
            &["down", "web-0[12]", "--for", "2m"],
            &["up", "web-1"],
            &["stop", "web-*"],
            &["start", "web-1"],
            &["lever"],
            &["lever", "load", "3", "--for", "5m", "--hosts", "web-*"],
            &["lever", "load"],
            &["lever", "load", "--release", "--run", "two"],
            &["add", "web-9", "--like", "web-1", "--label", "zone=x", "--ttl", "5m"],
            &["remove", "web-9"],
            &["remove", "web-*"],
            &["create", "shop", "--id", "two", "--config-args", "hosts=5", "--seed", "7", "--lasting", "10m"],
            &["create", "shop", "hosts=5", "--history", "6h", "zone=x", "--watch"],
            &["check", "shop", "--config-args", "hosts=5", "--class", "Big"],
            &["end", "two"],
        ];
        let requests: Vec<String> = all.iter().map(|line| request(line).unwrap()).collect();
        insta::assert_snapshot!(requests.join("\n"), @r#"
        GET /api/v1/status
        GET /api/v1/hosts?run=two&search=web%201&offset=0&limit=50&state=running
        GET /api/v1/hosts?offset=0&limit=50&hosts=zone%3Dnorth
        GET /api/v1/hosts/rack%2F1
        POST /api/v1/events {"data":{"x":1},"name":"go"}
        PUT /api/v1/hosts/web-1/metrics/disk%7Bdevice%3D%22sda%22%7D/override {"allow_reset":false,"for":"2m","value":9.5}
        PUT /api/v1/hosts/web-1/metrics/load/override {"allow_reset":false,"value":-5.0}
        POST /api/v1/actions {"action":"override","allow_reset":false,"for":"2m","hosts":"zone=north","metric":"load","value":-0.5}
        DELETE /api/v1/hosts/web-1/metrics/load/override
        POST /api/v1/actions {"action":"release","hosts":"web-*","metric":"load"}
        POST /api/v1/actions {"action":"down","for":"2m","hosts":"web-0[12]"}
        POST /api/v1/actions {"action":"up","hosts":"web-1"}
        POST /api/v1/actions {"action":"stop","hosts":"web-*"}
        POST /api/v1/hosts/web-1/start
        GET /api/v1/levers
        PUT /api/v1/levers/load {"for":"5m","hosts":"web-*","value":3.0}
        GET /api/v1/levers
        DELETE /api/v1/levers/load?run=two
        POST /api/v1/hosts {"labels":{"zone":"x"},"name":"web-9","template":"web-1","ttl":"5m"}
        DELETE /api/v1/hosts/web-9
        POST /api/v1/actions {"action":"remove","hosts":"web-*"}
        POST /api/v1/runs {"args":{"hosts":"5"},"config":"shop","duration":"10m","id":"two","seed":7}
        POST /api/v1/runs {"args":{"hosts":"5","zone":"x"},"config":"shop","history":"6h","watch":true}
        POST /api/v1/configs/check {"args":{"hosts":"5"},"class":"Big","config":"shop"}
        POST /api/v1/runs/two/stop
        "#);
    }

    #[test]
    fn changes_of_the_timeline_and_of_faults_have_routes_of_their_own() {
        let all: [&[&str]; 5] = [
            &["timeline"],
            &["timeline", "skip", "peak/2", "--run", "two"],
            &["fault", "begin", "db-slow", "--for", "2m"],
            &["fault", "begin", "db-slow"],
            &["fault", "end", "db-slow"],
        ];
        let requests: Vec<String> = all.iter().map(|line| request(line).unwrap()).collect();
        insta::assert_snapshot!(requests.join("\n"), @r#"
        GET /api/v1/timeline
        POST /api/v1/timeline/skip?run=two {"phase":"peak/2"}
        PUT /api/v1/faults/db-slow {"for":"2m"}
        PUT /api/v1/faults/db-slow {}
        DELETE /api/v1/faults/db-slow
        "#);
    }

    #[test]
    fn requests_that_make_no_sense_are_refused() {
        for line in [
            &["status", "web"][..],
            &["host"],
            &["override", "web-1", "load"],
            &["override", "web-1", "load", "much"],
            &["override", "web-1", "load", "inf"],
            &["lever", "load", "3", "--release"],
            &["lever", "3", "load"],
            &["timeline", "peak"],
            &["timeline", "skip"],
            &["fault"],
            &["fault", "db-slow"],
            &["fault", "end", "db-slow", "--for", "2m"],
            &["emit", "go", "--data", "{"],
            &["add", "web-9"],
            &["runs", "create"],
            &["create", "shop", "till"],
            &["check", "hosts=5"],
        ] {
            let line = ["promemu", "ctl"].iter().chain(line).map(Into::into);
            assert!(crate::args::parse(line).is_err_and(|error| error.use_stderr()));
        }
        let unlabelled = request(&["add", "web-9", "--like", "web-1", "--label", "zone"]);
        assert_eq!(unlabelled.unwrap_err().exit_code(), 2);
        for line in [&["lever", "load=2"][..], &["lever", "load", "--for", "5m"]] {
            assert_eq!(request(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
        let many = request(&["host", "web-*"]).unwrap_err().to_string();
        assert!(many.ends_with("write promemu ctl hosts 'web-*'"), "{many}");
    }

    #[test]
    fn the_flags_of_the_api_stand_before_or_behind_the_action() {
        let before = request(&["--run", "two", "--json", "status"]).unwrap();
        assert_eq!(before, request(&["status", "--run", "two", "--json"]).unwrap());
        assert_eq!(before, "GET /api/v1/status?run=two");
    }
}
