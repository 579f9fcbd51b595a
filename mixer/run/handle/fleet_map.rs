//! All hosts at a glance: a few bits for each of them, in the config's order.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use promemu_core::event::HostId;
use promemu_core::metric::{MetricType, is_absent};
use promemu_core::plan::HostShape;

use super::hosts::state_of;
use super::run_handle::RunHandle;
use crate::fleet::Fleet;

/// Cells of hosts without a value: without a sample or before their start, down, stopped or ended.
const NONE: u8 = 0;
const DOWN: u8 = 1;
const OVER: u8 = 2;
/// Cells of values, from the lowest to the highest.
const FIRST_LEVEL: u8 = 3;
const LEVELS: u8 = 13;

/// A cell for each host.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FleetMapView {
    /// The number of hosts.
    pub total: usize,
    /// The gauge that the values are of; null for states alone.
    pub metric: Option<String>,
    /// Its unit; empty without one.
    pub unit: String,
    /// The value of the lowest level; null without values.
    pub low: Option<f64>,
    /// The value of the highest level; null without values.
    pub high: Option<f64>,
    /// Four bits for each host in the order of `/api/v1/hosts`, the high ones of a byte first, in base64: 0 without a value, 1 down, 2
    /// stopped or ended, 3 to 15 from `low` to `high`; 3 for a host that runs, if there is no metric.
    pub cells: String,
}

impl RunHandle {
    /// All hosts by their state, or by the mean that they show of a gauge; `None` if the run has no gauge of this name.
    #[must_use]
    pub fn fleet_map(&self, metric: Option<&str>) -> Option<FleetMapView> {
        let fleet = self.fleet();
        let families = &fleet.plan().families;
        let is_gauge = |name: &str| {
            families.iter().position(|one| *one.name == *name && one.metric_type == MetricType::Gauge)
        };
        let family = match metric {
            Some(name) => Some(is_gauge(name)?),
            None => None,
        };
        let states: Vec<u8> = fleet.ids().map(|id| cell_of_state(state_of(&fleet, id))).collect();
        let values = family.map_or_else(Vec::new, |family| values(&fleet, family));
        let known = || values.iter().copied().flatten();
        let (low, high) = (known().reduce(f64::min), known().reduce(f64::max));
        let level = |at: usize| match values.get(at).copied().flatten() {
            Some(value) => level(value, low.unwrap_or(value), high.unwrap_or(value)),
            None => NONE,
        };
        let cells = states.iter().enumerate().map(|(at, state)| match *state {
            FIRST_LEVEL if family.is_some() => level(at),
            state => state,
        });
        Some(FleetMapView {
            total: states.len(),
            metric: metric.map(str::to_owned),
            unit: family.map_or_else(String::new, |family| families[family].unit.to_string()),
            low,
            high,
            cells: STANDARD.encode(in_pairs(cells)),
        })
    }
}

fn cell_of_state(state: &str) -> u8 {
    match state {
        "running" => FIRST_LEVEL,
        "down" => DOWN,
        "waiting" => NONE,
        _ => OVER,
    }
}

/// The level of a value between two others.
fn level(value: f64, low: f64, high: f64) -> u8 {
    let share = if high > low { (value - low) / (high - low) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 12")]
    let step = (share.clamp(0.0, 1.0) * f64::from(LEVELS - 1)).round() as u8;
    FIRST_LEVEL + step
}

/// The mean of the host's own series of a family, host by host.
fn values(fleet: &Fleet, family: usize) -> Vec<Option<f64>> {
    let mut known: IndexMap<*const HostShape, (Arc<HostShape>, Vec<usize>)> = IndexMap::new();
    let mut of_host = |id: HostId| {
        let host = fleet.host(id);
        let (shape, metrics) = known.entry(Arc::as_ptr(&host.shape)).or_insert_with(|| {
            let all = host.shape.metrics.iter().enumerate();
            let metrics = all.filter(|(_, metric)| metric.family == family).map(|(index, _)| index);
            (Arc::clone(&host.shape), metrics.collect())
        });
        let (mut sum, mut count) = (0.0, 0.0);
        for index in metrics.iter() {
            let metric = &shape.metrics[*index];
            let number = metric.cells.layout().number(&fleet.cells_of(id, metric));
            if !is_absent(number) && number.is_finite() {
                sum += number;
                count += 1.0;
            }
        }
        (count > 0.0).then_some(sum / count)
    };
    fleet.ids().map(&mut of_host).collect()
}

/// Two cells in a byte.
fn in_pairs(cells: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (at, cell) in cells.enumerate() {
        match bytes.last_mut() {
            Some(last) if at % 2 == 1 => *last |= cell,
            _ => bytes.push(cell << 4),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_levels_from_the_lowest_to_the_highest_two_in_a_byte() {
        let levels = [0.0, 5.0, 10.0].map(|value| level(value, 0.0, 10.0));
        assert_eq!(levels, [FIRST_LEVEL, FIRST_LEVEL + 6, FIRST_LEVEL + LEVELS - 1]);
        assert_eq!(level(7.0, 7.0, 7.0), FIRST_LEVEL);
        assert_eq!(in_pairs([1, 15, 3].into_iter()), [0x1f, 0x30]);
    }
}
