//! HTTP client of an output.

use std::time::Duration;

use reqwest::{Certificate, Client, Identity, redirect};

use super::options::HttpOptions;
use super::response::with_causes;
use super::target::TargetUrl;
use promemu_core::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of this server with these options. It follows no redirects; nothing is sent yet.
pub fn http_client(target: &TargetUrl, options: &HttpOptions) -> Result<Client, Error> {
    let url = target.url();
    if options.has_credentials() && (!url.username().is_empty() || url.password().is_some()) {
        return Err(Error::Usage(format!(
            "the url {target} names a user, and the options name one, too; leave one of them out"
        )));
    }
    // A later call in the same process finds a provider installed, which is as good.
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
        // Without redirects no certificate is ever checked, so a machine needs none.
        http = http.tls_certs_only([]);
    }
    if let Some(pem) = options.identity() {
        http = http.identity(Identity::from_pem(pem).map_err(broken)?);
    }
    http.build().map_err(broken)
}
