//! Every line and aggregate of the live page against a real Prometheus, in virtual time: a run is read as its page reads it, and its
//! metrics are scraped at the same moments; the query that the page copies, over the range of the page's rates, gives the same
//! values there. Meanwhile hosts come, end and go down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::{Arc, Once};

use serde_json::Value;

use promemu_core::config::{ConfigDirs, LoadOptions};
use promemu_core::plan::Plan;
use promemu_core::stop::Stop;
use promemu_core::time::{Span, Time};
use promemu_run::handle::{ChartView, SeriesView};
use promemu_run::virtual_run::VirtualRun;

use crate::databases::{Database, encoded};
use crate::fuzz;
use crate::golden::shipped_configs;
use crate::processes::get;
use crate::simulated;

/// A Monday morning.
const START: Time = Time::from_unix_secs(1_767_596_400);
/// The second of the first scrape, and the number of scrapes, one a second; the first ones fill the range of a rate.
const BEGIN: u64 = 150;
const SCRAPES: u64 = 100;
const RANGE: Span = Span::from_secs(31);
const FILLED: u64 = 32;
/// The second in which a host goes down, and for how long.
const DOWN_AT: u64 = BEGIN + 60;
const DOWN_FOR: Span = Span::from_secs(9);
const OPERATORS: [&str; 4] = ["avg", "sum", "min", "max"];
/// Lines of one request.
const LINES_OF_QUERY: usize = 24;
/// The configs that are compared without `PROMEMU_LONG`, each with something that others lack: histograms and a fault, pools whose
/// members come and go, all types, and a plugin's table.
const SOME: [&str; 4] = ["incident", "load_balancer_pool", "metric_types", "user_population"];

/// The plan of a shipped config, of which this process has the plugins.
fn plan_of(config: &str) -> Arc<Plan> {
    static PLUGINS: Once = Once::new();
    PLUGINS.call_once(|| {
        let here = fuzz::plugin::folder();
        let built = simulated::plugins();
        for file in std::fs::read_dir(built.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), here.join(file.file_name())).unwrap();
        }
        // Another test may have looked before these were there.
        let _has_changed = promemu_core::plugin::refresh();
    });
    let loaded = ConfigDirs::new(None).load(config, &LoadOptions::starting_at(START));
    Arc::new(loaded.unwrap_or_else(|error| panic!("{config}: {error}")).plan)
}

/// A line of a page, and its value at each scrape.
struct Line {
    view: SeriesView,
    values: Vec<Option<f64>>,
}

/// The lines of all charts of a run, and the text of its scrapes.
struct Seen {
    lines: Vec<Line>,
    scrapes: String,
}

/// The ids of the lines of all charts that a page can show of these families, and their aggregates.
fn ids(run: &VirtualRun, plan: &Plan) -> Vec<Arc<str>> {
    let charts = plan.families.iter().filter_map(|family| run.chart(&family.name));
    let mut ids: BTreeSet<Arc<str>> = run.first_charts().iter().flat_map(ChartView::ids).collect();
    for chart in charts {
        ids.extend(chart.ids());
        ids.extend(OPERATORS.iter().map(|operator| format!("rate:{operator}:{}", chart.metric).into()));
    }
    ids.into_iter().collect()
}

/// Reads and scrapes a run, moment by moment.
fn see(plan: &Arc<Plan>) -> Seen {
    let mut run = VirtualRun::new(plan, 7, START, RANGE).unwrap();
    let at = |second: u64| START + Span::from_secs(second);
    run.advance(at(BEGIN - 1), &Stop::default());
    let ids = ids(&run, plan);
    let views = ids.iter().map(|id| run.series(id).unwrap());
    let mut lines: Vec<Line> = views.map(|view| Line { view, values: Vec::new() }).collect();
    let mut scrapes = String::new();
    for second in BEGIN..BEGIN + SCRAPES {
        run.advance(at(second), &Stop::default());
        if second == DOWN_AT {
            let host = plan.hosts.iter().rev().find(|host| !host.shape.metrics.is_empty());
            run.take_down(&[Arc::clone(&host.unwrap_or(&plan.hosts[0]).name)], DOWN_FOR).unwrap();
        }
        for (line, value) in lines.iter_mut().zip(run.read(&ids)) {
            line.values.push(value);
        }
        scrape(&run, second, &mut scrapes);
    }
    Seen { lines, scrapes }
}

/// Adds the page of metrics, with its time.
fn scrape(run: &VirtualRun, second: u64, scrapes: &mut String) {
    let (mut exposition, mut page) = (run.exposition(), Vec::new());
    while let Some(chunk) = exposition.next_chunk().unwrap() {
        page.extend(chunk);
    }
    let seconds = run.now().since(Time::from_unix_nanos(0)).as_secs_f64();
    assert_eq!(run.now(), START + Span::from_secs(second));
    for line in String::from_utf8(page).unwrap().lines().filter(|line| !line.starts_with('#')) {
        // A timestamp of the host's own is none of a scrape.
        let (series, rest) = line.rsplit_once("} ").map_or_else(
            || line.split_once(' ').map(|(name, rest)| (name.to_owned(), rest)).unwrap(),
            |(series, rest)| (format!("{series}}}"), rest),
        );
        let value = rest.split(' ').next().unwrap();
        writeln!(scrapes, "{series} {value} {seconds}").unwrap();
    }
}

/// The query of a line that a Prometheus answers as a page shows it: over the range of a page's rates, and of text scrapes, which have
/// of native histograms their count alone.
fn query_of(view: &SeriesView) -> String {
    let query = view.query.replace("[5m]", "[31s]");
    let (before, behind) =
        (format!("histogram_count(rate({}", view.metric), format!("rate({}_count", view.metric));
    if query.contains(&before) {
        return query.replace(&before, &behind).replacen("))", ")", 1);
    }
    query
}

/// A Prometheus that has scraped a run.
fn prometheus_with(scrapes: &str) -> Database {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scrapes.om");
    std::fs::write(&file, format!("{scrapes}# EOF\n")).unwrap();
    let made = Command::new("promtool")
        .args(["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=24h"])
        .args([&file, &dir.path().join("data")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Database::prometheus_without_lookback(dir)
}

/// The answers to queries at each scrape: by the query's number, then by the second.
fn answers(prometheus: &Database, queries: &[String]) -> BTreeMap<usize, BTreeMap<u64, f64>> {
    let named = queries.iter().enumerate();
    let named = named.map(|(at, query)| format!("label_replace({query}, \"line\", \"{at}\", \"\", \"\")"));
    let query = named.collect::<Vec<_>>().join(" or ");
    let unix = |second: u64| (START + Span::from_secs(second)).since(Time::from_unix_nanos(0)).as_secs_f64();
    let (from, to) = (unix(BEGIN), unix(BEGIN + SCRAPES - 1));
    let path = format!("/api/v1/query_range?query={}&start={from}&end={to}&step=1", encoded(&query));
    let text = get(prometheus.port(), &path).unwrap_or_else(|| panic!("no answer to {query}"));
    let answer: Value = serde_json::from_str(&text).unwrap();
    let series = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{text}, asked {query}"));
    let mut found: BTreeMap<usize, BTreeMap<u64, f64>> = BTreeMap::new();
    for one in series {
        let line = one["metric"]["line"].as_str().unwrap().parse().unwrap();
        let values = one["values"].as_array().unwrap().iter().map(|value| {
            let second = (value[0].as_f64().unwrap() - unix(0)).round();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
            (second as u64, value[1].as_str().unwrap().parse().unwrap())
        });
        let known = found.insert(line, values.collect());
        assert!(known.is_none(), "{} returns several series", queries[line]);
    }
    found
}

/// Compares all lines of a config with Prometheus; returns the number of values.
fn compare(config: &str) -> usize {
    let plan = plan_of(config);
    let Seen { lines, scrapes } = see(&plan);
    let prometheus = prometheus_with(&scrapes);
    // A state is shown as its number, and stored as a series each.
    let lines: Vec<Line> = lines.into_iter().filter(|line| line.view.metric_type != "stateset").collect();
    let mut compared = 0;
    for lines in lines.chunks(LINES_OF_QUERY) {
        let queries: Vec<String> = lines.iter().map(|line| query_of(&line.view)).collect();
        let answers = answers(&prometheus, &queries);
        for (number, Line { view, values }) in lines.iter().enumerate() {
            let none = BTreeMap::new();
            let answered = answers.get(&number).unwrap_or(&none);
            for (second, own) in (BEGIN..).zip(values).skip(usize::try_from(FILLED).unwrap()) {
                let theirs = answered.get(&second).copied().filter(|value| value.is_finite());
                let is_same = match (own, theirs) {
                    (Some(own), Some(theirs)) => (own - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
                    (own, theirs) => own.is_none() && theirs.is_none(),
                };
                assert!(
                    is_same,
                    "{config}, {} at {second} s: {own:?} is not {theirs:?}: {}",
                    view.id, queries[number]
                );
                compared += usize::from(own.is_some());
            }
        }
    }
    compared
}

#[test]
fn every_line_of_a_page_is_what_prometheus_makes_of_the_same_scrapes() {
    let all = std::env::var_os("PROMEMU_LONG").is_some();
    let configs: Vec<String> =
        if all { shipped_configs() } else { SOME.iter().map(|name| (*name).to_owned()).collect() };
    for config in configs {
        let compared = compare(&config);
        println!("{config}: {compared} values");
        assert!(compared > 100, "{config}: only {compared} values");
    }
}
