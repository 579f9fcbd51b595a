//! Client of a Pushgateway's HTTP API (<https://github.com/prometheus/pushgateway#api>).

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, DATE};
use reqwest::{Method, StatusCode, Url};
use tokio::task::JoinSet;
use tracing::{debug, info};

use super::groups::{GatewayGroup, GroupReader, SHARD};
use crate::clock::wall_now;
use crate::http::{Answer, HttpClient, HttpOptions, Limits, PushError, TargetUrl, check};
use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_wire::exposition::Format;

const EXAMPLE_URL: &str = "http://127.0.0.1:9091";
/// Longest time limit of a deletion; of a push, the settings say it.
const DELETE_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// The list of groups takes this many time limits of a push at most, and is never silent for longer than one: a full gateway
/// gathers for seconds, and then sends hundreds of megabytes.
const LIST_TIMEOUTS: u32 = 2;
/// Bytes of the list of groups. It is read as it comes, so only its groups take memory.
const LIST_BYTES_MAX: u64 = 4 << 30;
/// Deletions under way at the same time.
const DELETIONS_AT_ONCE: usize = 16;
/// Time limit of a whole clean-up.
const CLEANUP_DEADLINE: Duration = Duration::from_secs(10);
/// Repeated deletions, a second apart, after a push was cut off.
const LATE_PUSH_CHECKS: usize = 5;
/// Failures in a row after which a clean-up gives up.
const DELETION_FAILURES_MAX: usize = 3;

/// URL of a Pushgateway. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayUrl(TargetUrl);

impl GatewayUrl {
    /// Parses `http://host:port/prefix`; without a scheme it is http.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let target = TargetUrl::parse(text, "pushgateway url", EXAMPLE_URL)?;
        if target.url().query().is_some() {
            return Err(Error::Usage(format!(
                "pushgateway url \"{target}\" has a query; write it as in {EXAMPLE_URL}"
            )));
        }
        Ok(Self(target))
    }

    /// The advice for a gateway whose groups cannot be listed, if its URL is that of the page that a Prometheus scrapes.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        let is_page = self.0.url().path().trim_end_matches('/').ends_with("/metrics");
        is_page.then_some("write the URL without /metrics")
    }

    /// The host and port, to serve in place of this gateway. What else the URL says would be lost, and is an error.
    pub fn listen_address(&self) -> Result<(String, u16), Error> {
        let url = self.0.url();
        let is_plain = url.scheme() == "http"
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/");
        if !is_plain {
            return Err(Error::Usage(format!(
                "--embedded serves at the url of the Pushgateway, which must be http://HOST:PORT and no more, but is \
                 \"{}\"; to serve with a password or TLS, use --output scrape=HOST:PORT with its options",
                self.0
            )));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Ok((host, url.port_or_known_default().unwrap_or(80)))
    }

    fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// URL of a job's group, or of one shard's group of it. A name that cannot stand in a path is encoded.
    fn group(&self, job: &str, shard: Option<&str>) -> Url {
        // URLs lose dot segments, and tabs and line ends wherever they are.
        let is_encoded = job.contains(|c: char| c == '/' || c.is_control()) || job == "." || job == "..";
        let encoded = if is_encoded { URL_SAFE_NO_PAD.encode(job) } else { String::new() };
        let of_job = if is_encoded { ["metrics", "job@base64", &encoded] } else { ["metrics", "job", job] };
        let of_shard = shard.into_iter().flat_map(|number| [SHARD, number]);
        self.join(&of_job.into_iter().chain(of_shard).collect::<Vec<_>>())
    }
}

impl std::fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Client of one Pushgateway.
#[derive(Debug)]
pub struct PushgatewayClient {
    http: HttpClient,
    url: GatewayUrl,
    push_timeout: Duration,
    /// `true` once only gzipped bodies are small enough.
    gzips: AtomicBool,
    /// The shard whose groups it replaces and deletes; `None` for those of whole runs.
    shard: Option<String>,
}

impl PushgatewayClient {
    /// A client; nothing is sent yet.
    pub fn new(url: GatewayUrl, options: &HttpOptions, push_timeout: Duration) -> Result<Self, Error> {
        let http = HttpClient::new(&url.0, options)?;
        Ok(Self { http, url, push_timeout, gzips: AtomicBool::new(false), shard: None })
    }

    /// The same client for the groups of one shard.
    #[must_use]
    pub fn of_shard(self, shard: Option<String>) -> Self {
        Self { shard, ..self }
    }

    /// The gateway's URL.
    #[must_use]
    pub const fn url(&self) -> &GatewayUrl {
        &self.url
    }

    /// Replaces a job's group. Where a proxy before the gateway takes the body for too large, it is gzipped from then on,
    /// if that helps.
    /// Returns the status.
    pub async fn put(&self, job: &str, format: Format, body: Vec<u8>) -> Result<StatusCode, PushError> {
        let body = Bytes::from(body);
        if self.gzips.load(Ordering::Relaxed) {
            return self.put_gzipped(job, format, body).await;
        }
        let refusal = match self.put_body(job, format, body.clone(), None).await {
            Err(error) if error.status() == Some(StatusCode::PAYLOAD_TOO_LARGE) => error,
            outcome => return outcome,
        };
        let status = self.put_gzipped(job, format, body).await.map_err(|_| refusal)?;
        if !self.gzips.swap(true, Ordering::Relaxed) {
            info!(gateway = %self.url, "the gateway takes bodies only gzipped: as they are, they are too large for it");
        }
        Ok(status)
    }

    async fn put_gzipped(&self, job: &str, format: Format, body: Bytes) -> Result<StatusCode, PushError> {
        let gzipped = tokio::task::spawn_blocking(move || {
            let mut gzipped = GzEncoder::new(Vec::new(), Compression::fast());
            gzipped.write_all(&body).and_then(|()| gzipped.finish())
        });
        let gzipped = gzipped.await.map_err(|error| PushError::Internal(error.to_string()))?;
        let gzipped = gzipped.map_err(|error| PushError::Internal(error.to_string()))?;
        self.put_body(job, format, gzipped.into(), Some("gzip")).await
    }

    async fn put_body(
        &self,
        job: &str,
        format: Format,
        body: Bytes,
        encoding: Option<&'static str>,
    ) -> Result<StatusCode, PushError> {
        let request = self.http.request(Method::PUT, self.url.group(job, self.shard.as_deref()));
        let mut request = request.header(CONTENT_TYPE, format.content_type()).body(body);
        if let Some(encoding) = encoding {
            request = request.header(CONTENT_ENCODING, encoding);
        }
        let answer = self.http.send(request, Limits::within(self.push_timeout)).await;
        check(answer, self.http.secrets()).await.map(|answer| answer.status())
    }

    /// Deletes a job's group. A group that is not there is no error.
    pub async fn delete(&self, job: &str) -> Result<(), PushError> {
        let request = self.http.request(Method::DELETE, self.url.group(job, self.shard.as_deref()));
        let limits = Limits::within(self.push_timeout.min(DELETE_TIMEOUT_MAX));
        match check(self.http.send(request, limits).await, self.http.secrets()).await {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Deletes groups, some at a time, within a deadline; returns the number of groups that are left.
    pub async fn delete_all(self: &Arc<Self>, names: Vec<String>) -> usize {
        let mut left = names.len();
        let deletions = async {
            let mut names = names.into_iter();
            let mut running = JoinSet::new();
            let mut failures = 0;
            loop {
                while running.len() < DELETIONS_AT_ONCE
                    && let Some(name) = names.next()
                {
                    let client = Arc::clone(self);
                    running.spawn(async move { client.delete(&name).await });
                }
                match running.join_next().await {
                    Some(Ok(Ok(()))) => (left, failures) = (left - 1, 0),
                    Some(_) if failures + 1 == DELETION_FAILURES_MAX => return,
                    Some(_) => failures += 1,
                    None => return,
                }
            }
        };
        if tokio::time::timeout(CLEANUP_DEADLINE, deletions).await.is_err() {
            debug!(deadline = ?CLEANUP_DEADLINE, "clean-up was cut off");
        }
        left
    }

    /// The same. If a group `may_arrive` only after the deletion, as a push that was cut off, deletes repeatedly, until one
    /// fails.
    pub(super) async fn delete_all_for_good(self: &Arc<Self>, names: Vec<String>, may_arrive: bool) -> usize {
        let checks = if may_arrive { LATE_PUSH_CHECKS } else { 0 };
        let mut left = self.delete_all(names.clone()).await;
        for _ in 0..checks {
            if left > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            left = self.delete_all(names.clone()).await;
        }
        left
    }

    /// All groups, and the time by the gateway's clock. The gateway's exposition is read as it comes and not kept.
    ///
    /// # Errors
    ///
    /// The list does not come in time, is too large, or is none of a Pushgateway.
    pub async fn groups(&self) -> Result<(Vec<GatewayGroup>, Time), PushError> {
        let limits = Limits {
            time: Some(self.push_timeout.saturating_mul(LIST_TIMEOUTS)),
            silence: self.push_timeout,
            body_bytes: LIST_BYTES_MAX,
        };
        let request = self.http.request(Method::GET, self.url.join(&["metrics"]));
        let mut answer = check(self.http.send(request, limits).await, self.http.secrets()).await?;
        let now = gateway_time(&answer).unwrap_or_else(wall_now);
        let mut reader = GroupReader::default();
        while let Some(chunk) = answer.chunk().await? {
            reader.read(&chunk)?;
        }
        Ok((reader.finish()?, now))
    }
}

/// `Date` of a response: the time by the clock that the groups' push times come from.
fn gateway_time(response: &Answer) -> Option<Time> {
    let date = httpdate::parse_http_date(response.headers().get(DATE)?.to_str().ok()?).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Time::from_unix_secs(since_epoch.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> GatewayUrl {
        GatewayUrl::parse(text).unwrap()
    }

    #[test]
    fn job_names_are_encoded_as_the_pushgateway_wants() {
        let group = |job| url("http://gw:9091/prefix/").group(job, None).to_string();
        assert_eq!(group("a"), "http://gw:9091/prefix/metrics/job/a");
        assert_eq!(group("a b?#%ü"), "http://gw:9091/prefix/metrics/job/a%20b%3F%23%25%C3%BC");
        assert_eq!(group("a/b"), "http://gw:9091/prefix/metrics/job@base64/YS9i");
        let of_shard = |job| url("http://gw:9091").group(job, Some("2")).to_string();
        assert_eq!(of_shard("a"), "http://gw:9091/metrics/job/a/shard/2");
        assert_eq!(of_shard("a/b"), "http://gw:9091/metrics/job@base64/YS9i/shard/2");
        assert_eq!(group(".."), "http://gw:9091/prefix/metrics/job@base64/Li4");
        let controls = ["a\tb", "a\nb", "a\rb", "a\u{0}b"].map(group);
        let encoded = ["YQli", "YQpi", "YQ1i", "YQBi"]
            .map(|it| format!("http://gw:9091/prefix/metrics/job@base64/{it}"));
        assert_eq!(controls, encoded, "no two jobs have the same group");
    }

    #[test]
    fn urls_are_read_and_shown_without_secrets() {
        assert_eq!(url("gw:9091").to_string(), "http://gw:9091");
        assert_eq!(url("https://me:secret@gw/x").to_string(), "https://me:***@gw/x");
        assert_eq!(url("http://[::1]:9091").listen_address().unwrap(), ("::1".to_owned(), 9091));
        for bad in ["", "ftp://gw", "http://", "http//gw:9091:x", "http://gw:99999", "http://gw?x=1"] {
            let error = GatewayUrl::parse(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("http://127.0.0.1:9091"), "{error}");
        }
        let error = GatewayUrl::parse("ftp://me:s3cret@gw").unwrap_err().to_string();
        assert!(!error.contains("s3cret") && error.contains("ftp://***@gw"), "{error}");
    }
}
