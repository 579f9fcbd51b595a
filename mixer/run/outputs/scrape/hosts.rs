//! Each host as a target of its own: its page as an exporter on it would show it, and the list of all hosts for
//! Prometheus' `http_sd_configs`.
//!
//! The list has a host's name and labels; its page has the metrics' own labels only.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body_stream::{CHUNK_BYTES, respond, respond_to_head};
use super::negotiation::{self, Encoding};
use super::publisher::Publisher;
use promemu_core::config::MAIN_RUN;
use promemu_core::series::LabelBlock;
use promemu_wire::exposition::encode_row;

/// Hosts listed before their job is unlocked for a moment.
const HOSTS_AT_ONCE: usize = 256;

/// `/hosts/NAME/metrics`: of the main run, or of the first one that has the host.
pub(super) async fn page(
    State(publisher): State<Arc<Publisher>>,
    Path(rest): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    page_of(&publisher, None, &rest, method, &headers).await
}

/// `/runs/ID/hosts/NAME/metrics`
pub(super) async fn page_in_run(
    State(publisher): State<Arc<Publisher>>,
    Path((run, rest)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    page_of(&publisher, Some(&run), &rest, method, &headers).await
}

async fn page_of(
    publisher: &Publisher,
    run: Option<&str>,
    rest: &str,
    method: Method,
    headers: &HeaderMap,
) -> Response {
    let format = negotiation::format(headers);
    let jobs = publisher.jobs();
    let mut jobs = jobs.iter().filter(|served| run.is_none_or(|run| &*served.run == run));
    let place = rest
        .strip_suffix("/metrics")
        .and_then(|name| jobs.find_map(|served| Some((Arc::clone(&served.job), served.row_of(name)?))));
    let state = place.as_ref().map(|(job, row)| {
        let store = job.store();
        (store.has_row(*row), store.is_down(*row))
    });
    let (Some((job, row)), Some((true, is_down))) = (place, state) else {
        return (StatusCode::NOT_FOUND, "there is no host of this name now\n").into_response();
    };
    if is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, "the host is down for the moment\n").into_response();
    }
    if method == Method::HEAD {
        return respond_to_head(format.content_type(), Encoding::Identity);
    }
    let Some(permit) = publisher.wait_for_permit().await else { return publisher.refusal() };
    respond(format.content_type(), Encoding::Identity, permit, move |body| {
        let mut page = Vec::new();
        encode_row(format, &job.store(), row, &mut page);
        body.put(&mut page)
    })
}

/// `/http_sd`: all hosts with a sample now (<https://prometheus.io/docs/prometheus/latest/http_sd/>).
pub(super) async fn list(
    State(publisher): State<Arc<Publisher>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    const JSON: &str = "application/json";
    let encoding = negotiation::encoding(&headers);
    if method == Method::HEAD {
        return respond_to_head(JSON, encoding);
    }
    // Prometheus reaches the targets as it reaches the list.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let target = json(host.unwrap_or(&publisher.address));
    let scheme = if publisher.is_tls { "\"__scheme__\":\"https\"," } else { "" };
    let target = format!("\n{{\"targets\":[{target}],\"labels\":{{{scheme}");
    let Some(permit) = publisher.try_permit() else { return publisher.refusal() };
    let jobs = publisher.jobs();
    respond(JSON, encoding, permit, move |body| {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let mut separator = b'[';
        for served in &*jobs {
            let job = json(served.job.name());
            let folder = match &*served.run {
                MAIN_RUN => "/hosts".to_owned(),
                run => format!("/runs/{run}/hosts"),
            };
            let planned = served.job.host_names();
            let added: Vec<usize> = served.job.store().added_hosts().rows().collect();
            let mut rows = (0..planned.len()).chain(added).peekable();
            while rows.peek().is_some() {
                {
                    let store = served.job.store();
                    for row in rows.by_ref().take(HOSTS_AT_ONCE).filter(|row| store.has_row(*row)) {
                        let Some(name) = planned.get(row).or_else(|| store.added_hosts().name(row)) else {
                            continue;
                        };
                        chunk.push(separator);
                        separator = b',';
                        let path = json(&format!("{folder}/{name}/metrics"));
                        put_target(&target, &path, &job, name, store.row_labels(row), &mut chunk);
                    }
                }
                body.put(&mut chunk)?;
            }
        }
        chunk.extend_from_slice(if separator == b'[' { b"[]\n" } else { b"]\n" });
        body.put(&mut chunk)
    })
}

/// One host: the part that all have in common, the path of its page, and the labels that all its series get.
fn put_target(target: &str, path: &str, job: &str, name: &str, labels: &LabelBlock, out: &mut Vec<u8>) {
    let text = format!("{target}\"__metrics_path__\":{path}");
    out.extend_from_slice(text.as_bytes());
    let mut put = |name: &str, json_value: &str| {
        out.extend_from_slice(format!(",{}:{json_value}", json(name)).as_bytes());
    };
    for (name, value) in labels.iter() {
        put(name, &json(value));
    }
    for (own, value) in [("job", job), ("instance", &json(name))] {
        if labels.get(own).is_none() {
            put(own, value);
        }
    }
    out.extend_from_slice(b"}}");
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
