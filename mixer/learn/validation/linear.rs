//! Small systems of linear equations.

/// The solution of `a · x = b` for a symmetric, positive definite matrix, by Cholesky's decomposition; `None` for another one.
pub(super) fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Option<Vec<f64>> {
    let size = b.len();
    for i in 0..size {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            let rest = a[i][j] - known;
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                a[i][i] = libm::sqrt(rest);
            } else {
                a[i][j] = rest / a[j][j];
            }
        }
    }
    for i in 0..size {
        let known: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    for i in (0..size).rev() {
        let known: f64 = (i + 1..size).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - known) / a[i][i];
    }
    Some(b)
}

/// Weights of the least squares of targets on rows of features, with this penalty on each weight.
pub(super) fn ridge(rows: &[Vec<f64>], targets: &[f64], penalty: f64) -> Option<Vec<f64>> {
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
    solve(a, b)
}

/// Coefficients of an autoregression from autocovariances, and its number of coefficients with the least AIC: the recursion of
/// N. Levinson (1946) and J. Durbin (1960) on the equations of Yule and Walker.
pub(super) fn autoregression(covariances: &[f64], count: f64) -> Vec<f64> {
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
        let x = solve(a, vec![8.0, 15.0, 11.0]).unwrap();
        for (found, expected) in x.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12, "{x:?}");
        }
        assert!(solve(vec![vec![1.0, 2.0], vec![2.0, 1.0]], vec![1.0, 1.0]).is_none());
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
