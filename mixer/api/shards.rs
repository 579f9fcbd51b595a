//! One run over all its shards: a request to any of them is about the whole run.
//!
//! Reading asks all shards and merges their answers; a host is read and steered at the shard that has it. What a client does
//! to the whole run is done here, and reaches the others by itself. Nothing is kept: each request asks anew, waits three seconds at
//! most for each answer, and says which shards are missing. Streams, charts and series are those of the shard that was asked.

mod fleet_cells;
mod gather;
mod lists;
mod merge;
mod pages;
mod scope;
mod spans;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use promemu_run::handle::CommandError;
use promemu_run::transport::{Call, Reply};
use serde_json::Value;
use tokio::time::timeout;

use crate::body_budget::BODY_BYTES_MAX;
use crate::error::ApiError;
use crate::json_body::{BODY_TIMEOUT, with_type_of_clients};
use gather::is_unknown_host;
use scope::{Scope, host_path};

pub(crate) use gather::WholeRun;

/// Answers a request for the whole run, or passes it on.
pub(crate) async fn over_all(
    State(whole): State<Arc<WholeRun>>,
    mut request: Request,
    next: Next,
) -> Response {
    let scope = Scope::of(request.method(), request.uri());
    if matches!(scope, Scope::Own) {
        return next.run(request).await;
    }
    with_type_of_clients(request.headers_mut());
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|found| found.as_bytes().starts_with(b"application/json"));
    let has_length = request.headers().get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    let has_body = has_length || request.headers().contains_key(header::TRANSFER_ENCODING);
    let has_type = request.headers().contains_key(header::CONTENT_TYPE);
    // A body that this shard would refuse is not passed on.
    if request.method() != Method::GET && !is_json && (has_body || has_type) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = match timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let call = Call { method: parts.method.to_string(), path, body: body.to_vec() };
    whole.answer(scope, call).await.unwrap_or_else(IntoResponse::into_response)
}

impl WholeRun {
    async fn answer(&self, scope: Scope, call: Call) -> Result<Response, ApiError> {
        let reply = match scope {
            Scope::Own => self.own(call).await,
            Scope::Merged(merge) => self.merged(call, merge).await?,
            Scope::Hosts => self.page_of_hosts(call).await?,
            Scope::Acting => self.acting(call).await?,
            Scope::Host(name) => self.at_host(&name, call).await?,
            Scope::NewHost => self.new_host(call).await?,
            Scope::Selecting => self.selecting(call).await,
        };
        Ok(response(reply))
    }

    /// Adds a host at the shard of its template. No other host of the run may have its name.
    async fn new_host(&self, call: Call) -> Result<Reply, ApiError> {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let (Some(name), Some(template)) = (body["name"].as_str(), body["template"].as_str()) else {
            return Ok(self.own(call).await);
        };
        let look = Call { method: "GET".to_owned(), path: host_path(name), body: Vec::new() };
        if self.at_host(name, look).await?.is_success() {
            return Err(ApiError::Command(CommandError::HostExists(name.to_owned())));
        }
        self.at_host(template, call).await
    }

    /// A change that this shard makes and tells the others, unless its pattern selects hosts of others alone: one of them makes
    /// it then.
    async fn selecting(&self, call: Call) -> Reply {
        let own = self.own(call.clone()).await;
        if !is_unknown_host(&own) {
            return own;
        }
        for shard in self.others() {
            match self.ask(shard, call.clone()).await {
                Some(reply) if !is_unknown_host(&reply) => return reply,
                _ => {}
            }
        }
        own
    }
}

/// A reply as the answer to a client.
fn response(reply: Reply) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if reply.body.is_empty() {
        return status.into_response();
    }
    (status, [(header::CONTENT_TYPE, "application/json")], Body::from(reply.body)).into_response()
}

/// The routes without what guards and merges them, for the calls of other shards.
pub(crate) fn for_calls(routes: Router) -> Router {
    routes.layer(axum::middleware::from_fn(crate::error::in_one_form))
}
