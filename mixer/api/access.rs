//! The access check: clients need the token, and web pages of other sites get nothing.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use promemu_run::http::is_this_machine;
use subtle::ConstantTimeEq;

use crate::error::ApiError;

/// The token that a client must send. It appears in no log and no output.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token in the text of a variable or a file; `None` if it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text, to be sent to the API and nowhere else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The rules for clients.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) token: Option<Token>,
    /// `true` if only this machine can connect.
    pub(crate) is_loopback: bool,
}

/// Passes a request on, or refuses it.
pub(crate) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.refuse(request.method(), request.uri().path(), request.headers()) {
        None => next.run(request).await,
        Some(error) => error.into_response(),
    }
}

impl Access {
    fn refuse(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<ApiError> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        // A site may let its own name resolve to this machine; it cannot change the name that the browser sends.
        if self.is_loopback && host.is_some_and(|host| !is_this_machine(host)) {
            return Some(ApiError::WrongHost);
        }
        let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if !is_safe && is_cross_site(headers, host) {
            return Some(ApiError::CrossSite);
        }
        let Token(token) = self.token.as_ref().filter(|_| is_guarded(path))?;
        let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let sent = sent.and_then(bearer).unwrap_or_default();
        // In constant time, so that the token cannot be found byte by byte.
        (!bool::from(sent.ct_eq(token.as_bytes()))).then_some(ApiError::Unauthorized)
    }
}

/// The token of a header `Authorization`. Names of schemes have no case (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Paths that reveal and change nothing are open: liveness, the description of the API, the page.
fn is_guarded(path: &str) -> bool {
    path.starts_with("/api/") || path == "/metrics"
}

/// `true` if the browser says that another site made the request
/// (<https://www.w3.org/TR/fetch-metadata/>, <https://www.rfc-editor.org/rfc/rfc6454>).
fn is_cross_site(headers: &HeaderMap, host: Option<&str>) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, place)| place);
    origin.is_none() || origin != host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(access: &Access, method: &Method, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        let headers = headers.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), axum::http::HeaderValue::from_str(value).unwrap())
        });
        let error = access.refuse(method, path, &headers.collect());
        error.map_or(200, |error| error.into_response().status().as_u16())
    }

    #[test]
    fn a_guarded_path_needs_the_whole_token() {
        let access = Access { token: Token::new(" s3cret\n"), is_loopback: false };
        assert!(!format!("{access:?}").contains("s3cret"));
        let get = |path, headers| code(&access, &Method::GET, path, headers);
        assert_eq!(get("/api/v1/status", &[]), 401);
        assert_eq!(get("/metrics", &[("authorization", "Bearer s3cre")]), 401);
        assert_eq!(get("/metrics", &[("authorization", "Basic s3cret")]), 401);
        assert_eq!(
            get("/api/v1/status", &[("authorization", "Bearer s3cret"), ("host", "any.example")]),
            200
        );
        assert_eq!(get("/metrics", &[("authorization", "bearer s3cret")]), 200);
        assert_eq!(get("/metrics", &[("authorization", "BEARER s3cret")]), 200);
        assert_eq!(get("/metrics", &[("authorization", "bearer")]), 401);
        assert_eq!(get("/health", &[]), 200);
    }

    #[test]
    fn on_loopback_the_host_header_must_name_this_machine() {
        let access = Access { token: None, is_loopback: true };
        for (host, status) in [
            ("127.0.0.1:8000", 200),
            ("localhost", 200),
            ("[::1]:8000", 200),
            ("evil.example:8000", 403),
            ("127.0.0.1.evil.example", 403),
        ] {
            assert_eq!(code(&access, &Method::GET, "/health", &[("host", host)]), status, "{host}");
        }
    }

    #[test]
    fn pages_of_other_sites_change_nothing() {
        let access = Access { token: None, is_loopback: true };
        let host = ("host", "localhost:8000");
        for (headers, status) in [
            (&[][..], 200),
            (&[("origin", "http://localhost:8000")], 200),
            (&[("origin", "http://localhost:9000")], 403),
            (&[("origin", "null")], 403),
            (&[("sec-fetch-site", "cross-site")], 403),
            (&[("sec-fetch-site", "same-origin")], 200),
        ] {
            let headers = [&[host], headers].concat();
            assert_eq!(code(&access, &Method::POST, "/api/v1/events", &headers), status, "{headers:?}");
            assert_eq!(code(&access, &Method::GET, "/api/v1/events", &headers), 200);
        }
    }
}
