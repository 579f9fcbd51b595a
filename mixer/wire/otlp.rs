//! OTLP metrics requests: OpenTelemetry metrics as protobuf, gzipped
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

mod points;
mod read;
mod split;
mod writer;

pub use read::read_request;
pub use split::halves;
pub use writer::{Otlp, OtlpJob};
