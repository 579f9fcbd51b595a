//! The way to the API of a cluster: a kubeconfig
//! (<https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>), or what a pod is given.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use promemu_core::error::Error;
use promemu_core::{text_file, user_file};
use serde::Deserialize;

use crate::http::{HttpOptions, TargetUrl};

/// The place of a pod's own credentials.
const IN_CLUSTER: &str = "in-cluster";
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const AUTHORITY: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
const HOST: &str = "KUBERNETES_SERVICE_HOST";
const PORT: &str = "KUBERNETES_SERVICE_PORT";

/// An address with its credentials.
#[derive(Clone, Debug)]
pub struct ClusterAccess {
    place: String,
    url: TargetUrl,
    options: HttpOptions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Kubeconfig {
    current_context: String,
    contexts: Vec<Named<ContextEntry>>,
    clusters: Vec<Named<ClusterEntry>>,
    users: Vec<Named<UserEntry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<T: Default> {
    name: String,
    #[serde(alias = "context", alias = "cluster", alias = "user")]
    entry: T,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContextEntry {
    cluster: String,
    user: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct ClusterEntry {
    server: String,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct UserEntry {
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
}

/// Shows nothing of it.
impl std::fmt::Debug for UserEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserEntry").finish_non_exhaustive()
    }
}

impl ClusterAccess {
    /// The way that a kubeconfig names, by its current context, or that of a pod for `in-cluster`.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or has no user with a token or a certificate.
    pub fn read(place: &str) -> Result<Self, Error> {
        let (url, options) = if place == IN_CLUSTER { in_cluster()? } else { of_file(Path::new(place))? };
        Ok(Self { place: place.to_owned(), url, options })
    }

    /// Reads the credentials again.
    pub(super) fn renew(&mut self) -> Result<(), Error> {
        *self = Self::read(&self.place)?;
        Ok(())
    }

    /// The address of the API.
    pub(super) const fn url(&self) -> &TargetUrl {
        &self.url
    }

    pub(super) const fn options(&self) -> &HttpOptions {
        &self.options
    }
}

fn usage(text: impl Into<String>) -> Error {
    Error::Usage(text.into())
}

fn in_cluster() -> Result<(TargetUrl, HttpOptions), Error> {
    let variable = |name: &str| {
        let missing = || {
            usage(format!(
                "--kubernetes {IN_CLUSTER} needs {name}, which a pod has; name a kubeconfig elsewhere"
            ))
        };
        std::env::var(name).map_err(|_| missing())
    };
    let (host, port) = (variable(HOST)?, variable(PORT)?);
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let url = address(&format!("https://{host}:{port}"))?;
    let token = text(Path::new(TOKEN))?.trim().to_owned();
    let options = HttpOptions::of_parts(Some(token), Some(bytes(Path::new(AUTHORITY))?), None, false)?;
    Ok((url, options))
}

fn of_file(path: &Path) -> Result<(TargetUrl, HttpOptions), Error> {
    let named = |why: String| usage(format!("kubeconfig {}: {why}", path.display()));
    let config: Kubeconfig = serde_saphyr::from_str(&text(path)?).map_err(|_| {
        named("it is no kubeconfig in YAML; write it with kubectl config view --raw".to_owned())
    })?;
    let context = find(&config.contexts, &config.current_context)
        .ok_or_else(|| named("its current-context is not among its contexts".to_owned()))?;
    let cluster = find(&config.clusters, &context.cluster)
        .ok_or_else(|| named(format!("it has no cluster {:?}", context.cluster)))?;
    let user = find(&config.users, &context.user)
        .ok_or_else(|| named(format!("it has no user {:?}", context.user)))?;
    let base = path.parent().unwrap_or(Path::new(""));
    let part = |file: &Option<PathBuf>, data: &Option<String>| -> Result<Option<Vec<u8>>, Error> {
        match (data, file) {
            (Some(data), _) => {
                let decoded = STANDARD.decode(data.trim());
                decoded.map(Some).map_err(|_| named("data of a certificate or key is no base64".to_owned()))
            }
            (None, Some(file)) => bytes(&base.join(file)).map(Some),
            (None, None) => Ok(None),
        }
    };
    let authority = part(&cluster.certificate_authority, &cluster.certificate_authority_data)?;
    let certificate = part(&user.client_certificate, &user.client_certificate_data)?;
    let key = part(&user.client_key, &user.client_key_data)?;
    let identity = certificate.zip(key).map(|(certificate, key)| [certificate, b"\n".to_vec(), key].concat());
    let token = match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => Some(text(&base.join(file))?.trim().to_owned()),
        (None, None) => None,
    };
    if token.is_none() && identity.is_none() {
        let why = "its user has no token and no certificate with a key; make a token with kubectl create token, for a user of its own";
        return Err(named(why.to_owned()));
    }
    let skips = cluster.insecure_skip_tls_verify;
    Ok((address(&cluster.server)?, HttpOptions::of_parts(token, authority, identity, skips)?))
}

fn find<'n, T: Default>(list: &'n [Named<T>], name: &str) -> Option<&'n T> {
    list.iter().find(|named| named.name == name).map(|named| &named.entry)
}

fn address(text: &str) -> Result<TargetUrl, Error> {
    TargetUrl::parse(text, "the server of the cluster", "https://127.0.0.1:6443")
}

fn unreadable(path: &Path, source: std::io::Error) -> Error {
    Error::System { what: format!("{} cannot be read", path.display()), source }
}

fn text(path: &Path) -> Result<String, Error> {
    text_file::read(path, user_file::SMALL_BYTES_MAX).map_err(|source| unreadable(path, source))
}

fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    user_file::read(path, user_file::SMALL_BYTES_MAX).map_err(|source| unreadable(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        std::fs::write(&path, text).unwrap();
        ClusterAccess::read(path.to_str().unwrap())
            .map_or_else(|error| error.to_string(), |access| format!("{access:?}"))
    }

    #[test]
    fn a_kubeconfig_gives_the_address_and_the_credentials_of_its_context() {
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- {name: a, context: {cluster: c, user: u}}\n\
                    clusters:\n- {name: c, cluster: {server: \"https://10.0.0.1:6443\"}}\nusers:\n- {name: u, user: {token: s3cret}}\n";
        let shown = told(text);
        assert!(shown.contains("10.0.0.1:6443") || shown.contains("10.0.0.1"), "{shown}");
        assert!(shown.contains("authorization") && !shown.contains("s3cret"), "{shown}");
        assert!(
            told(&text.replace("token: s3cret", "exec: {command: x}"))
                .contains("no token and no certificate")
        );
        assert!(
            told(&text.replace("current-context: a", "current-context: b"))
                .contains("not among its contexts")
        );
        assert!(told(&text.replace("user: u", "user: v")).contains("it has no user \"v\""));
        let broken = told(&text.replace("{token: s3cret}", "{token: s3cret"));
        assert!(broken.contains("is no kubeconfig in YAML") && !broken.contains("s3cret"), "{broken}");
        assert!(
            told(&text.replace("token: s3cret", "client-certificate-data: \"?\", client-key-data: \"?\""))
                .contains("no base64")
        );
    }
}
