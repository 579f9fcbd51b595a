//! The families and hosts of a plan that are drawn: those that the user selected, up to a limit.

use indexmap::IndexMap;
use promemu_core::error::{Error, suggestion};
use promemu_core::event::HostId;
use promemu_core::name_regex;
use promemu_core::plan::{HostPlan, HostShape, MetricPlan, Plan};
use promemu_core::plural::plural;
use promemu_core::time::Span;
use regex_lite::Regex;

use super::infos::{self, is_info};

/// More families are not drawn.
const FAMILIES_MAX: usize = 12;
/// More series of a family are not drawn.
const SERIES_MAX: usize = 100;
/// More names of families that are left out are not listed.
const NAMES_MAX: usize = 4;

const METRIC_FLAG: &str = "--metric or PME_PLOT_METRIC";
const HOST_FLAG: &str = "--host or PME_PLOT_HOST";

/// The families and series that are drawn.
#[derive(Debug)]
pub(super) struct Selection {
    /// One chart each, in the config's order.
    pub(super) families: Vec<SelectedFamily>,
    /// The labels of info metrics, which have no chart.
    pub(super) infos: Vec<String>,
    /// Notes on families and series that are left out, with the flag that selects them.
    pub(super) left_out: Vec<String>,
}

/// A family, and the first of its series.
#[derive(Debug)]
pub(super) struct SelectedFamily {
    /// An index into the plan's families.
    pub(super) family: usize,
    pub(super) series: Vec<SelectedSeries>,
    /// Number of series that match.
    pub(super) matching: usize,
}

/// One metric of a host, or of a member of one of its pools.
#[derive(Clone, Copy, Debug)]
pub(super) struct SelectedSeries {
    pub(super) host: HostId,
    /// The pool's index, and the member's number.
    pub(super) slot: Option<(usize, usize)>,
    /// An index into the shape's metrics.
    pub(super) metric: usize,
}

impl SelectedSeries {
    pub(super) fn host(self, plan: &Plan) -> &HostPlan {
        &plan.hosts[self.host as usize]
    }

    /// The shape that has the metric.
    pub(super) fn shape(self, plan: &Plan) -> &HostShape {
        let shape = &self.host(plan).shape;
        self.slot.map_or(shape, |(pool, _)| &shape.pools[pool].shape)
    }

    pub(super) fn metric(self, plan: &Plan) -> &MetricPlan {
        &self.shape(plan).metrics[self.metric]
    }
}

impl Selection {
    /// The families and hosts whose names the patterns match; without a pattern all of them.
    pub(super) fn of(plan: &Plan, metric: Option<&str>, host: Option<&str>) -> Result<Self, Error> {
        let (metrics, hosts) = (Pattern::new(METRIC_FLAG, metric)?, Pattern::new(HOST_FLAG, host)?);
        let is_wanted: Vec<bool> = plan.families.iter().map(|family| metrics.matches(&family.name)).collect();
        if !is_wanted.contains(&true) {
            let known: Vec<&str> = plan.families.iter().map(|family| &*family.name).collect();
            return Err(metrics.no_match("metric", &known));
        }
        let mut found: IndexMap<usize, SelectedFamily> = IndexMap::new();
        let mut is_any_host = false;
        for (id, host) in (0..).zip(&plan.hosts).filter(|(_, host)| hosts.matches(&host.name)) {
            is_any_host = true;
            for (metric, MetricPlan { family, .. }) in host.shape.metrics.iter().enumerate() {
                if is_wanted[*family] {
                    add(&mut found, *family, SelectedSeries { host: id, slot: None, metric }, 1);
                }
            }
            for (number, pool) in host.shape.pools.iter().enumerate() {
                let count = plan.members_max(id, pool);
                for (metric, MetricPlan { family, .. }) in pool.shape.metrics.iter().enumerate() {
                    if is_wanted[*family] {
                        let first = SelectedSeries { host: id, slot: Some((number, 0)), metric };
                        add(&mut found, *family, first, count);
                    }
                }
            }
        }
        if !is_any_host {
            let known: Vec<&str> = plan.hosts.iter().map(|host| &*host.name).collect();
            return Err(hosts.no_match("host", &known));
        }
        if found.is_empty() {
            return Err(Error::Usage(
                "no host that --host matches has a metric that --metric matches; leave one of them out"
                    .to_owned(),
            ));
        }
        found.sort_unstable_keys();
        let (infos, mut families): (Vec<_>, Vec<SelectedFamily>) =
            found.into_values().partition(|found| is_info(plan, found.family));
        let cut = families.split_off(families.len().min(FAMILIES_MAX));
        let left_out = left_out(plan, &families, &cut);
        Ok(Self { families, infos: infos::words(plan, &infos), left_out })
    }

    /// The hosts, sorted by id, each with its series and the families' places in the selection.
    pub(super) fn by_host(&self) -> IndexMap<HostId, Vec<(usize, SelectedSeries)>> {
        let mut hosts: IndexMap<HostId, Vec<(usize, SelectedSeries)>> = IndexMap::new();
        for (place, family) in self.families.iter().enumerate() {
            for series in &family.series {
                hosts.entry(series.host).or_default().push((place, *series));
            }
        }
        hosts.sort_unstable_keys();
        hosts
    }

    /// The time from the run's start to the end of its last host.
    pub(super) fn life(&self, plan: &Plan) -> Span {
        let series = self.families.iter().flat_map(|family| &family.series);
        series.map(|series| series.host(plan).ends_after()).max().unwrap_or(Span::FOREVER)
    }
}

/// Adds a series, or the series of a pool's first `count` members.
fn add(found: &mut IndexMap<usize, SelectedFamily>, family: usize, first: SelectedSeries, count: usize) {
    let empty = || SelectedFamily { family, series: Vec::new(), matching: 0 };
    let found = found.entry(family).or_insert_with(empty);
    found.matching += count;
    let room = SERIES_MAX - found.series.len();
    let slot = |number| first.slot.map(|(pool, _)| (pool, number));
    found.series.extend((0..count.min(room)).map(|number| SelectedSeries { slot: slot(number), ..first }));
}

/// Notes on families and series that are not drawn.
fn left_out(plan: &Plan, families: &[SelectedFamily], cut: &[SelectedFamily]) -> Vec<String> {
    let mut notes = Vec::new();
    if !cut.is_empty() {
        let names = cut.iter().take(NAMES_MAX).map(|cut| &*plan.families[cut.family].name);
        let names = names.collect::<Vec<_>>().join(", ");
        let more = if cut.len() > NAMES_MAX { ", …" } else { "" };
        notes.push(format!(
            "{} of {} metrics are left out: {names}{more}; --metric REGEX chooses",
            cut.len(),
            cut.len() + families.len(),
        ));
    }
    let most = families.iter().map(|family| family.matching).max().unwrap_or(0);
    if most > SERIES_MAX {
        let series = plural(most, "series", "series");
        notes.push(format!(
            "only the first {SERIES_MAX} of up to {series} of a metric are drawn; --host REGEX chooses"
        ));
    }
    notes
}

/// The pattern of a flag, for the names of metrics or hosts.
struct Pattern<'a> {
    flag: &'static str,
    text: &'a str,
    regex: Option<Regex>,
}

impl<'a> Pattern<'a> {
    fn new(flag: &'static str, text: Option<&'a str>) -> Result<Self, Error> {
        let regex = text.map(name_regex::parse).transpose().map_err(|error| {
            let text = text.unwrap_or_default();
            Error::Usage(format!("{flag}: {text:?} {error}; write part of a name, or as in ^web-0[1-3]$"))
        })?;
        Ok(Self { flag, text: text.unwrap_or_default(), regex })
    }

    fn matches(&self, name: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(name))
    }

    fn no_match(&self, entity: &str, known: &[&str]) -> Error {
        let (flag, text) = (self.flag, self.text);
        Error::Usage(format!("{flag}: {text:?} matches no {entity} of the config{}", suggestion(text, known)))
    }
}

/// The metric and its sources: those that it is calculated from.
pub(super) fn with_sources(shape: &HostShape, metric: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(metric), |metric| shape.metrics[*metric].source)
}
