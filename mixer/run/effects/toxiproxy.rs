//! A client of Toxiproxy's API, as a Toxiproxy and `promemu proxy` have it.

use std::time::Duration;

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::fault::Toxic;
use promemu_core::plan::NewProxy;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::http::{HttpClient, HttpOptions, Limits, TargetUrl};

/// Time of an exchange: removing a latency from connections that nobody reads took a Toxiproxy 15 s.
const LIMITS: Limits = Limits { time: Some(PATIENCE), silence: PATIENCE, body_bytes: 16 << 20 };
const PATIENCE: Duration = Duration::from_secs(40);

/// A client of one proxy process.
#[derive(Clone, Debug)]
pub(super) struct Toxiproxy {
    http: HttpClient,
    url: TargetUrl,
}

/// All proxies by their names.
pub(super) type Proxies = IndexMap<String, ProxyState>;

/// A proxy as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct ProxyState {
    pub(super) enabled: bool,
    /// The address at which it listens.
    #[serde(default)]
    pub(super) listen: String,
    #[serde(default)]
    pub(super) toxics: Vec<ToxicState>,
}

/// A toxic as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct ToxicState {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) stream: String,
    pub(super) toxicity: f64,
    #[serde(default)]
    pub(super) attributes: Map<String, Value>,
}

/// A request that did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ToxiproxyError {
    /// There is no answer.
    #[error(
        "no proxy answers at {url} ({why}); start promemu proxy or a Toxiproxy there, or name its url in toxiproxy of the config"
    )]
    Away {
        /// The API.
        url: String,
        /// The reason.
        why: String,
    },
    /// It is a Toxiproxy, which has no such toxic.
    #[error("the proxy at {url} has no {toxic}, which only promemu proxy has; start that in its place")]
    Unknown {
        /// The API.
        url: String,
        /// The type of the toxic.
        toxic: &'static str,
    },
    /// It answers something else.
    #[error("the proxy at {url} refused to {what}: {why}")]
    Refused {
        /// The API.
        url: String,
        /// The request in words.
        what: String,
        /// The answer's status, and its text.
        why: String,
        /// The answer's status.
        status: StatusCode,
    },
}

impl ToxiproxyError {
    /// The whole error.
    pub(super) fn text(self) -> String {
        self.to_string()
    }

    fn has_status(&self, expected: StatusCode) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == expected)
    }
}

type Outcome<T> = Result<T, ToxiproxyError>;

impl Toxiproxy {
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        let url = TargetUrl::parse(url, "toxiproxy's url", "http://127.0.0.1:8474")?;
        let http = HttpClient::new(&url, &HttpOptions::default())?;
        Ok(Self { http, url })
    }

    /// All proxies with their toxics.
    pub(super) async fn proxies(&self) -> Outcome<Proxies> {
        let body = self.ask("show its proxies", Method::GET, &["proxies"], None).await?;
        serde_json::from_slice(&body).map_err(|error| ToxiproxyError::Refused {
            url: self.url.to_string(),
            what: "show its proxies".to_owned(),
            why: format!("its answer cannot be read: {error}"),
            status: StatusCode::OK,
        })
    }

    /// Creates a proxy. One that is there already is an error.
    pub(super) async fn create(&self, proxy: &NewProxy) -> Outcome<()> {
        let NewProxy { name, listen, upstream } = proxy;
        let body = json!({ "name": &**name, "listen": listen, "upstream": upstream, "enabled": true });
        self.ask(&format!("create {name}"), Method::POST, &["proxies"], Some(body)).await.map(drop)
    }

    /// Removes a proxy, if it is there.
    pub(super) async fn remove(&self, proxy: &str) -> Outcome<()> {
        let removed = self.ask(&format!("remove {proxy}"), Method::DELETE, &["proxies", proxy], None).await;
        gone(removed)
    }

    /// Enables or disables a proxy.
    pub(super) async fn enable(&self, proxy: &str, enabled: bool) -> Outcome<()> {
        let what = format!("{} {proxy}", if enabled { "enable" } else { "disable" });
        let body = json!({ "enabled": enabled });
        self.ask(&what, Method::POST, &["proxies", proxy], Some(body)).await.map(drop)
    }

    /// Adds a toxic. One of this name that is there already is what was asked for before an answer was lost.
    pub(super) async fn add_toxic(&self, proxy: &str, name: &str, toxic: &Toxic) -> Outcome<()> {
        let body = json!({
            "name": name,
            "type": toxic.kind,
            "stream": toxic.stream.name(),
            "toxicity": toxic.toxicity,
            "attributes": attributes(toxic),
        });
        let what = format!("add {} to {proxy}", toxic.kind);
        match self.ask(&what, Method::POST, &["proxies", proxy, "toxics"], Some(body)).await {
            Err(error) if error.has_status(StatusCode::CONFLICT) => Ok(()),
            Err(error) if error.has_status(StatusCode::BAD_REQUEST) && toxic.is_own => {
                Err(ToxiproxyError::Unknown { url: self.url.to_string(), toxic: toxic.kind })
            }
            outcome => outcome.map(drop),
        }
    }

    /// Removes a toxic, if it is there.
    pub(super) async fn remove_toxic(&self, proxy: &str, name: &str) -> Outcome<()> {
        let path = ["proxies", proxy, "toxics", name];
        gone(self.ask(&format!("remove {name} from {proxy}"), Method::DELETE, &path, None).await)
    }

    async fn ask(&self, what: &str, method: Method, path: &[&str], body: Option<Value>) -> Outcome<Vec<u8>> {
        let mut request = self.http.request(method, self.path(path));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let away = |error: crate::http::PushError| ToxiproxyError::Away {
            url: self.url.to_string(),
            why: error.to_string(),
        };
        let answer = self.http.send(request, LIMITS).await.map_err(away)?;
        let status = answer.status();
        let body = answer.body().await.map_err(away)?;
        if status.is_success() {
            return Ok(body);
        }
        let told = serde_json::from_slice::<Value>(&body).ok();
        let told = told.as_ref().and_then(|answer| answer["error"].as_str());
        let why = told.map_or_else(|| String::from_utf8_lossy(&body).trim().to_owned(), str::to_owned);
        Err(ToxiproxyError::Refused {
            url: self.url.to_string(),
            what: what.to_owned(),
            why: format!("{}, {why}", status.as_u16()),
            status,
        })
    }

    fn path(&self, parts: &[&str]) -> Url {
        let mut url = self.url.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }
}

/// The attributes as the API takes them: whole numbers without a point.
fn attributes(toxic: &Toxic) -> Map<String, Value> {
    let number = |value: f64| if value.fract() == 0.0 { json!(whole(value)) } else { json!(value) };
    toxic.attributes.iter().map(|it| (it.name.to_owned(), number(it.value))).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "whole, and checked with the config")]
const fn whole(value: f64) -> i64 {
    value as i64
}

impl ToxicState {
    /// `true` if it is this toxic, as it was asked for.
    pub(super) fn is(&self, toxic: &Toxic) -> bool {
        let is_near = |shown: Option<f64>, asked: f64| shown.is_some_and(|it| (it - asked).abs() < 1e-6);
        self.kind == toxic.kind
            && self.stream == toxic.stream.name()
            && is_near(Some(self.toxicity), toxic.toxicity)
            && toxic.attributes.iter().all(|it| is_near(self.attribute(it.name), it.value))
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<f64> {
        self.attributes.get(name).and_then(Value::as_f64)
    }
}

/// The outcome of a removal: what is not there is removed.
fn gone(removed: Outcome<Vec<u8>>) -> Outcome<()> {
    match removed {
        Err(error) if error.has_status(StatusCode::NOT_FOUND) => Ok(()),
        outcome => outcome.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use promemu_core::fault::{Attribute, Stream};

    use super::*;

    /// Exchanges with a Toxiproxy 2.12.
    const EXCHANGES: &str = include_str!("../../../tests/proxy/exchanges.jsonl");

    fn exchanges() -> impl Iterator<Item = Value> {
        EXCHANGES.lines().map(|line| serde_json::from_str(line).unwrap())
    }

    fn toxic() -> Toxic {
        let attribute = |name, value| Attribute { name, param: name, value };
        Toxic {
            kind: "latency",
            stream: Stream::Downstream,
            toxicity: 0.3,
            attributes: vec![attribute("latency", 1_000.0), attribute("jitter", 0.0)],
            is_own: false,
        }
    }

    #[test]
    fn every_list_of_proxies_and_every_toxic_of_a_toxiproxy_is_read() {
        let (mut proxies, mut toxics) = (0, 0);
        for exchange in exchanges().filter(|it| it["status"] == 200) {
            let (path, text) = (exchange["path"].as_str().unwrap(), exchange["response"].as_str().unwrap());
            if path == "/proxies" && exchange["method"] == "GET" {
                let listed: Value = serde_json::from_str(text).unwrap();
                for (name, proxy) in serde_json::from_str::<Proxies>(text).unwrap() {
                    assert_eq!(
                        (&listed[&name]["enabled"], &listed[&name]["listen"]),
                        (&json!(proxy.enabled), &json!(proxy.listen))
                    );
                    proxies += 1;
                }
            } else if path.ends_with("/toxics") && exchange["method"] == "POST" {
                let toxic: ToxicState = serde_json::from_str(text).unwrap();
                let shown: Value = serde_json::from_str(text).unwrap();
                assert_eq!(
                    (&shown["name"], &shown["attributes"]),
                    (&json!(toxic.name), &json!(toxic.attributes))
                );
                toxics += 1;
            }
        }
        assert!(proxies > 5 && toxics > 5, "{proxies} proxies, {toxics} toxics");
    }

    #[test]
    fn a_toxic_that_is_shown_is_compared_with_the_one_that_was_asked_for() {
        // A toxicity is shown as a number of 32 bits.
        let shown: ToxicState = serde_json::from_value(json!({
            "name": "x", "type": "latency", "stream": "downstream", "toxicity": 0.300_000_01,
            "attributes": { "latency": 1_000, "jitter": 0 },
        }))
        .unwrap();
        assert!(shown.is(&toxic()));
        assert!(!shown.is(&Toxic { toxicity: 0.4, ..toxic() }));
        assert!(!shown.is(&Toxic { stream: Stream::Upstream, ..toxic() }));
        assert!(!shown.is(&Toxic { kind: "timeout", ..toxic() }));
        let slower = Attribute { name: "latency", param: "latency_ms", value: 2_000.0 };
        assert!(!shown.is(&Toxic { attributes: vec![slower], ..toxic() }));
    }

    #[test]
    fn attributes_are_whole_numbers_without_a_point() {
        // A Toxiproxy refuses 1000.0.
        assert_eq!(serde_json::to_string(&attributes(&toxic())).unwrap(), r#"{"jitter":0,"latency":1000}"#);
    }
}
