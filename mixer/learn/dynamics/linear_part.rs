//! The linear part: a ridge regression of the change of each metric on the features of its step.

use promemu_dynamics::role::RoleModel;
use promemu_dynamics::schema::Role;

use super::rollout::{Stretch, walk};
use super::rows::HostRows;
use crate::linear::Cholesky;

/// Features and changes of all steps of a stretch.
#[derive(Debug, Default)]
pub(super) struct Steps {
    features: Vec<Vec<f64>>,
    changes: Vec<Vec<f64>>,
    /// Marks of metrics whose change is not known.
    unknown: Vec<Vec<bool>>,
}

/// A model of a role without weights.
pub(super) fn empty(role: Role, step_secs: f64, actions: usize) -> RoleModel {
    let linear = vec![0.0; role.features(actions) * role.columns.len()];
    RoleModel {
        role,
        step_secs,
        actions,
        linear,
        members: Vec::new(),
        residuals: Vec::new(),
        newest: Vec::new(),
    }
}

impl Steps {
    /// The steps of these hosts in a stretch.
    pub(super) fn of(model: &RoleModel, hosts: &[HostRows], stretch: Stretch) -> Self {
        let mut steps = Self::default();
        for rows in hosts {
            walk(model, rows, 0, stretch.of(rows), |row, state| {
                // The features are those of the step to this row.
                let before = rows.x(row - 1);
                steps.features.push(state.features().to_vec());
                steps.changes.push(rows.x(row).iter().zip(before).map(|(x, before)| x - before).collect());
                steps.unknown.push(rows.missing(row).to_vec());
            });
        }
        steps
    }

    /// The weights, a row for each feature, with this penalty; zeros for metrics that cannot be solved.
    pub(super) fn weights(&self, penalty: f64) -> Vec<f64> {
        let Some(width) = self.changes.first().map(Vec::len) else { return Vec::new() };
        let size = self.features[0].len();
        let mut weights = vec![0.0; size * width];
        for group in self.groups(width) {
            let is_known = |row: &usize| !self.unknown[*row][group[0]];
            let rows: Vec<usize> = (0..self.features.len()).filter(is_known).collect();
            let Some(factor) = self.factor(&rows, size, penalty) else { continue };
            for column in group {
                let mut right = vec![0.0; size];
                for row in &rows {
                    let change = self.changes[*row][column];
                    right
                        .iter_mut()
                        .zip(&self.features[*row])
                        .for_each(|(sum, feature)| *sum += feature * change);
                }
                let solved = factor.solve(right);
                solved.into_iter().enumerate().for_each(|(n, weight)| weights[n * width + column] = weight);
            }
        }
        weights
    }

    /// Metrics that are known in the same rows.
    fn groups(&self, width: usize) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for column in 0..width {
            let is_alike =
                |group: &&mut Vec<usize>| self.unknown.iter().all(|row| row[column] == row[group[0]]);
            match groups.iter_mut().find(is_alike) {
                Some(group) => group.push(column),
                None => groups.push(vec![column]),
            }
        }
        groups
    }

    fn factor(&self, rows: &[usize], size: usize, penalty: f64) -> Option<Cholesky> {
        let mut matrix = vec![vec![0.0; size]; size];
        for row in rows {
            let features = &self.features[*row];
            for (i, of_i) in matrix.iter_mut().enumerate() {
                let factor = features[i];
                of_i[..=i].iter_mut().zip(features).for_each(|(sum, feature)| *sum += factor * feature);
            }
        }
        matrix.iter_mut().enumerate().for_each(|(i, row)| row[i] += penalty);
        Cholesky::of(matrix)
    }
}
