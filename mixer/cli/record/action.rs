//! `promemu record action`: notes what was done to a recorded system.

use std::io::ErrorKind;
use std::path::Path;

use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_core::{text_file, user_file};
use promemu_run::clock::wall_now;
use promemu_run::whole_file::unwritable;
use promemu_wire::recording::{Action, append_actions};
use serde::Deserialize;
use tracing::info;

use crate::args::ActionArgs;
use crate::settings::moment;

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

/// Notes an action, or those of a file.
pub(super) fn action(args: &ActionArgs) -> Result<(), Error> {
    let folder = super::out(args.out.as_deref())?;
    let actions = match (&args.name, &args.truth_file) {
        (_, Some(path)) => of_truth(path)?,
        (Some(name), None) => vec![of_flags(name, args)?],
        (None, None) => {
            let message = "no action given; write its name, or a file with --truth-file";
            return Err(Error::Usage(message.to_owned()));
        }
    };
    append_actions(&folder, &actions).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidData => Error::Usage(source.to_string()),
        _ => unwritable(&folder, "--out", source),
    })?;
    info!(folder = %folder.display(), actions = actions.len(), "noted");
    Ok(())
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

fn millis(time: Time) -> i64 {
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
