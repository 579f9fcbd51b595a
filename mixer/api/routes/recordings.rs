//! `/api/v1/recordings`, `/api/v1/recordings/NAME/samples`: the recordings of the daemon's folder, and their samples.

use std::io::{self, Write};
use std::path::{Component, Path as FilePath};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::{IntoParams, ToSchema};

use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_wire::recording::{
    Aggregate, Aggregation, AnswerFormat, AnswerWriter, Query as Question, Recording,
};
use promemu_wire::samples::Selector;

use crate::error::{Answer, ApiError};
use crate::state::{AppState, blocking, blocking_until};

/// The most bytes of an answer.
const BYTES_MAX: usize = 32 << 20;
/// The file that makes a folder a recording.
const MANIFEST: &str = "manifest.json";

/// The recordings of a folder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingsView {
    /// By their names.
    recordings: Vec<RecordingView>,
}

/// A recording.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingView {
    /// The name of its folder.
    name: String,
    /// The time of its first sample; null without one.
    begin: Option<String>,
    /// The time of its last sample; null without one.
    end: Option<String>,
    /// The number of metric families.
    families: usize,
}

/// A recording in a path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RecordingPath {
    /// The name of its folder.
    #[param(example = "shop")]
    name: String,
}

/// The question to a recording, as of `promemu data query`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SamplesQuery {
    /// The series: a name, matchers, or both.
    #[param(example = "queue", max_length = 5000)]
    selector: String,
    /// The start, in UTC; the start of the recording by default.
    from: Option<String>,
    /// The end; that of the recording by default.
    to: Option<String>,
    /// A value for each step, as in 1m, at multiples of it; the samples themselves by default.
    step: Option<String>,
    /// The value of a step; the last one by default.
    #[param(pattern = "^(last|min|max|mean|sum|count|increase|rate)$")]
    agg: Option<String>,
    /// Labels that stay, separated by commas; series that are alike in these are one.
    by: Option<String>,
    /// The format: csv by default.
    format: Option<FormatName>,
}

/// The format of samples.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FormatName {
    /// Comma-separated values.
    Csv,
    /// An object on each line.
    Json,
}

/// Lists the recordings of the daemon's folder.
///
/// The folder is that of `--recordings-dir`; without one there are none.
#[utoipa::path(get, path = "/api/v1/recordings", tag = "recordings",
    responses((status = 200, body = RecordingsView)))]
pub(crate) async fn recordings(State(state): State<Arc<AppState>>) -> Answer<RecordingsView> {
    let recordings = blocking(&state, |state| listed(state.daemon().recordings.as_deref())).await?;
    Ok(Json(RecordingsView { recordings }))
}

/// Reads samples of a recording.
///
/// Rows of time in milliseconds since 1970, labels and value. An answer has 32 MiB at most. Each is a line in the daemon's log.
#[utoipa::path(get, path = "/api/v1/recordings/{name}/samples", tag = "recordings",
    params(RecordingPath, SamplesQuery),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(crate) async fn recording_samples(
    State(state): State<Arc<AppState>>,
    Path(RecordingPath { name }): Path<RecordingPath>,
    Query(query): Query<SamplesQuery>,
) -> Result<Response, ApiError> {
    let (format, content_type) = match query.format {
        None | Some(FormatName::Csv) => (AnswerFormat::Csv, "text/csv; charset=utf-8"),
        Some(FormatName::Json) => (AnswerFormat::Json, "application/x-ndjson"),
    };
    let answer = blocking_until(&state, move |state, stop| {
        let recording = opened(state.daemon().recordings.as_deref(), &name)?;
        let question = question(&query, &recording)?;
        let mut out = Bounded { bytes: Vec::new(), stop };
        let written = AnswerWriter::new(format, &mut out).and_then(|mut writer| {
            let counts = question.answer(&recording, &mut writer)?;
            writer.finish().map(|()| counts)
        });
        let counts = written.map_err(|error| unanswered(&name, &error))?;
        info!(
            recording = name,
            selector = query.selector,
            rows = counts.rows,
            "samples were read by the API"
        );
        Ok::<_, ApiError>(out.bytes)
    });
    Ok(([(header::CONTENT_TYPE, content_type)], answer.await??).into_response())
}

fn listed(folder: Option<&FilePath>) -> Vec<RecordingView> {
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let names =
        entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut all: Vec<RecordingView> = names
        .filter_map(|name| {
            let recording = opened(folder, &name).ok()?;
            let range = recording.range();
            let shown = |millis: i64| Time::from_unix_millis(millis).rfc3339();
            Some(RecordingView {
                begin: range.map(|(begin, _)| shown(begin)),
                end: range.map(|(_, end)| shown(end)),
                families: recording.manifest().families.len(),
                name,
            })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

/// The recording of this name in the folder, and of no other place.
fn opened(folder: Option<&FilePath>, name: &str) -> Result<Recording, ApiError> {
    let unknown = || ApiError::UnknownRecording(name.to_owned());
    let mut parts = FilePath::new(name).components();
    let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    let path = folder.filter(|_| is_name).ok_or_else(unknown)?.join(name);
    if !path.join(MANIFEST).is_file() {
        return Err(unknown());
    }
    Recording::open(&path).map_err(|error| ApiError::invalid(error.to_string()))
}

fn question(query: &SamplesQuery, recording: &Recording) -> Result<Question, ApiError> {
    let selector =
        Selector::parse(&query.selector).map_err(|why| ApiError::invalid(format!("selector: {why}")))?;
    let time = |field: &str, text: &Option<String>| match text {
        Some(text) => match Time::parse(text) {
            Ok(time) => Ok(Some(time.unix_millis().cast_signed())),
            Err(why) => Err(ApiError::invalid(format!("{field}: {why}"))),
        },
        None => Ok(None),
    };
    let whole = recording.range().unwrap_or_default();
    let range_ms = (time("from", &query.from)?.unwrap_or(whole.0), time("to", &query.to)?.unwrap_or(whole.1));
    if range_ms.0 > range_ms.1 {
        return Err(ApiError::invalid("from must be before to"));
    }
    let step_ms = query.step.as_deref().map(step_ms).transpose()?;
    if query.by.is_some() && query.agg.is_none() {
        return Err(ApiError::invalid("by needs agg: name what series come to together, as in agg=sum"));
    }
    let aggregate = query.agg.as_deref().map(Aggregate::parse).transpose();
    let aggregate = aggregate.map_err(|why| ApiError::invalid(format!("agg: {why}")))?;
    let by = query.by.as_ref().map(|by| by.split(',').map(|label| label.trim().to_owned()).collect());
    let aggregation = Aggregation::asked(step_ms, aggregate, by);
    Ok(Question { selector, range_ms, aggregation })
}

/// A step in milliseconds, one at least.
fn step_ms(text: &str) -> Result<i64, ApiError> {
    let span = Span::parse(text).map_err(|why| ApiError::invalid(format!("step: {why}")))?;
    let millis = i64::try_from(span.as_nanos() / 1_000_000).unwrap_or(i64::MAX);
    if millis > 0 && span != Span::FOREVER {
        return Ok(millis);
    }
    Err(ApiError::invalid("step must be 1ms or longer, and have an end"))
}

/// Bytes of an answer, which end when there are too many, or when nobody waits for them.
struct Bounded<'s> {
    bytes: Vec<u8>,
    stop: &'s Stop,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.is_set() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if self.bytes.len() + bytes.len() > BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unanswered(name: &str, error: &io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::TimedOut => ApiError::TooSlow,
        io::ErrorKind::FileTooLarge => ApiError::invalid(
            "the answer has more than 32 MiB; ask for less time, or for values of steps (step, agg)",
        ),
        _ => ApiError::invalid(format!("recording {name}: {error}")),
    }
}
