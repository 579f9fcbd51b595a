//! The values that a metric accepts as an override.

use promemu_core::event::HostId;
use promemu_core::metric::{Aggregation, is_absent};
use promemu_core::plan::MetricPlan;

use super::command_params::Override;
use super::error::CommandError;
use crate::fleet::Fleet;

/// Refuses a value that a metric of this type cannot show.
pub(super) fn check_value(metric: &MetricPlan, value: f64) -> Result<(), CommandError> {
    metric.accepts(value).map_err(|accepts| CommandError::ValueNotAccepted {
        metric: metric.name.to_string(),
        accepts,
        value,
    })
}

/// Refuses an override by which a counter would fall, unless it may.
pub(super) fn check_fall(
    fleet: &Fleet,
    id: HostId,
    metric: &MetricPlan,
    wanted: &Override,
) -> Result<(), CommandError> {
    if wanted.may_fall || !matches!(metric.cells.aggregation(), Aggregation::Counter { .. }) {
        return Ok(());
    }
    let shown = fleet.cells_of(id, metric)[0];
    if is_absent(shown) || wanted.value >= shown {
        return Ok(());
    }
    Err(CommandError::CounterFalls { metric: metric.name.to_string(), shown, value: wanted.value })
}
