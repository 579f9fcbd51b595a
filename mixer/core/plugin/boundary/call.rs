//! State of one call into a plugin: everything that the plugin does through promemu's functions during it.

use std::ffi::c_void;
use std::sync::Arc;

use promemu_plugin::abi::{FAILED, KEEP, OK, PANICKED, Text};

use crate::plugin::declaration::Origin;
use crate::plugin::{HostContext, Refusal, Row, RowChange};

/// Longer messages are cut.
const MESSAGE_BYTES_MAX: usize = 500;
/// Maximum of events and wake-ups in one update.
const EFFECTS_MAX: u32 = 1_000;
/// Maximum of refused parameters; later ones are dropped.
const REFUSALS_MAX: usize = 100;

/// A call in progress.
pub(super) struct Call<'a> {
    pub(super) origin: &'a Origin,
    /// Events that may be emitted.
    pub(super) emits: &'a [Arc<str>],
    /// `None` while there is no host, as when a state is created.
    pub(super) host: Option<&'a mut dyn HostContext>,
    /// Of a workload's update.
    pub(super) rows: Option<RowLog<'a>>,
    effects: u32,
    pub(super) has_panicked: bool,
    /// Reason that the plugin gave.
    pub(super) failure: Option<String>,
    /// First violation of the rules by the plugin.
    violation: Option<String>,
    /// Text of a config.
    pub(super) written: String,
    /// Parameters that the plugin has refused.
    refusals: Vec<Refusal>,
}

/// Rows that begin and end during a workload's update.
pub(super) struct RowLog<'a> {
    changes: &'a mut Vec<RowChange>,
    pub(super) label_count: usize,
    pool_size: u32,
    /// Number of further changes that are allowed.
    left: usize,
}

impl<'a> Call<'a> {
    pub(super) const fn new(
        origin: &'a Origin,
        emits: &'a [Arc<str>],
        host: Option<&'a mut dyn HostContext>,
    ) -> Self {
        Self {
            origin,
            emits,
            host,
            rows: None,
            effects: 0,
            has_panicked: false,
            failure: None,
            violation: None,
            written: String::new(),
            refusals: Vec::new(),
        }
    }

    /// `true` if the call produced a value, `false` if the current one stays.
    #[inline]
    pub(super) fn outcome(&mut self, status: i32) -> Result<bool, String> {
        if matches!(status, OK | KEEP) && self.violation.is_none() {
            return Ok(status == OK);
        }
        self.has_panicked = status == PANICKED;
        Err(match (status, self.failure.take(), self.violation.take()) {
            (PANICKED, Some(message), _) => format!("panicked: {message}"),
            (PANICKED, None, _) => "panicked".to_owned(),
            (FAILED, Some(reason), _) => reason,
            (FAILED, None, _) => "failed without a reason".to_owned(),
            (OK | KEEP, _, Some(violation)) => violation,
            (other, ..) => format!("returned status {other}, which the ABI does not define"),
        })
    }

    /// The outcome of a call that checks parameters. One that has refused some has failed, whatever its status.
    pub(super) fn refused(&mut self, status: i32) -> Result<bool, Vec<Refusal>> {
        let refusals = std::mem::take(&mut self.refusals);
        match self.outcome(status) {
            Ok(has_succeeded) if refusals.is_empty() => Ok(has_succeeded),
            Err(error) if refusals.is_empty() || status == PANICKED => Err(vec![Refusal::of_all(error)]),
            _ => Err(refusals),
        }
    }

    /// Notes a parameter that the plugin refuses.
    pub(super) fn refuse(&mut self, path: String, reason: String) {
        if self.refusals.len() < REFUSALS_MAX {
            self.refusals.push(Refusal { path, reason });
        }
    }

    /// Makes the call fail; the first violation counts.
    pub(super) fn violate(&mut self, violation: impl FnOnce() -> String) {
        self.violation.get_or_insert_with(violation);
    }

    /// Counts an event or a wake-up; `false` if there are too many.
    pub(super) fn count_effect(&mut self) -> bool {
        self.effects += 1;
        if self.effects > EFFECTS_MAX {
            self.violate(|| format!("more than {EFFECTS_MAX} events and wake-ups in one update"));
        }
        self.effects <= EFFECTS_MAX
    }

    pub(super) fn as_context(&mut self) -> *mut c_void {
        (&raw mut *self).cast()
    }
}

impl<'a> RowLog<'a> {
    pub(super) const fn new(changes: &'a mut Vec<RowChange>, label_count: usize, pool_size: u32) -> Self {
        Self { changes, label_count, pool_size, left: 2 * pool_size as usize }
    }

    /// Notes a row that begins or ends.
    pub(super) fn push(&mut self, slot: u32, row: Option<Row>) -> Result<(), String> {
        if slot >= self.pool_size {
            return Err(format!("slot {slot} does not exist; the pool has {}", self.pool_size));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or("more rows begin and end in one update than twice the pool size")?;
        self.changes.push(RowChange { slot: slot as usize, row });
        Ok(())
    }
}

/// The call that a context stands for.
///
/// # Safety
///
/// The context must come from [`Call::as_context`] of a call in progress, and be used by its thread.
pub(super) unsafe fn call<'a>(context: *mut c_void) -> &'a mut Call<'a> {
    // SAFETY: as the caller has promised.
    unsafe { &mut *context.cast() }
}

/// A message of a plugin: cut, and on one line.
pub(super) fn message(raw: Text) -> String {
    let raw = Text { len: raw.len.min(MESSAGE_BYTES_MAX), ..raw };
    // SAFETY: the plugin lends it for the call.
    let text = String::from_utf8_lossy(unsafe { raw.bytes() });
    text.trim_end_matches(char::REPLACEMENT_CHARACTER).replace(char::is_control, " ")
}
