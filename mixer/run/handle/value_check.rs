//! The values that a metric accepts as an override.

use promemu_core::event::HostId;
use promemu_core::metric::{Aggregation, Kind, is_absent};
use promemu_core::plan::MetricPlan;

use super::command_params::Override;
use super::error::{Accepts, CommandError};
use crate::fleet::Fleet;

/// Refuses a value that a metric of this type cannot show.
pub(super) fn check_value(metric: &MetricPlan, value: f64) -> Result<(), CommandError> {
    let (low, high) = metric.value_range;
    let broken = match metric.cells.aggregation() {
        _ if !value.is_finite() => Some(Accepts::Finite),
        Aggregation::Info => Some(Accepts::One),
        Aggregation::Counter { .. } if value < 0.0 => Some(Accepts::NotNegative),
        Aggregation::Observations { .. } if value < low || value > high => Some(Accepts::Range(low, high)),
        Aggregation::State => match &metric.cells.layout().kind {
            Kind::StateSet { states } if !is_state(value, states.len()) => {
                Some(Accepts::State(states.len() - 1))
            }
            _ => None,
        },
        _ => None,
    };
    match broken {
        None => Ok(()),
        Some(accepts) => {
            Err(CommandError::ValueNotAccepted { metric: metric.name.to_string(), accepts, value })
        }
    }
}

fn is_state(value: f64, states: usize) -> bool {
    (0..states).any(|n| u32::try_from(n).is_ok_and(|n| f64::from(n).to_bits() == value.to_bits()))
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
