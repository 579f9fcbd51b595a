//! Values and totals of a host's series, from its states.

use serde::{Deserialize, Serialize};

use crate::role::{HostState, RoleModel};
use crate::schema::{Kind, Role};

/// The values and totals of a host: one for each column of its role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    values: Vec<f64>,
    /// The part of a whole total that has not been counted yet.
    rests: Vec<f64>,
}

impl Series {
    /// The values of a state; totals begin at 0.
    #[must_use]
    pub fn of(model: &RoleModel, state: &HostState) -> Self {
        let width = model.role.columns.len();
        let mut series = Self { values: vec![0.0; width], rests: vec![0.0; width] };
        for (place, value) in rates(&model.role, state.x(model)).into_iter().enumerate() {
            if model.role.columns[place].kind == Kind::Gauge {
                series.values[place] = model.role.columns[place].rounded(value);
            }
        }
        series
    }

    /// Goes on to the next state.
    pub fn advance(&mut self, model: &RoleModel, state: &HostState) {
        for (place, value) in rates(&model.role, state.x(model)).into_iter().enumerate() {
            let column = &model.role.columns[place];
            if column.kind == Kind::Gauge {
                self.values[place] = column.rounded(value);
                continue;
            }
            let increase = value * model.step_secs + self.rests[place];
            let counted = if column.is_whole { libm::floor(increase) } else { increase };
            self.rests[place] = increase - counted;
            self.values[place] += counted;
        }
    }

    /// The value of a column.
    #[must_use]
    pub fn value(&self, column: usize) -> f64 {
        self.values.get(column).copied().unwrap_or_default()
    }

    /// The values of all columns.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The total of a counter that is a sum.
    #[must_use]
    pub fn sum(&self, of: &[usize]) -> f64 {
        of.iter().map(|column| self.value(*column)).sum()
    }
}

/// Values of gauges and rates of counters in a state; parts of a constant sum have that sum.
#[must_use]
pub fn rates(role: &Role, x: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = role.columns.iter().zip(x).map(|(column, x)| column.value(*x)).collect();
    for parts in &role.parts {
        let sum: f64 = parts.of.iter().map(|column| values[*column]).sum();
        if sum > 0.0 {
            parts.of.iter().for_each(|column| values[*column] *= parts.sum / sum);
        }
    }
    values
}

impl crate::schema::Column {
    fn rounded(&self, value: f64) -> f64 {
        if self.is_whole { libm::rint(value) } else { value }
    }
}
