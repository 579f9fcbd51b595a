//! The rows of a recording for a model that is there: hosts with the metrics of its roles, and its actions.

use std::collections::BTreeSet;

use promemu_dynamics::file::Model;
use promemu_dynamics::role::RoleModel;
use promemu_dynamics::schema::{Column, Host};
use promemu_wire::recording::Recording;
use promemu_wire::samples::Selector;

use super::levels::Levels;
use super::rows::{HostRows, HostTable, tables, without_sums};
use crate::error::LearnError;
use crate::grid::whole_millis;
use crate::load::load;

/// The hosts of each role, with their rows; none of a role without a host in the recording.
pub(super) fn rows_by_role(
    recording: &Recording,
    model: &Model,
    progress: impl FnMut(usize, usize),
) -> Result<Vec<Vec<(Host, HostRows)>>, LearnError> {
    // The same series as those of the fit: others would have other labels in common, and other parts.
    let selectors = model.lineage.selectors.iter().flat_map(|text| Selector::parse(text));
    let selectors: Vec<Selector> = selectors.collect();
    let samples = load(recording, &selectors, progress)?;
    let (all, _, _) = tables(recording, &samples, Some(model.step_secs));
    let names: BTreeSet<&str> = all.iter().map(|table| &*table.host.name).collect();
    let mut levels = Levels::of(&recording.actions()?, &names, whole_millis(model.step_secs));
    levels.take_order_of(&model.actions);
    let of_role = |own: &RoleModel| {
        let tables = all.iter().filter_map(|table| matched(table, own));
        let rows = tables.map(|table| {
            let rows = HostRows::of(&table, &own.role.columns, model.step_secs, &levels);
            (table.host, rows)
        });
        rows.collect()
    };
    Ok(model.roles.iter().map(of_role).collect())
}

/// A table with the columns of a role, in their order; `None` if it does not have all of them.
fn matched(table: &HostTable, model: &RoleModel) -> Option<HostTable> {
    let mut table = table.clone();
    without_sums(std::slice::from_mut(&mut table));
    let width = table.columns.len();
    let place = |column: &Column| {
        table.columns.iter().position(|own| own.shown() == column.shown() && own.kind == column.kind)
    };
    let places: Vec<usize> = model.role.columns.iter().map(place).collect::<Option<_>>()?;
    let values = table.values.chunks_exact(width).flat_map(|row| places.iter().map(|n| row[*n])).collect();
    Some(HostTable { values, columns: model.role.columns.clone(), ..table })
}
