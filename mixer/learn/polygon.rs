//! Closed lines of straight segments through nodes, fitted by least squares.

/// A value on the segment behind a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnSegment {
    pub(crate) node: usize,
    /// The share of the segment before the value.
    pub(crate) past: f64,
    /// The line is multiplied by it.
    pub(crate) factor: f64,
    pub(crate) value: f64,
}

/// The values at the nodes that fit best. Each touches its two neighbours, so the equations are solved by relaxation (Gauss and
/// Seidel) from a start. `None` if a node has no value.
pub(crate) fn fitted(values: impl Iterator<Item = OnSegment>, start: &[f64]) -> Option<Vec<f64>> {
    const RELAXATIONS: u32 = 60;
    let count = start.len();
    let (mut own, mut next, mut right) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
    for OnSegment { node, past, factor, value } in values {
        let after = (node + 1) % count;
        let (to_own, to_next) = (factor * (1.0 - past), factor * past);
        own[node] += to_own * to_own;
        own[after] += to_next * to_next;
        next[node] += to_own * to_next;
        right[node] += to_own * value;
        right[after] += to_next * value;
    }
    if own.iter().any(|weight| *weight <= 0.0) {
        return None;
    }
    let mut nodes = start.to_vec();
    for _ in 0..RELAXATIONS {
        for node in 0..count {
            let (before, after) = ((node + count - 1) % count, (node + 1) % count);
            nodes[node] =
                (right[node] - next[before] * nodes[before] - next[node] * nodes[after]) / own[node];
        }
    }
    Some(nodes)
}

/// The line behind a node.
pub(crate) fn at(nodes: &[f64], node: usize, past: f64) -> f64 {
    let (from, to) = (nodes[node], nodes[(node + 1) % nodes.len()]);
    from + (to - from) * past
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_of_a_line_are_found_from_values_on_its_segments() {
        let nodes = [3.0, 9.0, 4.0, 4.0, -2.0];
        let values = (0..40_u8).map(|n| {
            let (node, past) = (usize::from(n / 8), f64::from(n % 8) / 8.0);
            OnSegment { node, past, factor: 2.0, value: 2.0 * at(&nodes, node, past) }
        });
        let found = fitted(values.clone(), &[0.0; 5]).unwrap();
        assert!(found.iter().zip(nodes).all(|(found, node)| (found - node).abs() < 1e-9), "{found:?}");
        assert_eq!(fitted(values.filter(|value| value.node < 3), &[0.0; 5]), None);
    }
}
