//! The families of a Prometheus that nothing reads: no panel and no annotation of the dashboards, and no rule.

use indexmap::{IndexMap, IndexSet};
use promemu_core::backfill::Grid;

use crate::prometheus_client::{PrometheusClient, Unanswered};
use crate::test::live::LiveRules;
use crate::test::reads::Reads;

/// Ends of the names of a histogram's series.
const OF_HISTOGRAMS: [&str; 3] = ["_bucket", "_count", "_sum"];
/// Names that Prometheus makes itself.
const OF_PROMETHEUS: [&str; 3] = ["ALERTS", "ALERTS_FOR_STATE", "up"];
/// Begin of the names of those that it makes of each scrape.
const OF_SCRAPES: &str = "scrape_";

/// The families that nothing reads, among all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) names: Vec<String>,
    pub(super) of: usize,
}

/// Asks for the names of metrics and for the rules.
///
/// # Errors
///
/// In words: the Prometheus does not say them.
pub(super) fn unread<'a>(
    prometheus: &PrometheusClient,
    grid: &Grid,
    queries: impl Iterator<Item = &'a str>,
) -> Result<Unread, String> {
    let range = [("start", grid.from.rfc3339()), ("end", grid.to.rfc3339())];
    let range = range.each_ref().map(|(name, time)| (*name, time.as_str()));
    let names = prometheus.ask("label/__name__/values", &range)?;
    let names: Vec<String> =
        names.as_array().into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    let rules = LiveRules::read(prometheus).map_err(Unanswered::text)?.rules;
    let groups = rules.files.iter().flat_map(|(_, file)| &file.groups);
    let of_rules = groups.flat_map(|group| &group.rules).map(|rule| rule.expr.as_str());
    let reads: Vec<Reads> = queries.map(Reads::of).chain(of_rules.map(Reads::of)).collect();
    Ok(unread_of(&names, &reads))
}

fn unread_of(names: &[String], reads: &[Reads]) -> Unread {
    let all: IndexSet<&str> = names.iter().map(String::as_str).collect();
    let mut families: IndexMap<&str, bool> = IndexMap::new();
    for name in &all {
        if OF_PROMETHEUS.contains(name) || name.starts_with(OF_SCRAPES) {
            continue;
        }
        // A family is read if one of its series is.
        let is_read = reads.iter().any(|reads| reads.may_read(name, None));
        *families.entry(family(name, &all)).or_default() |= is_read;
    }
    let unread = families.iter().filter(|(_, is_read)| !**is_read).map(|(name, _)| (*name).to_owned());
    Unread { names: unread.collect(), of: families.len() }
}

/// The family of a series: the histogram or the summary whose part it is, or itself.
fn family<'n>(name: &'n str, all: &IndexSet<&str>) -> &'n str {
    let stem = OF_HISTOGRAMS.iter().find_map(|end| name.strip_suffix(end));
    let has_both =
        |stem: &&str| ["_count", "_sum"].iter().all(|end| all.contains(format!("{stem}{end}").as_str()));
    stem.filter(has_both).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_unread_if_no_query_may_read_a_series_of_it() {
        let names = [
            "up",
            "scrape_duration_seconds",
            "ALERTS",
            "a_total",
            "b_bytes",
            "l_seconds_bucket",
            "l_seconds_count",
            "l_seconds_sum",
            "m_seconds_bucket",
            "m_seconds_count",
            "m_seconds_sum",
            "row_count",
            "job:a:rate",
        ]
        .map(str::to_owned);
        let found = |queries: &[&str]| {
            let reads: Vec<Reads> = queries.iter().map(|query| Reads::of(query)).collect();
            unread_of(&names, &reads)
        };
        let of_l = ["sum(rate(l_seconds_count[5m]))", "a_total / ignoring (x) {__name__=~\"b_.*\"}"];
        assert_eq!(
            found(&of_l),
            Unread { names: ["m_seconds", "row_count", "job:a:rate"].map(str::to_owned).into(), of: 6 }
        );
        assert_eq!(found(&["{job=\"j\"}"]).names, [""; 0], "it may read all");
        assert_eq!(found(&[]).names.len(), 6);
    }
}
