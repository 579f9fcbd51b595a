//! The second pass for text formats: spooled series are encoded on all threads and written in their order.

use std::io::{self, Write};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::report::WrittenCount;
use super::series::SeriesFormat;
use super::spec::thread_panicked;
use super::spooled::{SeriesRef, SpooledRun};

/// Number of samples, about, that are encoded at once.
const CHUNK_SAMPLES: usize = 20_000;

/// Number of encoded chunks of a thread that wait to be written.
const CHUNKS_MAX: usize = 1;

/// Series of one part that are encoded at once.
struct Chunk<'a> {
    part: usize,
    series: &'a [SeriesRef],
}

struct EncodedChunk {
    part: usize,
    text: Vec<u8>,
    written: WrittenCount,
}

/// Writes the whole file.
pub(super) fn write_series(
    run: &SpooledRun<'_>,
    format: &dyn SeriesFormat,
    out: &mut (dyn Write + Send),
) -> io::Result<WrittenCount> {
    let families = &run.spec.sampling.run.plan().families;
    let parts = run.series_refs(format.is_by_family());
    let chunk_len = (CHUNK_SAMPLES / run.spec.sampling.grid.count().max(1)).max(1);
    let chunks: Vec<Chunk<'_>> = (0..)
        .zip(&parts)
        .flat_map(|(part, series)| series.chunks(chunk_len).map(move |series| Chunk { part, series }))
        .collect();
    let mut text = Vec::new();
    format.put_head(&mut text);
    out.write_all(&text)?;
    let (mut written, mut open_part) = (WrittenCount::default(), None);
    encode_all(run, format, &chunks, &mut |chunk| {
        if format.is_by_family() && !chunk.text.is_empty() && open_part != Some(chunk.part) {
            open_part = Some(chunk.part);
            let mut head = Vec::new();
            format.put_family_head(&families[chunk.part], &mut head);
            out.write_all(&head)?;
        }
        written = written.and(chunk.written);
        out.write_all(&chunk.text)
    })?;
    text.clear();
    format.put_end(&mut text);
    out.write_all(&text)?;
    out.flush()?;
    Ok(written)
}

/// Encodes all chunks; `take` receives them in order.
fn encode_all(
    run: &SpooledRun<'_>,
    format: &dyn SeriesFormat,
    chunks: &[Chunk<'_>],
    take: &mut dyn FnMut(EncodedChunk) -> io::Result<()>,
) -> io::Result<()> {
    let threads = run.spec.sampling.threads.clamp(1, chunks.len().max(1));
    thread::scope(|scope| {
        // Each thread has every n-th chunk, so their order is known beforehand.
        let encoded: Vec<_> = (0..threads)
            .map(|n| {
                let (send, encoded) = sync_channel(CHUNKS_MAX);
                let worker = move || {
                    for chunk in chunks.iter().skip(n).step_by(threads) {
                        // The channel is closed when a write has failed.
                        if send.send(encode_chunk(run, format, chunk)).is_err() {
                            return;
                        }
                    }
                };
                // Without a thread its chunks are encoded here.
                thread::Builder::new().spawn_scoped(scope, worker).is_ok().then_some(encoded)
            })
            .collect();
        for (n, chunk) in chunks.iter().enumerate() {
            let chunk = match &encoded[n % threads] {
                Some(encoded) => encoded.recv().map_err(|_| thread_panicked())?,
                None => encode_chunk(run, format, chunk),
            };
            take(chunk?)?;
        }
        Ok(())
    })
}

fn encode_chunk(
    run: &SpooledRun<'_>,
    format: &dyn SeriesFormat,
    chunk: &Chunk<'_>,
) -> io::Result<EncodedChunk> {
    let (mut text, mut written) = (Vec::new(), WrittenCount::default());
    for series in chunk.series {
        run.with_series(*series, |series| {
            let with_times = series.own_times.and_then(|times| format.with_times(times));
            let put = with_times.as_deref().unwrap_or(format).put_series(series, &mut text);
            written = written.and(if series.is_continuation { put.without_series() } else { put });
        })?;
    }
    Ok(EncodedChunk { part: chunk.part, text, written })
}
