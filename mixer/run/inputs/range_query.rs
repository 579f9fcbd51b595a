//! Range queries of a Prometheus, for those that have no remote read. Samples are at the query's moments, not the stored
//! ones; the manifest says so.

use std::time::Duration;

use promemu_core::time::Span;
use promemu_wire::range_query::read_answer;
use promemu_wire::recording::SourceEntry;
use promemu_wire::samples::{ReadSample, ReadSeries, SampleSink, SampleValue};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::watch;
use tracing::info;

use super::clock_offset::clock_of;
use super::outlet::{Outlet, Piece};
use super::pace::Pace;
use super::past_slices::PastRange;
use super::remote_read::accepted;
use super::retries::{Failure, Retries};
use super::{Input, Work, metadata, until_stopped};
use crate::http::{HttpClient, HttpOptions, Limits, TargetUrl};

/// Moments of a query, at most: a Prometheus refuses more than 11 000.
const MOMENTS_MAX: u32 = 10_000;
/// Bytes of an answer, at most.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A Prometheus that answers range queries.
#[derive(Debug)]
pub struct RangeQuery {
    /// Its address; without a path the usual one is meant.
    pub url: TargetUrl,
    /// Credentials and certificates.
    pub http: HttpOptions,
    /// The range, in slices.
    pub range: PastRange,
    /// From one moment to the next.
    pub step: Span,
    /// Number of attempts after a first one that failed.
    pub retries: u32,
    /// Time limit of a query.
    pub timeout: Duration,
    /// Bytes of answers in a second, at most; `None` for as many as come.
    pub bytes_per_sec: Option<u64>,
}

impl Input for RangeQuery {
    fn entry(&self) -> SourceEntry {
        SourceEntry {
            interval_secs: Some(self.step.duration().as_secs_f64()),
            is_resampled: true,
            ..SourceEntry::new("range_query", &self.url)
        }
    }

    fn is_live(&self) -> bool {
        false
    }

    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work {
        Box::pin(async move { self.query_all(&outlet, stopped).await })
    }
}

/// Series of an answer.
#[derive(Default)]
struct Series(Vec<(ReadSeries, Vec<(i64, SampleValue)>)>);

impl SampleSink for Series {
    fn sample(&mut self, series: &ReadSeries, sample: ReadSample) {
        let Some(at) = sample.at else { return };
        match self.0.last_mut() {
            Some((last, samples)) if last == series => samples.push((at, sample.value)),
            _ => self.0.push((series.clone(), vec![(at, sample.value)])),
        }
    }
}

impl RangeQuery {
    async fn query_all(&self, outlet: &Outlet, mut stopped: watch::Receiver<bool>) -> Result<(), String> {
        let url = self.url.clone().with_default_path("/api/v1/query_range");
        let http = HttpClient::new(&url, &self.http).map_err(|error| error.to_string())?;
        let slice = self.range.slice.min(self.step.times(MOMENTS_MAX.into()));
        let slices = PastRange { slice, ..self.range }.slices(&outlet.recorded);
        outlet.put(Piece::Families(metadata::fetch(&http, url.url()).await)).await?;
        let (count, mut pace) = (slices.len(), Pace::new(self.bytes_per_sec));
        for (n, (begin, end)) in (1..).zip(slices) {
            let mut retries = Retries::new(self.retries);
            let found = loop {
                let found = tokio::select! {
                    found = self.query_slice(&http, &url, ((begin, end), &mut pace), outlet) => found,
                    () = until_stopped(&mut stopped) => return Ok(()),
                };
                match found {
                    Ok(found) => break found,
                    Err(failure) => retries.after(failure, &outlet.tally, &mut stopped).await?,
                }
            };
            outlet.put(Piece::Begin(begin)).await?;
            for (series, samples) in found {
                outlet.put(Piece::Series(series, samples)).await?;
            }
            outlet.end_slice(end).await?;
            info!(url = %url, slice = n, of = count, "slice is recorded");
        }
        Ok(())
    }

    async fn query_slice(
        &self,
        http: &HttpClient,
        url: &TargetUrl,
        ((begin, end), pace): ((i64, i64), &mut Pace),
        outlet: &Outlet,
    ) -> Result<Vec<(ReadSeries, Vec<(i64, SampleValue)>)>, Failure> {
        let step = i64::try_from(self.step.duration().as_millis()).unwrap_or(i64::MAX).max(1);
        // Moments are multiples of the step, whatever the slices are.
        let first = begin.div_euclid(step) * step + if begin.rem_euclid(step) > 0 { step } else { 0 };
        let mut all = Vec::new();
        if first >= end {
            return Ok(all);
        }
        let selectors = outlet.selection.selectors();
        for (n, selector) in selectors.iter().enumerate() {
            let mut form = url.url().clone();
            form.query_pairs_mut()
                .clear()
                .append_pair("query", &selector.to_string())
                .append_pair("start", &seconds(first))
                .append_pair("end", &seconds(end - 1))
                .append_pair("step", &seconds(step));
            let body = form.query().unwrap_or_default().to_owned();
            let request = http
                .request(Method::POST, url.url().clone())
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
            let limits =
                Limits { time: Some(self.timeout), silence: self.timeout, body_bytes: ANSWER_BYTES_MAX };
            let transient = |error: crate::http::PushError| Failure::Transient(error.to_string());
            let answer = accepted(http.send(request, limits).await.map_err(transient)?).await?;
            let clock = clock_of(answer.headers(), false);
            outlet.put(Piece::Clock(clock)).await.map_err(Failure::Final)?;
            let body = answer.body().await.map_err(transient)?;
            pace.take(body.len()).await;
            let mut series = Series::default();
            read_answer(&body, &mut series).map_err(Failure::Final)?;
            let is_new = |series: &ReadSeries| !selectors[..n].iter().any(|before| before.matches(series));
            all.extend(series.0.into_iter().filter(|(series, _)| is_new(series)));
        }
        Ok(all)
    }
}

/// Milliseconds as the API takes them.
fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}
