//! The state of the stages as metrics.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::time::{Span, Time};
use promemu_run::clock::wall_now;

use crate::metrics_file::MetricsFile;

/// The last end of each stage, in a file.
#[derive(Debug)]
pub(super) struct StageMetrics {
    path: PathBuf,
    pipeline: String,
    stages: IndexMap<String, StageEnd>,
}

/// The end of a stage.
#[derive(Clone, Copy, Debug)]
struct StageEnd {
    is_failed: bool,
    took: Span,
    at: Time,
}

impl StageMetrics {
    /// Of no stage yet.
    pub(super) fn new(path: &Path, pipeline: &str) -> Self {
        Self { path: path.to_owned(), pipeline: pipeline.to_owned(), stages: IndexMap::new() }
    }

    /// A stage that began then has ended.
    pub(super) fn end(&mut self, stage: &str, began: Time, is_failed: bool) -> Result<(), Error> {
        let at = wall_now();
        self.stages.insert(stage.to_owned(), StageEnd { is_failed, took: at.since(began), at });
        self.file().write(&self.path, "--metrics")
    }

    fn file(&self) -> MetricsFile {
        let of_stages = |value: fn(&StageEnd) -> f64| {
            self.stages.iter().map(move |(stage, end)| {
                (vec![("pipeline", &*self.pipeline), ("stage", &**stage)], value(end))
            })
        };
        let mut file = MetricsFile::default();
        file.gauges(
            "promemu_pipeline_stage_failed",
            "1 if the last run of a stage failed, after its retries",
            of_stages(|end| f64::from(u8::from(end.is_failed))),
        );
        file.gauges(
            "promemu_pipeline_stage_duration_seconds",
            "length of the last run of a stage, with its retries",
            of_stages(|end| end.took.as_secs_f64()),
        );
        file.gauges(
            "promemu_pipeline_stage_end_seconds",
            "end of the last run of a stage, since the Unix epoch",
            of_stages(|end| end.at.unix_secs()),
        );
        file
    }
}
