//! `--resume FILE`: how far an export was sent, so that it goes on there.
//!
//! The file names the export that it is of, and has everything that makes its requests the same again: its times, its seed,
//! and its number of threads.

use std::path::PathBuf;
use std::{fs, io};

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_run::whole_file::unwritable;
use serde_json::{Value, json};

use crate::output_file;

/// The state of an export that may be interrupted.
#[derive(Debug)]
pub(super) struct Resume {
    path: PathBuf,
    /// As it was found; null if there was none.
    found: Value,
    /// The export that it is of.
    of: Value,
}

impl Resume {
    /// Reads the state, if there is one.
    pub(super) fn open(path: &str) -> Result<Self, Error> {
        let path = PathBuf::from(path);
        let what = || format!("--resume or PME_EXPORT_RESUME: {} cannot be read", path.display());
        let found = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| Error::System { what: what(), source: io::Error::other(error) })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Value::Null,
            Err(source) => return Err(Error::System { what: what(), source }),
        };
        Ok(Self { path, found, of: Value::Null })
    }

    /// `true` if no export was interrupted.
    pub(super) fn is_new(&self) -> bool {
        self.found.is_null()
    }

    /// The times of the export that goes on.
    pub(super) fn grid(&self) -> Option<Grid> {
        let nanos = |name: &str| self.found["export"][name].as_u64();
        let (from, to, step) = (nanos("from_ns")?, nanos("to_ns")?, nanos("step_ns")?);
        let time = Time::from_unix_nanos;
        Some(Grid { from: time(from), to: time(to), step: Span::from_nanos(step) })
    }

    /// The seed of the export that goes on.
    pub(super) fn seed(&self) -> Option<u64> {
        self.found["export"]["seed"].as_u64()
    }

    /// The number of threads of the export that goes on.
    pub(super) fn threads(&self) -> Option<usize> {
        self.found["export"]["threads"].as_u64().and_then(|threads| threads.try_into().ok())
    }

    /// Says which export it is. Fails if the state is that of another one.
    pub(super) fn begin(&mut self, grid: &Grid, seed: u64, more: &Value) -> Result<(), Error> {
        let mut of = json!({
            "from_ns": grid.from.unix_nanos(),
            "to_ns": grid.to.unix_nanos(),
            "step_ns": grid.step.as_nanos(),
            "seed": seed,
        });
        if let (Some(of), Some(more)) = (of.as_object_mut(), more.as_object()) {
            of.extend(more.clone());
        }
        let known = &self.found["export"];
        let differs = of.as_object().and_then(|of| of.iter().find(|(name, value)| known[*name] != **value));
        match differs {
            Some((name, value)) if !self.found.is_null() => Err(Error::Usage(format!(
                "--resume or PME_EXPORT_RESUME: {} is of an export with {name} {}, not {value}; remove it to begin anew",
                self.path.display(),
                known[name]
            ))),
            _ => {
                self.of = of;
                Ok(())
            }
        }
    }

    /// Notes which export it is if no earlier call did, so that it has the same requests if it is interrupted from now on.
    pub(super) fn note_begun(&self) -> Result<(), Error> {
        if !self.is_new() {
            return Ok(());
        }
        self.replace(&json!({ "export": self.of, "samples": 0 }))
            .map_err(|source| unwritable(&self.path, "--resume", source))
    }

    /// The time up to which samples were sent.
    pub(super) fn sent_until(&self) -> Option<Time> {
        self.found["sent_until_ns"].as_u64().map(Time::from_unix_nanos)
    }

    /// Notes that all samples up to a time were sent; so many since this call began.
    pub(super) fn note(&self, until: Time, samples: u64) -> io::Result<()> {
        let samples_before = self.found["samples"].as_u64().unwrap_or(0);
        let noted = self.replace(&json!({
            "export": self.of,
            "sent_until_ns": until.unix_nanos(),
            "sent_until": until.rfc3339(),
            "samples": samples_before + samples,
        }));
        noted.map_err(|error| {
            let what = format!("{} of --resume cannot be written: {error}", self.path.display());
            io::Error::new(error.kind(), what)
        })
    }

    /// The state is on the disk when this returns.
    fn replace(&self, state: &Value) -> io::Result<()> {
        output_file::replace(&self.path, format!("{state:#}\n").as_bytes())
    }
}
