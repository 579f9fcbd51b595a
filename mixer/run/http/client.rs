//! HTTP client of an output.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Identity, Method, Proxy, RequestBuilder, Url};
use tracing::{info, warn};

use super::answer::{Answer, Deadline, Limits};
use super::failure::failure;
use super::options::HttpOptions;
use super::proxy::Proxies;
use super::redirect::{self, REDIRECTS_MAX};
use super::response::PushError;
use super::secrets::Secrets;
use super::target::{TargetUrl, shown};
use super::tls::client_tls;
use promemu_core::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of one server.
#[derive(Clone, Debug)]
pub struct HttpClient {
    http: Client,
    headers: HeaderMap,
    /// `true` if it shows a certificate of its own.
    is_identified: bool,
    secrets: Secrets,
}

impl HttpClient {
    /// A client of this server with these options; nothing is sent yet.
    pub fn new(target: &TargetUrl, options: &HttpOptions) -> Result<Self, Error> {
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
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        let proxies = Proxies::of(|name| std::env::var(name).ok());
        let secrets = Secrets::of(target, options, &proxies);
        if let Some(proxy) = proxy(target, proxies)? {
            http = http.proxy(proxy);
        }
        let broken = |error| {
            let cause = failure(&error);
            Error::Run(format!(
                "https cannot be set up: {cause}; are the system's ca-certificates installed?"
            ))
        };
        if options.skips_verification() {
            warn!(server = %target, "the server's certificate is not verified: anyone between may read and change what is sent");
            http = http.tls_danger_accept_invalid_certs(true);
        }
        if let Some(tls) = client_tls(options)? {
            http = http.tls_backend_preconfigured(tls);
        } else {
            if url.scheme() == "http" {
                // No redirect leads to https, so no certificate is ever checked and a machine needs none.
                http = http.tls_certs_only([]);
            }
            if let Some(pem) = options.identity() {
                http = http.identity(Identity::from_pem(pem).map_err(broken)?);
            }
        }
        let (http, is_identified) = (http.build().map_err(broken)?, options.identity().is_some());
        Ok(Self { http, headers: options.headers(), is_identified, secrets })
    }

    /// The same, which sends this secret, too.
    #[must_use]
    pub fn with_secret(self, secret: &str) -> Self {
        Self { secrets: self.secrets.with(secret), ..self }
    }

    /// The connections alone, for requests that are made elsewhere.
    pub(crate) fn transport(&self) -> Client {
        self.http.clone()
    }

    pub(crate) const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// A text of the server, without the secrets that it was sent.
    #[must_use]
    pub fn conceal(&self, text: String) -> String {
        self.secrets.conceal(text)
    }

    /// A request with the options' headers.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url).headers(self.headers.clone())
    }

    /// Sends a request, and follows redirects that may be followed, all within the limits.
    ///
    /// # Errors
    ///
    /// There is no answer in time.
    pub async fn send(&self, request: RequestBuilder, limits: Limits) -> Result<Answer, PushError> {
        let broken = |error| PushError::NoAnswer(failure(&error));
        let (mut request, deadline) = (request.build().map_err(broken)?, Deadline::of(limits));
        let mut redirects = 0;
        loop {
            let again = request.try_clone().filter(|_| redirects < REDIRECTS_MAX);
            let response = deadline.keep(self.http.execute(request)).await?;
            match again.and_then(|again| redirect::next(again, &response, self.is_identified)) {
                None => {
                    let refused = redirect::refusal(&response, self.is_identified, &self.secrets);
                    return Ok(Answer::new(response, refused, deadline, limits.body_bytes));
                }
                Some(next) => request = next,
            }
            redirects += 1;
        }
    }
}

/// The proxy of requests to this server and to those that it redirects to; `None` if the environment names none.
fn proxy(target: &TargetUrl, proxies: Proxies) -> Result<Option<Proxy>, Error> {
    let Some(proxy) = proxies.proxy_of(target.url())? else { return Ok(None) };
    info!(server = %target, proxy = shown(&proxy), "requests go through a proxy that the environment names");
    let proxies = Arc::new(proxies);
    Ok(Some(Proxy::custom(move |url| proxies.proxy_of(url).ok().flatten())))
}
