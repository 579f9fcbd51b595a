//! Bytes in, bytes out.

pub mod export;
pub mod exposition;
pub mod otlp;
pub mod remote_write;
pub mod request;
