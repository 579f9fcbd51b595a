//! Remote read of a Prometheus: samples as they are stored, as streamed chunks.

use std::time::Duration;

use promemu_wire::recording::SourceEntry;
use promemu_wire::remote_read::{Frames, STREAMED, read_request, read_samples};
use promemu_wire::samples::{ReadSeries, SampleValue, Selector};
use reqwest::Method;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE};
use tokio::sync::watch;
use tracing::info;

use super::clock_offset::clock_of;
use super::outlet::{Outlet, Piece};
use super::pace::Pace;
use super::past_slices::PastRange;
use super::retries::{Failure, Retries};
use super::{Input, Work, metadata, until_stopped};
use crate::http::{Answer, HttpClient, HttpOptions, Limits, TargetUrl};
use crate::printable::printable;

/// Bytes of an answer, at most: it is never in memory as a whole.
const ANSWER_BYTES_MAX: u64 = 1 << 40;
/// The same without streaming, where it is.
const SAMPLES_BYTES_MAX: usize = 256 << 20;

/// A Prometheus whose storage is read.
#[derive(Debug)]
pub struct RemoteRead {
    /// Its address; without a path the usual one is meant.
    pub url: TargetUrl,
    /// Credentials and certificates.
    pub http: HttpOptions,
    /// The range, in slices.
    pub range: PastRange,
    /// Number of attempts after a first one that failed.
    pub retries: u32,
    /// Time without any byte of an answer after which it has failed.
    pub silence: Duration,
    /// Bytes of answers in a second, at most; `None` for as many as come.
    pub bytes_per_sec: Option<u64>,
}

impl Input for RemoteRead {
    fn entry(&self) -> SourceEntry {
        SourceEntry::new("remote_read", &self.url)
    }

    fn is_live(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        Box::pin(async move { self.read(&outlet, stopped).await })
    }
}

impl RemoteRead {
    async fn read(&self, outlet: &Outlet, mut stopped: watch::Receiver<bool>) -> Result<(), String> {
        let url = self.url.clone().with_default_path("/api/v1/read");
        let http = HttpClient::new(&url, &self.http).map_err(|error| error.to_string())?;
        let slices = self.range.slices(&outlet.recorded);
        outlet.put(Piece::Families(metadata::fetch(&http, url.url()).await)).await?;
        let (count, mut pace) = (slices.len(), Pace::new(self.bytes_per_sec));
        for (n, (begin, end)) in (1..).zip(slices) {
            let mut retries = Retries::new(self.retries);
            loop {
                if *stopped.borrow() {
                    return Ok(());
                }
                outlet.put(Piece::Begin(begin)).await?;
                let read = tokio::select! {
                    read = self.read_slice(&http, &url, ((begin, end), &mut pace), outlet) => read,
                    () = until_stopped(&mut stopped) => return Ok(()),
                };
                match read {
                    Ok(()) => break,
                    Err(failure) => {
                        outlet.put(Piece::Abort).await?;
                        retries.after(failure, &outlet.tally, &mut stopped).await?;
                    }
                }
            }
            outlet.end_slice(end).await?;
            info!(url = %url, slice = n, of = count, "slice is recorded");
        }
        Ok(())
    }

    async fn read_slice(
        &self,
        http: &HttpClient,
        url: &TargetUrl,
        (range, pace): ((i64, i64), &mut Pace),
        outlet: &Outlet,
    ) -> Result<(), Failure> {
        let selectors = outlet.selection.selectors();
        for (n, selector) in selectors.iter().enumerate() {
            let taker = SliceTaker { range, outlet, before: &selectors[..n] };
            let body = read_request(selector, range.0, range.1 - 1);
            let request = http
                .request(Method::POST, url.url().clone())
                .header(CONTENT_TYPE, "application/x-protobuf")
                .header(CONTENT_ENCODING, "snappy")
                .header("accept-encoding", "snappy")
                .header("x-prometheus-remote-read-version", "0.1.0")
                .body(body);
            let limits = Limits { time: None, silence: self.silence, body_bytes: ANSWER_BYTES_MAX };
            let answer =
                http.send(request, limits).await.map_err(|error| Failure::Transient(error.to_string()))?;
            let answer = accepted(answer).await?;
            if n == 0 {
                taker.put(Piece::Clock(clock_of(answer.headers(), false))).await?;
            }
            let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            if kind.is_some_and(|kind| kind.starts_with(STREAMED)) {
                taker.take_stream(answer, pace).await?;
            } else {
                taker.take_samples(answer, pace).await?;
            }
        }
        Ok(())
    }
}

/// An answer that is none of an error.
pub(super) async fn accepted(answer: Answer) -> Result<Answer, Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let redirect = answer.refused_redirect().map(ToOwned::to_owned).unwrap_or_default();
    let mut answer = answer;
    let body = answer.beginning(500).await;
    let text = printable(body.trim_ascii(), false);
    let colon = if text.is_empty() { "" } else { ": " };
    let why = format!("it answered {status}{redirect}{colon}{text}");
    let is_transient = status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS;
    Err(if is_transient { Failure::Transient(why) } else { Failure::Final(why) })
}

/// A taker of the samples of an answer.
struct SliceTaker<'a> {
    range: (i64, i64),
    outlet: &'a Outlet,
    /// Selectors that were asked before: their series are there already.
    before: &'a [Selector],
}

impl SliceTaker<'_> {
    async fn put(&self, piece: Piece) -> Result<(), Failure> {
        self.outlet.put(piece).await.map_err(Failure::Final)
    }

    /// The series of an answer that belong to the slice: a chunk may begin before it.
    fn piece(&self, series: &ReadSeries, mut samples: Vec<(i64, SampleValue)>) -> Option<Piece> {
        let (begin, end) = self.range;
        samples.retain(|(at, _)| (begin..end).contains(at));
        let is_known = self.before.iter().any(|selector| selector.matches(series));
        (!is_known && !samples.is_empty()).then(|| Piece::Series(series.clone(), samples))
    }

    async fn take_stream(&self, mut answer: Answer, pace: &mut Pace) -> Result<(), Failure> {
        let mut frames = Frames::default();
        let broken = |why: String| Failure::Transient(format!("its answer is broken: {why}"));
        while let Some(chunk) = answer.chunk().await.map_err(|error| Failure::Transient(error.to_string()))? {
            pace.take(chunk.len()).await;
            let mut pieces = Vec::new();
            let put = frames.put(&chunk, &mut |series, samples| {
                pieces.extend(self.piece(series, samples));
                Ok(())
            });
            put.map_err(broken)?;
            for piece in pieces {
                self.put(piece).await?;
            }
        }
        frames.end().map_err(broken)
    }

    async fn take_samples(&self, answer: Answer, pace: &mut Pace) -> Result<(), Failure> {
        let limits =
            Limits { time: None, silence: Duration::from_mins(2), body_bytes: SAMPLES_BYTES_MAX as u64 };
        let body = answer.limited(limits).body().await;
        let body = body.map_err(|error| Failure::Transient(error.to_string()))?;
        pace.take(body.len()).await;
        let mut pieces = Vec::new();
        let read = read_samples(&body, &mut |series, samples| {
            pieces.extend(self.piece(series, samples));
            Ok(())
        });
        read.map_err(|why| Failure::Final(format!("its answer is broken: {why}")))?;
        for piece in pieces {
            self.put(piece).await?;
        }
        Ok(())
    }
}
