//! Who may use the API: who has the token, and no web page of somebody else's.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::error::ApiError;

/// What a client must show. It is in no log and no output.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// The token of a variable or a file; none if it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The text, to be shown to whom it is for.
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

/// What is asked of clients.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) token: Option<Token>,
    /// Whether only this machine can connect.
    pub(super) is_loopback: bool,
}

/// Lets a request pass, or says why not.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.refusal(request.method(), request.uri().path(), request.headers()) {
        None => next.run(request).await,
        Some(refusal) => refusal.into_response(),
    }
}

impl Access {
    fn refusal(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<ApiError> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        // A page elsewhere may have its own name lead here; it cannot change what the browser calls it.
        if self.is_loopback && host.is_some_and(|host| !is_this_machine(host)) {
            let told = "the Host header does not name this machine; use 127.0.0.1 or localhost";
            return Some(ApiError::new(StatusCode::FORBIDDEN, "wrong_host", told));
        }
        let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        if !is_safe && is_cross_site(headers, host) {
            let told = "a web page of another site may not change anything here";
            return Some(ApiError::new(StatusCode::FORBIDDEN, "cross_site", told));
        }
        let Token(token) = self.token.as_ref().filter(|_| is_guarded(path))?;
        let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let shown = shown.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        // In constant time, so that the token cannot be found byte by byte.
        (!bool::from(shown.ct_eq(token.as_bytes()))).then(|| {
            let told = "the header Authorization: Bearer TOKEN is missing or wrong";
            ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", told)
        })
    }
}

/// What says or does nothing is open: whether promemu lives, and what the API looks like.
fn is_guarded(path: &str) -> bool {
    path.starts_with("/api/") || path == "/metrics"
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a browser says that another site has made it ask
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
        let refusal = access.refusal(method, path, &headers.collect());
        refusal.map_or(200, |refusal| refusal.into_response().status().as_u16())
    }

    #[test]
    fn with_a_token_nothing_is_said_or_done_without_it() {
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
        assert_eq!(get("/health", &[]), 200);
    }

    #[test]
    fn on_loopback_only_who_knows_this_machine_by_its_name_gets_in() {
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
