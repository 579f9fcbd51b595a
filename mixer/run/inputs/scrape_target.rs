//! One target that is scraped.

use std::collections::BTreeSet;
use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use promemu_core::error::Error;
use promemu_core::metric::ABSENT;
use promemu_core::time::Time;
use promemu_wire::exposition::read::{ACCEPT, format_of, read_page};
use promemu_wire::samples::{FamilyMetadata, ReadSample, ReadSeries, SampleSink, SampleValue};
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::clock_offset::clock_of;
use super::outlet::{Batch, Outlet, Piece};
use super::slice_thread::millis;
use super::until_stopped;
use crate::clock::wall_now;
use crate::http::{HttpClient, HttpOptions, Limits, TargetUrl};

/// Bytes of a page, at most, also when it is no longer compressed.
const PAGE_BYTES_MAX: u64 = 256 << 20;

/// The settings of a target.
#[derive(Debug)]
pub(super) struct TargetSettings {
    pub(super) url: TargetUrl,
    pub(super) job: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

/// A target, and its series of the last scrape.
#[derive(Debug)]
pub(super) struct ScrapeTarget {
    settings: TargetSettings,
    http: HttpClient,
    /// The labels that all its series get.
    labels: Vec<(String, String)>,
    /// Series of the last scrape, but those with own times: they never go stale.
    last: BTreeSet<ReadSeries>,
    /// `None` before the first scrape.
    is_up: Option<bool>,
    has_clock: bool,
}

/// The samples of a page, and its families.
struct Page<'t> {
    labels: &'t [(String, String)],
    at: i64,
    batch: Batch,
    seen: BTreeSet<ReadSeries>,
}

impl SampleSink for Page<'_> {
    fn sample(&mut self, series: &ReadSeries, sample: ReadSample) {
        let series = with_target_labels(series, self.labels);
        if sample.at.is_none() {
            self.seen.insert(series.clone());
        }
        self.batch.samples.push((series, sample.at.unwrap_or(self.at), sample.value));
    }

    fn metadata(&mut self, family: &str, metadata: FamilyMetadata) {
        self.batch.families.push((family.to_owned(), metadata));
    }
}

/// A series with the labels of its target. Own labels of such a name are kept as `exported_NAME`.
fn with_target_labels(series: &ReadSeries, target: &[(String, String)]) -> ReadSeries {
    let mut labelled = series.clone();
    for (name, value) in target {
        if let Some((own, _)) = labelled.labels.iter_mut().find(|(own, _)| own == name) {
            own.insert_str(0, "exported_");
            labelled.labels.sort_unstable();
        }
        labelled = labelled.with_label(name, value);
    }
    labelled
}

impl ScrapeTarget {
    pub(super) fn new(settings: TargetSettings, options: &HttpOptions) -> Result<Self, Error> {
        let http = HttpClient::new(&settings.url, options)?;
        let url = settings.url.url();
        let host = url.host_str().unwrap_or_default();
        let instance = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
        let mut labels = vec![("instance".to_owned(), instance), ("job".to_owned(), settings.job.clone())];
        for (name, value) in &settings.labels {
            labels.retain(|(own, _)| own != name);
            labels.push((name.clone(), value.clone()));
        }
        Ok(Self { settings, http, labels, last: BTreeSet::new(), is_up: None, has_clock: false })
    }

    /// Scrapes once. The samples are those of this moment.
    async fn scrape(&mut self, at: Time, outlet: &Outlet) -> Batch {
        let started = Instant::now();
        let at_ms = millis(at);
        let page = self.page(at_ms, outlet).await;
        let seconds = started.elapsed().as_secs_f64();
        let is_up = page.is_ok();
        let (mut batch, seen) = page.unwrap_or_else(|why| {
            outlet.tally.errors.inc();
            self.tell(Some(&why));
            (Batch::default(), BTreeSet::new())
        });
        if is_up {
            self.tell(None);
        }
        self.is_up = Some(is_up);
        let count = batch.samples.len();
        let stale = self.last.difference(&seen).map(|gone| (gone.clone(), at_ms, SampleValue::Float(ABSENT)));
        batch.samples.extend(stale);
        self.last = seen;
        #[expect(clippy::cast_precision_loss, reason = "there are never so many")]
        let own = [
            ("up", if is_up { 1.0 } else { 0.0 }),
            ("scrape_duration_seconds", seconds),
            ("scrape_samples_scraped", count as f64),
        ];
        for (name, value) in own {
            let series = ReadSeries { metric: name.to_owned(), labels: Vec::new() };
            let series = with_target_labels(&series, &self.labels);
            batch.samples.push((series, at_ms, SampleValue::Float(value)));
        }
        batch
    }

    /// The markers of its series, and of those that every scrape has.
    fn end(self) -> Batch {
        let own = ["up", "scrape_duration_seconds", "scrape_samples_scraped"].map(|name| {
            let series = ReadSeries { metric: name.to_owned(), labels: Vec::new() };
            with_target_labels(&series, &self.labels)
        });
        let at_ms = millis(wall_now());
        let markers = self.last.into_iter().chain(own);
        let samples = markers.map(|series| (series, at_ms, SampleValue::Float(ABSENT))).collect();
        Batch { samples, families: Vec::new() }
    }

    /// Tells when the target goes away, and when it is back.
    fn tell(&self, failure: Option<&str>) {
        match failure {
            Some(why) if self.is_up != Some(false) => {
                warn!(target = %self.settings.url, "target is down: {why}");
            }
            None if self.is_up == Some(false) => info!(target = %self.settings.url, "target is up again"),
            _ => {}
        }
    }

    async fn page(&mut self, at_ms: i64, outlet: &Outlet) -> Result<(Batch, BTreeSet<ReadSeries>), String> {
        let timeout = self.settings.timeout;
        let limits = Limits { time: Some(timeout), silence: timeout, body_bytes: PAGE_BYTES_MAX };
        let request = self
            .http
            .request(Method::GET, self.settings.url.url().clone())
            .header("accept", ACCEPT)
            .header(ACCEPT_ENCODING, "gzip")
            .header("x-prometheus-scrape-timeout-seconds", timeout.as_secs_f64().to_string());
        let answer = self.http.send(request, limits).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        if !status.is_success() {
            let redirect = answer.refused_redirect().map(ToOwned::to_owned).unwrap_or_default();
            return Err(format!("it answered {status}{redirect}"));
        }
        if !std::mem::replace(&mut self.has_clock, true) {
            let clock = clock_of(answer.headers(), true);
            outlet.put(Piece::Clock(clock)).await?;
        }
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let format = format_of(header(CONTENT_TYPE));
        let is_gzipped =
            header(CONTENT_ENCODING).is_some_and(|encoding| encoding.eq_ignore_ascii_case("gzip"));
        let body = answer.body().await.map_err(|error| error.to_string())?;
        let body = if is_gzipped { unzipped(&body)? } else { body };
        let mut page =
            Page { labels: &self.labels, at: at_ms, batch: Batch::default(), seen: BTreeSet::new() };
        read_page(format, &body, &mut page)?;
        Ok((page.batch, page.seen))
    }
}

/// Scrapes a target at multiples of its interval until `stopped` becomes `true`, or the sender of `stays` is gone; its series
/// are stale then.
pub(super) async fn scrape_all(
    mut target: ScrapeTarget,
    outlet: Outlet,
    mut stopped: watch::Receiver<bool>,
    mut stays: watch::Receiver<bool>,
) -> Result<(), String> {
    let interval_nanos = u64::try_from(target.settings.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
    loop {
        let at = wall_now();
        let batch = tokio::select! {
            batch = target.scrape(at, &outlet) => batch,
            () = until_stopped(&mut stopped) => return Ok(()),
        };
        outlet.put_live(batch).await?;
        // Overdue scrapes are left out.
        let now = wall_now();
        let rest = interval_nanos - now.unix_nanos() % interval_nanos;
        let next = Instant::now() + Duration::from_nanos(rest);
        tokio::select! {
            () = sleep_until(next) => {}
            () = until_stopped(&mut stopped) => return Ok(()),
            () = until_stopped(&mut stays) => return outlet.put_live(target.end()).await,
        }
    }
}

fn unzipped(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut page = Vec::new();
    let read = GzDecoder::new(body).take(PAGE_BYTES_MAX).read_to_end(&mut page);
    read.map_err(|error| format!("its answer is not gzipped as it says: {error}"))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_target_win_and_own_ones_are_kept() {
        let own = [("a", "1"), ("job", "own")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let series = ReadSeries { metric: "m".to_owned(), labels: own.to_vec() };
        let target = [("job".to_owned(), "x".to_owned())];
        let labelled = with_target_labels(&series, &target);
        assert_eq!(labelled.label_text(), "a=\"1\",exported_job=\"own\",job=\"x\"");
    }
}
