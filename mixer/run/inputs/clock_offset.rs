//! The clock of a source, by the `Date` of its answers.

use promemu_wire::recording::Clock;
use reqwest::header::{DATE, HeaderMap};

use crate::clock::wall_now;

/// The clock of a source that answers with these headers. `is_recorder` if timestamps are made here.
pub(super) fn clock_of(headers: &HeaderMap, is_recorder: bool) -> Clock {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let now = wall_now().system_time();
    let ahead_secs = date.map(|date| match date.duration_since(now) {
        Ok(ahead) => ahead.as_secs_f64().round(),
        // Whole seconds are rounded down.
        Err(behind) => 0.0 - behind.duration().as_secs_f64().floor(),
    });
    Clock { is_recorder, ahead_secs }
}
