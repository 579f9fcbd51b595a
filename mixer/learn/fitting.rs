//! A config from a recording, as a whole.

use promemu_core::plural::plural;
use promemu_core::time::{Span, Time};
use promemu_wire::recording::Recording;
use promemu_wire::samples::Selector;

use crate::call::Value;
use crate::config_text;
use crate::effects::Actions;
use crate::error::LearnError;
use crate::grouping::{HostFit, HostGroup, group};
use crate::inventory::{Content, RecordedHost, RecordedMetric, inventory};
use crate::load::load;
use crate::metric_fit::{self, Around, MetricFit};
use crate::relay::{RELAY, Source};
use crate::statistics::sorted;
use crate::toggles::Toggles;

/// The series to fit, and the name of the config.
#[derive(Clone, Debug, Default)]
pub struct FitOptions {
    /// The name of the config, for its comments.
    pub name: String,
    /// The series that are fitted; all without one.
    pub selectors: Vec<Selector>,
}

/// A config that was fitted.
#[derive(Clone, Debug)]
pub struct FittedConfig {
    /// The text.
    pub text: String,
    /// Number of hosts.
    pub hosts: usize,
    /// Number of metrics of all hosts; a histogram is one.
    pub metrics: usize,
    /// Notes on what is left out, each with its reason.
    pub left_out: Vec<String>,
}

/// The interval of hosts without a series that tells it.
const DEFAULT_INTERVAL_SECS: f64 = 15.0;

/// Makes a config of a recording. `progress` hears the slices that are read and the hosts that are fitted, each of how many.
///
/// # Errors
///
/// The recording cannot be read, or has no series.
pub fn fit(
    recording: &Recording,
    options: &FitOptions,
    mut progress: impl FnMut(&'static str, usize, usize),
) -> Result<FittedConfig, LearnError> {
    let samples = load(recording, &options.selectors, |done, of| progress("slices", done, of))?;
    let inventory = inventory(recording, &samples);
    let (begin_ms, end_ms) = recording.range().unwrap_or_default();
    let mut left_out = inventory.left_out;
    let actions = Actions::of(&recording.actions()?, begin_ms);
    let mut hosts = Vec::with_capacity(inventory.hosts.len());
    let toggles = Toggles::of(&inventory.hosts, begin_ms);
    let around = Around { begin_ms, actions: &actions, toggles: &toggles };
    for (done, host) in inventory.hosts.iter().enumerate() {
        hosts.extend(fit_host(host, around, &mut left_out));
        progress("hosts", done + 1, inventory.hosts.len());
    }
    let (faults, unseen) = actions.text(&hosts);
    left_out.extend(unseen);
    left_out.sort();
    left_out.dedup();
    let (host_count, metrics) = (hosts.len(), hosts.iter().map(|host| host.metrics.len()).sum());
    let range = Range {
        begin: Time::from_unix_millis(begin_ms).rounded_down(SECOND),
        end: Time::from_unix_millis(end_ms + 999).rounded_down(SECOND),
    };
    let text = text(options, &range, &group(hosts), (metrics, &faults), &left_out);
    Ok(FittedConfig { text, hosts: host_count, metrics, left_out })
}

/// The fits of a host; `None` if it has no metric that can be fitted.
fn fit_host(host: &RecordedHost<'_>, around: Around<'_>, left_out: &mut Vec<String>) -> Option<HostFit> {
    let mut placed: Vec<(usize, MetricFit)> = Vec::with_capacity(host.metrics.len());
    let mut sources: Vec<Source<'_>> = Vec::new();
    // Gauges come first: others follow them, whatever their names are.
    let is_gauge = |metric: &RecordedMetric<'_>| matches!(metric.content, Content::Gauge(_));
    let (gauges, others): (Vec<_>, Vec<_>) =
        host.metrics.iter().enumerate().partition(|(_, metric)| is_gauge(metric));
    for (place, metric) in gauges.into_iter().chain(others) {
        match metric_fit::fit(metric, around, &sources) {
            Ok(fit) => {
                sources.extend(source(metric, &fit, host));
                placed.push((place, fit));
            }
            Err(reason) => left_out.push(reason),
        }
    }
    placed.sort_by_key(|(place, _)| *place);
    let metrics: Vec<MetricFit> = placed.into_iter().map(|(_, fit)| fit).collect();
    let intervals: Vec<f64> = metrics.iter().filter_map(|metric| metric.sample_secs).collect();
    let intervals = sorted(&intervals);
    let sample_secs = intervals.get(intervals.len() / 2).copied().unwrap_or(DEFAULT_INTERVAL_SECS);
    let (name, job, labels) = (host.name.clone(), host.job.clone(), host.labels.clone());
    (!metrics.is_empty()).then_some(HostFit { name, job, labels, sample_secs, metrics })
}

/// The metric as one that others of its host may follow: a gauge whose name tells it, and that moves by itself.
fn source<'s>(
    metric: &'s RecordedMetric<'_>,
    fit: &MetricFit,
    host: &RecordedHost<'_>,
) -> Option<Source<'s>> {
    let Content::Gauge(floats) = &metric.content else { return None };
    let is_named = host.metrics.iter().filter(|other| other.name == metric.name).count() == 1;
    let moves = matches!(fit.record.field("scenario"), Some(Value::Record(call)) if call.name != RELAY);
    (is_named && moves).then_some(Source { name: &metric.name, floats })
}

/// Times of a config's comments are whole seconds.
const SECOND: Span = Span::from_secs(1);

struct Range {
    begin: Time,
    end: Time,
}

fn text(
    options: &FitOptions,
    range: &Range,
    groups: &[HostGroup],
    (metrics, faults): (usize, &str),
    left_out: &[String],
) -> String {
    let name = &options.name;
    let hosts: usize = groups.iter().map(|group| group.hosts.len()).sum();
    let (begin, end) = (range.begin.rfc3339(), range.end.rfc3339());
    let length = config_text::plain(range.end.since(range.begin).as_secs_f64());
    let counted = format!("{} of {}", plural(metrics, "metric", "metrics"), plural(hosts, "host", "hosts"));
    let step = groups.first().map_or(DEFAULT_INTERVAL_SECS, |group| group.sample_secs);
    let step = config_text::plain(step);
    let mut text = format!(
        "// Fitted to a recording from {begin} to {end}: {counted}. Times count from its begin.\n//\n\
         //     promemu run {name}.ron\n\
         //     promemu export {name}.ron --from {begin} --for {length}s --step {step}s\n"
    );
    if !left_out.is_empty() {
        text.push_str("//\n// Left out:\n");
        for note in left_out {
            text.extend(["// - ", note, "\n"]);
        }
    }
    let body = format!(
        "Config(\n    description: \"fitted to a recording from {begin} to {end}\",\n    identity_labels: false,\n{faults}    hosts: [\n{}    ],\n)\n",
        config_text::hosts(groups)
    );
    text.push_str(&body);
    text
}
