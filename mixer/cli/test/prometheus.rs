//! A Prometheus on loopback that a test starts on a folder of blocks, asks, and ends.
//!
//! It ends with promemu, however that ends, and its folders, which are temporary ones, go with it ([`Guarded`]).

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use promemu_core::error::Error;
use promemu_core::temporary_folder::TemporaryFolder;
use promemu_run::http::{HttpClient, HttpOptions, Limits, TargetUrl};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::guarded::Guarded;
use crate::interrupts;

/// Time until a Prometheus has read its blocks.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Time between two questions for its readiness.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time limit of a query, and bytes of its answer.
const LIMITS: Limits =
    Limits { time: Some(Duration::from_mins(2)), silence: Duration::from_mins(2), body_bytes: 512 << 20 };
/// Attempts to start on a port that is free, as another program may take it first.
const STARTS_MAX: usize = 3;
/// The reason for which a question has no answer, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The question is wrong.
    Refused(String),
    /// Prometheus is away, or could not find out the answer.
    Failed(String),
}

impl Unanswered {
    /// The reason.
    pub(super) fn text(self) -> String {
        match self {
            Self::Refused(text) | Self::Failed(text) => text,
        }
    }
}

/// An answer of the API.
#[derive(Deserialize)]
struct Answer<T> {
    status: String,
    data: Option<T>,
    error: Option<String>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
}

/// A Prometheus of promemu's own.
#[derive(Debug)]
pub(super) struct Prometheus {
    process: Guarded,
    http: HttpClient,
    url: TargetUrl,
    runtime: Runtime,
    /// Its settings and its log.
    dir: TemporaryFolder,
}

impl Prometheus {
    /// Starts `program` on a data folder, and waits until it answers queries.
    ///
    /// # Errors
    ///
    /// It cannot be started, or ends or does not answer in time.
    pub(super) fn start(program: &Path, data: &Path) -> Result<Self, Error> {
        let failed = |what: &str| {
            let what = what.to_owned();
            move |source| Error::System { what, source }
        };
        let no_folder = "the settings of Prometheus cannot be written to the folder of temporary files";
        let mut attempt = 1;
        loop {
            let dir = TemporaryFolder::new().map_err(failed(no_folder))?;
            fs::write(dir.path().join("prometheus.yml"), "global: {}\n").map_err(failed(no_folder))?;
            let log = File::create(dir.path().join("log")).map_err(failed(no_folder))?;
            let port = free_port().map_err(failed("loopback has no free port for Prometheus"))?;
            let url =
                TargetUrl::parse(&format!("http://127.0.0.1:{port}"), "address", "http://127.0.0.1:9090")?;
            let http = HttpClient::new(&url, &HttpOptions::default())?;
            let runtime = interrupts::runtime().map_err(failed("Prometheus cannot be asked"))?;
            let command = command(program, data, dir.path(), port);
            let process = Guarded::start(&command, log, &[data, dir.path()]).map_err(|source| {
                let what = format!(
                    "{} cannot be started; install Prometheus (apt install prometheus), or name it with --prometheus",
                    program.display()
                );
                Error::System { what, source }
            })?;
            let mut started = Self { process, http, url, runtime, dir };
            match started.wait_until_ready() {
                Ok(()) => return Ok(started),
                Err(log) if attempt < STARTS_MAX && log.contains("address already in use") => attempt += 1,
                Err(log) => {
                    return Err(Error::Run(format!(
                        "{} did not begin to answer queries: {log}",
                        program.display()
                    )));
                }
            }
        }
    }

    /// The `data` of the answer to a GET of a path below `/api/v1/`, with these parameters.
    ///
    /// # Errors
    ///
    /// In words: Prometheus refuses the question, or is away.
    pub(super) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        self.read(path, parameters).map_err(Unanswered::text)
    }

    /// As [`Self::ask`], read into a type.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Unanswered> {
        let (status, body) = self
            .get(&format!("/api/v1/{path}"), parameters)
            .map_err(|error| Unanswered::Failed(format!("Prometheus is away: {error}")))?;
        let answer: Answer<T> = serde_json::from_slice(&body).map_err(|error| {
            Unanswered::Failed(format!("Prometheus answers {status}, and not as it should: {error}"))
        })?;
        match (answer.data, answer.error) {
            (Some(data), None) if answer.status == "success" => Ok(data),
            (_, why) => {
                let why = why.unwrap_or_else(|| "no reason given".to_owned());
                let text = format!("Prometheus refuses it: {why}");
                let is_wrong = answer.error_type.as_deref() == Some("bad_data");
                Err(if is_wrong { Unanswered::Refused(text) } else { Unanswered::Failed(text) })
            }
        }
    }

    /// The status and the body of an answer.
    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<(u16, Vec<u8>), String> {
        let mut url = self.url.url().clone();
        url.set_path(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        let request = self.http.request(reqwest::Method::GET, url);
        self.runtime.block_on(async {
            let answer = self.http.send(request, LIMITS).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = answer.body().await.map_err(|error| error.to_string())?;
            Ok((status, body))
        })
    }

    /// Waits until it is ready. The error is the end of its log.
    fn wait_until_ready(&mut self) -> Result<(), String> {
        let polls = START_TIMEOUT.as_millis() / POLL_INTERVAL.as_millis();
        for _ in 0..polls {
            if self.get("/-/ready", &[]).is_ok_and(|(status, _)| status == 200) && self.process.is_alive() {
                return Ok(());
            }
            if !self.process.is_alive() {
                break;
            }
            self.runtime.block_on(async { tokio::time::sleep(POLL_INTERVAL).await });
        }
        let log = fs::read(self.dir.path().join("log")).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        Err(log.trim_end().lines().next_back().unwrap_or("it said nothing").to_owned())
    }
}

/// The command of a Prometheus on this data, with its settings in `dir`.
fn command(program: &Path, data: &Path, dir: &Path, port: u16) -> Command {
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", dir.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--storage.tsdb.retention.time=100y")
        .arg("--enable-feature=native-histograms");
    command
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
