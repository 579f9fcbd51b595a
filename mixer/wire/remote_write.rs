//! Remote write requests, versions 1.0 and 2.0, compressed with Snappy.

mod column;
mod compression;
mod histogram;
mod labels;
mod read;
mod sample;
mod series_request;
mod split;
mod symbols;
pub mod v1;
pub mod v2;

pub use histogram::put_histogram;
pub use read::{ReadCounts, read_request};
pub(crate) use read::{buckets, histogram_of};
pub(crate) use series_request::SeriesRequest;
pub use v1::V1;
pub use v2::V2;
