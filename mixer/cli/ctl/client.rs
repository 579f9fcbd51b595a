//! Requests to the control API, and what their answers say.

use std::time::Duration;

use promemu_api::Token;
use promemu_core::error::Error;
use promemu_run::http::{HttpOptions, TargetUrl, http_client};
use serde_json::Value;

use crate::stdout;

/// An answer takes no longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// The client of one daemon.
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

    fn request(&self, method: &str, path: &str) -> Result<reqwest::RequestBuilder, Error> {
        let bug = |what: String| Error::Run(format!("the request cannot be made: {what}"));
        let method =
            reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| bug(error.to_string()))?;
        let base = self.url.url().as_str().trim_end_matches('/');
        let request = self.http.request(method, format!("{base}{path}"));
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        })
    }

    fn away(&self, error: &reqwest::Error) -> Error {
        let why = if error.is_timeout() { "it takes too long" } else { "it cannot be reached" };
        Error::Run(format!(
            "the control API at {} does not answer, {why}; is promemu running there? --url says where it is",
            self.url
        ))
    }

    /// The answer; null for one that is empty.
    pub(super) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let mut request = self.request(method, path)?.timeout(PATIENCE);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.map_err(|error| self.away(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| self.away(&error))?;
        let said: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() { Ok(said) } else { Err(refused(status.as_u16(), &said)) }
    }

    /// Prints events as they come, until the run is over.
    pub(super) async fn follow(&self, path: &str, is_json: bool) -> Result<(), Error> {
        let sent = self.request("GET", path)?.send().await;
        let mut answer = sent.map_err(|error| self.away(&error))?;
        let status = answer.status();
        if !status.is_success() {
            let text = answer.text().await.unwrap_or_default();
            return Err(refused(status.as_u16(), &serde_json::from_str(&text).unwrap_or(Value::Null)));
        }
        let mut waiting = Vec::new();
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.away(&error))? {
            waiting.extend_from_slice(&bytes);
            while let Some(end) = waiting.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = waiting.drain(..end + 2).collect();
                if let Some(line) = line_of(&String::from_utf8_lossy(&frame), is_json) {
                    stdout::print(line.as_bytes())?;
                }
            }
        }
        Ok(())
    }
}

/// What a frame says, on a line; nothing for one that says nothing.
fn line_of(frame: &str, is_json: bool) -> Option<String> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (name, data) = (field("event:")?, field("data:")?);
    if is_json {
        return Some(format!("{data}\n"));
    }
    let data: Value = serde_json::from_str(data).ok()?;
    match name {
        "event" => {
            let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
            let carried = if data["data"].is_null() { String::new() } else { format!(" {}", data["data"]) };
            Some(format!("{} {} {}{carried}\n", text("time"), text("source"), text("name")))
        }
        "missed" => Some(format!("{} events were missed\n", data["missed"])),
        _ => None,
    }
}

/// An answer that is an error: what it says, and all that is wrong with a config.
fn refused(status: u16, said: &Value) -> Error {
    let error = &said["error"];
    let Some(message) = error["message"].as_str() else {
        return Error::Run(format!(
            "the answer is status {status}, and not of promemu's control API; --url says where it is"
        ));
    };
    let code = error["code"].as_str().unwrap_or_default();
    let problems = error["problems"].as_array().into_iter().flatten();
    let lines = problems.map(|problem| format!("\n{}", super::tables::problem(problem)));
    let hint =
        if code == "unauthorized" { "; the token is in PME_API_TOKEN, or in --api-token-file" } else { "" };
    Error::Run(format!("{message} ({code}){hint}{}", lines.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_a_line() {
        let event =
            "event: event\ndata: {\"name\":\"go\",\"source\":\"api\",\"data\":{\"x\":1},\"time\":\"T\"}\n\n";
        assert_eq!(line_of(event, false).unwrap(), "T api go {\"x\":1}\n");
        assert!(line_of(event, true).unwrap().starts_with("{\"name\""));
        assert_eq!(
            line_of("event: missed\ndata: {\"missed\":3}\n\n", false).unwrap(),
            "3 events were missed\n"
        );
        assert_eq!(line_of(": keep-alive\n\n", false), None);
    }

    #[test]
    fn an_error_says_what_the_api_said() {
        let said = serde_json::json!({ "error": { "code": "unauthorized", "message": "no" } });
        assert_eq!(
            refused(401, &said).to_string(),
            "no (unauthorized); the token is in PME_API_TOKEN, or in --api-token-file"
        );
        assert!(refused(502, &Value::Null).to_string().contains("not of promemu's control API"));
    }
}
