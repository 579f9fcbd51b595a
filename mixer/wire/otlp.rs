//! OTLP metrics requests: OpenTelemetry metrics as protobuf, gzipped
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

mod points;
mod writer;

pub use writer::{Otlp, OtlpJob};
