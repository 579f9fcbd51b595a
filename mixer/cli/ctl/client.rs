//! Sends requests to the control API, and reads its answers and its stream of events.

use std::time::Duration;

use promemu_api::{Token, VERSION_HEADER};
use promemu_core::error::Error;
use promemu_run::http::{Answer, HttpClient, HttpOptions, Limits, PushError, TargetUrl};
use serde_json::Value;

use super::request::Request;
use super::tables::problem;
use crate::stdout;

/// Time limit of a request, and of the silence of a stream of events, which says something every 15 seconds.
const TIMEOUT: Duration = Duration::from_mins(1);
/// A longer answer is none of promemu's.
const ANSWER_BYTES_MAX: u64 = 32 << 20;
/// An answer of more values is none of promemu's either, and would take much more memory than it has bytes.
const ANSWER_VALUES_MAX: usize = 2_000_000;
/// A longer event is none of promemu's.
const EVENT_BYTES_MAX: usize = 4 << 20;

const LIMITS: Limits = Limits { time: Some(TIMEOUT), silence: TIMEOUT, body_bytes: ANSWER_BYTES_MAX };
const STREAM_LIMITS: Limits = Limits { time: None, silence: TIMEOUT, body_bytes: u64::MAX };

/// A client of one daemon's API.
#[derive(Debug)]
pub(super) struct Client {
    http: HttpClient,
    url: TargetUrl,
    token: Option<Token>,
}

impl Client {
    pub(super) fn new(url: &str, token: Option<Token>) -> Result<Self, Error> {
        let url = TargetUrl::parse(url, "--url or PME_URL", "http://127.0.0.1:8000")?;
        let http = HttpClient::new(&url, &HttpOptions::default())?;
        let http = token.iter().fold(http, |http, token| http.with_secret(token.reveal()));
        Ok(Self { http, url, token })
    }

    fn builder(&self, method: &str, path: &str) -> Result<reqwest::RequestBuilder, Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| {
            Error::Run(format!("method {method} is not of HTTP because of a bug: {error}"))
        })?;
        let base = self.url.url().as_str().trim_end_matches('/');
        let url = format!("{base}{path}").parse();
        let url =
            url.map_err(|_| Error::Usage(format!("--url or PME_URL {} cannot take a path", self.url)))?;
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        })
    }

    fn unreachable(&self, error: &PushError) -> Error {
        Error::Run(format!(
            "control API at {} cannot be reached: {error}; check that promemu runs there, or give its address with --url",
            self.url
        ))
    }

    fn broken(&self, error: &PushError) -> Error {
        match error {
            PushError::Unexpected(_) => self.too_large(),
            _ => self.unreachable(error),
        }
    }

    fn too_large(&self) -> Error {
        Error::Run(format!(
            "{} answers more than promemu does, or more than ctl takes; ask for less of it, or check --url",
            self.url
        ))
    }

    /// The error of an answer, which may quote the request.
    fn refusal(&self, status: u16, body: &Value) -> Error {
        match api_error(status, body) {
            Error::Usage(text) => Error::Usage(self.http.conceal(text)),
            Error::Run(text) => Error::Run(self.http.conceal(text)),
            other => other,
        }
    }

    /// Sends a request, and returns the head of promemu's answer.
    async fn begin(&self, request: reqwest::RequestBuilder, limits: Limits) -> Result<Answer, Error> {
        let answer = self.http.send(request, limits).await.map_err(|error| self.unreachable(&error))?;
        if answer.headers().contains_key(VERSION_HEADER) {
            return Ok(answer);
        }
        let target = answer.refused_redirect().unwrap_or_default();
        Err(Error::Run(format!(
            "{} answered {}{target}, but is not promemu's control API; give its address with --url",
            self.url,
            answer.status()
        )))
    }

    /// The rest of an answer as JSON; null for an empty one.
    async fn read(&self, answer: Answer) -> Result<Value, Error> {
        let body = answer.body().await.map_err(|error| self.broken(&error))?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        if body.iter().filter(|byte| b",:[{".contains(byte)).count() > ANSWER_VALUES_MAX {
            return Err(self.too_large());
        }
        serde_json::from_slice(&body).map_err(|_| {
            let url = &self.url;
            Error::Run(format!(
                "{url} answered no JSON, as its control API would; give its address with --url"
            ))
        })
    }

    /// Sends a request, and returns the answer; null for an empty one.
    pub(super) async fn send(&self, request: &Request) -> Result<Value, Error> {
        let mut builder = self.builder(request.method, &request.path)?;
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.to_string());
        }
        let answer = self.begin(builder, LIMITS).await?;
        let status = answer.status();
        let body = self.read(answer).await?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status.as_u16(), &body)) }
    }

    /// Prints events as they arrive, until the run ends.
    ///
    /// # Errors
    ///
    /// The daemon cannot be reached, the stream breaks off, or the daemon has ended it before the run's end.
    pub(super) async fn follow(&self, path: &str, is_json: bool) -> Result<(), Error> {
        let mut answer = self.begin(self.builder("GET", path)?, STREAM_LIMITS).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(self.refusal(status.as_u16(), &self.read(answer.limited(LIMITS)).await?));
        }
        let mut frames = Frames::default();
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.broken(&error))? {
            frames.add(&bytes);
            while let Some(frame) = frames.next() {
                let frame = String::from_utf8_lossy(&frame);
                if let Some(line) = event_line(&frame, is_json) {
                    let print = if is_json { stdout::print_for_programs } else { stdout::print };
                    print(line.as_bytes())?;
                }
                if let Some(reason) = cut_short(&frame) {
                    return Err(Error::Run(format!(
                        "{} has ended the stream of events: {reason}; follow it again",
                        self.url
                    )));
                }
            }
            if frames.buffer.len() > EVENT_BYTES_MAX {
                return Err(self.too_large());
            }
        }
        Ok(())
    }
}

/// Frames of a stream of events, whose parts come as they like.
#[derive(Debug, Default)]
struct Frames {
    buffer: Vec<u8>,
    /// No frame ends before this byte.
    searched: usize,
}

impl Frames {
    fn add(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame.
    fn next(&mut self) -> Option<Vec<u8>> {
        let found = self.buffer[self.searched..].windows(2).position(|two| two == b"\n\n");
        let Some(end) = found else {
            self.searched = self.buffer.len().saturating_sub(1);
            return None;
        };
        let end = std::mem::take(&mut self.searched) + end + 2;
        Some(self.buffer.drain(..end).collect())
    }
}

/// The line of a server-sent event; `None` for a frame without an event.
fn event_line(frame: &str, is_json: bool) -> Option<String> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (name, data) = (field("event:")?, field("data:")?);
    if is_json {
        return Some(format!("{data}\n"));
    }
    let data: Value = serde_json::from_str(data).ok()?;
    match name {
        "event" => {
            // A name with a line break in it begins no line.
            let text = |name: &str| data[name].as_str().unwrap_or_default().replace('\n', " ");
            let details = if data["data"].is_null() { String::new() } else { format!(" {}", data["data"]) };
            Some(format!("{} {} {}{details}\n", text("time"), text("source"), text("name")))
        }
        "missed" => Some(format!("{} events were missed\n", data["missed"])),
        _ => None,
    }
}

/// The reason for which the daemon ends a stream before its run's end, if the frame says so.
fn cut_short(frame: &str) -> Option<String> {
    let data = frame.strip_prefix("event: dropped\ndata:")?.trim();
    let reason = serde_json::from_str::<Value>(data).ok()?["reason"].as_str().map(str::to_owned);
    Some(reason.unwrap_or_else(|| data.to_owned()))
}

/// Parts of the API's messages, and what they are called on the command line.
const AS_COMMANDS: [(&str, &str); 6] = [
    ("; allow_reset lets it", "; --allow-reset lets it"),
    ("/api/v1/runs lists them", "promemu ctl runs lists them"),
    ("/api/v1/configs lists them", "promemu ctl configs lists them"),
    ("; stop the run instead", "; end the run instead, with promemu ctl end"),
    (" runs; stop it first", " runs; end it first with promemu ctl end"),
    ("deleted; stop it, and promemu ends", "deleted; promemu ctl end main ends it, and promemu"),
];

/// The error of an answer: its message and code, and a line for each problem of a config.
fn api_error(status: u16, body: &Value) -> Error {
    let error = &body["error"];
    let Some(message) = error["message"].as_str() else {
        return Error::Run(format!(
            "status {status} is not an answer of promemu's control API; give its address with --url"
        ));
    };
    let code = error["code"].as_str().unwrap_or_default();
    let problems = error["problems"].as_array().into_iter().flatten();
    let lines = problems.map(|entry| format!("\n{}", problem(entry)));
    let hint =
        if code == "unauthorized" { "; the token is in PME_API_TOKEN, or in --api-token-file" } else { "" };
    let message = AS_COMMANDS.iter().fold(message.to_owned(), |text, (api, ctl)| text.replace(api, ctl));
    let text = format!("{message} ({code}){hint}{}", lines.collect::<String>());
    // The exit code of a wrong config is the same with and without a daemon.
    if code == "invalid_config" { Error::Usage(text) } else { Error::Run(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event =
            "event: event\ndata: {\"name\":\"go\",\"source\":\"api\",\"data\":{\"x\":1},\"time\":\"T\"}\n\n";
        assert_eq!(event_line(event, false).unwrap(), "T api go {\"x\":1}\n");
        let broken = "event: event\ndata: {\"name\":\"go\",\"source\":\"a\\nT api no\",\"data\":null,\"time\":\"T\"}\n\n";
        assert_eq!(event_line(broken, false).unwrap(), "T a T api no go\n");
        assert!(event_line(event, true).unwrap().starts_with("{\"name\""));
        assert_eq!(
            event_line("event: missed\ndata: {\"missed\":3}\n\n", false).unwrap(),
            "3 events were missed\n"
        );
        assert_eq!(event_line(": keep-alive\n\n", false), None);
        assert_eq!(cut_short(event), None);
    }

    #[test]
    fn frames_are_found_in_parts_of_any_size() {
        for size in [1, 2, 3, 100] {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for part in b"a: 1\n\nb: 2\nc: 3\n\n\n\nrest".chunks(size) {
                frames.add(part);
                found.extend(std::iter::from_fn(|| frames.next()));
            }
            assert_eq!(found, [&b"a: 1\n\n"[..], b"b: 2\nc: 3\n\n", b"\n\n"], "{size}");
            assert_eq!(frames.buffer, b"rest");
        }
    }

    #[test]
    fn an_error_has_the_message_of_the_api() {
        let body = serde_json::json!({ "error": { "code": "unauthorized", "message": "no" } });
        assert_eq!(
            api_error(401, &body).to_string(),
            "no (unauthorized); the token is in PME_API_TOKEN, or in --api-token-file"
        );
        let body = serde_json::json!({ "error": { "code": "c", "message": "there is no run \"x\"; /api/v1/runs lists them" } });
        assert_eq!(
            api_error(404, &body).to_string(),
            "there is no run \"x\"; promemu ctl runs lists them (c)"
        );
        assert!(api_error(502, &Value::Null).to_string().contains("not an answer of promemu's control API"));
    }
}
