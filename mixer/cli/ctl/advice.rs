//! The command that is meant where the API has refused one.

use promemu_core::error::Error;
use serde_json::Value;

use super::client::Client;
use super::request::Request;
use crate::args::{CtlAction, CtlArgs};

/// The error of an action, with the command that is meant if it names all hosts, several words, or a run by another name.
pub(super) async fn explained(error: Error, client: &Client, args: &CtlArgs) -> Error {
    if !matches!(error, Error::Run(_)) {
        return error;
    }
    let text = error.to_string();
    let hint = match &args.action {
        CtlAction::Show { id } | CtlAction::End { id } | CtlAction::Delete { id }
            if text.contains("(unknown_run)") =>
        {
            of_run(client, args, id).await
        }
        CtlAction::Release { metric, .. } if metric.contains('*') && text.contains("(unknown_metric)") => {
            Some("release takes one metric; promemu ctl overrides lists those that are overridden".to_owned())
        }
        action if text.contains("(unknown_host)") => match action.hosts() {
            Some(hosts) => of_hosts(client, action, hosts).await,
            None => None,
        },
        _ => None,
    };
    hint.map_or(error, |hint| Error::Run(format!("{text}; {hint}")))
}

/// The advice for hosts that are none.
async fn of_hosts(client: &Client, action: &CtlAction, hosts: &str) -> Option<String> {
    if ["all", "ALL", "any"].contains(&hosts) {
        return Some("'*' is all hosts".to_owned());
    }
    if hosts.contains(',') {
        return Some("several hosts are one pattern, as in 'worker-*' or 'web-0[12]'".to_owned());
    }
    let stops = matches!(action, CtlAction::Stop { .. } | CtlAction::Down { .. } | CtlAction::Remove { .. });
    let is_run = stops && runs(client).await.iter().any(|run| run["id"] == hosts);
    is_run.then(|| format!("to end the run of this id, write promemu ctl end {hosts}"))
}

/// The advice for a run that there is none of: the run of the config that is called so, the only run, or a host.
async fn of_run(client: &Client, args: &CtlArgs, id: &str) -> Option<String> {
    let action = match &args.action {
        CtlAction::End { .. } => "end",
        CtlAction::Delete { .. } => "delete",
        _ => "show",
    };
    if matches!(args.action, CtlAction::Show { .. }) && client.send(&Request::host(id, args)).await.is_ok() {
        return Some(format!("to show the host, write promemu ctl host {id}"));
    }
    let runs = runs(client).await;
    let is_of_config = |run: &&Value| {
        let config = run["config"].as_str().unwrap_or_default();
        config.trim_end_matches(".ron").rsplit('/').next() == Some(id.trim_end_matches(".ron"))
    };
    if let Some(run) = runs.iter().find(is_of_config).and_then(|run| run["id"].as_str()) {
        return Some(format!("the run of this config is {run:?}; write promemu ctl {action} {run}"));
    }
    match runs.as_slice() {
        [only] => Some(format!("the only run is {}", only["id"])),
        _ => None,
    }
}

/// The runs of the daemon; none if they cannot be had.
async fn runs(client: &Client) -> Vec<Value> {
    let mut answer = client.send(&Request::runs()).await.unwrap_or_default();
    answer["runs"].as_array_mut().map(std::mem::take).unwrap_or_default()
}
