//! The last look at a Prometheus, kept in a file for the growth since then.

use std::io::ErrorKind;
use std::path::Path;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::text_file;
use promemu_core::time::Time;
use serde::{Deserialize, Serialize};

use super::look::{Look, Questions};
use crate::output_file;

/// Largest file of a look.
const BYTES_MAX: u64 = 4 << 20;

/// A look, with the series of its largest metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastLook {
    url: String,
    selector: Option<String>,
    /// The time, as in RFC 3339.
    pub(super) at: String,
    pub(super) series: u64,
    pub(super) metrics: IndexMap<String, u64>,
}

impl LastLook {
    pub(super) fn of(url: &str, questions: &Questions, look: &Look) -> Self {
        Self {
            url: url.to_owned(),
            selector: questions.selector.clone(),
            at: look.at.rfc3339(),
            series: look.series,
            metrics: look.metrics.iter().map(|metric| (metric.name.clone(), metric.count)).collect(),
        }
    }

    /// Reads the last look; `None` if there is no file yet.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no look, or one at something else.
    pub(super) fn read(path: &Path, url: &str, questions: &Questions) -> Result<Option<Self>, Error> {
        let refused = |why: String| {
            Error::Usage(format!("--state or PME_CARDINALITY_STATE: {}: {why}", path.display()))
        };
        let text = match text_file::read(path, BYTES_MAX) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(error.to_string())),
        };
        let last: Self = serde_json::from_str(&text)
            .ok()
            .filter(|last: &Self| Time::parse(&last.at).is_ok())
            .ok_or_else(|| refused("it is no look of promemu cardinality; name another file".to_owned()))?;
        if last.url != url || last.selector != questions.selector {
            let of = last.selector.as_ref().map(|selector| format!(" of {selector}")).unwrap_or_default();
            return Err(refused(format!("it has a look at {}{of}; name another file", last.url)));
        }
        Ok(Some(last))
    }

    /// Writes it in the place of the one before.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Run(format!("the look was not written because of a bug: {error}")))?;
        output_file::replace(path, format!("{text}\n").as_bytes()).map_err(|source| {
            let what = format!("--state or PME_CARDINALITY_STATE: {} cannot be written", path.display());
            Error::System { what, source }
        })
    }
}
