//! A client of the API of a Prometheus. It waits for each answer, and knows no run.

use std::time::Duration;

use promemu_core::error::Error;
use promemu_run::http::{HttpClient, HttpOptions, Limits, TargetUrl};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::interrupts;

/// Time limit of a query, and bytes of its answer.
const LIMITS: Limits =
    Limits { time: Some(Duration::from_mins(2)), silence: Duration::from_mins(2), body_bytes: 512 << 20 };

/// Number of characters of an answer that is no JSON that are shown.
const SAID_MAX: usize = 200;

/// The reason for which a question has no answer, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// The question is wrong.
    Refused(String),
    /// Prometheus is away, or could not find out the answer.
    Failed(String),
}

impl Unanswered {
    /// The reason.
    pub(crate) fn text(self) -> String {
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

/// The client of one Prometheus.
#[derive(Debug)]
pub(crate) struct PrometheusClient {
    http: HttpClient,
    url: TargetUrl,
    runtime: Runtime,
    limits: Limits,
}

impl PrometheusClient {
    /// A client of the Prometheus at this address. Nothing is sent yet.
    pub(crate) fn new(url: TargetUrl, options: &HttpOptions) -> Result<Self, Error> {
        let http = HttpClient::new(&url, options)?;
        let runtime = interrupts::runtime()
            .map_err(|source| Error::System { what: "Prometheus cannot be asked".to_owned(), source })?;
        Ok(Self { http, url, runtime, limits: LIMITS })
    }

    /// With other limits of a question and its answer.
    pub(crate) fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Its address, without secrets.
    pub(crate) const fn url(&self) -> &TargetUrl {
        &self.url
    }

    /// `true` if it answers queries.
    pub(crate) fn is_ready(&self) -> bool {
        self.get("-/ready", &[]).is_ok_and(|(status, _)| status == 200)
    }

    /// Waits for a while.
    pub(crate) fn pause(&self, length: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(length).await });
    }

    /// The `data` of the answer to a GET of a path below `/api/v1/`, with these parameters.
    ///
    /// # Errors
    ///
    /// In words: Prometheus refuses the question, or is away.
    pub(crate) fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        self.read(path, parameters).map_err(Unanswered::text)
    }

    /// As [`Self::ask`], read into a type.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> Result<T, Unanswered> {
        let (status, body) = self.get(&format!("api/v1/{path}"), parameters).map_err(|error| {
            Unanswered::Failed(format!("Prometheus is away: {error}; see whether it runs"))
        })?;
        let answer: Answer<T> = serde_json::from_slice(&body).map_err(|error| {
            Unanswered::Failed(format!("Prometheus {}", self.strange((status, &body), &error)))
        })?;
        match (answer.data, answer.error) {
            (Some(data), None) if answer.status == "success" => Ok(data),
            (_, why) => {
                let why = why.map_or_else(|| "no reason given".to_owned(), |why| self.http.conceal(why));
                let is_wrong = answer.error_type.as_deref() == Some("bad_data");
                let advice = if is_wrong { "; correct the query" } else { "" };
                let text = format!("Prometheus refuses it: {why}{advice}");
                Err(if is_wrong { Unanswered::Refused(text) } else { Unanswered::Failed(text) })
            }
        }
    }

    /// The body of an answer in JSON, of a server that has no such API.
    pub(crate) fn json(&self, path: &str) -> Result<Value, String> {
        let (status, body) = self.get(path, &[])?;
        serde_json::from_slice(&body).map_err(|error| format!("it {}", self.strange((status, &body), &error)))
    }

    /// The answer in JSON of a server that has another API to a request, with a body in JSON, within a time.
    ///
    /// # Errors
    ///
    /// In words: the server is away, refuses the request, or answers something else.
    pub(crate) fn exchange(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
        time: Option<Duration>,
    ) -> Result<Value, String> {
        let mut request = self.http.request(method, self.url_of(path));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let limits =
            time.map_or(self.limits, |time| Limits { time: Some(time), silence: time, ..self.limits });
        let (status, body) = self.send(request, limits)?;
        let answer: Result<Value, _> = serde_json::from_slice(&body);
        match answer {
            Ok(answer) if status < 400 => Ok(answer),
            Ok(Value::Object(refusal)) if refusal.contains_key("message") => {
                Err(format!("it answers {status}: {}", refusal["message"]))
            }
            // Grafana answers 400 if a query is refused, and says why in the results.
            Ok(answer) if answer["results"].is_object() => Ok(answer),
            Ok(_) => Err(format!("it answers {status}")),
            Err(error) => Err(format!("it {}", self.strange((status, &body), &error))),
        }
    }

    /// An answer that is not of the API, such as a proxy's, in words.
    fn strange(&self, (status, body): (u16, &[u8]), error: &serde_json::Error) -> String {
        let text = match said(body) {
            text if status >= 400 => format!("answers {status}: {text}"),
            text if text.starts_with(['{', '[']) => {
                format!("answers {status}, and not as it should: {error}")
            }
            text => format!("answers {status}, and not with JSON: {text}; check the address"),
        };
        self.http.conceal(text)
    }

    /// The status and the body of an answer.
    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<(u16, Vec<u8>), String> {
        let mut url = self.url_of(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.send(self.http.request(reqwest::Method::GET, url), self.limits)
    }

    /// The address of a path. Behind a proxy the server has a path of its own.
    fn url_of(&self, path: &str) -> reqwest::Url {
        let mut url = self.url.url().clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        url
    }

    fn send(&self, request: reqwest::RequestBuilder, limits: Limits) -> Result<(u16, Vec<u8>), String> {
        self.runtime.block_on(async {
            let answer = self.http.send(request, limits).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = answer.body().await.map_err(|error| error.to_string())?;
            Ok((status, body))
        })
    }
}

/// The message of a body that is not JSON: its title, or else its first line.
fn said(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let title = text.split_once("<title>").and_then(|(_, behind)| behind.split_once("</title>"));
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    let said: String =
        title.map(|(title, _)| title.trim()).or(first).unwrap_or_default().chars().take(SAID_MAX).collect();
    let said = said.replace(char::is_control, " ");
    if said.is_empty() { "its answer is empty".to_owned() } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_json_says_its_title_or_its_first_line() {
        for (body, first) in [
            ("\n no healthy upstream \nsecond", "no healthy upstream"),
            (
                "<html>\n<head><title>503 Service Temporarily Unavailable</title></head>",
                "503 Service Temporarily Unavailable",
            ),
            ("Service\u{1b}[1m down", "Service [1m down"),
            (" \n", "its answer is empty"),
        ] {
            assert_eq!(said(body.as_bytes()), first);
        }
        assert_eq!(said("x".repeat(9_000).as_bytes()).len(), SAID_MAX);
    }
}
