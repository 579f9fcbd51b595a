//! The Pushgateway's HTTP interface
//! (<https://github.com/prometheus/pushgateway#api>).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect};
use tokio::task::JoinSet;
use tracing::debug;

use super::groups::{GatewayGroup, GroupReader};
use crate::clock::{Time, wall_now};
use crate::error::Error;
use crate::exposition::Format;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const DELETE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the gateway may take to begin its list, and then for each piece of it: a full one gathers for
/// seconds, and sends hundreds of megabytes.
const LIST_TIMEOUT: Duration = Duration::from_secs(30);
const LIST_PIECE_TIMEOUT: Duration = Duration::from_secs(10);
/// Deletions that run at the same time.
const DELETIONS_AT_ONCE: usize = 16;
/// All deletions of a clean-up together take no longer.
const CLEANUP_DEADLINE: Duration = Duration::from_secs(10);
/// Failures in a row after which a clean-up gives up.
const DELETION_FAILURES_MAX: usize = 3;
/// No more of an error's body is shown.
const ERROR_BODY_MAX: usize = 300;

/// Where a Pushgateway is. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct GatewayUrl(Url);

impl GatewayUrl {
    /// Reads `http://host:port/prefix`; without a scheme it is http.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        // A password is not shown, even if the rest makes no sense.
        let text = match (text.find("://"), text.rfind('@')) {
            (Some(scheme), Some(at)) if at > scheme => format!("{}://***{}", &text[..scheme], &text[at..]),
            _ => text.to_owned(),
        };
        let refused = |why: &str| {
            Error::Usage(format!("pushgateway url {text:?} {why}; write it as in http://127.0.0.1:9091"))
        };
        let url = Url::parse(&with_scheme).map_err(|error| refused(&format!("cannot be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("is neither http nor https"));
        }
        if url.host_str().is_none_or(|host| host.is_empty() || host == "http" || host == "https") {
            return Err(refused("has no host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("has a query or a fragment"));
        }
        Ok(Self(url))
    }

    /// The host and port.
    #[must_use]
    pub fn authority(&self) -> (String, u16) {
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        (host, self.0.port_or_known_default().unwrap_or(80))
    }

    fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The address of a job's group. A name that cannot stand in a path is encoded.
    fn group(&self, job: &str) -> Url {
        if job.contains('/') || job == "." || job == ".." {
            self.join(&["metrics", "job@base64", &URL_SAFE_NO_PAD.encode(job)])
        } else {
            self.join(&["metrics", "job", job])
        }
    }
}

impl std::fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            // A url that has a host, as checked, can have a password.
            let _can_be_set = url.set_password(Some("***"));
        }
        f.write_str(url.as_str().trim_end_matches('/'))
    }
}

impl std::fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Why the Pushgateway did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer was an error.
    #[error("it answered {status}{body}")]
    Answer {
        /// The status.
        status: StatusCode,
        /// What it said, behind a colon; or nothing.
        body: String,
    },
    /// The body could not be made.
    #[error("internal error: {0}")]
    Internal(String),
}

impl PushError {
    /// Whether the gateway itself has trouble, so that another job would fare no better.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Answer { status, .. } => {
                status.is_server_error()
                    || status.is_redirection()
                    || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Internal(_) => false,
        }
    }
}

impl PushError {
    /// What it is about, without what may differ each time.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::NoAnswer(_) => "no answer".to_owned(),
            Self::Answer { status, .. } => status.to_string(),
            Self::Internal(_) => "internal".to_owned(),
        }
    }

    /// Whether there is no such path: no group, or no Pushgateway at all.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Answer { status, .. } if *status == StatusCode::NOT_FOUND)
    }
}

/// A Pushgateway.
#[derive(Debug)]
pub struct PushgatewayClient {
    http: Client,
    url: GatewayUrl,
    push_timeout: Duration,
}

impl PushgatewayClient {
    /// A client; nothing is sent yet.
    pub fn new(url: GatewayUrl, push_timeout: Duration) -> Result<Self, Error> {
        // A second call in one process finds the provider there already, which is as good.
        let _is_first = rustls::crypto::ring::default_provider().install_default();
        let mut http = Client::builder()
            .user_agent(concat!("promemu/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none());
        if url.0.scheme() == "http" {
            // Without redirects no certificate is ever looked at, so a machine without any will do.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(|error| {
            let cause = with_causes(&error);
            Error::Run(format!(
                "https cannot be set up: {cause}; are the system's ca-certificates installed?"
            ))
        })?;
        Ok(Self { http, url, push_timeout })
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &GatewayUrl {
        &self.url
    }

    /// Replaces a job's group.
    pub async fn put(&self, job: &str, format: Format, body: Vec<u8>) -> Result<(), PushError> {
        let request = self.http.request(Method::PUT, self.url.group(job)).timeout(self.push_timeout);
        let request = request.header(CONTENT_TYPE, format.content_type()).body(body);
        check(request.send().await).await.map(drop)
    }

    /// Deletes a job's group; one that is not there is fine.
    pub async fn delete(&self, job: &str) -> Result<(), PushError> {
        let request = self.http.request(Method::DELETE, self.url.group(job)).timeout(DELETE_TIMEOUT);
        match check(request.send().await).await {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    /// Deletes groups, some at a time, within a deadline; gives how many are left.
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
            debug!("clean-up was cut off after {CLEANUP_DEADLINE:?}");
        }
        left
    }

    /// The groups that there are, and what time it is by the gateway's clock. The gateway's exposition is read
    /// as it comes and not kept.
    pub async fn groups(&self) -> Result<(Vec<GatewayGroup>, Time), PushError> {
        let too_late = |_| PushError::NoAnswer("no answer in time".to_owned());
        let request = self.http.request(Method::GET, self.url.join(&["metrics"])).send();
        let answered = tokio::time::timeout(LIST_TIMEOUT, request).await.map_err(too_late)?;
        let mut response = check(answered).await?;
        let now = gateway_time(&response).unwrap_or_else(wall_now);
        let mut reader = GroupReader::default();
        loop {
            let piece = tokio::time::timeout(LIST_PIECE_TIMEOUT, response.chunk()).await.map_err(too_late)?;
            match piece.map_err(|error| no_answer(&error))? {
                Some(piece) => reader.read(&piece),
                None => break,
            }
        }
        Ok((reader.finish(), now))
    }
}

/// The time of an answer, by the clock that the groups' push times come from.
fn gateway_time(response: &Response) -> Option<Time> {
    let date = httpdate::parse_http_date(response.headers().get(DATE)?.to_str().ok()?).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Time::from_unix_secs(since_epoch.as_secs()))
}

async fn check(outcome: reqwest::Result<Response>) -> Result<Response, PushError> {
    let mut response = outcome.map_err(|error| no_answer(&error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let mut body = Vec::new();
    while body.len() < ERROR_BODY_MAX
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(ERROR_BODY_MAX);
    let text = String::from_utf8_lossy(&body);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let body = if text.is_empty() { text } else { format!(": {text}") };
    Err(PushError::Answer { status, body })
}

/// Says in a few words what went wrong, without the url and its secrets.
fn no_answer(error: &reqwest::Error) -> PushError {
    if error.is_timeout() && !error.is_connect() {
        return PushError::NoAnswer("no answer in time".to_owned());
    }
    PushError::NoAnswer(with_causes(error))
}

fn with_causes(error: &reqwest::Error) -> String {
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    let deepest = if deepest.source().is_none() && std::ptr::addr_eq(deepest, error) {
        String::new()
    } else {
        deepest.to_string()
    };
    let what = if error.is_builder() {
        ""
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the exchange broke off"
    };
    let parts = [what.to_owned(), deepest.to_lowercase()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> GatewayUrl {
        GatewayUrl::parse(text).unwrap()
    }

    #[test]
    fn job_names_are_encoded_as_the_pushgateway_wants() {
        let group = |job| url("http://gw:9091/prefix/").group(job).to_string();
        assert_eq!(group("a"), "http://gw:9091/prefix/metrics/job/a");
        assert_eq!(group("a b?#%ü"), "http://gw:9091/prefix/metrics/job/a%20b%3F%23%25%C3%BC");
        assert_eq!(group("a/b"), "http://gw:9091/prefix/metrics/job@base64/YS9i");
        assert_eq!(group(".."), "http://gw:9091/prefix/metrics/job@base64/Li4");
    }

    #[test]
    fn urls_are_read_and_shown_without_secrets() {
        assert_eq!(url("gw:9091").to_string(), "http://gw:9091");
        assert_eq!(url("https://me:secret@gw/x").to_string(), "https://me:***@gw/x");
        assert_eq!(url("http://[::1]:9091").authority(), ("::1".to_owned(), 9091));
        for bad in ["", "ftp://gw", "http://", "http//gw:9091:x", "http://gw:99999", "http://gw?x=1"] {
            let error = GatewayUrl::parse(bad).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("http://127.0.0.1:9091"), "{error}");
        }
        let error = GatewayUrl::parse("ftp://me:s3cret@gw").unwrap_err().to_string();
        assert!(!error.contains("s3cret") && error.contains("ftp://***@gw"), "{error}");
    }
}
