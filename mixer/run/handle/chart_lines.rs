//! The lines of a family's chart: few, and those that say something. Series of many labels are summed by the one that says most.

use indexmap::{IndexMap, IndexSet};

use promemu_core::metric::MetricType;
use promemu_core::series::{LabelBlock, SampleCursor};

use super::lookup::{NAMES_COMPARED_MAX, metric_key};
use super::series::hosts_of_families;
use crate::fleet::Fleet;

/// The most lines of series or of values of a label.
const LINES_MAX: usize = 9;
/// The hosts that are shown one by one, and those of more that are.
const HOSTS_MAX: usize = 6;
const HOSTS_OF_MANY: usize = 3;
/// The rows of each job that are looked at.
const ROWS_MAX: usize = 4_096;
/// Labels that say most about what is counted, the first before the others.
pub const TELLING: [&str; 14] = [
    "code",
    "status",
    "outcome",
    "result",
    "error",
    "reason",
    "state",
    "mode",
    "type",
    "operation",
    "method",
    "handler",
    "route",
    "server",
];

/// The series of a family, as one sees them now.
#[derive(Debug)]
pub(super) struct Sight {
    metric_type: MetricType,
    hosts: usize,
    /// The ids of the first series that are hosts' own.
    own: Vec<String>,
    /// The labels of series beside those of their hosts: each different set, and the values of each name. Few more than can be
    /// shown.
    sets: IndexSet<String>,
    values: IndexMap<String, IndexSet<String>>,
}

impl Sight {
    /// The present series of a family; `None` without any.
    pub(super) fn of(fleet: &Fleet, family: usize) -> Option<Self> {
        let known = &fleet.plan().families[family];
        let mut sight = Self {
            metric_type: known.metric_type,
            hosts: hosts_of_families(fleet)[family],
            own: Vec::new(),
            sets: IndexSet::new(),
            values: IndexMap::new(),
        };
        let mut of_hosts = IndexSet::new();
        for (_, host) in fleet.hosts().take(NAMES_COMPARED_MAX) {
            of_hosts.extend(host.labels.iter().map(|(name, _)| name.to_owned()));
            for metric in host.shape.metrics.iter().filter(|metric| metric.family == family) {
                if sight.own.len() <= LINES_MAX {
                    sight.own.push(format!("{}/{}", host.name, metric_key(metric)));
                }
            }
        }
        let mut is_there = false;
        for job in fleet.jobs() {
            let store = job.store();
            let Some(place) = store.families().position(|one| one.name == known.name) else { continue };
            let mut cursor = SampleCursor::default();
            store.for_each_sample_from(place, &mut cursor, ROWS_MAX, |sample| {
                is_there = true;
                let labels = sample.host_labels.iter().chain(sample.metric_labels.iter());
                sight.see(&labels.filter(|(name, _)| !of_hosts.contains(*name)).collect::<Vec<_>>());
            });
        }
        is_there.then_some(sight)
    }

    /// Notes the labels of one series.
    fn see(&mut self, labels: &[(&str, &str)]) {
        for &(name, value) in labels {
            let values = self.values.entry(name.to_owned()).or_default();
            if values.len() <= LINES_MAX && !values.contains(value) {
                values.insert(value.to_owned());
            }
        }
        if self.sets.len() <= LINES_MAX {
            let own = LabelBlock::new(labels.iter().copied());
            self.sets.insert(String::from_utf8_lossy(own.as_text()).into_owned());
        }
    }

    /// The lines that a chart begins with.
    pub(super) fn lines(&self) -> Vec<String> {
        if self.metric_type == MetricType::Histogram {
            return ["p50", "p90", "p99"].map(str::to_owned).into();
        }
        let is_few = |count: usize| (2..=LINES_MAX).contains(&count);
        let over = if self.metric_type.grows() || self.hosts == 1 { "sum" } else { "avg" };
        let braces = |set: &String| if set.is_empty() { String::new() } else { format!("{{{set}}}") };
        if self.hosts == 1 && !self.own.is_empty() && self.own.len() <= LINES_MAX {
            return self.own.clone();
        }
        if is_few(self.sets.len()) {
            return self.sets.iter().map(|set| format!("{over}{}", braces(set))).collect();
        }
        if self.sets.len() > 1
            && let Some((name, values)) = self.telling_label(is_few)
        {
            let set = |value: &String| LabelBlock::new([(name, value.as_str())]);
            let text = |value| format!("{over}{{{}}}", String::from_utf8_lossy(set(value).as_text()));
            return values.iter().map(text).collect();
        }
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match (self.own.is_empty() || self.sets.len() > 1, self.metric_type.grows()) {
            // Series of pool members come and go: only aggregates can be followed.
            (true, true) => words(&["sum"]),
            (true, false) => words(&["avg", "max"]),
            (false, _) if self.hosts <= HOSTS_MAX => [&words(&["avg"])[..], &self.own].concat(),
            (false, _) => [&words(&["avg", "min", "max"])[..], &self.own[..HOSTS_OF_MANY]].concat(),
        }
    }

    /// The label whose values say most, if it has few.
    fn telling_label(&self, is_few: impl Fn(usize) -> bool) -> Option<(&str, &IndexSet<String>)> {
        let few = self.values.iter().filter(|(_, values)| is_few(values.len()));
        let rank = |name: &str| TELLING.iter().position(|known| *known == name).unwrap_or(TELLING.len());
        few.min_by_key(|(name, _)| rank(name)).map(|(name, values)| (name.as_str(), values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sight(metric_type: MetricType, hosts: usize, own: usize, sets: &[&[(&str, &str)]]) -> Sight {
        let own = (0..own).map(|n| format!("h{n}/m")).collect();
        let mut sight = Sight { metric_type, hosts, own, sets: IndexSet::new(), values: IndexMap::new() };
        for set in sets {
            sight.see(set);
        }
        sight
    }

    #[test]
    fn a_chart_has_few_lines_and_those_that_say_something() {
        let lines =
            |metric_type, hosts, own, sets: &[&[(&str, &str)]]| sight(metric_type, hosts, own, sets).lines();
        let (gauge, counter) = (MetricType::Gauge, MetricType::Counter);
        assert_eq!(lines(MetricType::Histogram, 9, 9, &[&[]]), ["p50", "p90", "p99"]);
        assert_eq!(lines(gauge, 1, 1, &[&[]]), ["h0/m"]);
        assert_eq!(lines(gauge, 2, 2, &[&[]]), ["avg", "h0/m", "h1/m"]);
        assert_eq!(lines(gauge, 40, 10, &[&[]]), ["avg", "min", "max", "h0/m", "h1/m", "h2/m"]);
        let codes: [&[(&str, &str)]; 2] = [&[("code", "200")], &[("code", "500")]];
        assert_eq!(lines(counter, 3, 6, &codes), ["sum{code=\"200\"}", "sum{code=\"500\"}"]);
        assert_eq!(lines(gauge, 3, 6, &codes), ["avg{code=\"200\"}", "avg{code=\"500\"}"]);
        let mut many: Vec<Vec<(&str, &str)>> = Vec::new();
        for path in ["/a", "/b", "/c", "/d"] {
            many.extend(["200", "404", "500"].map(|code| vec![("path", path), ("code", code)]));
        }
        let many: Vec<&[(&str, &str)]> = many.iter().map(Vec::as_slice).collect();
        assert_eq!(
            lines(counter, 3, 10, &many),
            ["200", "404", "500"].map(|code| format!("sum{{code=\"{code}\"}}"))
        );
        let names: Vec<String> = (0..40).map(|n| format!("pod-{n}")).collect();
        let pods: Vec<Vec<(&str, &str)>> = names.iter().map(|name| vec![("pod", name.as_str())]).collect();
        let pods: Vec<&[(&str, &str)]> = pods.iter().map(Vec::as_slice).collect();
        assert_eq!(lines(counter, 1, 0, &pods), ["sum"]);
        assert_eq!(lines(gauge, 1, 0, &pods), ["avg", "max"]);
    }
}
