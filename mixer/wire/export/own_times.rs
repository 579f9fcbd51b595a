//! Hosts that say themselves when their samples were made, because their clocks are wrong or their reports late.
//!
//! A report that is seen at several moments is one sample, with the time that it says. What is older than a
//! sample before it stays in its place in CSV and Parquet; in OpenMetrics it is left out, since promtool refuses
//! what is not in order. A test file for rules has no times of samples, so there nothing of this is seen.

use std::io;

use super::{Export, Format, HostSamples, Spool};
use promemu_core::event::HostId;
use promemu_core::time::Time;

impl Export<'_> {
    /// The times of a host's samples from the `first` moment on, of which those are taken out that are no samples of their own.
    pub(super) fn own_times(
        &self,
        spool: &Spool,
        id: HostId,
        first: usize,
        samples: &mut HostSamples,
    ) -> io::Result<Option<Vec<Time>>> {
        let shape = &self.run.plan().hosts[id as usize].shape;
        if !shape.stamps() || self.format == Format::Rules {
            return Ok(None);
        }
        let times = spool.own_times(id as usize, shape.width)?;
        let mut newest = Time::from_unix_nanos(0);
        let mut is_new = vec![true; times.len()];
        for (moment, time) in times.iter().enumerate().filter(|(_, time)| **time < SAID) {
            let is_repeated = moment > 0 && times[moment - 1] == *time;
            is_new[moment] = !is_repeated && (self.format != Format::OpenMetrics || *time > newest);
            newest = newest.max(*time);
        }
        samples.clear_moments(|moment| !is_new[first + moment]);
        Ok(Some(times[first..first + samples.moments()].to_vec()))
    }
}

/// Times of this age are those of moments at which nothing had been reported yet.
const SAID: Time = Time::from_unix_secs(9_000_000_000);
