//! Export: the samples of a run in virtual time, as a file.
//!
//! Files have two passes, both on any number of threads, whose number does not change the file. `sampling` drives the hosts one
//! by one through all their time ([`promemu_core::backfill`]), samples them on a grid as scrapes would, and spools the
//! samples to disk. `encode` reads them back in the order that the format needs. In memory are, per thread, some of one host's
//! samples, then those of one metric, and about 100 bytes per pool member. One file per format: `openmetrics`, `csv`,
//! `parquet`. A format knows neither threads nor the spool.
//!
//! `blocks` and the `requests` of remote write have one pass: all hosts go through time together, `stretches` by stretch.
//! `rules` are written in that way, with all of the time as one stretch.

mod anomaly_labels;
mod blocks;
mod csv;
mod encode;
mod format;
mod members;
mod openmetrics;
mod own_times;
mod parquet;
mod progress;
mod report;
mod requests;
mod rules;
mod sampling;
mod series;
mod spec;
mod spool;
mod spooled;
mod stretches;
mod target_labels;
#[cfg(test)]
mod tests;
mod threads;
mod write;

pub use anomaly_labels::write_anomaly_labels;
pub use blocks::{BlockReport, BlockSpec, GridSeries, write_grid_series};
pub use format::Format;
pub use progress::Progress;
pub use report::{DroppedEvents, ExportReport, HostWork, WrittenCount};
pub use requests::{NoteSent, RequestSpec, SendBatch};
pub use rules::InputSeries;
pub use spec::{ExportSpec, Sampling};
pub use target_labels::TargetLabels;
