//! Splitting of requests that a server refuses as a whole: by metrics, then by the points of one metric.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::writer::{DATA_POINT, METRIC, RESOURCE_METRICS, SCOPE_METRICS};
use crate::fields::fields;
use crate::protobuf::{len_len, put_bytes, put_tag_and_len};
use crate::request::Batch;

/// Kinds of a metric, by their tags in `Metric`: gauge, sum, histogram, exponential histogram, summary.
const KINDS: [u8; 5] = [0x2a, 0x3a, 0x4a, 0x52, 0x5a];

/// Splits a request in two of about as many points; `None` if it is one point. One request has each metric of a job once,
/// and so do its parts, as long as they can be.
#[must_use]
pub fn halves(batch: &Batch) -> Option<[Batch; 2]> {
    let mut message = Vec::new();
    GzDecoder::new(&*batch.body).read_to_end(&mut message).ok()?;
    let mut metrics = Vec::new();
    for resource in fields(&message)?.iter().filter(|field| field.tag == RESOURCE_METRICS) {
        for scope in fields(resource.content)?.iter().filter(|field| field.tag == SCOPE_METRICS) {
            let own = fields(scope.content)?;
            metrics.extend(own.into_iter().filter(|field| field.tag == METRIC));
        }
    }
    let points: Vec<u64> = metrics.iter().map(|metric| points_of(metric.content)).collect::<Option<_>>()?;
    if let [metric] = metrics[..] {
        let parts = halves_of_points(metric.content, points[0])?;
        return Some(parts.map(|(metric, points)| request(&metric, points, batch.round)));
    }
    let middle = points.iter().sum::<u64>() / 2;
    let mut before = 0;
    let first = points.iter().take_while(|points| {
        let is_first = before < middle;
        before += **points;
        is_first
    });
    let first = first.count().clamp(1, metrics.len().checked_sub(1)?);
    let part = |range: std::ops::Range<usize>| {
        let bytes: Vec<u8> = metrics[range.clone()].iter().flat_map(|metric| metric.bytes).copied().collect();
        request(&bytes, points[range].iter().sum(), batch.round)
    };
    Some([part(0..first), part(first..metrics.len())])
}

fn points_of(metric: &[u8]) -> Option<u64> {
    let kind = fields(metric)?.into_iter().find(|field| KINDS.contains(&field.tag))?;
    Some(fields(kind.content)?.iter().filter(|field| field.tag == DATA_POINT).count() as u64)
}

/// One metric as two, as fields of a request's scope, each with its number of points.
fn halves_of_points(metric: &[u8], points: u64) -> Option<[(Vec<u8>, u64); 2]> {
    if points < 2 {
        return None;
    }
    let head = fields(metric)?;
    let kind = head.iter().find(|field| KINDS.contains(&field.tag))?;
    let content = fields(kind.content)?;
    let half = |is_second: bool| {
        let (mut number, mut own) = (0, Vec::new());
        for field in &content {
            number += u64::from(field.tag == DATA_POINT);
            if field.tag != DATA_POINT || (number > points / 2) == is_second {
                own.extend_from_slice(field.bytes);
            }
        }
        let mut message = Vec::new();
        head.iter()
            .filter(|field| field.tag != kind.tag)
            .for_each(|field| message.extend_from_slice(field.bytes));
        put_bytes(kind.tag, &own, &mut message);
        let mut metric = Vec::new();
        put_bytes(METRIC, &message, &mut metric);
        metric
    };
    Some([(half(false), points / 2), (half(true), points - points / 2)])
}

/// A request of one resource and scope with these metrics.
fn request(metrics: &[u8], samples: u64, round: u64) -> Batch {
    let mut message = Vec::new();
    put_tag_and_len(RESOURCE_METRICS, 1 + len_len(metrics.len()) + metrics.len(), &mut message);
    put_bytes(SCOPE_METRICS, metrics, &mut message);
    let mut body = GzEncoder::new(Vec::new(), Compression::fast());
    // Writes to memory do not fail.
    let _is_written = body.write_all(&message).is_ok();
    Batch { body: body.finish().unwrap_or_default().into(), samples, round, cuts: Box::default() }
}
