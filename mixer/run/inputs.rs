//! Inputs: the sources of a recording, each in a file of its own, and the recorder that writes what they find.
//!
//! An [`Input`] finds samples and hands them to its [`Outlet`]; it knows no files. Behind the outlet a thread writes slices:
//! a live input's in turn with the clock, a past one's as the input cuts them. An outlet that is full holds its input up, so
//! memory is bounded. What is in the recording already, a past input does not fetch again.

pub mod block_files;
mod clock_offset;
pub mod dump_file;
pub mod kubernetes;
mod live_slice;
mod metadata;
mod outlet;
mod pace;
mod past_slices;
pub mod range_query;
pub mod receive_otlp;
pub mod receive_remote_write;
mod receiver;
mod recorder;
pub mod remote_read;
mod retries;
pub mod scrape;
mod scrape_target;
pub mod selections;
mod slice_thread;
mod tally;
mod target_list;

pub use outlet::{Batch, Outlet};
pub use past_slices::PastRange;
pub use recorder::{RecordSpec, RecordedSource, record};
pub use selections::Selection;

use std::future::Future;
use std::pin::Pin;

use promemu_wire::recording::SourceEntry;
use tokio::sync::watch;

/// The work of an input, which ends when all is there, or when `stopped` becomes `true`. An error is the sentence that ends
/// the recording of this source.
pub type Work = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// A source of samples.
pub trait Input: std::fmt::Debug + Send {
    /// The source as the manifest has it.
    fn entry(&self) -> SourceEntry;

    /// `true` if it goes on with the clock, `false` if it fetches what was stored.
    fn is_live(&self) -> bool;

    /// Finds samples and passes them on.
    fn run(self: Box<Self>, outlet: Outlet, stopped: watch::Receiver<bool>) -> Work;
}

/// Work that blocks its thread, on one of its own.
fn blocking(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Work {
    Box::pin(async move {
        let done = tokio::task::spawn_blocking(work);
        done.await.map_err(|error| format!("a bug: {error}"))?
    })
}

/// Completes when the recording is to end.
async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // Without its sender it has ended, too.
    let _is_known = stopped.wait_for(|is_stopped| *is_stopped).await.is_ok();
}
