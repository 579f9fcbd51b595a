//! Remote write requests, versions 1.0 and 2.0.

mod histogram;
mod labels;
mod message;
mod symbols;
pub mod v1;
pub mod v2;
mod written;

pub use histogram::put_histogram;
pub use v1::V1;
pub use v2::V2;
