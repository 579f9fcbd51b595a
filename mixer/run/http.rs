//! What sinks that talk HTTP have in common: where a server is ([`TargetUrl`]), how to be let in
//! ([`HttpOptions`]), the client, and what an answer means ([`PushError`]).
//!
//! Secrets come from files or variables. They are in no text that anybody is shown.

mod answer;
mod options;
mod secrets;
pub mod server;
mod tls;

use std::time::Duration;

use reqwest::{Certificate, Client, Identity, Url, redirect};

pub use answer::PushError;
pub(super) use answer::{check, no_answer, text_of};
pub use options::HttpOptions;
pub(super) use secrets::Secrets;
pub use tls::server_tls;

use answer::with_causes;
use promemu_core::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a server is. Shown without its password and its query.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetUrl(Url);

impl TargetUrl {
    /// Reads `http://host:port/path?query`; without a scheme it is http. An error calls it `what` and shows
    /// how such a url looks.
    pub fn parse(text: &str, what: &str, example: &str) -> Result<Self, Error> {
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let shown = redacted(text);
        let refused = |why: &str| Error::Usage(format!("{what} {shown:?} {why}; write it as in {example}"));
        let url = Url::parse(&with_scheme).map_err(|error| refused(&format!("cannot be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("is neither http nor https"));
        }
        if url.host_str().is_none_or(|host| host.is_empty() || host == "http" || host == "https") {
            return Err(refused("has no host"));
        }
        if url.fragment().is_some() {
            return Err(refused("has a fragment"));
        }
        Ok(Self(url))
    }

    /// The same with this path, if it has none of its own.
    #[must_use]
    pub fn with_default_path(mut self, path: &str) -> Self {
        if matches!(self.0.path(), "" | "/") {
            self.0.set_path(path);
        }
        self
    }

    /// The whole url, secrets included: only for requests.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// A text that may be a url, for errors: a password is not shown, even if the rest makes no sense.
fn redacted(text: &str) -> String {
    let text = match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}://***{}", &text[..scheme], &text[at..]),
        (None, Some(at)) => format!("***{}", &text[at..]),
        _ => text.to_owned(),
    };
    match text.split_once('?') {
        Some((before, _)) => format!("{before}?***"),
        None => text,
    }
}

impl std::fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() {
            // A url that has a host, as checked, can have a password.
            let _can_be_set = url.set_password(Some("***"));
        }
        if url.query().is_some() {
            url.set_query(Some("***"));
        }
        f.write_str(url.as_str().trim_end_matches('/'))
    }
}

impl std::fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A client for a server there, with these options. It follows no redirects; nothing is sent yet.
pub fn http_client(target: &TargetUrl, options: &HttpOptions) -> Result<Client, Error> {
    let url = target.url();
    if options.has_credentials() && (!url.username().is_empty() || url.password().is_some()) {
        return Err(Error::Usage(format!(
            "the url {target} names a user, and the options name one, too; leave one of them out"
        )));
    }
    // A second call in one process finds the provider there already, which is as good.
    let _is_first = rustls::crypto::ring::default_provider().install_default();
    let mut http = Client::builder()
        .user_agent(concat!("promemu/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .default_headers(options.headers());
    let broken = |error| {
        let cause = with_causes(&error);
        Error::Run(format!("https cannot be set up: {cause}; are the system's ca-certificates installed?"))
    };
    if let Some(pem) = options.ca_certificates() {
        http = http.tls_certs_only(Certificate::from_pem_bundle(pem).map_err(broken)?);
    } else if url.scheme() == "http" {
        // Without redirects no certificate is ever looked at, so a machine without any will do.
        http = http.tls_certs_only([]);
    }
    if let Some(pem) = options.identity() {
        http = http.identity(Identity::from_pem(pem).map_err(broken)?);
    }
    http.build().map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<TargetUrl, Error> {
        TargetUrl::parse(text, "remote-write url", "http://127.0.0.1:9090")
    }

    #[test]
    fn targets_are_shown_without_what_is_secret() {
        for (text, shown) in [
            ("gw:9091", "http://gw:9091"),
            ("https://me:secret@gw/x", "https://me:***@gw/x"),
            ("http://vm/write?token=secret", "http://vm/write?***"),
        ] {
            let target = target(text).unwrap();
            assert_eq!((target.to_string(), format!("{target:?}")), (shown.to_owned(), shown.to_owned()));
        }
        for text in ["ftp://me:secret@gw", "me:secret@g w", "http://g w?token=secret"] {
            let error = target(text).unwrap_err().to_string();
            assert!(!error.contains("secret") && error.contains("http://127.0.0.1:9090"), "{error}");
        }
    }

    #[test]
    fn a_target_without_a_path_gets_the_usual_one() {
        let path = |text| target(text).unwrap().with_default_path("/api/v1/write").to_string();
        assert_eq!(path("http://vm:8428"), "http://vm:8428/api/v1/write");
        assert_eq!(path("http://vm:8428/insert/0/prometheus"), "http://vm:8428/insert/0/prometheus");
    }
}
