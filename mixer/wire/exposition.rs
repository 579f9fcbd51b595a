//! Exposition: current values of series stores as a body for a scrape, a push or a file.
//!
//! A body is made of [`Group`]s: stores, each with labels that all its series get (a scrape adds `job`; a push adds
//! none, as its path has them). Families of one name are merged across groups, because every format requires a family in
//! one piece. [`encode`] makes a whole body, [`ChunkedEncoder`] one chunk at a time. All encoders append to one buffer
//! and allocate nothing per sample.
//!
//! A sample's way: [`encode`] or [`ChunkedEncoder`] -> `column_writer`. There a single number, which nearly all series are,
//! becomes bytes at once: as text by [`crate::number`], as protobuf by `protobuf::put_single`. Any other sample (buckets,
//! an exemplar, a created time) goes on to `family`, and from there to `lines` for text or `protobuf`.

mod chunked;
mod column_writer;
mod encode;
mod families;
mod family;
mod format;
mod lines;
mod openmetrics;
mod protobuf;
pub mod read;
#[cfg(test)]
mod tests;
mod text_head;

pub use chunked::{ChunkedEncoder, LockGroup};
pub use encode::{encode, encode_row};
pub use families::Group;
pub use format::Format;
pub(crate) use openmetrics::{EOF as OPENMETRICS_EOF, OpenMetricsFamily, put_exemplar};
