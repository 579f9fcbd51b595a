//! Remote read (<https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/>): its request, and its answer as
//! streamed chunks or as samples.
//!
//! Chunks are those of the storage, so samples are bit for bit what is stored, with its timestamps.

use bytes::Bytes;
use prost::Message;

use crate::chunks::read_chunk;
use crate::messages::prometheus::{
    ChunkedReadResponse, Label, LabelMatcher, Query, ReadRequest, ReadResponse,
};
use crate::remote_write::histogram_of;
use crate::samples::{MatchKind, ReadSeries, SampleValue, Selector};

/// The media type of an answer as streamed chunks.
pub const STREAMED: &str = "application/x-streamed-protobuf";

/// Bytes of a frame, at most. Prometheus sends 1 MiB, or one series.
const FRAME_BYTES_MAX: u64 = 256 << 20;
/// Bytes of a checksum.
const CHECKSUM_BYTES: usize = 4;

/// A taker of the samples of a series, in the order of their times.
pub type TakeSamples<'a> = &'a mut dyn FnMut(&ReadSeries, Vec<(i64, SampleValue)>) -> Result<(), String>;

/// The compressed body of a request for the series of a selector, from one millisecond to another, both included.
#[must_use]
pub fn read_request(selector: &Selector, start_ms: i64, end_ms: i64) -> Vec<u8> {
    let matchers = selector.matchers().iter().map(|matcher| LabelMatcher {
        kind: match matcher.kind {
            MatchKind::Equal => 0,
            MatchKind::NotEqual => 1,
            MatchKind::Regex => 2,
            MatchKind::NotRegex => 3,
        },
        name: matcher.label.clone(),
        value: matcher.value.clone(),
    });
    let query = Query { start_ms, end_ms, matchers: matchers.collect() };
    // Streamed chunks, or else samples.
    let request = ReadRequest { queries: vec![query], accepted: vec![1, 0] };
    // A request of this size always fits.
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).unwrap_or_default()
}

/// Frames of a streamed answer, in pieces of any size.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: Vec<u8>,
}

impl Frames {
    /// Takes a piece of the body, and passes on the series of all frames that are whole. A series may come in several
    /// frames.
    ///
    /// # Errors
    ///
    /// In words: a frame is broken, or `take` fails.
    pub fn put(&mut self, piece: &[u8], take: TakeSamples<'_>) -> Result<(), String> {
        self.waiting.extend_from_slice(piece);
        let mut used = 0;
        while let Some((frame, len)) = frame(&self.waiting[used..])? {
            let message = ChunkedReadResponse::decode(Bytes::copy_from_slice(frame))
                .map_err(|error| format!("a frame is no message of remote read: {error}"))?;
            take_series(message, take)?;
            used += len;
        }
        self.waiting.drain(..used);
        Ok(())
    }

    /// The answer has ended.
    ///
    /// # Errors
    ///
    /// In words: its last frame is cut off.
    pub fn end(self) -> Result<(), String> {
        if self.waiting.is_empty() { Ok(()) } else { Err("answer is cut off in a frame".to_owned()) }
    }
}

/// The message of the first frame, and the length of the frame; `None` if it is not whole yet.
fn frame(bytes: &[u8]) -> Result<Option<(&[u8], usize)>, String> {
    let mut rest = bytes;
    let len = match prost::encoding::decode_varint(&mut rest) {
        Ok(len) if len <= FRAME_BYTES_MAX => usize::try_from(len).map_err(|error| error.to_string())?,
        Ok(len) => return Err(format!("a frame has {len} bytes, which is too much")),
        Err(_) if bytes.len() < 10 => return Ok(None),
        Err(error) => return Err(format!("a frame has a broken length: {error}")),
    };
    let head = bytes.len() - rest.len() + CHECKSUM_BYTES;
    let Some(message) = bytes.get(head..head + len) else { return Ok(None) };
    if crc32c::crc32c(message).to_be_bytes() != rest[..CHECKSUM_BYTES] {
        return Err("a frame has a wrong checksum".to_owned());
    }
    Ok(Some((message, head + len)))
}

fn take_series(message: ChunkedReadResponse, take: TakeSamples<'_>) -> Result<(), String> {
    for series in message.series {
        let labels = series_of(series.labels);
        let mut samples = Vec::new();
        for chunk in &series.chunks {
            read_chunk(chunk.encoding, &chunk.data, &mut |at, value| samples.push((at, value)))
                .map_err(|why| format!("{}{{{}}}: {why}", labels.metric, labels.label_text()))?;
        }
        take(&labels, samples)?;
    }
    Ok(())
}

/// Reads an answer without chunks, which is compressed as a whole.
///
/// # Errors
///
/// In words: it is broken, or `take` fails.
pub fn read_samples(body: &[u8], take: TakeSamples<'_>) -> Result<(), String> {
    let broken = |why: String| format!("answer is none of remote read: {why}");
    let body = snap::raw::Decoder::new().decompress_vec(body).map_err(|error| broken(error.to_string()))?;
    let response = ReadResponse::decode(&*body).map_err(|error| broken(error.to_string()))?;
    for series in response.results.into_iter().flat_map(|result| result.series) {
        let labels = series_of(series.labels);
        let floats = series.samples.iter().map(|sample| (sample.timestamp, SampleValue::Float(sample.value)));
        let histograms = series.histograms.iter().map(|histogram| {
            (histogram.timestamp, SampleValue::Histogram(Box::new(histogram_of(histogram))))
        });
        let mut samples: Vec<(i64, SampleValue)> = floats.chain(histograms).collect();
        samples.sort_by_key(|(at, _)| *at);
        take(&labels, samples)?;
    }
    Ok(())
}

fn series_of(labels: Vec<Label>) -> ReadSeries {
    ReadSeries::of_labels(labels.into_iter().map(|Label { name, value }| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::prometheus::{Chunk, ChunkedSeries};

    /// A chunk with one sample: 1 at 0.
    const ONE: [u8; 11] = [0, 1, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0];

    fn framed(message: &ChunkedReadResponse) -> Vec<u8> {
        let message = message.encode_to_vec();
        let mut frame = Vec::new();
        prost::encoding::encode_varint(message.len() as u64, &mut frame);
        frame.extend_from_slice(&crc32c::crc32c(&message).to_be_bytes());
        frame.extend_from_slice(&message);
        frame
    }

    fn response() -> ChunkedReadResponse {
        let chunk = Chunk { encoding: 1, data: Bytes::from_static(&ONE) };
        let label = Label { name: "__name__".to_owned(), value: "m".to_owned() };
        ChunkedReadResponse { series: vec![ChunkedSeries { labels: vec![label], chunks: vec![chunk] }] }
    }

    #[test]
    fn frames_come_in_pieces_of_any_size() {
        let body = [framed(&response()), framed(&response())].concat();
        for size in 1..=body.len() {
            let (mut frames, mut seen) = (Frames::default(), Vec::new());
            for piece in body.chunks(size) {
                frames
                    .put(piece, &mut |series, samples| {
                        seen.push((series.metric.clone(), samples));
                        Ok(())
                    })
                    .unwrap();
            }
            frames.end().unwrap();
            let one = ("m".to_owned(), vec![(0, SampleValue::Float(1.0))]);
            assert_eq!(seen, [one.clone(), one]);
        }
    }

    #[test]
    fn broken_frames_are_told() {
        let told = |body: &[u8]| {
            let mut frames = Frames::default();
            frames.put(body, &mut |_, _| Ok(())).and_then(|()| frames.end()).unwrap_err()
        };
        let mut body = framed(&response());
        assert_eq!(told(&body[..9]), "answer is cut off in a frame");
        let last = body.len() - 1;
        body[last] ^= 1;
        assert_eq!(told(&body), "a frame has a wrong checksum");
        assert_eq!(
            told(&[0xff; 12]),
            "a frame has a broken length: failed to decode Protobuf message: invalid varint"
        );
        assert!(told(&[0x80, 0x80, 0x80, 0x80, 0x10]).ends_with("bytes, which is too much"));
    }

    #[test]
    fn a_request_asks_for_chunks_first() {
        let selector = Selector::parse("up{job=~\"a.*\"}").unwrap();
        let body = read_request(&selector, 5, 9);
        let body = snap::raw::Decoder::new().decompress_vec(&body).unwrap();
        let request = ReadRequest::decode(&*body).unwrap();
        assert_eq!(request.accepted, [1, 0]);
        let query = &request.queries[0];
        assert_eq!((query.start_ms, query.end_ms, query.matchers.len()), (5, 9, 2));
        assert_eq!((query.matchers[1].kind, &*query.matchers[1].value), (2, "a.*"));
    }
}
