//! URL of a server, shown without its secrets.

use std::net::IpAddr;

use reqwest::Url;

use promemu_core::error::Error;

/// URL of a server. Shown without its password and its query.
#[derive(Clone, PartialEq, Eq)]
pub struct TargetUrl(Url);

impl TargetUrl {
    /// Parses `http://host:port/path?query`; without a scheme it is http. An error begins with `subject` and ends with
    /// the example.
    pub fn parse(text: &str, subject: &str, example: &str) -> Result<Self, Error> {
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let shown = redacted(text);
        let refused =
            |reason: &str| Error::Usage(format!("{subject} {shown:?} {reason}; write it as in {example}"));
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

    /// The same with this path, if it has none.
    #[must_use]
    pub fn with_default_path(mut self, path: &str) -> Self {
        if matches!(self.0.path(), "" | "/") {
            self.0.set_path(path);
        }
        self
    }

    /// The whole URL, secrets included: for requests only.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }
}

/// A text that may be a URL, for errors: without password and query, even if the rest is invalid.
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

/// A URL without its password and its query.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        // A URL with a password can have another one.
        let _can_be_set = url.set_password(Some("***"));
    }
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    url.as_str().trim_end_matches('/').to_owned()
}

/// `true` for a name or an address by which a machine reaches itself.
pub(super) fn is_this_machine(host: &str) -> bool {
    const NAMES: [&str; 4] = ["localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"];
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = name.parse::<IpAddr>() {
        let address = address.to_canonical();
        return address.is_loopback() || address.is_unspecified();
    }
    NAMES.contains(&name.as_str()) || name.ends_with(".localhost")
}

impl std::fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl std::fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<TargetUrl, Error> {
        TargetUrl::parse(text, "remote-write url", "http://127.0.0.1:9090")
    }

    #[test]
    fn targets_are_shown_without_secrets() {
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
