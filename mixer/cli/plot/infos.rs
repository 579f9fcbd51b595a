//! Info metrics: their value is always 1 and says nothing, so they are words below the charts.

use indexmap::IndexMap;
use promemu_core::metric::MetricType;
use promemu_core::plan::Plan;
use promemu_core::plural::plural;

use super::selection::SelectedFamily;

/// The most sets of labels of one metric.
const SETS_MAX: usize = 4;

/// `true` for a family whose labels are all that it says.
pub(super) fn is_info(plan: &Plan, family: usize) -> bool {
    let family = &plan.families[family];
    family.metric_type == MetricType::Info
        || family.metric_type == MetricType::Gauge && family.name.ends_with("_info")
}

/// The labels of info metrics, a line for each metric.
pub(super) fn words(plan: &Plan, infos: &[SelectedFamily]) -> Vec<String> {
    infos.iter().map(|info| line(plan, info)).collect()
}

fn line(plan: &Plan, info: &SelectedFamily) -> String {
    let mut sets: IndexMap<String, Vec<&str>> = IndexMap::new();
    for series in &info.series {
        let labels = series.metric(plan).labels.as_text();
        let labels = format!("{{{}}}", String::from_utf8_lossy(labels));
        sets.entry(labels).or_default().push(&series.host(plan).name);
    }
    let more = sets.len().saturating_sub(SETS_MAX);
    let shown = sets.iter().take(SETS_MAX).map(|(labels, hosts)| match hosts[..] {
        [host] => format!("{labels} of {host}"),
        _ => format!("{labels} of {}", plural(hosts.len(), "host", "hosts")),
    });
    let more = (more > 0).then(|| format!("and {more} more sets of labels"));
    let words: Vec<String> = shown.chain(more).collect();
    format!("{}: {}", plan.families[info.family].name, words.join(", "))
}
