//! Requests that carry samples, and the encoders that fill them.

use bytes::Bytes;

use promemu_core::series::{Column, Family, LabelBlock};
use promemu_core::time::Time;

/// What samples are written with: one request at a time.
pub trait Encoder: std::fmt::Debug + Send {
    /// What is prepared once for a job.
    type Job: std::fmt::Debug + Send;

    /// Whether a request, before it is compressed, can be cut where a host begins.
    const IS_CUT_BY_HOSTS: bool = false;

    /// Prepares a job; `id` is that of no other. Columns will be called by their place among these.
    fn prepare(id: u32, name: &str, columns: &[(&Family, &Column)]) -> Self::Job;

    /// The next samples are a host's, and of this time.
    fn host(&mut self, job: &Self::Job, labels: &LabelBlock, at: Time);

    /// A column's series of that host; without cells, they have ended. Gives how many samples that made.
    fn put(&mut self, job: &Self::Job, column: usize, cells: Option<&[f64]>) -> usize;

    /// Says of the job's families what a request can say beside their samples.
    fn describe(&mut self, _job: &Self::Job) {}

    /// How long the request is, before it is compressed.
    fn len(&self) -> usize;

    /// The request, compressed; the next one begins.
    fn take(&mut self) -> Vec<u8>;
}

/// One request's body.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Compressed, as it is sent.
    pub body: Bytes,
    /// How many samples it has.
    pub samples: u64,
    /// The round that it belongs to.
    pub round: u64,
    /// Where it can be cut in two.
    pub cuts: Box<[Cut]>,
}

/// Where a host's series begin that are not the first ones of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes come before, not compressed.
    pub bytes: usize,
    /// How many samples come before.
    pub samples: u64,
}

impl Batch {
    /// How much memory it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.body.len() + size_of_val(&*self.cuts)
    }
}
