//! Sends requests to the control API, and reads its answers and its stream of events.

use std::time::Duration;

use promemu_api::{Token, VERSION_HEADER};
use promemu_core::error::Error;
use promemu_run::http::{HttpClient, HttpOptions, TargetUrl, failure, refused_redirect};
use serde_json::Value;

use super::request::Request;
use super::tables::problem;
use crate::stdout;

/// Timeout of a request; a stream of events has none.
const TIMEOUT: Duration = Duration::from_mins(1);
/// A longer answer is none of promemu's.
const ANSWER_BYTES_MAX: usize = 64 << 20;

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
        Ok(Self { http: HttpClient::new(&url, &HttpOptions::default())?, url, token })
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

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        Error::Run(format!(
            "control API at {} cannot be reached: {}; check that promemu runs there, or give its address with --url",
            self.url,
            failure(error)
        ))
    }

    /// Sends a request, and returns the head of promemu's answer.
    async fn begin(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Error> {
        let answer = self.http.send(request).await.map_err(|error| self.unreachable(&error))?;
        if answer.headers().contains_key(VERSION_HEADER) {
            return Ok(answer);
        }
        let target = refused_redirect(&answer).unwrap_or_default();
        Err(Error::Run(format!(
            "{} answered {}{target}, but is not promemu's control API; give its address with --url",
            self.url,
            answer.status()
        )))
    }

    /// The rest of an answer as JSON; null for an empty one.
    async fn read(&self, mut answer: reqwest::Response) -> Result<Value, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(Error::Run(format!("{} answers more than 64 MiB; ask for less of it", self.url)));
            }
        }
        if body.is_empty() {
            return Ok(Value::Null);
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
        let mut builder = self.builder(request.method, &request.path)?.timeout(TIMEOUT);
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.to_string());
        }
        let answer = self.begin(builder).await?;
        let status = answer.status();
        let body = self.read(answer).await?;
        if status.is_success() { Ok(body) } else { Err(api_error(status.as_u16(), &body)) }
    }

    /// Prints events as they arrive, until the run ends.
    pub(super) async fn follow(&self, path: &str, is_json: bool) -> Result<(), Error> {
        let mut answer = self.begin(self.builder("GET", path)?).await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(api_error(status.as_u16(), &self.read(answer).await?));
        }
        let mut buffer = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.unreachable(&error))? {
            buffer.extend_from_slice(&bytes);
            while let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = buffer.drain(..end + 2).collect();
                if let Some(line) = event_line(&String::from_utf8_lossy(&frame), is_json) {
                    stdout::print(line.as_bytes())?;
                }
            }
        }
        Ok(())
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
            let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
            let details = if data["data"].is_null() { String::new() } else { format!(" {}", data["data"]) };
            Some(format!("{} {} {}{details}\n", text("time"), text("source"), text("name")))
        }
        "missed" => Some(format!("{} events were missed\n", data["missed"])),
        _ => None,
    }
}

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
    Error::Run(format!("{message} ({code}){hint}{}", lines.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let event =
            "event: event\ndata: {\"name\":\"go\",\"source\":\"api\",\"data\":{\"x\":1},\"time\":\"T\"}\n\n";
        assert_eq!(event_line(event, false).unwrap(), "T api go {\"x\":1}\n");
        assert!(event_line(event, true).unwrap().starts_with("{\"name\""));
        assert_eq!(
            event_line("event: missed\ndata: {\"missed\":3}\n\n", false).unwrap(),
            "3 events were missed\n"
        );
        assert_eq!(event_line(": keep-alive\n\n", false), None);
    }

    #[test]
    fn an_error_has_the_message_of_the_api() {
        let body = serde_json::json!({ "error": { "code": "unauthorized", "message": "no" } });
        assert_eq!(
            api_error(401, &body).to_string(),
            "no (unauthorized); the token is in PME_API_TOKEN, or in --api-token-file"
        );
        assert!(api_error(502, &Value::Null).to_string().contains("not an answer of promemu's control API"));
    }
}
