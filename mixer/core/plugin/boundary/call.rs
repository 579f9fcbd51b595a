//! State of one call into a plugin: everything that the plugin does through promemu's functions during it.

use std::ffi::c_void;
use std::sync::Arc;

use promemu_plugin::abi::{FAILED, KEEP, OK, PANICKED, Text};

use super::model::TickChanges;
use crate::plugin::declaration::Origin;
use crate::plugin::{FamilyDecl, HostContext, Observation, Refusal, Row, RowChange, TableDecl};

/// Longer messages are cut.
const MESSAGE_BYTES_MAX: usize = 500;
/// Maximum of events and wake-ups in one update.
const EFFECTS_MAX: u32 = 1_000;
/// Maximum of observations in one update.
const OBSERVATIONS_MAX: usize = 1 << 22;
/// Maximum of refused parameters; later ones are dropped.
const REFUSALS_MAX: usize = 100;

/// A call in progress.
pub(super) struct Call<'a> {
    pub(super) origin: &'a Origin,
    /// Events that may be emitted.
    pub(super) emits: &'a [Arc<str>],
    /// `None` while there is no host, as when a state is created.
    pub(super) host: Option<&'a mut dyn HostContext>,
    /// Of a model's tick.
    pub(super) tables: Option<TableLog<'a>>,
    /// `true` while a model may describe its tables.
    pub(super) describes: bool,
    /// Tables that a model has described.
    pub(super) described: Vec<TableDecl>,
    /// A saved state.
    pub(super) stored: Vec<u8>,
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

/// The changes of tables during a model's tick.
pub(super) struct TableLog<'a> {
    changes: &'a mut TickChanges,
    tables: &'a [TableDecl],
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
            tables: None,
            describes: false,
            described: Vec::new(),
            stored: Vec::new(),
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

impl<'a> TableLog<'a> {
    pub(super) fn new(changes: &'a mut TickChanges, tables: &'a [TableDecl]) -> Self {
        let rows: usize = tables.iter().map(|table| table.rows_max).sum();
        Self { changes, tables, left: 2 * rows }
    }

    /// Number of labels of a row; the error says that there is no such table.
    pub(super) fn label_count(&self, table: u32) -> Result<usize, String> {
        self.table(table).map(|table| table.labels.len())
    }

    fn table(&self, table: u32) -> Result<&'a TableDecl, String> {
        let count = self.tables.len();
        let found = self.tables.get(table as usize);
        found.ok_or_else(|| format!("table {table} does not exist; the model has {count}"))
    }

    /// Notes a row that begins or ends.
    pub(super) fn push(&mut self, table: u32, slot: u32, row: Option<Row>) -> Result<(), String> {
        let rows_max = self.table(table)?.rows_max;
        if slot as usize >= rows_max {
            return Err(format!("row {slot} does not exist; the table has {rows_max}"));
        }
        self.left = self
            .left
            .checked_sub(1)
            .ok_or("more rows begin and end in one update than twice the tables' rows")?;
        self.changes.rows.push(RowChange { table: table as usize, slot: slot as usize, row });
        Ok(())
    }

    /// Notes an observation.
    pub(super) fn observe(&mut self, observation: Observation) -> Result<(), String> {
        let Observation { table, row, family, value, .. } = observation;
        let declared = self.table(u32::try_from(table).unwrap_or(u32::MAX))?;
        if row >= declared.rows_max || !declared.families.get(family).is_some_and(FamilyDecl::observes) {
            return Err(format!("row {row} has no histogram {family}, which was to observe {value}"));
        }
        if !value.is_finite() {
            let name = &declared.families[family].name;
            return Err(format!("{name} in row {row} observes {value}, which is not a finite number"));
        }
        if self.changes.observations.len() >= OBSERVATIONS_MAX {
            return Err(format!("more than {OBSERVATIONS_MAX} observations in one update"));
        }
        self.changes.observations.push(observation);
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
