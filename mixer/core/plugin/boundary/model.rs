//! States of models and generators, and the values in their tables.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use promemu_plugin::abi;

use super::call::{Call, TableLog};
use super::lend::Lent;
use super::setup::{NO_RANGE, create_state, new_state, setup, tick};
use crate::number::Shown;
use crate::plugin::calls::{ModelCalls, OfState};
use crate::plugin::schema::check_tables;
use crate::plugin::stopping::{self, Stopping};
use crate::plugin::{
    ConfiguredModel, FamilyKind, HostContext, ModelDecl, Observation, ParamValue, PluginTick, Refusal,
    RowChange, TableDecl, join,
};

/// The state of a model on one host, and the values in its tables.
#[derive(Debug)]
pub struct ModelInstance {
    configured: Arc<ConfiguredModel>,
    /// Owned by the plugin; `None` if it could not be created or has panicked.
    state: Option<NonNull<c_void>>,
    /// `true` once a generator has started its threads.
    has_started: bool,
    /// Those of each table: of its first row, one for each family, then of the second, and so on.
    values: Box<[Box<[f64]>]>,
}

/// Changes of rows, and observations, of one tick.
#[derive(Debug, Default)]
pub struct TickChanges {
    /// Rows that begin and end, in their order.
    pub rows: Vec<RowChange>,
    /// Observations, which count after all changes of rows.
    pub observations: Vec<Observation>,
}

// SAFETY: plugins have promised that a state may move between threads, as long as one at a time has it.
unsafe impl Send for ModelInstance {}
// SAFETY: who has but a shared reference does nothing with the state but save it, which changes nothing.
unsafe impl Sync for ModelInstance {}

impl ModelInstance {
    /// The state of a model. If it cannot be created, each update fails.
    #[must_use]
    pub fn start(configured: &Arc<ConfiguredModel>) -> Self {
        let zeros = |table: &TableDecl| vec![0.0; table.rows_max * table.families.len()].into();
        Self {
            configured: Arc::clone(configured),
            state: create(configured.model, &configured.params).ok(),
            has_started: false,
            values: configured.tables.iter().map(zeros).collect(),
        }
    }

    /// Advances to the tick's time, or handles its event. Rows that begin and end are added to `changes`, even if the
    /// update fails. `true` if values may have changed.
    pub fn advance(
        &mut self,
        input: &PluginTick<'_>,
        host: &mut dyn HostContext,
        changes: &mut TickChanges,
    ) -> Result<bool, String> {
        let (configured, model) = (&*self.configured, self.configured.model);
        let Some(state) = self.state else {
            return Err(configured.attribute("no longer called, as create failed or an update panicked"));
        };
        if !std::mem::replace(&mut self.has_started, true)
            && let Err(error) = start_work(configured, state, input.is_live)
        {
            self.has_started = false;
            return Err(configured.attribute(&error));
        }
        let tables: Vec<abi::Table> = self
            .values
            .iter_mut()
            .zip(&configured.tables)
            .map(|(values, table)| abi::Table {
                values: values.as_mut_ptr(),
                // The limits of tables are far below.
                rows: u32::try_from(table.rows_max).unwrap_or(0),
                families: u32::try_from(table.families.len()).unwrap_or(0),
            })
            .collect();
        let mut call = Call::new(&model.origin, &model.emits, Some(host));
        call.tables = Some(TableLog::new(changes, &configured.tables));
        let tick = tick(NO_RANGE, input, &mut call);
        let count = u32::try_from(tables.len()).unwrap_or(0);
        // SAFETY: the state is from `create`, and this thread alone has it; the tick, the tables and the room for the
        // values live as long as the call, and nobody looks at the values during it.
        let status =
            unsafe { (model.calls.advance)(state.as_ptr(), &raw const tick, tables.as_ptr(), count) };
        let outcome = call.outcome(status);
        if call.has_panicked {
            self.end();
        }
        let outcome = outcome.and_then(|has_changed| self.check_values().map(|()| has_changed));
        outcome.map_err(|error| self.configured.attribute(&error))
    }

    /// The values of each row of a table, one for each family. After a failure some may not be finite.
    pub fn rows(&self, table: usize) -> impl Iterator<Item = &[f64]> {
        let count = self.configured.tables[table].families.len();
        self.values[table].chunks_exact(count.max(1))
    }

    /// A copy that does the same from here on, by a saved state. The error says why there is none.
    pub fn copied(&self) -> Result<Self, String> {
        let (configured, model) = (&*self.configured, self.configured.model);
        let outcome = match (self.state, model.calls.saving) {
            (_, None) => Err("its state cannot be saved".to_owned()),
            (None, Some(_)) => Ok(None),
            (Some(state), Some((save, load))) => {
                let bytes = with_setup(configured, state, save).map(|call| call.stored);
                bytes.and_then(|bytes| {
                    let call = Call::new(&model.origin, &model.emits, None);
                    let destroy = model.calls.destroy;
                    let loaded =
                        new_state(call, destroy, &configured.params, 0.0, NO_RANGE, |setup, state| {
                            // SAFETY: the setup, the bytes and the room for the state live as long as the call.
                            unsafe { load(setup, bytes.as_ptr(), bytes.len(), state) }
                        });
                    loaded.map(Some).map_err(|refusals| join(&refusals))
                })
            }
        };
        let state = outcome.map_err(|error| configured.attribute(&error))?;
        let (configured, values) = (Arc::clone(&self.configured), self.values.clone());
        Ok(Self { configured, state, has_started: self.has_started, values })
    }

    fn check_values(&self) -> Result<(), String> {
        for (table, values) in self.configured.tables.iter().zip(&self.values) {
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                let (value, families) = (values[index], &table.families);
                let (row, family) = (index / families.len(), &families[index % families.len()].name);
                return Err(format!("{family} in row {row} is {value}, which is not a finite number"));
            }
            for (index, family) in table.families.iter().enumerate() {
                if family.kind != FamilyKind::Counter {
                    continue;
                }
                let totals = values.iter().skip(index).step_by(table.families.len());
                if let Some((row, value)) = totals.enumerate().find(|(_, value)| **value < 0.0) {
                    let name = &family.name;
                    return Err(format!(
                        "{name} in row {row} is {}, but a counter is not below 0",
                        Shown(*value)
                    ));
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        let Some(state) = self.state.take() else { return };
        let ModelCalls { work, destroy, .. } = self.configured.model.calls;
        match work {
            Some((_, stop)) if self.has_started => {
                let state = StateToStop(state);
                stopping::stop(self.configured.attribute("generator"), move |deadline| {
                    let StateToStop(state) = { state };
                    let nanos = u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX);
                    // SAFETY: the state is from `create` of the same model, and only this thread has it; both are its last
                    // uses.
                    unsafe {
                        stop(state.as_ptr(), nanos);
                        destroy(state.as_ptr());
                    }
                    Stopping::Done
                });
            }
            _ => destroy_state(self.configured.model, state),
        }
    }
}

/// A state on its way to the thread that stops it.
struct StateToStop(NonNull<c_void>);

// SAFETY: as for [`ModelInstance`].
unsafe impl Send for StateToStop {}

impl Drop for ModelInstance {
    fn drop(&mut self) {
        self.end();
    }
}

impl ConfiguredModel {
    /// A model with a value for each parameter, in their order. The plugin checks them, and describes its tables; the
    /// error says which parameters are wrong and how.
    pub fn new(model: &'static ModelDecl, params: Vec<ParamValue>) -> Result<Self, Vec<Refusal>> {
        let state = create(model, &params)?;
        let mut configured = Self { model, params: params.into(), tables: Box::default() };
        let described = with_setup(&configured, state, model.calls.describe).map(|call| call.described);
        destroy_state(model, state);
        let tables = described.and_then(|tables| check_tables(&tables).map(|()| tables));
        configured.tables = tables.map_err(|error| vec![Refusal::of_all(error)])?.into();
        Ok(configured)
    }
}

/// Lets a generator start its threads; without effect for a model.
fn start_work(configured: &ConfiguredModel, state: NonNull<c_void>, is_live: bool) -> Result<(), String> {
    let Some((start, _)) = configured.model.calls.work else { return Ok(()) };
    if !is_live {
        return Err("it does real work and has no virtual time; run it live at normal speed".to_owned());
    }
    with_setup(configured, state, start).map(|_| ())
}

/// Calls a function of a state with a setup, and gives what the plugin did.
fn with_setup(
    configured: &ConfiguredModel,
    state: NonNull<c_void>,
    function: OfState,
) -> Result<Call<'_>, String> {
    let model = configured.model;
    let mut call = Call::new(&model.origin, &model.emits, None);
    call.describes = true;
    let mut lent = Lent::default();
    let values = lent.lend(&configured.params);
    let setup = setup(&values, 0.0, NO_RANGE, &mut call);
    // SAFETY: the state is from `create`, and the setup lives as long as the call.
    let status = unsafe { function(state.as_ptr(), &raw const setup) };
    call.outcome(status).map(|_| call)
}

fn create(model: &ModelDecl, params: &[ParamValue]) -> Result<NonNull<c_void>, Vec<Refusal>> {
    let call = Call::new(&model.origin, &model.emits, None);
    create_state(call, (model.calls.create, model.calls.destroy), params, 0.0, NO_RANGE)
}

fn destroy_state(model: &ModelDecl, state: NonNull<c_void>) {
    // SAFETY: the state is from `create` of the same model, and nobody has it any more.
    unsafe { (model.calls.destroy)(state.as_ptr()) };
}
