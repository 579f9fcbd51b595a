//! Remote write requests, versions 1.0 and 2.0, compressed with Snappy.

mod column;
mod compression;
mod histogram;
mod labels;
mod sample;
mod series_request;
mod split;
mod symbols;
pub mod v1;
pub mod v2;

pub use histogram::put_histogram;
pub(crate) use series_request::SeriesRequest;
pub use v1::V1;
pub use v2::V2;
