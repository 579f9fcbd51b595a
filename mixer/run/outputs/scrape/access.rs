//! Access to the scrape output: clients must show the right `Authorization`.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

/// Lets a request with this `Authorization` pass.
pub(super) async fn check(State(expected): State<HeaderValue>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION);
    // In constant time, so that the credentials cannot be found byte by byte.
    if shown.is_some_and(|shown| shown.as_bytes().ct_eq(expected.as_bytes()).into()) {
        return next.run(request).await;
    }
    let scheme = if expected.as_bytes().starts_with(b"Basic") { "Basic realm=\"promemu\"" } else { "Bearer" };
    let headers = [(header::WWW_AUTHENTICATE, scheme)];
    (StatusCode::UNAUTHORIZED, headers, "not without the right authorization\n").into_response()
}
