//! The second pass for text formats: spooled series are encoded on all threads and written in their order.

use std::io::{self, Write};
use std::sync::mpsc::sync_channel;
use std::thread;

use super::report::WrittenCount;
use super::series::{Pieces, SeriesFormat};
use super::spooled::{SeriesRef, SpooledRun};
use super::threads::thread_panicked;

/// Number of samples, about, that are encoded at once.
const CHUNK_SAMPLES: usize = 20_000;

/// Number of encoded pieces of a thread that wait to be written.
const PIECES_MAX: usize = 2;

/// Series of one part that are encoded at once.
struct Chunk<'a> {
    part: usize,
    series: &'a [SeriesRef],
}

/// Encoded series of one part.
enum Encoded {
    /// A piece of their text.
    Text(Vec<u8>),
    /// There is no more of a chunk.
    End(WrittenCount),
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
    encode_all(run, format, &chunks, &mut |part, encoded| {
        let text = match encoded {
            Encoded::Text(text) => text,
            Encoded::End(more) => {
                written = written.and(more);
                return Ok(());
            }
        };
        if format.is_by_family() && open_part != Some(part) {
            open_part = Some(part);
            let mut head = Vec::new();
            format.put_family_head(&families[part], &mut head);
            out.write_all(&head)?;
        }
        out.write_all(&text)
    })?;
    text.clear();
    format.put_end(&mut text);
    out.write_all(&text)?;
    out.flush()?;
    Ok(written)
}

/// Encodes all chunks; `take` receives their pieces in order, each with its part.
fn encode_all(
    run: &SpooledRun<'_>,
    format: &dyn SeriesFormat,
    chunks: &[Chunk<'_>],
    take: &mut dyn FnMut(usize, Encoded) -> io::Result<()>,
) -> io::Result<()> {
    let threads = run.spec.sampling.threads.clamp(1, chunks.len().max(1));
    thread::scope(|scope| {
        // Each thread has every n-th chunk, so their order is known beforehand.
        let encoded: Vec<_> = (0..threads)
            .map(|n| {
                let (send, encoded) = sync_channel(PIECES_MAX);
                let worker = move || {
                    for chunk in chunks.iter().skip(n).step_by(threads) {
                        // The channel is closed when a write has failed.
                        let outcome =
                            encode_chunk(run, format, chunk, &mut |piece| send.send(Ok(piece)).is_ok());
                        if let Err(error) = outcome {
                            let _is_received = send.send(Err(error)).is_ok();
                            return;
                        }
                    }
                };
                // Without a thread its chunks are encoded here.
                thread::Builder::new().spawn_scoped(scope, worker).is_ok().then_some(encoded)
            })
            .collect();
        for (n, chunk) in chunks.iter().enumerate() {
            let Some(encoded) = &encoded[n % threads] else {
                let mut taken = Ok(());
                encode_chunk(run, format, chunk, &mut |piece| {
                    if taken.is_ok() {
                        taken = take(chunk.part, piece);
                    }
                    taken.is_ok()
                })?;
                taken?;
                continue;
            };
            loop {
                let piece = encoded.recv().map_err(|_| thread_panicked())??;
                let is_end = matches!(piece, Encoded::End(_));
                take(chunk.part, piece)?;
                if is_end {
                    break;
                }
            }
        }
        Ok(())
    })
}

/// Encodes a chunk; `take` receives its pieces, and returns `false` if nobody wants more.
fn encode_chunk(
    run: &SpooledRun<'_>,
    format: &dyn SeriesFormat,
    chunk: &Chunk<'_>,
    take: &mut dyn FnMut(Encoded) -> bool,
) -> io::Result<()> {
    let mut is_wanted = true;
    let mut pass_on = |text: Vec<u8>| is_wanted = is_wanted && take(Encoded::Text(text));
    let (mut pieces, mut written) = (Pieces::new(&mut pass_on), WrittenCount::default());
    for series in chunk.series {
        run.with_series(*series, |series| {
            let with_times = series.own_times.and_then(|times| format.with_times(times));
            let put = with_times.as_deref().unwrap_or(format).put_series(series, &mut pieces);
            written = written.and(if series.is_continuation { put.without_series() } else { put });
        })?;
    }
    let text = pieces.text;
    if !text.is_empty() {
        take(Encoded::Text(text));
    }
    take(Encoded::End(written));
    Ok(())
}
