//! Values of short gaps.

use super::spec::{Impute, ImputeBy};
use crate::statistics::{number, quantile, sorted};

/// Fills gaps of at most so many steps whose both ends are known. Returns which cells were filled.
pub(super) fn impute(values: &mut [f64], Impute { by, steps }: Impute) -> Vec<bool> {
    let known = values.to_vec();
    let mut filled = vec![false; known.len()];
    let mut place = 0;
    while place < known.len() {
        if !known[place].is_nan() {
            place += 1;
            continue;
        }
        let end = (place..known.len()).find(|next| !known[*next].is_nan()).unwrap_or(known.len());
        if place > 0 && end < known.len() && end - place <= steps {
            for gap in place..end {
                let value = match by {
                    ImputeBy::Linear => {
                        let (from, to) = (known[place - 1], known[end]);
                        from + (to - from) * number(gap + 1 - place) / number(end + 1 - place)
                    }
                    ImputeBy::Forward => known[place - 1],
                    ImputeBy::Backward => known[end],
                    ImputeBy::Median => median_around(&known, gap, steps),
                    ImputeBy::Seasonal(period) => {
                        gap.checked_sub(period).map_or(f64::NAN, |before| known[before])
                    }
                };
                filled[gap] = !value.is_nan();
                values[gap] = value;
            }
        }
        place = end;
    }
    filled
}

fn median_around(known: &[f64], place: usize, steps: usize) -> f64 {
    let around = &known[place.saturating_sub(steps)..(place + steps + 1).min(known.len())];
    let present: Vec<f64> = around.iter().copied().filter(|value| !value.is_nan()).collect();
    quantile(&sorted(&present), 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: f64 = f64::NAN;

    fn filled(by: ImputeBy, values: &[f64]) -> Vec<String> {
        let mut values = values.to_vec();
        let mask = impute(&mut values, Impute { by, steps: 2 });
        values
            .iter()
            .zip(mask)
            .map(|(value, is_filled)| format!("{value}{}", if is_filled { "*" } else { "" }))
            .collect()
    }

    #[test]
    fn short_gaps_are_filled_and_marked_and_long_ones_stay() {
        let values = [GAP, 1.0, GAP, GAP, 4.0, GAP, GAP, GAP, 5.0, GAP];
        let shown = |by| filled(by, &values).join(" ");
        assert_eq!(shown(ImputeBy::Linear), "NaN 1 2* 3* 4 NaN NaN NaN 5 NaN");
        assert_eq!(shown(ImputeBy::Forward), "NaN 1 1* 1* 4 NaN NaN NaN 5 NaN");
        assert_eq!(shown(ImputeBy::Backward), "NaN 1 4* 4* 4 NaN NaN NaN 5 NaN");
        assert_eq!(shown(ImputeBy::Median), "NaN 1 2.5* 2.5* 4 NaN NaN NaN 5 NaN");
        assert_eq!(shown(ImputeBy::Seasonal(2)), "NaN 1 NaN 1* 4 NaN NaN NaN 5 NaN");
    }
}
