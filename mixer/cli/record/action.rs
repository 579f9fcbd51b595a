//! `promemu record action`: notes what was done to a recorded system.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_core::{text_file, user_file};
use promemu_run::clock::wall_now;
use promemu_run::http::{HttpClient, Limits, TargetUrl};
use promemu_run::printable::printable;
use promemu_run::whole_file::unwritable;
use promemu_wire::recording::{Action, Recording, append_actions, change_actions};
use reqwest::Method;
use serde::Deserialize;
use tracing::info;

use super::{alerts, annotations};

use crate::args::ActionArgs;
use crate::settings::moment;

/// Limits of an answer of a server, and bytes of one that is an error that are shown.
const LIMITS: Limits =
    Limits { time: Some(Duration::from_secs(30)), silence: Duration::from_secs(30), body_bytes: 64 << 20 };
const SAID_MAX: usize = 200;

/// A record of the ground truth of a run.
#[derive(Deserialize)]
struct TruthLine {
    #[serde(rename = "type")]
    subject: String,
    id: String,
    kind: String,
    target: String,
    begin_unix: f64,
    end_unix: Option<f64>,
}

/// Notes an action, or those of a file or a server.
pub(super) async fn action(args: &ActionArgs) -> Result<(), Error> {
    let folder = super::out(args.out.as_deref())?;
    let refused = |source: std::io::Error| match source.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidData => Error::Usage(source.to_string()),
        _ => unwritable(&folder, "--out", source),
    };
    let actions = if let Some(text) = &args.from_alertmanager {
        let alerts = alerts::fetch(text).await?;
        let now_ms = millis(wall_now());
        change_actions(&folder, |actions| alerts::note(&alerts, actions, now_ms)).map_err(refused)?;
        info!(folder = %folder.display(), alerts = alerts.len(), "noted");
        return Ok(());
    } else if let Some(text) = &args.from_grafana {
        let recording = Recording::open(&folder).map_err(refused)?;
        annotations::fetch(text, recording.range().map(|(begin_ms, _)| begin_ms)).await?
    } else if let Some(path) = &args.truth_file {
        of_truth(path)?
    } else if let Some(name) = &args.name {
        vec![of_flags(name, args)?]
    } else {
        let message =
            "no action given; write its name, or name --truth-file, --from-grafana or --from-alertmanager";
        return Err(Error::Usage(message.to_owned()));
    };
    append_actions(&folder, &actions).map_err(refused)?;
    info!(folder = %folder.display(), actions = actions.len(), "noted");
    Ok(())
}

/// The answer in JSON of a server to a GET.
pub(super) async fn ask(
    http: &HttpClient,
    url: &TargetUrl,
    path: &str,
    parameters: &[(&str, String)],
) -> Result<Vec<u8>, Error> {
    let mut whole = url.url().clone();
    whole.set_path(&format!("{}/{path}", whole.path().trim_end_matches('/')));
    if !parameters.is_empty() {
        whole.query_pairs_mut().extend_pairs(parameters);
    }
    let failed = |why: String| Error::Run(format!("{url}: {}", http.conceal(why)));
    let request = http.request(Method::GET, whole).header("accept", "application/json");
    let mut answer = http.send(request, LIMITS).await.map_err(|error| failed(error.to_string()))?;
    let status = answer.status();
    if status.is_success() {
        return answer.body().await.map_err(|error| failed(error.to_string()));
    }
    let said = answer.beginning(SAID_MAX).await;
    let said = printable(said.trim_ascii(), false).into_owned();
    Err(failed(format!("it answers {status}: {said}; check the address and its credentials")))
}

fn of_flags(name: &str, args: &ActionArgs) -> Result<Action, Error> {
    let now = wall_now();
    let at = match &args.at {
        Some(text) => moment("--at or PME_RECORD_ACTION_AT", text, now)?,
        None => now,
    };
    let until = args
        .until
        .as_deref()
        .map(|text| moment("--until or PME_RECORD_ACTION_UNTIL", text, now))
        .transpose()?;
    if let Some(until) = until.filter(|until| *until < at) {
        let (at, until) = (at.rfc3339(), until.rfc3339());
        return Err(Error::Usage(format!("--until {until} must not be before --at {at}")));
    }
    Ok(Action {
        at_ms: millis(at),
        name: name.to_owned(),
        target: args.target.clone().unwrap_or_default(),
        value: args.value,
        until_ms: until.map(millis),
    })
}

/// The actions of a truth file: faults by their kind and id, phases by their name.
fn of_truth(path: &Path) -> Result<Vec<Action>, Error> {
    let text = text_file::read(path, user_file::CONFIG_BYTES_MAX)
        .map_err(|source| Error::System { what: format!("{} cannot be read", path.display()), source })?;
    let mut actions = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let record: TruthLine = serde_json::from_str(line).map_err(|error| {
            Error::Usage(format!("{}:{number} is no record of a ground truth: {error}", path.display()))
        })?;
        let name = if record.subject == "phase" || record.kind.is_empty() {
            format!("{} {}", record.subject, record.id)
        } else {
            format!("{} {}", record.kind, record.id)
        };
        actions.push(Action {
            at_ms: millis_of_secs(record.begin_unix),
            name,
            target: record.target,
            value: None,
            until_ms: record.end_unix.map(millis_of_secs),
        });
    }
    Ok(actions)
}

pub(super) fn millis(time: Time) -> i64 {
    time.unix_millis().cast_signed()
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn millis_of_secs(secs: f64) -> i64 {
    (secs * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_and_faults_of_a_truth_file_are_actions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("truth.jsonl");
        std::fs::write(
            &path,
            "{\"type\":\"phase\",\"id\":\"peak\",\"kind\":\"\",\"target\":\"\",\"begin_unix\":5.25,\"end_unix\":null}\n\
             {\"type\":\"fault\",\"id\":\"slow\",\"kind\":\"latency\",\"target\":\"db\",\"begin_unix\":6,\"end_unix\":7}\n",
        )
        .unwrap();
        let actions = of_truth(&path).unwrap();
        let shown: Vec<_> =
            actions.iter().map(|own| (own.at_ms, &*own.name, &*own.target, own.until_ms)).collect();
        assert_eq!(shown, [(5_250, "phase peak", "", None), (6_000, "latency slow", "db", Some(7_000))]);
        std::fs::write(&path, "{}").unwrap();
        assert!(
            of_truth(&path).unwrap_err().to_string().contains("truth.jsonl:1 is no record of a ground truth")
        );
    }
}
