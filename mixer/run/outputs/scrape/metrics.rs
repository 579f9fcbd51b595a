//! `/metrics`: all jobs on one page, as a Pushgateway would show them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use super::body_stream::{CHUNK_BYTES, respond, respond_to_head};
use super::negotiation;
use super::publisher::Publisher;
use promemu_core::series::{HeldStore, LabelBlock, SeriesStore};
use promemu_wire::exposition::{ChunkedEncoder, Group};

/// `GET /metrics`
pub(super) async fn page(
    State(publisher): State<Arc<Publisher>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let (format, encoding) = (negotiation::format(&headers), negotiation::encoding(&headers));
    if method == Method::HEAD {
        return respond_to_head(format.content_type(), encoding);
    }
    let Some(permit) = publisher.try_permit() else { return publisher.refusal() };
    let (reads, number) = (Arc::clone(&publisher.reads), publisher.reads.begin());
    let jobs = publisher.jobs();
    let shows_push_times = publisher.shows_push_times;
    respond(format.content_type(), encoding, permit, move |body| {
        // The push times of the jobs with hosts, as they are when the scrape begins.
        let times = jobs.iter().filter(|served| shows_push_times && served.job.store().rows_present() > 0);
        let times: Vec<(SeriesStore, &LabelBlock)> =
            times.map(|served| (served.push_time(), &served.labels)).collect();
        let mut encoder = {
            let stores: Vec<_> = jobs.iter().map(|served| served.job.store()).collect();
            let times = times.iter().map(|(store, _)| store);
            ChunkedEncoder::new(format, stores.iter().map(|store| &**store).chain(times))
        };
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        loop {
            // The families of a page that fits into a chunk are of one moment.
            let mut held = HeldStore::default();
            let mut with_group = |index: usize, work: &mut dyn FnMut(&Group<'_>)| {
                if let Some(served) = jobs.get(index) {
                    work(&Group { store: held.of(&served.job), labels: &served.labels });
                } else {
                    let (store, labels) = &times[index - jobs.len()];
                    work(&Group { store, labels });
                }
            };
            let is_over = !encoder.put_next(CHUNK_BYTES, &mut with_group, &mut chunk);
            drop(held);
            if is_over {
                reads.finish(number);
                return Ok(());
            }
            body.put(&mut chunk)?;
        }
    })
}
