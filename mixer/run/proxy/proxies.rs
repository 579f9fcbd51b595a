//! All endpoints of a process by name, and the addresses that they may have.

use std::collections::BTreeMap;
use std::net::ToSocketAddrs;

use promemu_core::error::Error;
use promemu_core::rng::Seed;
use prometheus::proto::MetricFamily;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::endpoint::{Endpoint, EndpointView};
use super::refusal::Refusal;
use super::toxic::{Toxic, ToxicInput, ToxicList};
use super::traffic::Traffics;

/// Maximum number of endpoints.
const PROXIES_MAX: usize = 1_024;

/// The addresses that clients of the API may use.
#[derive(Clone, Debug, Default)]
pub struct ProxyRules {
    /// `true` if endpoints listen on loopback alone.
    pub is_loopback: bool,
    /// The upstreams: `HOST:PORT`, `HOST:*` or `*`.
    pub upstreams: Vec<String>,
}

impl ProxyRules {
    fn check(&self, listen: &str, upstream: &str) -> Result<(), Refusal> {
        if self.is_loopback && !is_loopback(listen) {
            let why = format!(
                "listen address {listen} is not on loopback; have promemu proxy itself listen elsewhere with --address"
            );
            return Err(Refusal::NotAllowed(why));
        }
        let host = upstream.rsplit_once(':').map_or(upstream, |(host, _port)| host);
        let is_allowed = |allowed: &String| {
            allowed == "*"
                || allowed == upstream
                || allowed.strip_suffix(":*").is_some_and(|name| name == host)
        };
        if self.upstreams.iter().any(is_allowed) {
            return Ok(());
        }
        Err(Refusal::NotAllowed(format!(
            "upstream {upstream} is not allowed; allow it with --allow-upstream"
        )))
    }
}

/// `true` unless an address is known to be another machine's: whatever cannot listen says so itself.
fn is_loopback(listen: &str) -> bool {
    match listen.rsplit_once(':') {
        // Without a host all addresses of the machine are meant.
        Some(("", _)) | None if listen.is_empty() || listen.starts_with(':') => false,
        None => true,
        Some(_) => {
            listen.to_socket_addrs().is_ok_and(|mut found| found.all(|address| address.ip().is_loopback()))
        }
    }
}

/// An endpoint that a client describes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ProxyInput {
    name: Option<String>,
    listen: Option<String>,
    upstream: Option<String>,
    enabled: Option<bool>,
    toxics: Option<Vec<ToxicInput>>,
}

impl ProxyInput {
    /// Name, listen address and upstream; an error names the one that is missing, with `place` behind it.
    fn names(&self, place: &str) -> Result<[String; 3], Refusal> {
        let required = |field: &Option<String>, name: &str| match field.as_deref() {
            None | Some("") => Err(Refusal::MissingField(format!("{name}{place}"))),
            Some(text) => Ok(text.to_owned()),
        };
        Ok([
            required(&self.name, "name")?,
            self.listen.clone().unwrap_or_default(),
            required(&self.upstream, "upstream")?,
        ])
    }

    fn toxics(&self) -> Result<ToxicList, Refusal> {
        let mut toxics = ToxicList::default();
        for toxic in self.toxics.iter().flatten() {
            toxics.add(toxic.clone())?;
        }
        Ok(toxics)
    }
}

/// The endpoints of a process.
#[derive(Debug)]
pub struct Proxies {
    rules: ProxyRules,
    seed: Seed,
    traffics: Traffics,
    endpoints: Mutex<BTreeMap<String, Endpoint>>,
}

impl Proxies {
    /// No endpoints yet.
    ///
    /// # Errors
    ///
    /// Their bytes cannot be counted, which is a bug.
    pub fn new(rules: ProxyRules, seed: u64) -> Result<Self, Error> {
        let failed =
            |error| Error::Run(format!("bytes of proxies cannot be counted because of a bug: {error}"));
        let traffics = Traffics::new().map_err(failed)?;
        Ok(Self { rules, seed: Seed::new(seed), traffics, endpoints: Mutex::default() })
    }

    /// Adds the endpoints of a file: a JSON list, as Toxiproxy reads it, in which each may have its toxics. Their upstreams are
    /// allowed from now on. Returns their number.
    ///
    /// # Errors
    ///
    /// The text is no such list, or an endpoint cannot listen. In words.
    pub async fn load(&mut self, text: &str) -> Result<usize, String> {
        let inputs: Vec<ProxyInput> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        self.rules.upstreams.extend(inputs.iter().filter_map(|input| input.upstream.clone()));
        match self.populate(&inputs).await {
            (_, Some(refusal)) => Err(refusal.text()),
            (views, None) => Ok(views.map_or(0, |views| views.len())),
        }
    }

    /// `true` if only clients on this machine are meant.
    pub(super) const fn is_loopback(&self) -> bool {
        self.rules.is_loopback
    }

    /// The counters of all endpoints.
    pub(super) fn families(&self) -> Vec<MetricFamily> {
        self.traffics.families()
    }

    fn endpoint(&self, names: [String; 3], toxics: ToxicList) -> Endpoint {
        Endpoint::new(names, toxics, self.seed, self.traffics.clone())
    }

    /// All endpoints, by name.
    pub(super) async fn views(&self) -> BTreeMap<String, EndpointView> {
        let endpoints = self.endpoints.lock().await;
        endpoints.iter().map(|(name, endpoint)| (name.clone(), endpoint.view())).collect()
    }

    pub(super) async fn view(&self, name: &str) -> Result<EndpointView, Refusal> {
        self.endpoints.lock().await.get(name).map(Endpoint::view).ok_or(Refusal::ProxyNotFound)
    }

    /// Adds an endpoint, with its toxics from the first byte on.
    pub(super) async fn create(&self, input: ProxyInput) -> Result<EndpointView, Refusal> {
        let names = input.names("")?;
        let toxics = input.toxics()?;
        let [name, listen, upstream] = names.clone();
        let mut endpoints = self.endpoints.lock().await;
        if endpoints.contains_key(&name) {
            return Err(Refusal::ProxyExists);
        }
        self.rules.check(&listen, &upstream)?;
        has_room(&endpoints)?;
        let mut endpoint = self.endpoint(names, toxics);
        if input.enabled != Some(false) {
            endpoint.start().await?;
        }
        let view = endpoint.view();
        endpoints.insert(name, endpoint);
        Ok(view)
    }

    /// Adds endpoints, or replaces those with other addresses. Nothing is added if a field is missing. The first error ends
    /// it, and comes with those that are there by then.
    pub(super) async fn populate(
        &self,
        inputs: &[ProxyInput],
    ) -> (Option<Vec<EndpointView>>, Option<Refusal>) {
        let named = inputs.iter().enumerate().map(|(number, input)| {
            let [name, listen, upstream] = input.names(&format!(" at proxy {}", number + 1))?;
            self.rules.check(&listen, &upstream)?;
            Ok(([name, listen, upstream], input.toxics()?, input.enabled != Some(false)))
        });
        let named = match named.collect::<Result<Vec<_>, Refusal>>() {
            Ok(named) => named,
            Err(refusal) => return (None, Some(refusal)),
        };
        let mut endpoints = self.endpoints.lock().await;
        let mut views = Vec::new();
        for (names, toxics, is_enabled) in named {
            let [name, listen, upstream] = names.clone();
            if let Some(known) = endpoints.get_mut(&name) {
                if known.addresses() == [listen, upstream] {
                    views.push(known.view());
                    continue;
                }
                known.stop().await;
            } else if let Err(refusal) = has_room(&endpoints) {
                return (Some(views), Some(refusal));
            }
            let mut endpoint = self.endpoint(names, toxics);
            if is_enabled && let Err(refusal) = endpoint.start().await {
                return (Some(views), Some(refusal));
            }
            views.push(endpoint.view());
            endpoints.insert(name, endpoint);
        }
        (Some(views), None)
    }

    /// Changes addresses of an endpoint, enables or disables it.
    pub(super) async fn update(&self, name: &str, input: ProxyInput) -> Result<EndpointView, Refusal> {
        self.with(name, async |endpoint| {
            let [listen, upstream] = endpoint.addresses().map(str::to_owned);
            let addresses = [input.listen.unwrap_or(listen), input.upstream.unwrap_or(upstream)];
            if addresses != endpoint.addresses() {
                self.rules.check(&addresses[0], &addresses[1])?;
            }
            let is_enabled = input.enabled.unwrap_or(endpoint.is_enabled());
            endpoint.update(addresses, is_enabled).await?;
            Ok(endpoint.view())
        })
        .await
    }

    /// Removes an endpoint and all its connections.
    pub(super) async fn delete(&self, name: &str) -> Result<(), Refusal> {
        let mut endpoints = self.endpoints.lock().await;
        let mut endpoint = endpoints.remove(name).ok_or(Refusal::ProxyNotFound)?;
        endpoint.stop().await;
        Ok(())
    }

    /// Enables all endpoints and removes all toxics, up to the first endpoint that cannot listen.
    pub(super) async fn reset(&self) -> Result<(), Refusal> {
        for endpoint in self.endpoints.lock().await.values_mut() {
            endpoint.start().await?;
            endpoint.change_toxics(|toxics| {
                toxics.clear();
                Ok(())
            })?;
        }
        Ok(())
    }

    pub(super) async fn toxics(&self, name: &str) -> Result<ToxicList, Refusal> {
        self.endpoints.lock().await.get(name).map(Endpoint::toxics).ok_or(Refusal::ProxyNotFound)
    }

    pub(super) async fn add_toxic(&self, name: &str, input: ToxicInput) -> Result<Toxic, Refusal> {
        self.with(name, async |endpoint| {
            let toxic = endpoint.change_toxics(|toxics| toxics.add(input))?;
            endpoint.remove_later(&toxic);
            Ok(toxic)
        })
        .await
    }

    pub(super) async fn update_toxic(
        &self,
        name: &str,
        toxic: &str,
        input: ToxicInput,
    ) -> Result<Toxic, Refusal> {
        self.with(name, async |endpoint| endpoint.change_toxics(|toxics| toxics.update(toxic, input))).await
    }

    pub(super) async fn remove_toxic(&self, name: &str, toxic: &str) -> Result<(), Refusal> {
        self.with(name, async |endpoint| endpoint.change_toxics(|toxics| toxics.remove(toxic))).await
    }

    async fn with<T>(
        &self,
        name: &str,
        change: impl AsyncFnOnce(&mut Endpoint) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let mut endpoints = self.endpoints.lock().await;
        change(endpoints.get_mut(name).ok_or(Refusal::ProxyNotFound)?).await
    }
}

fn has_room(endpoints: &BTreeMap<String, Endpoint>) -> Result<(), Refusal> {
    if endpoints.len() < PROXIES_MAX {
        Ok(())
    } else {
        Err(Refusal::TooMany { what: "proxies", max: PROXIES_MAX })
    }
}
