//! Requests that carry samples (remote write, OTLP), and the trait of their encoders.

use bytes::Bytes;
use promemu_core::series::{Column, Family, LabelBlock};
use promemu_core::time::Time;

/// Encodes samples into one request at a time.
pub trait Encoder: std::fmt::Debug + Send {
    /// The parts of a job that are the same in all its requests.
    type Job: std::fmt::Debug + Send;

    /// `true` if a request, before it is compressed, can be cut where a host begins.
    const IS_CUT_BY_HOSTS: bool = false;

    /// Prepares a job. No other job has this `id`, which is not 0. [`Self::put`] names a column by its index among these.
    fn prepare(id: u32, name: &str, columns: &[(&Family, &Column)]) -> Self::Job;

    /// Begins a host: the next samples are its samples of this time.
    fn host(&mut self, job: &Self::Job, labels: &LabelBlock, at: Time);

    /// Appends a column's series of the host, or their end (a staleness marker) if `cells` is `None`. Returns the number
    /// of samples.
    fn put(&mut self, job: &Self::Job, column: usize, cells: Option<&[f64]>) -> usize;

    /// Appends the metadata of the job's families, in formats that send it apart from the samples.
    fn describe(&mut self, _job: &Self::Job) {}

    /// Bytes of the request so far, before compression.
    fn body_bytes(&self) -> usize;

    /// The compressed request. The next request begins empty.
    fn take(&mut self) -> Vec<u8>;
}

/// The body of one request.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The compressed bytes.
    pub body: Bytes,
    /// Number of samples.
    pub samples: u64,
    /// The round of reports that it belongs to.
    pub round: u64,
    /// The places where it can be cut in two.
    pub cuts: Box<[Cut]>,
}

/// A place in an uncompressed request where the series of a host begin, other than the first host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Bytes before it.
    pub bytes: usize,
    /// Number of samples before it.
    pub samples: u64,
}

impl Batch {
    /// Bytes of memory that it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.body.len() + size_of_val(&*self.cuts)
    }
}
