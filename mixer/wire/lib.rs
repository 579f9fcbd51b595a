//! Bytes in, bytes out.

pub mod export;
pub mod exposition;
mod native_buckets;
pub mod otlp;
mod protobuf;
pub mod remote_write;
pub mod request;
mod series_expansion;
