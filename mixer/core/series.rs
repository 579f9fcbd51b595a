//! Series of a job: their labels, their current values, and the job that outputs encode and send.
//!
//! Nothing here knows a config, an output or a format's bytes beyond those of labels, which are rendered once.

mod added_hosts;
mod columns;
mod family;
mod job;
mod labels;
mod row_block;
mod samples;
mod store;

pub use added_hosts::AddedHosts;
pub use columns::{Column, PoolRanges, Row};
pub use family::{Family, family_of_series};
pub use job::{HeldStore, Job};
pub use labels::{LabelBlock, put_escaped, put_varint, varint_len};
pub use samples::{Sample, SampleCursor};
pub use store::SeriesStore;
