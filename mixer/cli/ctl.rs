//! `promemu ctl`: a client of the control API, for the shell.

mod advice;
mod client;
mod request;
mod shard_tables;
mod tables;
mod timeline_tables;
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
        Err(error) => return Err(advice::explained(error, &client, args).await),
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

/// The lever of this name out of the list of all.
fn one_lever(name: &str, mut list: Value) -> Result<Value, Error> {
    let levers = list["levers"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let names: Vec<String> =
        levers.iter().filter_map(|lever| lever["name"].as_str()).map(str::to_owned).collect();
    let found = levers.into_iter().find(|lever| lever["name"] == name);
    found.ok_or_else(|| Error::Run(format!("there is no lever {name:?}{}", suggestion(name, &names))))
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
    let hint = if names.is_empty() { ", nor to any other".to_owned() } else { suggestion(event, &names) };
    Err(Error::Run(format!("event {event:?} was emitted, but no host of the run listens to it{hint}")))
}
