//! JSON bodies: with their Content-Type, or, from clients that are no browser, without.
//!
//! A page of another site may send only bodies with a Content-Type of forms or of plain text, so a required Content-Type
//! keeps it out. A body without one, or with the one that curl gives to `-d`, is taken only if nothing in the head is
//! a browser's. The Content-Type of plain text is never taken.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::error::ApiError;

/// The default of `curl -d`, and of a page's forms.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// Time limit of a body, from the request's head to its last byte.
pub(crate) const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Extracts a JSON body.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Self::Rejection> {
        with_type_of_clients(request.headers_mut());
        match timeout(BODY_TIMEOUT, Json::from_request(request, state)).await {
            Ok(Ok(Json(body))) => Ok(Self(body)),
            Ok(Err(rejection)) => Err(rejection.into_response()),
            Err(_) => Err(ApiError::SlowBody.into_response()),
        }
    }
}

/// Says that a body is JSON, where a client that is no browser does not say it itself.
pub(crate) fn with_type_of_clients(headers: &mut HeaderMap) {
    if has_no_type_of_its_own(headers) && !is_of_browser(headers) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
}

/// `true` without a Content-Type, or with curl's default.
fn has_no_type_of_its_own(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_none_or(|found| found.as_bytes().eq_ignore_ascii_case(FORM))
}

/// `true` if a header is there that browsers add to what pages send, and command-line clients do not.
fn is_of_browser(headers: &HeaderMap) -> bool {
    let is_mark = |name: &str| {
        ["origin", "referer", "cookie"].contains(&name)
            || name.starts_with("sec-fetch-")
            || name.starts_with("sec-ch-")
    };
    let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    agent.starts_with(b"Mozilla/") || headers.keys().any(|name| is_mark(name.as_str()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::{Body, Bytes};
    use axum::http::StatusCode;
    use futures_core::Stream;

    use super::*;

    /// A body of which nothing comes.
    struct Silent;

    impl Stream for Silent {
        type Item = Result<Bytes, Infallible>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_refused_after_its_time() {
        let request = Request::builder().body(Body::from_stream(Silent)).unwrap();
        let refusal = JsonBody::<serde_json::Value>::from_request(request, &()).await.unwrap_err();
        assert_eq!(refusal.status(), StatusCode::REQUEST_TIMEOUT);
    }

    async fn status(headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method("POST");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from("{\"a\": 1}")).unwrap();
        match JsonBody::<serde_json::Value>::from_request(request, &()).await {
            Ok(JsonBody(body)) => {
                assert_eq!(body["a"], 1);
                200
            }
            Err(rejection) => rejection.status().as_u16(),
        }
    }

    #[tokio::test]
    async fn a_body_without_a_content_type_is_taken_where_no_browser_sent_it() {
        let form = ("content-type", "application/x-www-form-urlencoded");
        let curl = ("user-agent", "curl/8.5.0");
        for headers in
            [&[][..], &[curl], &[curl, form], &[("content-type", "application/json; charset=utf-8")]]
        {
            assert_eq!(status(headers).await, 200, "{headers:?}");
        }
        for mark in [
            ("origin", "null"),
            ("origin", "http://localhost:8000"),
            ("referer", "http://evil.example/"),
            ("cookie", "a=b"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "no-cors"),
            ("sec-ch-ua", "\"Chromium\""),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ] {
            assert_eq!(status(&[mark]).await, 415, "{mark:?}");
            assert_eq!(status(&[mark, form]).await, 415, "{mark:?}");
            assert_eq!(status(&[mark, ("content-type", "application/json")]).await, 200, "{mark:?}");
        }
        for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/xml", ""] {
            assert_eq!(status(&[curl, ("content-type", content_type)]).await, 415, "{content_type}");
        }
    }
}
