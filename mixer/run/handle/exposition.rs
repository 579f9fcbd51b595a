//! The metrics of a run in the text format, made in chunks as they are wanted: nothing holds all of them.

use std::fmt;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use zstd::stream::read::Decoder;

use promemu_core::series::{HeldStore, Job, LabelBlock};
use promemu_wire::exposition::{ChunkedEncoder, Format, Group};

/// Bytes of a chunk, approximately.
const CHUNK_BYTES: usize = 128 << 10;

/// The metrics of a run, from which one chunk after the other is taken.
pub struct Exposition(Source);

enum Source {
    /// The newest values when a chunk is taken.
    Jobs {
        jobs: Vec<Arc<Job>>,
        labels: Vec<LabelBlock>,
        encoder: Box<ChunkedEncoder>,
    },
    Compressed(Box<Decoder<'static, Cursor<Bytes>>>),
}

impl Exposition {
    /// The metrics of these jobs.
    pub(crate) fn of_jobs(jobs: Vec<Arc<Job>>) -> Self {
        let labels = jobs.iter().map(|job| target_labels(job)).collect();
        let encoder = {
            let stores: Vec<_> = jobs.iter().map(|job| job.store()).collect();
            ChunkedEncoder::new(Format::Text, stores.iter().map(|store| &**store))
        };
        Self(Source::Jobs { jobs, labels, encoder: Box::new(encoder) })
    }

    /// The text that was compressed by zstd.
    pub(crate) fn of_compressed(text: Bytes) -> io::Result<Self> {
        Ok(Self(Source::Compressed(Box::new(Decoder::with_buffer(Cursor::new(text))?))))
    }

    /// The next chunk; `None` at the end. A job is locked for one chunk at a time.
    ///
    /// # Errors
    ///
    /// The compressed text is broken.
    pub fn next_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
        match &mut self.0 {
            Source::Jobs { jobs, labels, encoder } => {
                let mut held = HeldStore::default();
                let mut with_group = |index: usize, work: &mut dyn FnMut(&Group<'_>)| {
                    work(&Group { store: held.of(&jobs[index]), labels: &labels[index] });
                };
                while chunk.is_empty() && encoder.put_next(CHUNK_BYTES, &mut with_group, &mut chunk) {}
            }
            Source::Compressed(text) => {
                text.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
            }
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposition").finish_non_exhaustive()
    }
}

/// The labels that a scrape of this job adds to its series.
fn target_labels(job: &Job) -> LabelBlock {
    let has_instance = job.store().has_label("instance");
    let labels = [("instance", ""), ("job", job.name())];
    LabelBlock::new(labels.into_iter().filter(|(name, _)| !has_instance || *name != "instance"))
}
