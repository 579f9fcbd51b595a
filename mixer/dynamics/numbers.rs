//! Products of matrices and vectors, in a fixed order.

/// `out += weights · input`, for weights with a row for each input.
pub fn add_product(weights: &[f64], input: &[f64], out: &mut [f64]) {
    for (row, factor) in weights.chunks_exact(out.len()).zip(input) {
        for (sum, weight) in out.iter_mut().zip(row) {
            *sum += weight * factor;
        }
    }
}

/// `out += weightsᵀ · back`: the way back of [`add_product`].
pub fn add_product_back(weights: &[f64], back: &[f64], out: &mut [f64]) {
    for (sum, row) in out.iter_mut().zip(weights.chunks_exact(back.len())) {
        *sum += dot(row, back);
    }
}

/// `weights += input · backᵀ`: the gradient of [`add_product`].
pub fn add_outer(weights: &mut [f64], input: &[f64], back: &[f64]) {
    for (row, factor) in weights.chunks_exact_mut(back.len()).zip(input) {
        for (sum, back) in row.iter_mut().zip(back) {
            *sum += factor * back;
        }
    }
}

/// The sum of products, in four parts, which a processor makes at once.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a_fours, b_fours) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a_fours.remainder().iter().zip(b_fours.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_fours.zip(b_fours) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// A count as a number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub const fn number(count: usize) -> f64 {
    count as f64
}

/// A number from 0 on as an index.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub const fn index(number: f64) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_and_its_way_back_are_those_of_the_matrix() {
        // Two inputs, three outputs.
        let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut out = [0.5; 3];
        add_product(&weights, &[1.0, 10.0], &mut out);
        assert_eq!(out[..], [41.5, 52.5, 63.5]);
        let mut back = [0.0; 2];
        add_product_back(&weights, &[1.0, 0.0, 2.0], &mut back);
        assert_eq!(back[..], [7.0, 16.0]);
        let mut gradient = [0.0; 6];
        add_outer(&mut gradient, &[1.0, 2.0], &[3.0, 4.0, 5.0]);
        assert_eq!(gradient[..], [3.0, 4.0, 5.0, 6.0, 8.0, 10.0]);
        let long: Vec<f64> = (0..7).map(f64::from).collect();
        assert_eq!(dot(&long, &long).to_bits(), 91.0f64.to_bits());
    }
}
