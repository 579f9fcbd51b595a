//! The routes of the API, with Toxiproxy's paths, status codes and JSON.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use prometheus::{Encoder, TextEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::proxies::{Proxies, ProxyInput};
use super::refusal::Refusal;
use super::toxic::ToxicInput;

/// The version whose API this is.
const VERSION: &str = "{\"version\": \"2.12.0\"}\n";
/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 1 << 20;

/// The routes on these endpoints; their bytes are at `/metrics`, if `has_metrics`.
pub fn router(proxies: Arc<Proxies>, has_metrics: bool) -> Router {
    let mut router = Router::new()
        .route("/proxies", get(index).post(create))
        .route("/proxies/{proxy}", get(show).post(update).patch(update).delete(delete))
        .route("/proxies/{proxy}/toxics", get(toxics).post(add_toxic))
        .route(
            "/proxies/{proxy}/toxics/{toxic}",
            get(show_toxic).post(update_toxic).patch(update_toxic).delete(remove_toxic),
        )
        .route("/populate", post(populate))
        .route("/reset", post(reset))
        .route("/version", get(version));
    if has_metrics {
        router = router.route("/metrics", get(metrics));
    }
    router
        .fallback(async || not_found())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::clone(&proxies), refuse_browsers))
        .with_state(proxies)
}

type Answer = Result<Response, Refusal>;
type Shared = State<Arc<Proxies>>;

async fn index(State(proxies): Shared) -> Response {
    json_answer(StatusCode::OK, &proxies.views().await)
}

async fn create(State(proxies): Shared, body: Bytes) -> Answer {
    Ok(json_answer(StatusCode::CREATED, &proxies.create(read::<ProxyInput>(&body)?).await?))
}

async fn show(State(proxies): Shared, Path(proxy): Path<String>) -> Answer {
    Ok(json_answer(StatusCode::OK, &proxies.view(&proxy).await?))
}

async fn update(State(proxies): Shared, Path(proxy): Path<String>, body: Bytes) -> Answer {
    proxies.view(&proxy).await?;
    Ok(json_answer(StatusCode::OK, &proxies.update(&proxy, read(&body)?).await?))
}

async fn delete(State(proxies): Shared, Path(proxy): Path<String>) -> Result<StatusCode, Refusal> {
    proxies.delete(&proxy).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn toxics(State(proxies): Shared, Path(proxy): Path<String>) -> Answer {
    Ok(json_answer(StatusCode::OK, &proxies.toxics(&proxy).await?.listed()))
}

async fn add_toxic(State(proxies): Shared, Path(proxy): Path<String>, body: Bytes) -> Answer {
    proxies.view(&proxy).await?;
    let toxic = proxies.add_toxic(&proxy, read::<ToxicInput>(&body)?).await?;
    Ok(json_answer(StatusCode::OK, &toxic))
}

async fn show_toxic(State(proxies): Shared, Path((proxy, toxic)): Path<(String, String)>) -> Answer {
    Ok(json_answer(StatusCode::OK, proxies.toxics(&proxy).await?.get(&toxic)?))
}

async fn update_toxic(
    State(proxies): Shared,
    Path((proxy, toxic)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    proxies.toxics(&proxy).await?.get(&toxic)?;
    Ok(json_answer(StatusCode::OK, &proxies.update_toxic(&proxy, &toxic, read(&body)?).await?))
}

async fn remove_toxic(
    State(proxies): Shared,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    proxies.remove_toxic(&proxy, &toxic).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn populate(State(proxies): Shared, body: Bytes) -> Response {
    let (views, refusal) = match read::<Vec<ProxyInput>>(&body) {
        Ok(inputs) => proxies.populate(&inputs).await,
        Err(refusal) => (None, Some(refusal)),
    };
    let (status, mut answer) = refusal.map_or((StatusCode::CREATED, json!({})), |refusal| refusal.parts());
    answer["proxies"] = json!(views);
    json_answer(status, &answer)
}

async fn reset(State(proxies): Shared) -> Result<StatusCode, Refusal> {
    proxies.reset().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn version() -> Response {
    ([(header::CONTENT_TYPE, "application/json;charset=utf-8")], VERSION).into_response()
}

async fn metrics(State(proxies): Shared) -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&proxies.families(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, TextEncoder::new().format_type())], text).into_response(),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found")
}

/// Refuses web pages: browsers by their name, as Toxiproxy does it, pages of other sites, and names of this machine that only a
/// page would use.
async fn refuse_browsers(State(proxies): Shared, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_browser = header_text(headers, header::USER_AGENT).starts_with("Mozilla/");
    if is_browser || headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site") {
        return plain(StatusCode::FORBIDDEN, "User agent not allowed");
    }
    if proxies.is_loopback()
        && headers.get(header::HOST).is_some_and(|host| !is_this_machine(host.as_bytes()))
    {
        return plain(StatusCode::FORBIDDEN, "Host not allowed; use localhost or 127.0.0.1");
    }
    next.run(request).await
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_this_machine(host: &[u8]) -> bool {
    std::str::from_utf8(host).is_ok_and(crate::http::is_this_machine)
}

/// The first JSON value of a body; whatever follows is not read, as in Toxiproxy.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let first = serde_json::Deserializer::from_slice(body).into_iter::<Value>().next();
    let value = first.unwrap_or(Ok(Value::Null)).map_err(|error| Refusal::BadBody(error.to_string()))?;
    if value.is_null() {
        return Err(Refusal::BadBody("EOF".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| Refusal::BadBody(error.to_string()))
}

fn json_answer(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}
