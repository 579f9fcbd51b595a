//! Every metric type, as real servers and the reference parsers read it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use crate::databases::Database;
use crate::processes::{eventually, free_port, promemu, promtool_errors};

/// Name, spread, median and p99 of each distribution.
const SPREADS: [(&str, &str, f64, f64); 4] = [
    ("even", "normal(median: 0.3, p99: 0.9)", 0.3, 0.9),
    ("slow", "lognormal(median: 0.08, p99: 0.6)", 0.08, 0.6),
    ("random", "exponential(median: 0.2)", 0.2, 1.3288),
    ("twofold", "bimodal(median: 0.1, p99: 2, share: 0.1)", 0.1, 2.0),
];

/// A classic and a native histogram of each distribution, with 20 000 observations a second.
fn histograms() -> String {
    let bounds: Vec<String> = (-40..20).map(|n| format!("{:.5}", 1.1f64.powi(n))).collect();
    let bounds = bounds.join(", ");
    let metric = |(name, spread, _, _): (&str, &str, f64, f64)| {
        let common =
            format!("value_range: (-9, 99), update_interval: 1, observations: 20000, spread: {spread}");
        format!(
            "Metric(name: \"{name}_seconds\", metric_type: histogram, buckets: [{bounds}], {common}),
            Metric(name: \"{name}_native_seconds\", metric_type: native_histogram, {common}),"
        )
    };
    let metrics: String = SPREADS.map(metric).concat();
    format!(
        "Config(default_job_name: \"spreads\", hosts: [Host(repeat: Repeat(var: \"i\", from: 1, to: 2), name: \"h-{{i}}\",
            interval: 1, metric_sets: [\"all\"])], metric_sets: {{ \"all\": [{metrics}] }})"
    )
}

fn written(dir: &Path, config: &str) -> String {
    let file = dir.join("types.ron");
    std::fs::write(&file, config).unwrap();
    file.display().to_string()
}

#[test]
fn quantiles_over_a_window_are_those_of_the_config() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let output = format!("scrape=127.0.0.1:{port}");
    let mut run = promemu(&["--config", &written(dir.path(), &histograms()), "--output", &output]);
    // Prometheus asks for protobuf when it reads native histograms.
    let prometheus = Database::prometheus_scraping(port);
    for (name, _, median, p99) in SPREADS {
        for (q, wanted) in [(0.5, median), (0.99, p99)] {
            for query in [
                format!("histogram_quantile({q}, sum by (le) (rate({name}_seconds_bucket[10s])))"),
                format!("histogram_quantile({q}, sum(rate({name}_native_seconds[10s])))"),
            ] {
                let found = eventually(&query, || prometheus.number(&query).filter(|found| !found.is_nan()));
                assert!((found / wanted - 1.0).abs() < 0.05, "{query}: {found} and not {wanted}");
            }
        }
    }
    assert_eq!(run.terminate(), Some(0));
}

/// Reads both formats with the parsers of the Python client and prints the samples, with the numbers in labels parsed. Its
/// OpenMetrics parser is the reference for that format.
const READER: &str = r#"
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text
def seen(family, sample):
    number = lambda name, text: repr(float(text)) if name in ("le", "quantile") and family.type in ("histogram", "summary") else text
    labels = {name: number(name, text) for name, text in sample.labels.items()}
    exemplar = sample.exemplar and sum(len(name) + len(text) for name, text in sample.exemplar.labels.items())
    return [sample.name, labels, repr(float(sample.value)), exemplar]
def families(read, path):
    text = open(path, newline="", encoding="utf-8").read()
    return [[f.name, f.type, f.unit, f.documentation, [seen(f, sample) for sample in f.samples]] for f in read(text)]
json.dump([families(read_open, sys.argv[1]), families(read_text, sys.argv[2])], sys.stdout)
"#;

/// A sample: name, labels, value, and the length of the exemplar's labels.
type Sample = (String, BTreeMap<String, String>, String, Option<usize>);

/// A family's name, type, unit, HELP, and samples.
type Family = (String, String, String, String, Vec<Sample>);

/// The families that the reference parsers find in a file of OpenMetrics and in one of the text format.
fn read_by_reference(open: &Path, text: &Path) -> [Vec<Family>; 2] {
    // Debian's package belongs to Debian's own Python, which may not be the first one on the PATH.
    let knows = |python: &&str| {
        let output =
            Command::new(python).args(["-c", "import prometheus_client.openmetrics.parser"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let python = ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(knows)
        .expect("Python has prometheus_client; ./manage.sh test installs it");
    let output = Command::new(python).args(["-c", READER]).args([open, text]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The text as a literal of a config.
fn quoted(text: &str) -> String {
    let character = |character: char| match character {
        '{' | '}' => format!("{character}{character}"),
        ' ' | 'A'..='Z' | 'a'..='z' | '0'..='9' => character.to_string(),
        other => format!("\\u{{{:x}}}", u32::from(other)),
    };
    format!("\"{}\"", text.chars().map(character).collect::<String>())
}

/// A script, and the value that it gives a gauge.
fn value() -> impl Strategy<Value = (String, f64)> {
    prop_oneof![
        Just(("-0.0".to_owned(), 0.0)),
        (-15..=300i32, -999..999i32).prop_map(|(exponent, number)| {
            let value: f64 = format!("{number}e{exponent}").parse().unwrap();
            (format!("{value:?}"), value)
        }),
    ]
}

#[derive(Debug)]
struct Odd {
    /// Names with suffixes that some types reserve.
    names: Vec<String>,
    labels: BTreeMap<String, String>,
    values: Vec<(String, f64)>,
    help: String,
    states: BTreeSet<String>,
}

fn odd() -> impl Strategy<Value = Odd> {
    let suffix =
        prop::sample::select(vec!["", "_total", "_count", "_sum", "_bucket", "_info", "_created", ":x", "_"]);
    let name = ("[a-zA-Z_:][a-zA-Z0-9_:]{0,9}", suffix).prop_map(|(stem, suffix)| stem + suffix);
    let text = || prop_oneof![any::<String>(), "[\"\\\\\n\r\t{},= #üß漢🎈]{0,9}"];
    (
        prop::collection::vec(name, 6),
        prop::collection::btree_map("l_[a-zA-Z0-9_]{0,9}", text(), 0..5),
        prop::collection::vec(value(), 6),
        text(),
        prop::collection::btree_set(
            text().prop_filter("a state has a name", |state| !state.is_empty()),
            1..4,
        ),
    )
        .prop_map(|(names, labels, values, help, states)| Odd { names, labels, values, help, states })
}

impl Odd {
    /// The unique name of a gauge.
    fn gauge(&self, number: usize) -> String {
        format!("g{number}{}", self.names[number])
    }

    fn config(&self) -> String {
        let labels: Vec<String> =
            self.labels.iter().map(|(name, value)| format!("\"{name}\": {}", quoted(value))).collect();
        let gauges = (0..).zip(&self.values).map(|(n, (script, _))| {
            let name = self.gauge(n);
            format!("Metric(name: \"{name}\", update_interval: \"1h\", decimals: 15, description: {help}, scenario: script(source: \"{script}\")),\n", help = quoted(&self.help))
        });
        let states: Vec<String> = self.states.iter().map(|state| quoted(state)).collect();
        format!(
            r#"Config(default_job_name: "odd", identity_labels: false, hosts: [Host(name: "h", interval: 1, labels: {{ {} }}, metrics: [
                {}
                Metric(name: "c:total_total", metric_type: counter, update_interval: "1h", exemplars: true, created: true, scenario: random_in_range(value_range: (1e-9, 1e9))),
                Metric(name: "bare_counter_x", metric_type: counter, update_interval: "1h", exemplars: true, created: true),
                Metric(name: "h_seconds", metric_type: histogram, update_interval: "1h", units: "seconds", buckets: [-1e300, -1, 1e-300, 1, 1e6, 1e300], exemplars: true,
                    created: true, observations: 50, spread: normal(median: 0, p99: 5)),
                Metric(name: "p_ratio", metric_type: histogram, update_interval: "1h", units: "ratio", buckets: [0, 1e-9, 0.5, 1e9], exemplars: true, created: true,
                    observations: 50, value_range: (0, 1e12), spread: exponential(median: 1e-9)),
                Metric(name: "n_bytes", metric_type: native_histogram, update_interval: "1h", units: "bytes", exemplars: true, created: true, observations: 50,
                    spread: lognormal(median: 1e-200, p99: 1e200)),
                Metric(name: "s", metric_type: summary, update_interval: "1h", quantiles: [0, 1e-5, 0.5, 0.999999, 1], created: true, observations: 50,
                    spread: normal(median: 0, p99: 1)),
                Metric(name: "b_info", metric_type: info, labels: {{ "odd": {} }}),
                Metric(name: "e", metric_type: stateset, states: [{}])])])"#,
            labels.join(", "),
            gauges.collect::<String>(),
            quoted(&self.help),
            states.join(", "),
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reference_parsers_read_all_values_of_a_config(odd in odd()) {
        let dir = tempfile::tempdir().unwrap();
        let [open, text] = ["om", "prom"].map(|end| dir.path().join(format!("types.{end}")));
        let outputs = [format!("file={},format=openmetrics", open.display()), format!("file={}", text.display())];
        let config = written(dir.path(), &odd.config());
        let mut args = vec!["--config", &config, "--speed", "20x", "--push-interval", "100ms"];
        args.extend(outputs.iter().flat_map(|output| ["--output", output]));
        let mut run = promemu(&args);
        for file in [&open, &text] {
            eventually("the file is complete", || {
                let has_last = |text: String| text.contains("\ne{").then_some(());
                assert!(run.is_running(), "{}", run.log());
                std::fs::read_to_string(file).ok().and_then(has_last)
            });
        }
        prop_assert_eq!(run.terminate(), Some(0));
        prop_assert_eq!(promtool_errors(&std::fs::read_to_string(&text).unwrap()), Vec::<String>::new());
        let [of_open, of_text] = read_by_reference(&open, &text);

        let types: BTreeSet<(&str, &str, &str)> =
            of_open.iter().filter(|family| !family.0.starts_with('g')).map(|family| (&*family.0, &*family.1, &*family.2)).collect();
        let expected = [
            ("c:total", "counter", ""), ("bare_counter_x", "unknown", ""), ("h_seconds", "histogram", "seconds"),
            ("p_ratio", "histogram", "ratio"), ("n_bytes", "histogram", "bytes"), ("s", "summary", ""), ("b", "info", ""),
            ("e", "stateset", ""),
        ];
        prop_assert_eq!(types, BTreeSet::from(expected));
        let samples = |families: &[Family]| families.iter().flat_map(|family| family.4.clone()).collect::<Vec<Sample>>();
        let (of_open, of_text) = (samples(&of_open), samples(&of_text));
        for (n, (script, value)) in odd.values.iter().enumerate() {
            let mut labels = odd.labels.clone();
            labels.insert("job".to_owned(), "odd".to_owned());
            for samples in [&of_open, &of_text] {
                let sample = samples.iter().find(|sample| sample.0 == odd.gauge(n)).unwrap();
                prop_assert_eq!(&sample.1, &labels);
                let found: f64 = sample.2.parse().unwrap();
                prop_assert_eq!(found.total_cmp(value), Ordering::Equal, "{}: {}", script, found);
            }
        }
        let states: BTreeSet<String> = of_open.iter().filter(|sample| sample.0 == "e").map(|sample| sample.1["e"].clone()).collect();
        prop_assert_eq!(&states, &odd.states);
        let marked: Vec<usize> = of_open.iter().filter_map(|sample| sample.3).collect();
        prop_assert!(marked.len() == 3 && marked.iter().all(|length| *length <= 128), "{marked:?}");
        let known: BTreeSet<(&str, String, &str)> =
            of_text.iter().map(|sample| (&*sample.0, format!("{:?}", sample.1), &*sample.2)).collect();
        // The parser of the text format appends `_total` to the name of each counter.
        let is_the_same = |sample: &&Sample| !sample.0.ends_with("_created") && sample.0 != "bare_counter_x";
        for sample in of_open.iter().filter(is_the_same) {
            prop_assert!(known.contains(&(&sample.0, format!("{:?}", sample.1), &sample.2)), "{sample:?}");
        }
    }
}
