//! The strongest frequency of a series.

use std::f64::consts::PI;

use crate::statistics::number;

/// The frequency with the largest power, in cycles per value, of a series without mean; gaps (NaN) count as 0. `None` for fewer
/// than eight values. It is precise to an eighth of a cycle over the whole series.
pub(crate) fn strongest_frequency(values: &[f64]) -> Option<f64> {
    const LENGTH_MIN: usize = 8;
    if values.len() < LENGTH_MIN {
        return None;
    }
    let length = (values.len() * 4).next_power_of_two();
    let mut wave: Vec<(f64, f64)> =
        values.iter().map(|value| (if value.is_finite() { *value } else { 0.0 }, 0.0)).collect();
    wave.resize(length, (0.0, 0.0));
    transform(&mut wave);
    let power = |place: usize| wave[place].0 * wave[place].0 + wave[place].1 * wave[place].1;
    let strongest = (1..length / 2).max_by(|a, b| power(*a).total_cmp(&power(*b)))?;
    Some(number(strongest) / number(length))
}

/// The discrete Fourier transform (Cooley and Tukey, in place) of a length that is a power of two.
fn transform(wave: &mut [(f64, f64)]) {
    let length = wave.len();
    let mut target = 0;
    for place in 1..length {
        let mut bit = length / 2;
        while target & bit != 0 {
            target ^= bit;
            bit /= 2;
        }
        target |= bit;
        if place < target {
            wave.swap(place, target);
        }
    }
    let mut half = 1;
    while half < length {
        let turn = -PI / number(half);
        let turns: Vec<(f64, f64)> =
            (0..half).map(|n| (libm::cos(turn * number(n)), libm::sin(turn * number(n)))).collect();
        for from in (0..length).step_by(2 * half) {
            for (n, (cos, sin)) in turns.iter().enumerate() {
                let (a, b) = (wave[from + n], wave[from + n + half]);
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                wave[from + n] = (a.0 + turned.0, a.1 + turned.1);
                wave[from + n + half] = (a.0 - turned.0, a.1 - turned.1);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_the_strongest_frequency_beside_weaker_ones() {
        let at = |n: usize| {
            let t = number(n) * 2.0 * PI;
            3.0 * libm::sin(t / 17.3) + libm::sin(t / 5.0)
        };
        let values: Vec<f64> = (0..500).map(at).collect();
        let found = strongest_frequency(&values).unwrap();
        assert!((found - 1.0 / 17.3).abs() < 0.25 / 500.0, "{found}");
        assert_eq!(strongest_frequency(&[1.0; 7]), None);
    }
}
