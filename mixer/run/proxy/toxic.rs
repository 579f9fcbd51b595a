//! A toxic of an endpoint as the API shows it, and the list of all of them that connections follow.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::refusal::Refusal;
use super::toxics::Kind;

/// Maximum number of toxics of an endpoint.
const TOXICS_MAX: usize = 64;

/// A direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// From the client to the upstream.
    Upstream,
    /// From the upstream to the client.
    Downstream,
}

impl Stream {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }
}

/// A toxic that a client describes. What is absent has its default, or stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToxicInput {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    stream: Option<String>,
    toxicity: Option<f64>,
    attributes: Option<Map<String, Value>>,
    lasts: Option<u64>,
}

/// A toxic.
#[derive(Clone, Debug)]
pub(super) struct Toxic {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) stream: Stream,
    /// Share of the connections that it disturbs: all from 1 on, none up to 0.
    pub(super) toxicity: f64,
    /// The time after which it is removed.
    pub(super) lasts: Option<Duration>,
    /// The number of this toxic among all that the endpoint has had, and of its version.
    pub(super) id: u64,
    pub(super) version: u64,
    /// The state that all connections share.
    pub(super) shared: Arc<Mutex<Instant>>,
}

impl Serialize for Toxic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Toxic", 6)?;
        fields.serialize_field("attributes", &self.kind.attributes())?;
        fields.serialize_field("name", &self.name)?;
        fields.serialize_field("type", self.kind.name())?;
        fields.serialize_field("stream", self.stream.name())?;
        // Whole numbers have no fraction there.
        #[expect(clippy::cast_possible_truncation, reason = "only for numbers that are small and whole")]
        if self.toxicity.fract() == 0.0 && self.toxicity.abs() < 1e9 {
            fields.serialize_field("toxicity", &(self.toxicity as i64))?;
        } else {
            fields.serialize_field("toxicity", &self.toxicity)?;
        }
        if let Some(lasts) = self.lasts {
            fields.serialize_field("lasts", &lasts.as_millis())?;
        }
        fields.end()
    }
}

/// The toxics of an endpoint, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(super) struct ToxicList {
    toxics: Vec<Toxic>,
    /// Number of toxics that there have been.
    count: u64,
}

impl ToxicList {
    /// Adds a toxic, and returns it.
    pub(super) fn add(&mut self, input: ToxicInput) -> Result<Toxic, Refusal> {
        let stream = match input.stream.as_deref() {
            None | Some("downstream") => Stream::Downstream,
            Some("upstream") => Stream::Upstream,
            Some(_) => return Err(Refusal::InvalidStream),
        };
        let kind = input.kind.unwrap_or_default();
        let name = input.name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| format!("{kind}_{}", stream.name()));
        let parsed = Kind::parse(&kind, &input.attributes.unwrap_or_default());
        let parsed = parsed.ok_or(Refusal::InvalidToxicType)?;
        if self.get(&name).is_ok() {
            return Err(Refusal::ToxicExists);
        }
        let kind = parsed.map_err(Refusal::BadBody)?;
        if self.toxics.len() == TOXICS_MAX {
            return Err(Refusal::TooMany { what: "toxics", max: TOXICS_MAX });
        }
        self.count += 1;
        let toxic = Toxic {
            name,
            kind,
            stream,
            toxicity: input.toxicity.unwrap_or(1.0),
            lasts: input.lasts.map(Duration::from_millis),
            id: self.count,
            version: 0,
            shared: Arc::new(Mutex::new(Instant::now())),
        };
        self.toxics.push(toxic.clone());
        Ok(toxic)
    }

    /// Changes parameters and the toxicity of a toxic; all else stays, as it does there.
    pub(super) fn update(&mut self, name: &str, input: ToxicInput) -> Result<Toxic, Refusal> {
        let old = self.toxics.iter_mut().find(|toxic| toxic.name == name).ok_or(Refusal::ToxicNotFound)?;
        let mut attributes = old.kind.attributes();
        attributes.extend(input.attributes.unwrap_or_default());
        let kind = Kind::parse(old.kind.name(), &attributes).ok_or(Refusal::InvalidToxicType)?;
        let toxic = Toxic {
            kind: kind.map_err(Refusal::BadBody)?,
            toxicity: input.toxicity.unwrap_or(old.toxicity),
            version: old.version + 1,
            ..old.clone()
        };
        *old = toxic;
        Ok(old.clone())
    }

    /// Removes a toxic.
    pub(super) fn remove(&mut self, name: &str) -> Result<(), Refusal> {
        let at = self.toxics.iter().position(|toxic| toxic.name == name).ok_or(Refusal::ToxicNotFound)?;
        self.toxics.remove(at);
        Ok(())
    }

    /// Removes this one, and none that has its name by now. Returns `true` if it was there.
    pub(super) fn remove_id(&mut self, id: u64) -> bool {
        let before = self.toxics.len();
        self.toxics.retain(|toxic| toxic.id != id);
        self.toxics.len() < before
    }

    /// Removes all.
    pub(super) fn clear(&mut self) {
        self.toxics.clear();
    }

    pub(super) fn get(&self, name: &str) -> Result<&Toxic, Refusal> {
        self.toxics.iter().find(|toxic| toxic.name == name).ok_or(Refusal::ToxicNotFound)
    }

    /// Those of a direction, in order.
    pub(super) fn of(&self, stream: Stream) -> impl Iterator<Item = &Toxic> {
        self.toxics.iter().filter(move |toxic| toxic.stream == stream)
    }

    /// All, as the API lists them: those of the upstream first.
    pub(super) fn listed(&self) -> Vec<Toxic> {
        [Stream::Upstream, Stream::Downstream]
            .into_iter()
            .flat_map(|stream| self.of(stream).cloned())
            .collect()
    }

    /// Maximum number of connections at once, if there is one.
    pub(super) fn connections_max(&self) -> Option<u64> {
        self.toxics.iter().filter_map(|toxic| toxic.kind.connections_max()).min()
    }
}
