//! OTLP metrics requests: OpenTelemetry metrics as protobuf, gzipped
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

mod points;
mod split;
mod writer;

pub use split::halves;
pub use writer::{Otlp, OtlpJob};
