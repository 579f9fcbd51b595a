//! Input of an update, and the functions that promemu offers during it.

#![expect(unsafe_code, reason = "promemu's functions are called")]

use std::marker::PhantomData;

use crate::abi::{self, Text};

/// One update.
#[derive(Debug)]
pub struct Tick<'a> {
    raw: &'a abi::Tick,
    /// promemu's functions may be called by this thread only.
    not_send: PhantomData<*mut ()>,
}

/// An event that caused an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Name of the event.
    pub name: &'a str,
    /// Host that emitted it.
    pub source: &'a str,
    /// Its data in JSON; empty without data.
    pub data: &'a str,
}

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For debugging.
    Debug,
    /// For information.
    Info,
    /// For a warning.
    Warn,
}

impl<'a> Tick<'a> {
    pub(crate) const fn new(raw: &'a abi::Tick) -> Self {
        Self { raw, not_send: PhantomData }
    }

    /// Emulated time, in nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn now_nanos(&self) -> u64 {
        self.raw.now_nanos
    }

    /// Seconds since the metric's start.
    #[must_use]
    pub const fn t_secs(&self) -> f64 {
        self.raw.t_secs
    }

    /// Seconds since the last update, and 0 at the first; needs [`crate::Scenario::USES_DT`].
    #[must_use]
    pub const fn dt_secs(&self) -> f64 {
        self.raw.dt_secs
    }

    /// Current value of the metric.
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.raw.value
    }

    /// The metric's `value_range`; infinite without one. promemu clamps values to it.
    #[must_use]
    pub const fn range(&self) -> (f64, f64) {
        (self.raw.range_low, self.raw.range_high)
    }

    /// Name of the host.
    #[must_use]
    pub fn host_name(&self) -> &'a str {
        read(self.raw.host_name)
    }

    /// The event that caused this update; `None` if the interval did.
    #[must_use]
    pub fn event(&self) -> Option<Event<'a>> {
        (self.raw.has_event != 0).then(|| Event {
            name: read(self.raw.event_name),
            source: read(self.raw.event_source),
            data: read(self.raw.event_data),
        })
    }

    /// `true` in a live run at normal speed. Always `false` for a scenario.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.raw.size as usize >= size_of::<abi::Tick>() && self.raw.is_live != 0
    }

    const fn host(&self) -> &'a abi::Host {
        // SAFETY: promemu's table lives as long as the process.
        unsafe { &*self.raw.host }
    }

    /// The next 64 bits of the metric's own random stream.
    pub fn random_u64(&mut self) -> u64 {
        // SAFETY: the context is the one that came with this tick, whose call is not over.
        unsafe { (self.host().random_u64)(self.raw.context) }
    }

    /// A random number from 0 (included) to 1 (excluded).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
    pub fn random(&mut self) -> f64 {
        (self.random_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A random number from `low` to `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random()
    }

    /// A random number from the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        // SAFETY: as above.
        unsafe { (self.host().random_normal)(self.raw.context) }
    }

    /// The value of the run's lever of this name at a time in nanoseconds since the Unix epoch; `None` if there is no such
    /// lever.
    pub fn lever_at(&mut self, lever: &str, nanos: u64) -> Option<f64> {
        let mut value = 0.0;
        // SAFETY: as above; the text and the room for the value are borrowed for the call.
        let status =
            unsafe { (self.host().lever_at)(self.raw.context, Text::of(lever), nanos, &raw mut value) };
        (status == abi::OK).then_some(value)
    }

    /// The first time after another, both in nanoseconds, at which the lever jumps, or begins or ends to move; `None` if
    /// there is no such time or lever. People and events may move it earlier.
    pub fn lever_edge(&mut self, lever: &str, after_nanos: u64) -> Option<u64> {
        let mut at = 0;
        // SAFETY: as above; the text and the room for the time are borrowed for the call.
        let status =
            unsafe { (self.host().lever_edge)(self.raw.context, Text::of(lever), after_nanos, &raw mut at) };
        (status == abi::OK).then_some(at)
    }

    /// Emits one of [`crate::Scenario::EMITS`], with its data in JSON or an empty text.
    pub fn emit(&mut self, event: &str, data: &str) {
        // SAFETY: as above; the texts are borrowed for the call.
        unsafe { (self.host().emit)(self.raw.context, Text::of(event), Text::of(data)) }
    }

    /// Requests another update at an emulated time in nanoseconds, in addition to the interval.
    pub fn wake_at(&mut self, nanos: u64) {
        // SAFETY: as above.
        unsafe { (self.host().wake)(self.raw.context, nanos) }
    }

    /// Writes a line to promemu's log, with the plugin's name.
    pub fn log(&mut self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => abi::DEBUG,
            Level::Info => abi::INFO,
            Level::Warn => abi::WARN,
        };
        // SAFETY: as above; the text is borrowed for the call.
        unsafe { (self.host().log)(self.raw.context, level, Text::of(message)) }
    }
}

fn read<'a>(text: Text) -> &'a str {
    // SAFETY: the tick's texts live as long as its call; promemu's texts are UTF-8.
    std::str::from_utf8(unsafe { text.bytes() }).unwrap_or_default()
}
