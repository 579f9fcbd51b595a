//! Export: the samples of a run in virtual time, as a file.
//!
//! Two passes, both on any number of threads, whose number does not change the file. `sampling` drives the hosts one by
//! one through all their time ([`promemu_core::backfill`]), samples them on a grid as scrapes would, and spools the
//! samples to disk. `encode` reads them back in the order that the format needs. In memory are one host's samples per
//! thread and about 100 bytes per pool member.
//!
//! One file per format: `openmetrics`, `csv`, `parquet`, `rules`. A format knows neither threads nor the spool.

mod blocks;
mod csv;
mod encode;
mod format;
mod members;
mod openmetrics;
mod own_times;
mod parquet;
mod report;
mod rules;
mod sampling;
mod series;
mod spec;
mod spool;
mod spooled;
mod target_labels;
#[cfg(test)]
mod tests;
mod write;

pub use blocks::{BlockReport, BlockSpec};
pub use format::Format;
pub use report::{DroppedEvents, ExportReport, HostWork, WrittenCount};
pub use spec::ExportSpec;
pub use target_labels::TargetLabels;
