//! `promemu ctl`: a client of the control API, for the shell.

mod client;
mod request;
mod tables;
mod words;

use std::process::ExitCode;

use promemu_core::error::{Error, suggestion};
use serde_json::Value;

use crate::args::{Cli, CtlAction, CtlArgs};
use crate::settings::token;
use crate::{stdout, table};
use client::Client;
use request::{Request, event_stream_path};

/// Sends the action's request, and prints the answer. The exit code is that of the same command without a daemon.
pub(crate) async fn ctl(cli: &Cli, args: &CtlArgs) -> Result<ExitCode, Error> {
    let client = Client::new(&args.url, token(cli)?)?;
    if matches!(args.action, CtlAction::Events { follow: true }) {
        return client.follow(&event_stream_path(args), args.json).await.map(|()| ExitCode::SUCCESS);
    }
    let answer = match client.send(&Request::new(cli, args)?).await {
        Ok(answer) => answer,
        Err(error) => return Err(explained(error, &client, &args.action).await),
    };
    if let CtlAction::Emit { event, .. } = &args.action
        && answer["hearers"] == 0
    {
        refuse_unknown_event(&client, args, event).await?;
    }
    let answer = match &args.action {
        CtlAction::Lever { lever: Some(lever), value: None, release: false, .. } => one_lever(lever, answer)?,
        _ => answer,
    };
    let text = if args.json {
        format!("{answer:#}\n")
    } else {
        tables::render(&args.action, &answer, table::width())
    };
    let print = if args.json { stdout::print_for_programs } else { stdout::print };
    print(text.as_bytes())?;
    let is_refused = matches!(args.action, CtlAction::Check { .. }) && answer["valid"] != true;
    Ok(if is_refused { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// The error of an action on hosts, with the command that is meant if the hosts are those of a run, or several words.
async fn explained(error: Error, client: &Client, action: &CtlAction) -> Error {
    let Some(hosts) = action.hosts().filter(|_| matches!(error, Error::Run(_))) else { return error };
    let is_unknown = error.to_string().contains("(unknown_host)");
    let hint = if is_unknown && ["all", "ALL", "any"].contains(&hosts) {
        "; '*' is all hosts".to_owned()
    } else if is_unknown && hosts.contains(',') {
        "; several hosts are one pattern, as in 'worker-*' or 'web-0[12]'".to_owned()
    } else if is_unknown && matches!(action, CtlAction::Stop { .. }) && is_run(client, hosts).await {
        format!("; to end the run of this id, write promemu ctl end {hosts}")
    } else {
        return error;
    };
    Error::Run(format!("{error}{hint}"))
}

/// The lever of this name out of the list of all.
fn one_lever(name: &str, mut list: Value) -> Result<Value, Error> {
    let levers = list["levers"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let names: Vec<String> =
        levers.iter().filter_map(|lever| lever["name"].as_str()).map(str::to_owned).collect();
    let found = levers.into_iter().find(|lever| lever["name"] == name);
    found.ok_or_else(|| Error::Run(format!("there is no lever {name:?}{}", suggestion(name, &names))))
}

/// `true` if the daemon has a run of this id.
async fn is_run(client: &Client, id: &str) -> bool {
    let runs = client.send(&Request::runs()).await.unwrap_or_default();
    runs["runs"].as_array().is_some_and(|runs| runs.iter().any(|run| run["id"] == id))
}

/// An error for an event that no host would ever hear, with the nearest one of those that hosts listen to.
async fn refuse_unknown_event(client: &Client, args: &CtlArgs, event: &str) -> Result<(), Error> {
    let listened = client.send(&Request::events(args)).await?;
    let names =
        listened["events"].as_array().into_iter().flatten().filter_map(|event| event["name"].as_str());
    // A host may listen to an event of one source.
    let names: Vec<&str> = names.map(|name| name.split('@').next().unwrap_or(name)).collect();
    if names.contains(&event) {
        return Ok(());
    }
    let hint = suggestion(event, &names);
    Err(Error::Run(format!("event {event:?} was emitted, but no host of the run listens to it{hint}")))
}
