//! `promemu ctl`: a client of the control API, for the shell.

mod client;
mod tables;

use promemu_core::config::read_arguments;
use promemu_core::error::Error;
use promemu_core::expression::Value as Argument;
use serde_json::{Map, Value, json};

use crate::args::{Cli, CtlAction, CtlArgs, as_file};
use crate::settings::{argument_pairs, token};
use crate::stdout;
use client::Client;

/// Asks, and prints the answer.
pub(crate) async fn ask(cli: &Cli, args: &CtlArgs) -> Result<(), Error> {
    let client = Client::new(&args.url, token(cli)?)?;
    if args.action == CtlAction::Events && args.follow {
        words(args, &[])?;
        return client
            .follow(&path("/api/v1/events/stream", &[("run", args.run.as_deref())]), args.json)
            .await;
    }
    let (method, path, body) = request(cli, args)?;
    let answer = client.ask(method, &path, body.as_ref()).await?;
    let text = if args.json { format!("{answer:#}\n") } else { tables::show(args.action, &answer) };
    stdout::print(text.as_bytes())
}

/// What an action asks the API for.
fn request(cli: &Cli, args: &CtlArgs) -> Result<(&'static str, String, Option<Value>), Error> {
    let run = ("run", args.run.as_deref());
    let (offset, limit) = (args.offset.to_string(), args.limit.to_string());
    let search = ("search", args.search.as_deref());
    let page = [run, search, ("offset", Some(&offset)), ("limit", Some(&limit))];
    let hosts = [&page[..], &[("job", args.job.as_deref()), ("state", args.state.as_deref())]].concat();
    let host = |rest: &str| -> Result<String, Error> {
        let [host] = words(args, &["HOST"])?;
        Ok(path(&format!("/api/v1/hosts/{}{rest}", escaped(host)), &[run]))
    };
    let of_run = |rest: &str| -> Result<String, Error> {
        let [id] = words(args, &["ID"])?;
        Ok(format!("/api/v1/runs/{}{rest}", escaped(id)))
    };
    let list = |place: &str, query: &[(&str, Option<&str>)]| -> Result<String, Error> {
        words(args, &[])?;
        Ok(path(place, query))
    };
    Ok(match args.action {
        CtlAction::Status => ("GET", list("/api/v1/status", &[run])?, None),
        CtlAction::Hosts => ("GET", list("/api/v1/hosts", &hosts)?, None),
        CtlAction::Host => ("GET", host("")?, None),
        CtlAction::Metrics => ("GET", list("/api/v1/metrics", &page)?, None),
        CtlAction::Events => ("GET", list("/api/v1/events", &[run])?, None),
        CtlAction::Overrides => ("GET", list("/api/v1/overrides", &[run])?, None),
        CtlAction::Stop => ("POST", host("/stop")?, None),
        CtlAction::Start => ("POST", host("/start")?, None),
        CtlAction::Remove => ("DELETE", host("")?, None),
        CtlAction::Configs => ("GET", list("/api/v1/configs", &[])?, None),
        CtlAction::Runs => ("GET", list("/api/v1/runs", &[])?, None),
        CtlAction::Show => ("GET", of_run("")?, None),
        CtlAction::End => ("POST", of_run("/stop")?, None),
        CtlAction::Delete => ("DELETE", of_run("")?, None),
        CtlAction::Emit => ("POST", path("/api/v1/events", &[run]), Some(event(args)?)),
        CtlAction::Override => {
            let [host, metric, value] = words(args, &["HOST", "METRIC", "VALUE"])?;
            ("PUT", override_path(host, metric, run), Some(override_body(args, value)?))
        }
        CtlAction::Release => {
            let [host, metric] = words(args, &["HOST", "METRIC"])?;
            ("DELETE", override_path(host, metric, run), None)
        }
        CtlAction::Add => ("POST", path("/api/v1/hosts", &[run]), Some(new_host(args)?)),
        CtlAction::Check | CtlAction::Create => {
            let is_run = args.action == CtlAction::Create;
            let place = if is_run { "/api/v1/runs" } else { "/api/v1/configs/check" };
            ("POST", place.to_owned(), Some(config(cli, args, is_run)?))
        }
    })
}

/// The words of an action, as many as it takes.
fn words<'a, const N: usize>(args: &'a CtlArgs, wanted: &[&str; N]) -> Result<[&'a str; N], Error> {
    let given: Vec<&str> = args.words.iter().map(String::as_str).collect();
    <[&str; N]>::try_from(given).map_err(|given| {
        let action = format!("{:?}", args.action).to_lowercase();
        let takes = if N == 0 { "nothing more".to_owned() } else { wanted.join(" ") };
        let given = given.join(" ");
        let given = if given.is_empty() { "nothing".to_owned() } else { format!("{given:?}") };
        Error::Usage(format!("ctl {action} takes {takes}, but was given {given}"))
    })
}

fn event(args: &CtlArgs) -> Result<Value, Error> {
    let [name] = words(args, &["EVENT"])?;
    let mut body = json!({ "name": name });
    if let Some(data) = &args.data {
        let wrong = |error| Error::Usage(format!("--data or PME_CTL_DATA is no JSON: {error}"));
        body["data"] = serde_json::from_str(data).map_err(wrong)?;
    }
    if let Some(source) = &args.source {
        body["source"] = json!(source);
    }
    Ok(body)
}

fn override_path(host: &str, metric: &str, run: (&str, Option<&str>)) -> String {
    path(&format!("/api/v1/hosts/{}/metrics/{}/override", escaped(host), escaped(metric)), &[run])
}

fn override_body(args: &CtlArgs, value: &str) -> Result<Value, Error> {
    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
    let number = number.ok_or_else(|| Error::Usage(format!("VALUE must be a number, but is {value:?}")))?;
    let mut body = json!({ "value": number, "allow_reset": args.allow_reset });
    if let Some(span) = &args.span {
        body["for"] = json!(span);
    }
    Ok(body)
}

fn new_host(args: &CtlArgs) -> Result<Value, Error> {
    let [name] = words(args, &["NAME"])?;
    let like = args.like.as_deref();
    let like =
        like.ok_or_else(|| Error::Usage("ctl add needs --like HOST: whom the new one is like".to_owned()))?;
    let mut labels = Map::new();
    for label in args.label.iter().filter(|label| !label.is_empty()) {
        let wrong = || Error::Usage(format!("--label or PME_CTL_LABEL must be NAME=VALUE, but is {label:?}"));
        let (name, value) = label.split_once('=').ok_or_else(wrong)?;
        labels.insert(name.to_owned(), json!(value));
    }
    let mut body = json!({ "name": name, "template": like, "labels": labels });
    if let Some(ttl) = &args.ttl {
        body["ttl"] = json!(ttl);
    }
    Ok(body)
}

/// A config by its name, or the text of a file here; and what it is to be run with.
fn config(cli: &Cli, args: &CtlArgs, is_run: bool) -> Result<Value, Error> {
    let [word] = words(args, &["CONFIG"])?;
    let mut body = match as_file(word) {
        None => json!({ "config": word }),
        Some(path) => {
            let what = format!("{} cannot be read", path.display());
            let text = std::fs::read_to_string(path).map_err(|source| Error::System { what, source })?;
            json!({ "text": text })
        }
    };
    let mut given = match &cli.config_args_file {
        Some(path) => read_arguments(path)?,
        None => indexmap::IndexMap::new(),
    };
    given.extend(argument_pairs(&cli.config_args)?);
    let given = given.into_iter().map(|(name, value)| (name, as_json(value)));
    body["args"] = Value::Object(given.collect());
    if let Some(class) = &cli.class {
        body["class"] = json!(class);
    }
    if is_run {
        let more = [
            ("id", args.id.as_ref().map(|id| json!(id))),
            ("seed", cli.seed.map(|seed| json!(seed))),
            ("duration", args.lasting.as_ref().map(|lasting| json!(lasting))),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                body[name] = value;
            }
        }
    }
    Ok(body)
}

fn as_json(value: Argument) -> Value {
    match value {
        Argument::Bool(is_so) => json!(is_so),
        Argument::Int(number) => json!(number),
        Argument::Float(number) => json!(number),
        Argument::Text(text) => json!(text),
        Argument::List(items) => items.into_iter().map(as_json).collect(),
    }
}

/// A path with its query, as far as there is one.
fn path(place: &str, query: &[(&str, Option<&str>)]) -> String {
    let given = query.iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped((*value)?))));
    let query: Vec<String> = given.collect();
    if query.is_empty() { place.to_owned() } else { format!("{place}?{}", query.join("&")) }
}

/// A text as part of a path or a query: all but letters, digits, `-`, `.` and `_` as `%2F`.
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

    fn asked(line: &[&str]) -> Result<String, Error> {
        let line = ["promemu", "ctl"].iter().chain(line).map(Into::into);
        let cli = crate::args::parse(line).expect("the flags are known");
        let Some(Command::Ctl(args)) = &cli.command else { panic!("it is ctl") };
        let (method, path, body) = request(&cli, args)?;
        Ok(format!("{method} {path}{}", body.map_or(String::new(), |body| format!(" {body}"))))
    }

    #[test]
    fn each_action_asks_for_its_route() {
        let all = [
            &["status"][..],
            &["hosts", "--search", "web 1", "--state", "running", "--run", "two"],
            &["host", "rack/1"],
            &["emit", "go", "--data", "{\"x\": 1}"],
            &["override", "web-1", "disk{device=\"sda\"}", "9.5", "--for", "2m"],
            &["release", "web-1", "load"],
            &["add", "web-9", "--like", "web-1", "--label", "zone=x", "--ttl", "5m"],
            &["remove", "web-9"],
            &["create", "shop", "--id", "two", "--config-args", "hosts=5", "--seed", "7", "--lasting", "10m"],
            &["end", "two"],
        ];
        let asked: Vec<String> = all.iter().map(|line| asked(line).unwrap()).collect();
        insta::assert_snapshot!(asked.join("\n"), @r#"
        GET /api/v1/status
        GET /api/v1/hosts?run=two&search=web%201&offset=0&limit=50&state=running
        GET /api/v1/hosts/rack%2F1
        POST /api/v1/events {"data":{"x":1},"name":"go"}
        PUT /api/v1/hosts/web-1/metrics/disk%7Bdevice%3D%22sda%22%7D/override {"allow_reset":false,"for":"2m","value":9.5}
        DELETE /api/v1/hosts/web-1/metrics/load/override
        POST /api/v1/hosts {"labels":{"zone":"x"},"name":"web-9","template":"web-1","ttl":"5m"}
        DELETE /api/v1/hosts/web-9
        POST /api/v1/runs {"args":{"hosts":"5"},"config":"shop","duration":"10m","id":"two","seed":7}
        POST /api/v1/runs/two/stop
        "#);
    }

    #[test]
    fn words_that_are_missing_or_too_many_are_told() {
        for line in [
            &["status", "web"][..],
            &["host"],
            &["override", "web-1", "load"],
            &["override", "web-1", "load", "much"],
            &["emit", "go", "--data", "{"],
            &["add", "web-9"],
            &["add", "web-9", "--like", "web-1", "--label", "zone"],
        ] {
            assert_eq!(asked(line).unwrap_err().exit_code(), 2, "{line:?}");
        }
        let told = |line: &[&str]| asked(line).unwrap_err().to_string();
        insta::assert_snapshot!(told(&["runs", "create"]), @r#"ctl runs takes nothing more, but was given "create""#);
        insta::assert_snapshot!(told(&["override", "web-1"]), @r#"ctl override takes HOST METRIC VALUE, but was given "web-1""#);
        insta::assert_snapshot!(told(&["host"]), @"ctl host takes HOST, but was given nothing");
    }
}
