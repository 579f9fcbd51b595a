//! A database of InfluxDB: 1.x with a retention policy and a continuous query for each tier, or a bucket of 2.x.
//!
//! Rows go there as lines, in batches that are sent again after failures of the server. A row that is there already has the same
//! measurement, tags and time, and takes its own place.

mod statements;
mod tagging;

use std::fmt;
use std::io;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_wire::line_protocol::put_line;
use promemu_wire::recording::{Action, RowStore};
use promemu_wire::samples::ReadSeries;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;
use tracing::{info, warn};

use self::tagging::Tagging;
use crate::http::{HttpClient, HttpOptions, Limits, TargetUrl};
use crate::printable::printable;

/// Bytes and lines of a batch, at most.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_LINES: usize = 5_000;
/// Attempts after a first one that failed, and the pauses before them, which double.
const RETRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Time for an answer, and its bytes.
const TIMEOUT: Duration = Duration::from_mins(1);
const ANSWER_BYTES: u64 = 64 << 10;

/// The place of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InfluxPlace {
    /// A database of 1.x with a retention policy; both are made.
    V1 {
        /// The database.
        database: String,
        /// The retention policy.
        retention: String,
        /// Seconds that it keeps its rows; `None` for ever.
        keep_secs: Option<u64>,
    },
    /// A bucket of 2.x, which must be there.
    V2 {
        /// The organization.
        org: String,
        /// The bucket.
        bucket: String,
    },
}

/// A query of 1.x that fills a tier of steps from the one of samples, as long as the server gets samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContinuousQuery {
    /// The retention policy of the samples.
    pub from: String,
    /// Seconds of a step.
    pub step_secs: u64,
}

/// A database, and the form of rows.
#[derive(Clone, Debug)]
pub struct InfluxSettings {
    /// The server.
    pub url: TargetUrl,
    /// Credentials and certificates.
    pub http: HttpOptions,
    /// A token of 2.x, which is never shown.
    pub token: Option<String>,
    /// The place of rows.
    pub place: InfluxPlace,
    /// The query that fills it, too.
    pub query: Option<ContinuousQuery>,
    /// Tags by name: the labels of which the first one that a series has gives the value.
    pub tags: Vec<(String, Vec<String>)>,
}

/// A database as a target of rows.
pub struct InfluxStore {
    settings: InfluxSettings,
    http: HttpClient,
    runtime: Runtime,
    tagging: Tagging,
    is_prepared: bool,
    batch: Vec<u8>,
    lines: usize,
    /// Number of rows that are there, and of those without a number.
    counts: [u64; 2],
}

impl InfluxSettings {
    /// The address in plans and manifests.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.place {
            InfluxPlace::V1 { database, retention, .. } => {
                format!("influxdb {} {database}/{retention}", self.url)
            }
            InfluxPlace::V2 { org, bucket } => format!("influxdb {} {org}/{bucket}", self.url),
        }
    }
}

impl InfluxStore {
    /// A target whose rows have the tag `fault_type` by these actions; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A setting is wrong, or the system gives no runtime.
    pub fn new(settings: InfluxSettings, actions: Vec<Action>) -> Result<Self, Error> {
        let mut http = HttpClient::new(&settings.url, &settings.http)?;
        if let Some(token) = &settings.token {
            http = http.with_secret(token);
        }
        let what = || "a runtime cannot be started; raise the limits of processes and open files".to_owned();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::System { what: what(), source })?;
        let tagging = Tagging::new(settings.tags.clone(), actions);
        let (batch, lines, counts, is_prepared) = (Vec::new(), 0, [0; 2], false);
        Ok(Self { settings, http, runtime, tagging, is_prepared, batch, lines, counts })
    }

    /// The address of a path with these parameters.
    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> Url {
        let mut url = self.settings.url.url().clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }

    /// Sends a request until it has an answer that counts.
    fn send(&self, url: &Url, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut pause = FIRST_PAUSE;
        let mut left = RETRIES;
        loop {
            let (why, is_final) = match self.runtime.block_on(self.attempt(url.clone(), body)) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let why = printable(self.http.conceal(why).as_bytes(), false).into_owned();
            if is_final || left == 0 {
                return Err(io::Error::other(format!("{}: {why}", self.settings.address())));
            }
            warn!(
                database = self.settings.address(),
                attempts_left = left,
                ?pause,
                "rows are sent again: {why}"
            );
            self.runtime.block_on(async { sleep(pause).await });
            pause *= 2;
            left -= 1;
        }
    }

    /// One attempt: the answer, or why there is none, and `true` if no other one helps.
    async fn attempt(&self, url: Url, body: &[u8]) -> Result<Vec<u8>, (String, bool)> {
        let mut request = self.http.request(Method::POST, url).body(body.to_vec());
        if let Some(token) = &self.settings.token {
            let mut header = HeaderValue::try_from(format!("Token {token}"))
                .map_err(|_| ("token has characters that no header may have".to_owned(), true))?;
            header.set_sensitive(true);
            request = request.header(AUTHORIZATION, header);
        }
        let limits = Limits { time: Some(TIMEOUT), silence: TIMEOUT, body_bytes: ANSWER_BYTES };
        let answer = self.http.send(request, limits).await.map_err(|error| (error.to_string(), false))?;
        let status = answer.status();
        let body = answer.body().await.map_err(|error| (error.to_string(), false))?;
        if status.is_success() {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(500)]);
        let is_final = !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS;
        Err((format!("the server answered {status}: {}", text.trim()), is_final))
    }

    /// Makes database, retention policy and continuous query of 1.x.
    fn prepare(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_prepared, true) {
            for statement in statements::of(&self.settings) {
                let url = self.url("/query", &[("q", &statement)]);
                let answer = self.send(&url, b"")?;
                statements::check(&answer, &statement)
                    .map_err(|why| io::Error::other(format!("{}: {why}", self.settings.address())))?;
            }
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        self.prepare()?;
        let url = match &self.settings.place {
            InfluxPlace::V1 { database, retention, .. } => {
                self.url("/write", &[("db", database), ("rp", retention), ("precision", "ms")])
            }
            InfluxPlace::V2 { org, bucket } => {
                self.url("/api/v2/write", &[("org", org), ("bucket", bucket), ("precision", "ms")])
            }
        };
        self.send(&url, &self.batch)?;
        self.batch.clear();
        self.lines = 0;
        Ok(())
    }
}

impl RowStore for InfluxStore {
    fn put(&mut self, series: &ReadSeries, at_ms: i64, fields: &[(&str, f64)]) -> io::Result<()> {
        let key = self.tagging.key_of(series, at_ms);
        if !put_line(key, fields.iter().copied(), at_ms, &mut self.batch) {
            self.counts[1] += 1;
            return Ok(());
        }
        self.counts[0] += 1;
        self.lines += 1;
        if self.lines >= BATCH_LINES || self.batch.len() >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn leave_out(&mut self) {
        self.counts[1] += 1;
    }

    fn flush(&mut self) -> io::Result<()> {
        self.prepare()?;
        self.write()
    }
}

impl Drop for InfluxStore {
    fn drop(&mut self) {
        let [rows, left_out] = self.counts;
        if rows + left_out > 0 {
            info!(database = self.settings.address(), rows, left_out, "rows were loaded");
        }
        if left_out > 0 {
            warn!(
                database = self.settings.address(),
                left_out,
                "histograms, staleness markers and values that are no finite numbers have no form there"
            );
        }
    }
}

impl fmt::Debug for InfluxStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InfluxStore").field("address", &self.settings.address()).finish_non_exhaustive()
    }
}
