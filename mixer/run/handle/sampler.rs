//! Series that are read again and again, as a page does it: a quantile is that of the observations of the last readings.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;
use promemu_core::metric::histogram_quantile;
use promemu_core::time::Time;

use super::run_handle::RunHandle;
use super::selection::{Operator, Selection};

/// Number of readings between whose first and last one a quantile's observations are: half a minute of seconds.
const READINGS: usize = 31;

/// The readings of series of one run.
#[derive(Debug)]
pub struct Sampler {
    handle: RunHandle,
    /// By the family and the labels of histograms.
    windows: IndexMap<String, Window>,
}

/// The last readings of histograms.
#[derive(Debug, Default)]
struct Window {
    bounds: Arc<[f64]>,
    /// The count of each bucket, not cumulative.
    readings: VecDeque<Vec<f64>>,
}

impl Sampler {
    /// Readings of a run.
    #[must_use]
    pub fn new(handle: RunHandle) -> Self {
        Self { handle, windows: IndexMap::new() }
    }

    /// As [`RunHandle::probe`], with quantiles.
    pub fn read(&mut self, ids: &[Arc<str>]) -> (Time, Vec<Option<f64>>) {
        let (time, mut values) = self.handle.probe(ids.iter().map(|id| &**id));
        let mut before = std::mem::take(&mut self.windows);
        for (id, value) in ids.iter().zip(&mut values) {
            let Some(selection) = Selection::parse(id) else { continue };
            let Operator::Quantile(quantile) = selection.operator else { continue };
            let key = id.split_once(':').map_or("", |(_, key)| key);
            if !self.windows.contains_key(key) {
                let mut window = before.swap_remove(key).unwrap_or_default();
                window.add(self.handle.buckets(&selection));
                self.windows.insert(key.to_owned(), window);
            }
            *value = self.windows.get(key).and_then(|window| window.quantile(quantile));
        }
        (time, values)
    }
}

impl Window {
    /// Adds the buckets of a reading. After a reset, or once a host is gone, it begins anew.
    fn add(&mut self, buckets: Option<(Arc<[f64]>, Vec<f64>)>) {
        let Some((bounds, counts)) = buckets else { return self.readings.clear() };
        let has_grown = |last: &Vec<f64>| last.iter().zip(&counts).all(|(before, now)| now >= before);
        if self.bounds != bounds || !self.readings.back().is_none_or(has_grown) {
            self.readings.clear();
        }
        self.bounds = bounds;
        self.readings.push_back(counts);
        if self.readings.len() > READINGS {
            self.readings.pop_front();
        }
    }

    /// A quantile of its observations; `None` without any.
    fn quantile(&self, quantile: f64) -> Option<f64> {
        let (first, last) = (self.readings.front()?, self.readings.back()?);
        let counts: Vec<f64> = last.iter().zip(first).map(|(now, before)| now - before).collect();
        let value = histogram_quantile(quantile, &self.bounds, &counts);
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_that_of_the_observations_between_the_first_and_the_last_reading() {
        let bounds: Arc<[f64]> = [1.0, 2.0].into();
        let mut window = Window::default();
        let mut read = |counts: [f64; 3]| {
            window.add(Some((Arc::clone(&bounds), counts.to_vec())));
            window.quantile(0.5)
        };
        assert_eq!(read([50.0, 0.0, 0.0]), None, "those before are none of it");
        assert_eq!(read([50.0, 10.0, 0.0]), Some(1.5));
        assert_eq!(read([50.0, 0.0, 0.0]), None, "a reset");
        assert_eq!(read([60.0, 0.0, 0.0]), Some(0.5));
        for _ in 0..READINGS - 1 {
            read([60.0, 0.0, 0.0]);
        }
        assert_eq!(read([60.0, 0.0, 0.0]), None, "they are long ago");
        window.add(None);
        assert_eq!(window.quantile(0.5), None);
    }
}
