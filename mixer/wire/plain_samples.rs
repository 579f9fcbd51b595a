//! The plain samples of a store, each with its name, its labels and its value, as the text format has them.

use promemu_core::series::SeriesStore;

use crate::series_expansion::for_each_series;

/// Calls `visit` for each plain sample: its name, its labels, its value.
pub fn for_each(store: &SeriesStore, mut visit: impl FnMut(&str, &[(String, String)], f64)) {
    for (number, family) in store.families().enumerate() {
        store.for_each_sample(number, |sample| {
            let own = sample.host_labels.iter().chain(sample.metric_labels.iter());
            let mut labels: Vec<(String, String)> =
                own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let count = labels.len();
            let mut total = 0.0;
            for_each_series(&sample.layout.kind, |series| {
                labels.truncate(count);
                let extra = series.label.name_and_value(&family.name);
                labels.extend(extra.map(|(name, value)| (name.to_owned(), value)));
                let name = format!("{}{}", family.name, series.suffix.as_str());
                visit(&name, &labels, series.source.value(|place| sample.cells[place], &mut total));
            });
        });
    }
}
