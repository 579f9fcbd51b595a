//! The stores of tiers, as a policy names them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use promemu_core::error::{Error, suggestion};
use promemu_core::{text_file, user_file};
use promemu_run::http::{HttpOptions, TargetUrl};
use promemu_run::stores::{
    ContinuousQuery, Credentials, FolderStore, InfluxPlace, InfluxSettings, InfluxStore, S3Settings, S3Store,
};
use promemu_wire::recording::{Action, Measurement, Stores, Tier};
use serde::Deserialize;

/// The region of servers that have none.
const REGION: &str = "us-east-1";

/// A store as it is written.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum StoreText {
    /// A folder; a relative one counts from that of the policy.
    Folder(PathBuf),
    /// A bucket of an object store.
    S3 {
        bucket: String,
        endpoint: Option<String>,
        #[serde(default)]
        prefix: String,
        region: Option<String>,
        credentials_file: Option<PathBuf>,
        #[serde(default)]
        options: BTreeMap<String, String>,
    },
    /// A database of InfluxDB 1.x, or a bucket of 2.x.
    Influxdb {
        url: String,
        database: Option<String>,
        org: Option<String>,
        bucket: Option<String>,
        token_env: Option<String>,
        token_file: Option<PathBuf>,
        tags: Option<BTreeMap<String, Vec<String>>>,
        #[serde(default)]
        options: BTreeMap<String, String>,
    },
}

/// The place of a tier.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Folder(PathBuf),
    S3 { settings: S3Settings, credentials_file: Option<PathBuf> },
    Influxdb { settings: InfluxSettings, token: Option<TokenPlace>, measurement: Option<Measurement> },
}

/// The place of a token.
#[derive(Clone, Debug)]
pub(super) enum TokenPlace {
    Variable(String),
    File(PathBuf),
}

impl StoreText {
    /// The place of a tier of this name and these seconds; relative paths count from `base`.
    pub(super) fn place(self, base: &Path, (tier, keep_secs): (&str, Option<u64>)) -> Result<Place, String> {
        match self {
            Self::Folder(path) => {
                let whole = std::path::absolute(base.join(path));
                Ok(Place::Folder(whole.map_err(|error| error.to_string())?))
            }
            Self::S3 { bucket, endpoint, prefix, region, credentials_file, options } => {
                if bucket.is_empty() {
                    return Err("s3 has no bucket; name one".to_owned());
                }
                let parse = |text: String| {
                    TargetUrl::parse(&text, "s3: endpoint", "http://127.0.0.1:9000")
                        .map_err(|error| error.to_string())
                };
                let mut options: IndexMap<String, String> = options.into_iter().collect();
                let http = HttpOptions::take_from(&mut options).map_err(|error| format!("s3: {error}"))?;
                if let Some(key) = options.keys().next() {
                    return Err(format!(
                        "s3 has no option {key:?}; ca_file, cert_file and key_file are some"
                    ));
                }
                let settings = S3Settings {
                    bucket,
                    endpoint: endpoint.map(parse).transpose()?,
                    prefix: prefix.trim_matches('/').to_owned(),
                    region: region.unwrap_or_else(|| REGION.to_owned()),
                    http,
                };
                let credentials_file = credentials_file.map(|path| base.join(path));
                Ok(Place::S3 { settings, credentials_file })
            }
            Self::Influxdb { url, database, org, bucket, token_env, token_file, tags, options } => {
                let url = TargetUrl::parse(&url, "influxdb: url", "http://127.0.0.1:8086")
                    .map_err(|error| error.to_string())?;
                let place = match (database, org, bucket) {
                    (Some(database), None, None) => {
                        InfluxPlace::V1 { database, retention: tier.to_owned(), keep_secs }
                    }
                    (None, Some(org), Some(bucket)) => InfluxPlace::V2 { org, bucket },
                    _ => {
                        let why = "influxdb needs a database (1.x), or org and bucket (2.x)";
                        return Err(why.to_owned());
                    }
                };
                let token = match (token_env, token_file) {
                    (None, None) => None,
                    (Some(variable), None) => Some(TokenPlace::Variable(variable)),
                    (None, Some(path)) => Some(TokenPlace::File(base.join(path))),
                    _ => return Err("token_env and token_file exclude each other; leave one out".to_owned()),
                };
                let tags = tags.map_or_else(default_tags, |tags| tags.into_iter().collect());
                let http = http("influxdb", options)?;
                let settings = InfluxSettings { url, http, token: None, place, query: None, tags };
                Ok(Place::Influxdb { settings, token, measurement: None })
            }
        }
    }
}

/// The tags of rows without a mapping: for each the labels that may give its value.
fn default_tags() -> Vec<(String, Vec<String>)> {
    let tags = [("service", "job"), ("environment", "env")];
    tags.map(|(tag, label)| (tag.to_owned(), vec![label.to_owned()])).to_vec()
}

/// Credentials and certificates of a store.
fn http(kind: &str, options: BTreeMap<String, String>) -> Result<HttpOptions, String> {
    let mut options: IndexMap<String, String> = options.into_iter().collect();
    let http = HttpOptions::take_from(&mut options).map_err(|error| format!("{kind}: {error}"))?;
    let known = HttpOptions::KEYS.map(|(key, _)| key);
    options
        .keys()
        .next()
        .map_or(Ok(http), |key| Err(format!("{kind} has no option {key:?}{}", suggestion(key, &known))))
}

impl Place {
    /// Its address, without secrets.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Folder(path) => format!("folder {}", path.display()),
            Self::S3 { settings, .. } => settings.address(),
            Self::Influxdb { settings, measurement: Some(measurement), .. } => {
                format!("{} {}", settings.address(), measurement.name)
            }
            Self::Influxdb { settings, .. } => settings.address(),
        }
    }

    /// `true` for a database of rows, `false` for a store of files.
    pub(super) const fn is_database(&self) -> bool {
        matches!(self, Self::Influxdb { .. })
    }

    /// Adds the store, with its credentials. Rows of a database have tags by these actions.
    fn open(self, actions: &[Action], stores: &mut Stores) -> Result<(), Error> {
        let address = self.address();
        match self {
            Self::Folder(path) => drop(stores.files.insert(address, Box::new(FolderStore::new(path)))),
            Self::S3 { settings, credentials_file } => {
                let credentials = Credentials::read(credentials_file.as_deref())?;
                drop(stores.files.insert(address, Box::new(S3Store::new(settings, credentials)?)));
            }
            Self::Influxdb { settings, token, measurement } => {
                if let Some(measurement) = measurement {
                    stores.measurements.insert(address.clone(), measurement);
                }
                let token = token.map(TokenPlace::read).transpose()?;
                let store = InfluxStore::new(InfluxSettings { token, ..settings }, actions.to_vec())?;
                drop(stores.databases.insert(address, Box::new(store)));
            }
        }
        Ok(())
    }
}

impl TokenPlace {
    fn read(self) -> Result<String, Error> {
        match self {
            Self::Variable(name) => std::env::var(&name)
                .map_err(|_| Error::Usage(format!("token_env: there is no variable {name:?}; set it"))),
            Self::File(path) => {
                let text = text_file::read(&path, user_file::SMALL_BYTES_MAX).map_err(|source| {
                    let what = format!("token_file {} cannot be read", path.display());
                    Error::System { what, source }
                })?;
                Ok(text.trim().to_owned())
            }
        }
    }
}

/// The stores that these tiers need, by their addresses.
pub(super) fn open(places: Vec<Place>, actions: &[Action]) -> Result<Stores, Error> {
    let mut stores = Stores::default();
    places.into_iter().try_for_each(|place| place.open(actions, &mut stores))?;
    Ok(stores)
}

/// Tiers of steps are filled from the samples in the same database, too, as long as samples come.
pub(super) fn add_queries(places: &mut [Place], tiers: &[Tier]) {
    let v1 = |settings: &InfluxSettings| match &settings.place {
        InfluxPlace::V1 { database, retention, .. } => {
            Some((settings.url.to_string(), database.clone(), retention.clone()))
        }
        InfluxPlace::V2 { .. } => None,
    };
    let step_of =
        |retention: &str| tiers.iter().find(|tier| tier.name == retention).and_then(|tier| tier.step_ms);
    let samples: Vec<(String, String, String)> = places
        .iter()
        .filter_map(|place| match place {
            Place::Influxdb { settings, measurement: None, .. } => v1(settings),
            _ => None,
        })
        .filter(|(.., retention)| step_of(retention).is_none())
        .collect();
    for place in places {
        let Place::Influxdb { settings, .. } = place else { continue };
        let Some((url, database, retention)) = v1(settings) else { continue };
        let from = samples.iter().find(|(u, d, _)| (u, d) == (&url, &database));
        if let (Some((.., from)), Some(step_ms)) = (from, step_of(&retention)) {
            let step_secs = u64::try_from(step_ms / 1000).unwrap_or(1);
            settings.query = Some(ContinuousQuery { from: from.clone(), step_secs });
        }
    }
}
