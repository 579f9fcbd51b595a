//! Each host as a target of its own: its page as an exporter on it would show it, and the list of all for
//! Prometheus' `http_sd_configs`.
//!
//! Who a host is, its labels included, is said by the list; its page has the metrics' own labels only.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::body_stream::{PIECE_BYTES, answer, headed};
use super::negotiation::{self, Encoding};
use super::{Publisher, Served};
use promemu_core::series::LabelBlock;
use promemu_wire::exposition::encode_row;

/// So many hosts are listed before their job is let go for a moment.
const HOSTS_AT_ONCE: usize = 256;

/// `/hosts/NAME/metrics`
pub(super) async fn page(
    State(publisher): State<Arc<Publisher>>,
    Path(rest): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let format = negotiation::format(&headers);
    let page = publisher.page();
    let place = rest.strip_suffix("/metrics").and_then(|name| {
        page.iter().find_map(|served| Some((Arc::clone(&served.job), served.row_of(name)?)))
    });
    let state = place.as_ref().map(|(job, row)| {
        let store = job.store();
        (store.has_row(*row), store.is_down(*row))
    });
    let (Some((job, row)), Some((true, is_down))) = (place, state) else {
        return (StatusCode::NOT_FOUND, "no host of this name is there now\n").into_response();
    };
    if is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, "the host is down for the moment\n").into_response();
    }
    if method == Method::HEAD {
        return headed(format.content_type(), Encoding::Identity, Body::empty());
    }
    let Some(slot) = publisher.wait_for_slot().await else { return publisher.refusal() };
    answer(format.content_type(), Encoding::Identity, slot, move |outlet| {
        let mut body = Vec::new();
        encode_row(format, &job.store(), row, &mut body);
        outlet.put(&mut body)
    })
}

/// `/http_sd`: all hosts that are there (<https://prometheus.io/docs/prometheus/latest/http_sd/>).
pub(super) async fn list(
    State(publisher): State<Arc<Publisher>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    const JSON: &str = "application/json";
    let encoding = negotiation::encoding(&headers);
    if method == Method::HEAD {
        return headed(JSON, encoding, Body::empty());
    }
    // Prometheus reaches the targets as it reaches the list.
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let target = json(host.unwrap_or(&publisher.address));
    let scheme = if publisher.is_private { "\"__scheme__\":\"https\"," } else { "" };
    let target = format!("\n{{\"targets\":[{target}],\"labels\":{{{scheme}");
    let Some(slot) = publisher.take_slot() else { return publisher.refusal() };
    let page = publisher.page();
    answer(JSON, encoding, slot, move |outlet| {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut separator = b'[';
        for served in &*page {
            let job = json(served.job.name());
            let mut rows = 0..served.job.host_names().len();
            while !rows.is_empty() {
                {
                    let store = served.job.store();
                    for row in rows.by_ref().take(HOSTS_AT_ONCE).filter(|row| store.has_row(*row)) {
                        piece.push(separator);
                        separator = b',';
                        let name = &served.job.host_names()[row];
                        put_target(&target, &job, name, store.row_labels(row), &mut piece);
                    }
                }
                outlet.put(&mut piece)?;
            }
        }
        piece.extend_from_slice(if separator == b'[' { b"[]\n" } else { b"]\n" });
        outlet.put(&mut piece)
    })
}

/// One host: behind what all have in common, where its page is, and the labels that all its series get.
fn put_target(target: &str, job: &str, name: &str, labels: &LabelBlock, out: &mut Vec<u8>) {
    let path = json(&format!("/hosts/{name}/metrics"));
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

impl Served {
    /// The row of the host called so.
    fn row_of(&self, name: &str) -> Option<usize> {
        let names = self.job.host_names();
        let rows = self.rows_by_name.get_or_init(|| {
            let mut rows: Vec<u32> = (0..).take(names.len()).collect();
            rows.sort_by_key(|row| &names[*row as usize]);
            rows
        });
        let place = rows.binary_search_by_key(&name, |row| &names[*row as usize]).ok()?;
        Some(rows[place] as usize)
    }
}
