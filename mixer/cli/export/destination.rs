//! The destinations of a past, an export's or a live run's history.

use std::fmt;
use std::path::Path;

use promemu_core::backfill::Grid;
use promemu_core::error::Error;
use promemu_core::host::DrivenHost;
use promemu_core::time::Span;
use promemu_run::outputs::remote_write::RemoteWriteSettings;
use promemu_wire::export::{Format, Sampling, TargetLabels};
use tracing::warn;

use super::resume::Resume;
use super::{blocks, remote_write, rule_test, target};

/// The longest blocks of a history: as Prometheus compacts them by default.
const HISTORY_BLOCK_MAX: Span = Span::from_secs(36 * 3_600);

/// The destination of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A file, or standard output.
    File {
        /// Its format.
        format: Format,
        /// Its path; `-` is standard output.
        out: String,
    },
    /// A rule test, which keeps what a person wrote in it.
    RuleTest {
        /// Its path; `-` is standard output.
        out: String,
        /// The rules that it tests, as the user names them.
        rules: Vec<String>,
    },
    /// The data folder of a Prometheus.
    Blocks {
        /// The folder.
        data: String,
        /// Maximum length of a block.
        length_max: Span,
        /// `true` if blocks may overlap those that are there.
        may_overlap: bool,
    },
    /// A receiver of remote write.
    RemoteWrite(Box<RemoteWriteSettings>),
}

impl Destination {
    /// The destination of a live run's history: a receiver of remote write, or as `--history-out` names it.
    pub(crate) fn of_history(out: &str, receiver: Option<&RemoteWriteSettings>) -> Self {
        if let Some(settings) = receiver {
            return Self::RemoteWrite(Box::new(settings.clone()));
        }
        if is_folder(out) {
            let data = out.to_owned();
            return Self::Blocks { data, length_max: HISTORY_BLOCK_MAX, may_overlap: false };
        }
        let format = Format::of_path(Path::new(out)).unwrap_or(Format::OpenMetrics);
        Self::File { format, out: out.to_owned() }
    }

    /// The labels of an export that does not ask for any.
    pub(super) const fn default_labels(&self) -> TargetLabels {
        match self {
            Self::File { .. } | Self::RuleTest { .. } | Self::RemoteWrite(_) => TargetLabels::Pushed,
            Self::Blocks { .. } => TargetLabels::Scraped,
        }
    }

    /// Drives a run and writes its samples; shows the progress, and logs the outcome. Returns the hosts if they are kept. Remote
    /// write may resume.
    pub(super) fn write_from(
        &self,
        sampling: Sampling<'_>,
        resume: Option<&Resume>,
    ) -> Result<Vec<DrivenHost>, Error> {
        warn_of_ends(&sampling);
        let Grid { from, to, step } = sampling.grid;
        if step > to.since(from) {
            warn!(%step, "the step is longer than the time to write, of which only the first moment is there; make the step shorter");
        }
        match self {
            Self::File { format, out } => target::write(sampling, *format, out),
            Self::RuleTest { out, rules } => rule_test::write(sampling, out, rules),
            Self::Blocks { data, length_max, may_overlap } => {
                blocks::write(sampling, data, *length_max, *may_overlap)
            }
            Self::RemoteWrite(settings) => remote_write::send(sampling, settings, resume),
        }
    }

    /// As for an export that begins anew.
    pub(crate) fn write(&self, sampling: Sampling<'_>) -> Result<Vec<DrivenHost>, Error> {
        self.write_from(sampling, None)
    }
}

/// Logs that all hosts end before the samples do, and what lets them live on.
fn warn_of_ends(sampling: &Sampling<'_>) {
    let Sampling { run, grid, .. } = sampling;
    let plan = run.plan();
    let end = plan.ends_at(run.start());
    if end >= grid.to {
        return;
    }
    let remedy = match plan.ttl_arguments.as_slice() {
        [] => "leave their ttl out of the config".to_owned(),
        names => names.iter().map(|name| format!("write {name}=inf")).collect::<Vec<_>>().join(" and "),
    };
    let (end, until) = (end.rfc3339(), grid.to.rfc3339());
    warn!(end, until, "all hosts end by their ttl before the last sample; for hosts without an end {remedy}");
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { out, .. } | Self::RuleTest { out, .. } => f.write_str(out),
            Self::Blocks { data, .. } => f.write_str(data),
            Self::RemoteWrite(settings) => settings.target.fmt(f),
        }
    }
}

/// `true` if a path names a folder.
pub(crate) fn is_folder(out: &str) -> bool {
    out.ends_with('/') || Path::new(out).is_dir()
}

/// `true` if a path names a rule test.
pub(crate) fn is_rule_test(out: &str) -> bool {
    Path::new(out).extension().is_some_and(|extension| extension == "yml" || extension == "yaml")
}
