//! Sends requests to the control API, and reads its answers and its stream of events.

use std::time::Duration;

use promemu_api::Token;
use promemu_core::error::Error;
use promemu_run::http::{HttpOptions, TargetUrl, http_client};
use serde_json::Value;

use super::request::Request;
use super::tables::problem;
use crate::stdout;

/// Timeout of a request; a stream of events has none.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A client of one daemon's API.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: TargetUrl,
    token: Option<Token>,
}

impl Client {
    pub(super) fn new(url: &str, token: Option<Token>) -> Result<Self, Error> {
        let url = TargetUrl::parse(url, "--url or PME_URL", "http://127.0.0.1:8000")?;
        Ok(Self { http: http_client(&url, &HttpOptions::default())?, url, token })
    }

    fn builder(&self, method: &str, path: &str) -> Result<reqwest::RequestBuilder, Error> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| {
            Error::Run(format!("method {method} is not of HTTP because of a bug: {error}"))
        })?;
        let base = self.url.url().as_str().trim_end_matches('/');
        let request = self.http.request(method, format!("{base}{path}"));
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let why = if error.is_timeout() { "timed out" } else { "cannot be reached" };
        Error::Run(format!(
            "control API at {} {why}; check that promemu runs there, or give its address with --url",
            self.url
        ))
    }

    /// Sends a request, and returns the answer; null for an empty one.
    pub(super) async fn send(&self, request: &Request) -> Result<Value, Error> {
        let mut builder = self.builder(request.method, &request.path)?.timeout(TIMEOUT);
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.to_string());
        }
        let answer = builder.send().await.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.unreachable(&error))?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() { Ok(body) } else { Err(api_error(status.as_u16(), &body)) }
    }

    /// Prints events as they arrive, until the run ends.
    pub(super) async fn follow(&self, path: &str, is_json: bool) -> Result<(), Error> {
        let answer = self.builder("GET", path)?.send().await;
        let mut answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let text = answer.text().await.unwrap_or_default();
            return Err(api_error(status.as_u16(), &serde_json::from_str(&text).unwrap_or(Value::Null)));
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
