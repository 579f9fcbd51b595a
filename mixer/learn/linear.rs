//! Small systems of linear equations.

/// A symmetric, positive definite matrix in the form of A.-L. Cholesky: a lower triangle whose product with its transpose is the matrix.
#[derive(Debug)]
pub(crate) struct Cholesky(Vec<Vec<f64>>);

impl Cholesky {
    /// The decomposition of a matrix, of which the lower triangle is read; `None` for one that is not positive definite.
    pub(crate) fn of(mut a: Vec<Vec<f64>>) -> Option<Self> {
        for i in 0..a.len() {
            let (above, below) = a.split_at_mut(i);
            let row = below.first_mut()?;
            for j in 0..=i {
                let other = above.get(j).unwrap_or(row);
                let known: f64 = row.iter().zip(other).take(j).map(|(a, b)| a * b).sum();
                let rest = row[j] - known;
                if i > j {
                    row[j] = rest / above[j][j];
                } else if rest > 0.0 && rest.is_finite() {
                    row[i] = libm::sqrt(rest);
                } else {
                    return None;
                }
            }
        }
        Some(Self(a))
    }

    /// The solution of `a · x = b`.
    pub(crate) fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        let a = &self.0;
        let size = b.len();
        for i in 0..size {
            let known: f64 = a[i].iter().zip(&b).take(i).map(|(a, b)| a * b).sum();
            b[i] = (b[i] - known) / a[i][i];
        }
        for i in (0..size).rev() {
            let known: f64 = (i + 1..size).map(|k| a[k][i] * b[k]).sum();
            b[i] = (b[i] - known) / a[i][i];
        }
        b
    }
}

/// Weights of the least squares of targets on rows of features, with this penalty on each weight.
pub(crate) fn ridge(rows: &[Vec<f64>], targets: &[f64], penalty: f64) -> Option<Vec<f64>> {
    let size = rows.first()?.len();
    let (mut a, mut b) = (vec![vec![0.0; size]; size], vec![0.0; size]);
    for (row, target) in rows.iter().zip(targets) {
        for i in 0..size {
            b[i] += row[i] * target;
            for j in 0..=i {
                a[i][j] += row[i] * row[j];
            }
        }
    }
    for (i, row) in a.iter_mut().enumerate() {
        row[i] += penalty;
    }
    Some(Cholesky::of(a)?.solve(b))
}

/// Coefficients of an autoregression from autocovariances, and its number of coefficients with the least AIC: the recursion of
/// N. Levinson (1946) and J. Durbin (1960) on the equations of Yule and Walker.
pub(crate) fn autoregression(covariances: &[f64], count: f64) -> Vec<f64> {
    let mut error = covariances.first().copied().unwrap_or_default();
    if error <= 0.0 {
        return Vec::new();
    }
    let mut own: Vec<f64> = Vec::new();
    let (mut best, mut least) = (Vec::new(), count * libm::log(error));
    for order in 1..covariances.len() {
        let known: f64 = own.iter().zip(covariances[1..order].iter().rev()).map(|(a, b)| a * b).sum();
        let reflection = (covariances[order] - known) / error;
        let turned: Vec<f64> = own.iter().rev().map(|weight| weight * reflection).collect();
        own.iter_mut().zip(turned).for_each(|(weight, turned)| *weight -= turned);
        own.push(reflection);
        error *= 1.0 - reflection * reflection;
        if error <= covariances[0] * 1e-12 {
            return own;
        }
        let aic = count * libm::log(error) + 2.0 * crate::statistics::number(order);
        if aic < least {
            (best, least) = (own.clone(), aic);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved_and_an_impossible_matrix_is_none() {
        let a = vec![vec![4.0, 2.0, 0.0], vec![2.0, 5.0, 1.0], vec![0.0, 1.0, 3.0]];
        let x = Cholesky::of(a).unwrap().solve(vec![8.0, 15.0, 11.0]);
        for (found, expected) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{x:?}");
        }
        assert!(Cholesky::of(vec![vec![1.0, 2.0], vec![2.0, 1.0]]).is_none());
    }

    #[test]
    fn an_autoregression_is_recovered_from_its_covariances() {
        // x = 0.6 x₁ + 0.2 x₂ + noise: covariances by the equations of Yule and Walker.
        let mut covariances = vec![1.0, 0.6 / 0.8];
        for lag in 2..8 {
            covariances.push(0.6 * covariances[lag - 1] + 0.2 * covariances[lag - 2]);
        }
        let found = autoregression(&covariances, 1000.0);
        assert!((found[0] - 0.6).abs() < 1e-9 && (found[1] - 0.2).abs() < 1e-9, "{found:?}");
        assert_eq!(found.len(), 2);
    }
}
