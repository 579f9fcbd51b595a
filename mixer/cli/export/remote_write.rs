//! Remote write of a past, and the progress while it is sent.

use std::io;

use promemu_core::error::Error;
use promemu_core::host::DrivenHost;
use promemu_core::time::Time;
use promemu_run::outputs::remote_write::RemoteWriteSettings;
use promemu_run::outputs::{BATCH_BYTES, PastSender};
use promemu_wire::export::{RequestSpec, Sampling};
use promemu_wire::request::Batch;
use tracing::info;

use super::progress::with_progress;
use super::resume::Resume;
use super::target::warn_of;

/// Sends the samples of a run, and goes on where an earlier call was interrupted. Returns the hosts if they are kept.
pub(super) fn send(
    sampling: Sampling<'_>,
    settings: &RemoteWriteSettings,
    resume: Option<&Resume>,
) -> Result<Vec<DrivenHost>, Error> {
    let sender = PastSender::new(settings)?;
    resume.map_or(Ok(()), Resume::note_begun)?;
    let (progress, seed) = (sampling.progress, sampling.run.seed());
    let sent_until = resume.and_then(Resume::sent_until);
    // The requests behind these may have arrived before the interruption.
    sender.set_may_be_known(resume.is_some_and(|resume| !resume.is_new()));
    let note_sent = |until: Time, samples: u64| -> io::Result<()> {
        sender.set_may_be_known(false);
        resume.map_or(Ok(()), |resume| resume.note(until, samples))
    };
    let spec = RequestSpec {
        sampling,
        samples_max: settings.delivery.batch_samples,
        bytes_max: BATCH_BYTES,
        sent_until,
        send: &|batch: Batch| sender.send(batch, || progress.is_wanted()),
        note_sent: &note_sent,
    };
    let failed =
        |source| Error::System { what: format!("samples cannot be sent to {}", settings.target), source };
    let export = with_progress(progress, || spec.send()).map_err(failed)?;
    let (samples, url) = (export.written.samples, &settings.target);
    info!(samples, %url, seed, "exported");
    warn_of(export.work);
    match sender.refused() {
        None => Ok(export.hosts),
        Some((refused, reason)) => {
            Err(Error::Run(format!("{url} refused {refused} of {samples} samples: {reason}")))
        }
    }
}
