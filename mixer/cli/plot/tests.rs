//! Charts of small configs, their limits and their errors.

use promemu_core::config::{ConfigFile, LoadOptions};

use super::chart::Curve;
use super::*;
use crate::args::ArgumentWords;

/// The flags of a test.
#[derive(Default)]
struct Flags {
    metric: Option<&'static str>,
    host: Option<&'static str>,
    span: Option<&'static str>,
    step: Option<&'static str>,
    steps_max: Option<u64>,
}

impl Flags {
    fn args(&self) -> PlotArgs {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        PlotArgs {
            words: ArgumentWords::default(),
            name: "test".into(),
            metric: owned(self.metric),
            host: owned(self.host),
            span: owned(self.span),
            at: Some("2026-01-05T08:00Z".into()),
            step: owned(self.step),
            out: None,
        }
    }

    /// The charts of the hosts, and the notes below them.
    fn figure(&self, hosts: &str) -> Result<(Figure, Vec<String>), Error> {
        self.figure_of(&format!("Config(hosts: [{hosts}])"))
    }

    /// The charts of a config, and the notes below them.
    fn figure_of(&self, text: &str) -> Result<(Figure, Vec<String>), Error> {
        let args = self.args();
        let times = Times::of(&args)?;
        let plan =
            ConfigFile::from_text("test", text).plan(&LoadOptions::starting_at(times.at)).unwrap().plan;
        let plan = Arc::new(plan);
        let selection = Selection::of(&plan, args.metric.as_deref(), args.host.as_deref())?;
        let (grid, to) = times.grid(&plan, &selection, terminal::dots_across(80))?;
        let figure = Figure::of(&plan, &selection, 7, grid, to, self.steps_max.unwrap_or(u64::MAX))?;
        let notes = notes(&selection, &figure);
        Ok((figure, notes))
    }

    fn draw(&self, hosts: &str) -> String {
        self.draw_config(&format!("Config(hosts: [{hosts}])"))
    }

    fn draw_config(&self, text: &str) -> String {
        let (figure, _) = self.figure_of(text).unwrap();
        let text = terminal::draw(&figure, 80, ColourMode::None);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        text
    }

    fn error(&self, hosts: &str) -> String {
        let error = self.figure(hosts).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    }
}

const WAVE: &str = r#"Host(name: "pump", ttl: "10m", interval: 1, metrics: [
    Metric(name: "pressure_bytes", description: "how hard it pumps", update_interval: 1, value_range: (0, "8GiB"),
        duration: "8m", scenario: sine_wave(period: "4m", amplitude: "3GiB", offset: "4GiB"))])"#;

const SHOP: &str = r#"
    Host(name: "till", ttl: "5m", listen_events: { "feature_on": emit("load_peak_start"), "feature_off": emit("load_peak_end") }, metrics: [
        Metric(name: "open", scenario: feature_toggle(start_time: 60, duration: 60, interval: 30))]),
    Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", ttl: "5m", interval: 5, metrics: [
        Metric(name: "visitors", value_range: (0, 100), update_interval: 5,
            scenario: load_peak_cpu),
        Metric(name: "sales_total", metric_type: counter, accumulate: per_second, update_interval: 5,
            value_range: (0, 500), default_value: 0, scenario: sine_wave(period: "5m", amplitude: "{i * 50}", offset: 100)),
        Metric(name: "answer_seconds", metric_type: histogram, observations: 50, update_interval: 5,
            scenario: random_in_range(value_range: (0.02, 0.2)))])"#;

const FLEET: &str = r#"Host(repeat: Repeat(var: "i", from: 1, to: 150), name: "node-{i:03}", ttl: "5m", interval: 5, metrics: [
    Metric(name: "load", update_interval: 5, value_range: (0, 40), scenario: sine_wave(period: "2m", amplitude: 5, offset: "{i / 10.0 + 10}"))])"#;

#[test]
fn a_gauge_is_a_line_with_gaps_and_bytes_in_powers_of_1024() {
    insta::assert_snapshot!(Flags::default().draw(WAVE), @"
    pressure_bytes: how hard it pumps
    8 GiB ┤
          │      ⣀⠤⢄                          ⣀⠤⣀
          │    ⡠⠊   ⠑⢄                      ⡰⠉   ⠑⢄
    6 GiB ┤   ⡜       ⠱⡀                   ⡜      ⠈⠲⡀
          │  ⡜         ⠱⡀                ⢀⠎         ⠱⡀
          │⢀⠎           ⠱⡀              ⢀⠎           ⠱⡀
    4 GiB ┤⠈             ⠘⡄             ⡜             ⠘⡄            ⢀⠄
          │               ⠱⡀          ⢀⠎               ⠱⡀          ⢠⠃
          │                ⠘⡄        ⢀⠎                 ⠱⡀        ⢀⠎
    2 GiB ┤                 ⠘⡄      ⢀⠎                   ⠘⡄      ⡠⠎
          │                  ⠈⠢⡀  ⢀⠔⠁                     ⠈⢆⡀  ⢀⠔⠁
          │                    ⠈⠑⠒⠁                         ⠈⠑⠊⠁
        0 ┤
          └┬─────────────┬──────────────┬─────────────┬─────────────┬──────────────┬
         08:00         08:02          08:04         08:06         08:08        08:10
           ─ pump
    ");
}

#[test]
fn a_counter_is_drawn_as_a_rate() {
    insta::assert_snapshot!(Flags { metric: Some("^sales"), ..Flags::default() }.draw(SHOP), @"
    sales_total, rate per second over 21s
    200 ┤              ⢀⣀⠔⠒⠒⠊⠉⠉⠒⠢⠤⡀
        │           ⢀⡠⠊⠁          ⠈⠉⠢⢄
        │         ⢀⠤⠃                ⠈⠒⢄
    150 ┤       ⢠⠒⠁   ⣀⡀    ⢰⠒⠒⠒⠒⠒⠤⠤⣀⡀  ⠉⢆⡀
        │    ⢀⣀⠎⠁ ⡠⠤⠒⠊ ⢇    ⡎        ⠈⠉⠢⠤⣀⡈⢆⡀
        │   ⠠⣃⡠⠤⠊⠉     ⠸⠊⠊⠑⠊              ⠈⠒⠳⣀
    100 ┤   ⠈                                 ⠱⣒⢄⣀
        │                                       ⠣⡀⠑⠢⣀⡀                       ⢀⠤⠄1
        │                                        ⠈⢆⡀ ⠈⠉⠢⠤⣀⡀             ⢀⣀⠔⠒⠉⢁⠎⠁2
     50 ┤                                          ⠘⠤⡀    ⠈⠉⠒⠒⠤⠤⠤⠤⠤⠤⠤⠒⠒⠉⠁  ⣀⠎⠁
        │                                            ⠈⠒⡄                ⢀⠤⠊
        │                                              ⠈⠑⢄⡀          ⢀⣀⠔⠊
      0 ┤                                                 ⠈⠒⠢⠤⣀⣀⣀⣀⠤⠔⠒⠁
        └┬─────────────┬─────────────┬─────────────┬─────────────┬─────────────┬
       08:00         08:01         08:02         08:03         08:04       08:05
         1 web-1  2 web-2
    ");
}

#[test]
fn a_histogram_is_drawn_as_quantiles_of_all_its_series() {
    insta::assert_snapshot!(Flags { metric: Some("^answer"), ..Flags::default() }.draw(SHOP), @"
    answer_seconds, p50 and p99 of 2 series together over 21s
    250 ms ┤   ⠐⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠉⠉⠉⠑⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠊⠑⠒⠒⠒⠢⠔⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠉⠉⠑⠒⠂2
           │
           │
    200 ms ┤
           │                                                                ⢀
           │                  ⢀⠤⠤⡄                                         ⡤⠛⡄
    150 ms ┤                 ⢠⠃  ⢱    ⡖⡆      ⡎⠑⠒⡆       ⡰⡀               ⢀⠇ ⠑⠒⠂1
           │         ⡸⠦⡀     ⡜   ⠈⠦⢤  ⡇⡇      ⡇  ⢸     ⡤⠴⠁⠱⠤⣀⡄ ⣄     ⢠   ⢀⠼
           │         ⡇ ⢱⢠⡀  ⢀⠇     ⠘⡄⢸ ⢸     ⢸   ⠘⡄   ⢰⠁     ⢣⢀⠏⡆    ⡸⡇  ⡸
    100 ms ┤        ⢸   ⠏⢱  ⡎       ⠧⠼ ⠸⠤⡄   ⡼    ⢇   ⡸      ⠸⠼ ⢱   ⢠⠇⠸⠤⠤⠇
           │     ⢀⢆ ⡜    ⠈⣦⠛             ⠘⠒⢢⠜     ⠈⢢⡠⠊⠃          ⠓⠒⠢⠃
           │    ⣧⠎⠈⠉⠁     ⠁
     50 ms ┤   ⠸
           │
           │
         0 ┤
           └┬────────────┬─────────────┬────────────┬────────────┬─────────────┬
          08:00        08:01         08:02        08:03        08:04       08:05
            1 p50  2 p99
    ");
}

const TYPES: &str = r#"Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "shop-{i}", ttl: "5m", interval: 5, metrics: [
    Metric(name: "wait_seconds", metric_type: native_histogram, update_interval: 5, value_range: (-1, 60), observations: 20000,
        spread: lognormal(median: 0.1, p99: 1)),
    Metric(name: "size_bytes", metric_type: summary, update_interval: 5, observations: 20000, quantiles: [0.29, 0.99],
        value_range: (0, "1GB"), spread: lognormal(median: 1000, p99: 8000)),
    Metric(name: "breaker", metric_type: stateset, update_interval: 5, states: ["closed", "open"],
        scenario: feature_toggle(start_time: 60, duration: 60, interval: 3600)),
    Metric(name: "build_info", metric_type: info, labels: { "version": "1" })])"#;

#[test]
fn every_type_is_drawn_as_a_query_would_show_it() {
    let (figure, notes) = Flags::default().figure(TYPES).unwrap();
    assert_eq!(notes, [r#"build_info: {version="1"} of 2 hosts"#], "a label, and not a line at 1");
    let readings: Vec<_> = figure
        .charts
        .iter()
        .map(|chart| format!("{}: {}", chart.name, chart.reading).trim_end().to_owned())
        .collect();
    insta::assert_snapshot!(readings.join("\n"), @"
    wait_seconds: p50 and p99 of 2 series together over 21s
    size_bytes: quantiles
    breaker: 0 closed, 1 open
    ");
    let curve = |chart: usize, label: &str| {
        let curve = figure.charts[chart].curves.iter().find(|curve| curve.label.contains(label));
        curve.unwrap_or_else(|| panic!("a curve {label} of {:?}", figure.charts[chart].curves))
    };
    let is_near = |curve: &Curve, expected: f64| {
        let seen: Vec<f64> = curve.values.iter().copied().filter(|value| !value.is_nan()).skip(10).collect();
        assert!(seen.len() > 50, "{curve:?}");
        assert!(seen.iter().all(|value| (value / expected - 1.0).abs() < 0.05), "{expected}: {curve:?}");
    };
    is_near(curve(0, "p50"), 0.1);
    is_near(curve(0, "p99"), 1.0);
    assert_eq!(figure.charts[0].curves.len(), 2);
    assert_eq!(figure.charts[1].curves.len(), 4, "of each host");
    is_near(curve(1, "shop-1 p29"), 610.0);
    is_near(curve(1, "shop-2 p99"), 8000.0);
    let states = &curve(2, "shop-1").values;
    assert!(states.contains(&0.0) && states.contains(&1.0) && !states.contains(&2.0));
}

#[test]
fn counters_with_many_codes_are_summed_by_code_or_its_class() {
    let counter = |codes: &[u16]| {
        let metric = |code: &u16| {
            format!(
                r#"Metric(name: "requests_total", metric_type: counter, accumulate: per_second, update_interval: 5,
                value_range: (0, 500), default_value: 4, labels: {{ "code": "{code}" }}, scenario: script(source: "4.0"))"#
            )
        };
        let metrics: Vec<String> = codes.iter().map(metric).collect();
        format!(
            r#"Host(repeat: Repeat(var: "i", from: 1, to: 3), name: "web-{{i}}", ttl: "5m", interval: 5, metrics: [{}])"#,
            metrics.join(",")
        )
    };
    let drawn = |codes: &[u16]| {
        let (mut figure, _) = Flags::default().figure(&counter(codes)).unwrap();
        let chart = figure.charts.swap_remove(0);
        let names: Vec<_> = chart.curves.iter().map(|curve| curve.label.clone()).collect();
        (chart.reading, names.join(" "), chart.curves)
    };
    let (reading, names, curves) = drawn(&[200, 404, 500]);
    assert!(reading.ends_with("9 series summed by code"), "{reading}");
    assert_eq!(names, "200 404 500");
    let last = curves[0].values.last().unwrap();
    assert!((last - 12.0).abs() < 1e-9, "three hosts: {last}");
    let many = [200, 201, 204, 301, 302, 400, 401, 403, 404, 500];
    assert_eq!(drawn(&many).1, "2xx 3xx 4xx 5xx");
    assert_eq!(drawn(&[200, 500]).2.len(), 6, "few series are lines");
}

#[test]
fn quantiles_of_many_summaries_are_a_line_each() {
    let many = TYPES.replace("to: 2", "to: 20");
    let (figure, _) = Flags { metric: Some("size_bytes"), ..Flags::default() }.figure(&many).unwrap();
    let chart = &figure.charts[0];
    let labels: Vec<_> = chart.curves.iter().map(|curve| &*curve.label).collect();
    assert_eq!((&*chart.reading, labels), ("quantiles, each the median of 20 series", vec!["p29", "p99"]));
    let last = |curve: usize| chart.curves[curve].values.last().copied().unwrap();
    assert!((last(0) / 610.0 - 1.0).abs() < 0.05 && (last(1) / 8000.0 - 1.0).abs() < 0.05, "{chart:?}");
}

#[test]
fn events_are_marked_below_metrics_that_emit_or_listen_to_them() {
    insta::assert_snapshot!(Flags { metric: Some("open|visitors"), ..Flags::default() }.draw(SHOP), @"
    open
    1.0 ┤              ⢸⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⡇      ⢸⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⡇      ⢸⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠁
        │              ⢸             ⡇      ⢸             ⡇      ⢸
        │              ⢸             ⡇      ⢸             ⡇      ⢸
    0.8 ┤              ⢸             ⡇      ⢸             ⡇      ⢸
        │              ⢸             ⡇      ⢸             ⡇      ⢸
        │              ⢸             ⡇      ⢸             ⡇      ⢸
    0.6 ┤              ⢸             ⡇      ⢸             ⡇      ⢸
        │              ⢸             ⡇      ⢸             ⡇      ⢸
        │              ⡇             ⢸      ⡇             ⢸      ⡇
    0.4 ┤              ⡇             ⢸      ⡇             ⢸      ⡇
        │              ⡇             ⢸      ⡇             ⢸      ⡇
        │              ⡇             ⢸      ⡇             ⢸      ⡇
    0.2 ┤              ⡇             ⢸      ⡇             ⢸      ⡇
        │              ⡇             ⢸      ⡇             ⢸      ⡇
        │              ⡇             ⢸      ⡇             ⢸      ⡇
      0 ┤⢀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡇             ⢸⣀⣀⣀⣀⣀⣀⡇             ⢸⣀⣀⣀⣀⣀⣀⡇
        └┬─────────────┬─────────────┬─────────────┬─────────────┬─────────────┬
       08:00         08:01         08:02         08:03         08:04       08:05
                       ▲             ▼      ▲             ▼      ▲             ▼
         ─ till  ▲ feature_on  ▼ feature_off

    visitors
    100 ┤               ⡰⢆ ⢀⠖⡴⡆  ⣤          ⢀   ⢀⡶⡀     ⣀        ⢸⠒⡆        ⣄
        │              ⢰⠁⠸⡤⣸⠋ ⢿ ⢠⠃⢣⣟⣄⡀      ⢸⡎⠑⢲⣾ ⢣⣼⡀  ⢰⠋⡧⢴      ⢸⠤⢵⠒⡆ ⡸⠙⣤⡄ ⣇⠉⡝⠁12
        │              ⢸⢄⡜⠉⠁  ⢸⡆⢸⣤⢸ ⠱⢧      ⢸⠱⠔⠚⠇   ⡇ ⣀⡿ ⠱⠼⡀     ⢸ ⢸ ⣿⠙⡇⢠⢣⣸⢹⠉⠶⠁
     80 ┤              ⢸       ⢳⡟⠈⡎  ⢸⢇     ⢸       ⢹⡪⠒⠃   ⡷⡄    ⢸  ⣿ ⠿⠱⠎  ⠿
        │              ⢸             ⠘⡌⡇    ⢸              ⡇⢇    ⢸
        │              ⢸              ⡇⢱    ⢸              ⢱⢸    ⢸
     60 ┤              ⢸              ⡇⢸    ⢸              ⠸⣼    ⢸
        │              ⣾              ⢸⠸⡀   ⣾               ⢱⡇   ⣿
        │              ⡇              ⠈⢇⡇   ⡟               ⠘⣽   ⡏
     40 ┤              ⡇               ⢸⠹⡀  ⡇                ⢹   ⡇
        │              ⡇                ⢧⡇  ⡇                ⢸⡆  ⡇
        │              ⡇                ⠈⣾  ⡇                 ⡇  ⡇
     20 ┤    ⣄⢸⡄⢠⣼⠱⣀  ⡜⡇                 ⠘⣧ ⡇                 ⣇  ⡇
        │⠠⡀ ⢀⠇⡏⢳⣞⠏⡆⠘⣖⠶⡅⡇                  ⠈⡧⡇                 ⠹⡒⠤⡇
        │ ⢈⠷⣸⠖⠃⠈⠙ ⠘⣴⠋ ⠈⠁                   ⢱⡇                  ⠓⠒⠃
      0 ┤⠈⠉
        └┬─────────────┬─────────────┬─────────────┬─────────────┬─────────────┬
       08:00         08:01         08:02         08:03         08:04       08:05
                       ▲             ▼      ▲             ▼      ▲             ▼
         1 web-1  2 web-2  ▲ load_peak_start  ▼ load_peak_end
    ");
}

#[test]
fn many_hosts_are_a_band_and_not_all_of_them() {
    insta::assert_snapshot!(Flags::default().draw(FLEET), @"
    load
    25 ┤     ▒▒▒▒▒▒▒▒                      ▒▒▒▒▒▒▒▒                      ▒▒▒▒▒▒▒▒
       │   ▒▒▒▒▒▒▒▒▒▒▒▒                  ▒▒▒▒▒▒▒▒▒▒▒▒                  ▒▒▒▒▒▒▒▒▒▒▒▒
       │ ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒              ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒              ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
    20 ┤ ▒▒▒▒████████▒▒▒▒▒             ▒▒▒▒████████▒▒▒▒▒             ▒▒▒▒████████▒▒▒
       │ ▒▒██▒▒▒▒▒▒▒██▒▒▒▒▒▒        ▒▒▒▒▒██▒▒▒▒▒▒▒██▒▒▒▒▒▒        ▒▒▒▒▒██▒▒▒▒▒▒▒██▒▒
       │ ▒██▒▒▒▒▒▒▒▒▒▒██▒▒▒▒▒▒     ▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒██▒▒▒▒▒▒     ▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒██
    15 ┤ █▒▒▒▒▒▒▒▒▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒▒▒▒██▒▒▒▒▒▒▒▒▒▒▒▒▒▒
       │ ▒▒▒▒▒▒     ▒▒▒▒▒███▒▒▒▒▒▒▒▒███▒▒▒▒▒▒     ▒▒▒▒▒███▒▒▒▒▒▒▒▒███▒▒▒▒▒▒     ▒▒▒▒
       │ ▒▒▒          ▒▒▒▒▒██▒▒▒▒▒▒██▒▒▒▒▒          ▒▒▒▒▒██▒▒▒▒▒▒██▒▒▒▒▒          ▒▒
    10 ┤ ▒▒             ▒▒▒▒▒██████▒▒▒▒▒▒             ▒▒▒▒▒██████▒▒▒▒▒▒
       │                ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒              ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
       │                  ▒▒▒▒▒▒▒▒▒▒▒▒                  ▒▒▒▒▒▒▒▒▒▒▒▒
     5 ┤                    ▒▒▒▒▒▒▒▒                      ▒▒▒▒▒▒▒▒
       │
       │
     0 ┤
       └┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬
      08:00          08:01          08:02          08:03          08:04        08:05
        ▒ range of 100 series  █ median
    ");
    let (figure, notes) = Flags::default().figure(FLEET).unwrap();
    assert_eq!(figure.charts[0].curves.len(), 100);
    assert_eq!(notes, ["only the first 100 of up to 150 series of a metric are drawn; --host REGEX chooses"]);
    let some = Flags { host: Some("-00[1-3]$"), ..Flags::default() };
    let (figure, notes) = some.figure(FLEET).unwrap();
    let labels: Vec<&str> = figure.charts[0].curves.iter().map(|curve| &*curve.label).collect();
    assert_eq!((labels, notes.len()), (vec!["node-001", "node-002", "node-003"], 0));
}

#[test]
fn the_charts_of_a_host_do_not_depend_on_other_hosts() {
    let values = |flags: Flags| {
        let (figure, _) = flags.figure(SHOP).unwrap();
        let chart = figure.charts.iter().find(|chart| chart.name == "visitors").unwrap();
        let curve = chart.curves.iter().find(|curve| curve.label == "web-2").unwrap();
        curve.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let alone = values(Flags { metric: Some("visitors"), host: Some("web-2"), ..Flags::default() });
    assert!(alone == values(Flags::default()));
}

#[test]
fn more_than_twelve_metrics_are_left_out_by_name() {
    let metrics: Vec<String> = (1..=20).map(|n| format!("Metric(name: \"m{n:02}\")")).collect();
    let (figure, notes) =
        Flags::default().figure(&format!("Host(name: \"h\", metrics: [{}])", metrics.join(","))).unwrap();
    assert_eq!(figure.charts.len(), 12);
    assert_eq!(notes, ["8 of 20 metrics are left out: m13, m14, m15, m16, …; --metric REGEX chooses"]);
}

#[test]
fn the_time_ends_with_the_last_host_unless_it_is_given() {
    let end = |flags: Flags, hosts: &str| {
        let (figure, _) = flags.figure(hosts).unwrap();
        (figure.to.rfc3339(), figure.grid.step.to_string())
    };
    let is = |time: &str, step: &str| (format!("2026-01-05T{time}Z"), step.to_owned());
    assert_eq!(end(Flags::default(), WAVE), is("08:10:02", "5s"));
    assert_eq!(end(Flags { span: Some("30s"), ..Flags::default() }, WAVE), is("08:00:30", "1s"));
    let endless = "Host(name: \"h\", metrics: [Metric(name: \"m\")])";
    assert_eq!(end(Flags::default(), endless), is("09:00:00", "28s"));
    let late = Flags { span: Some("1d"), step: Some("6h"), ..Flags::default() };
    assert!(late.draw(WAVE).ends_with("  no values at any of these times\n"));
}

#[test]
fn invalid_flags_are_refused() {
    let metric = |text| Flags { metric: Some(text), ..Flags::default() }.error(SHOP);
    insta::assert_snapshot!(metric("visitor_"), @r#"--metric or PME_PLOT_METRIC: "visitor_" matches no metric of the config; did you mean "visitors"?"#);
    insta::assert_snapshot!(metric("(web"), @r#"--metric or PME_PLOT_METRIC: "(web" is not a regular expression: found open group without closing ')'; write part of a name, or as in ^web-0[1-3]$"#);
    insta::assert_snapshot!(Flags { host: Some("^db"), ..Flags::default() }.error(SHOP), @r#"--host or PME_PLOT_HOST: "^db" matches no host of the config; expected one of till, web-1, web-2"#);
    insta::assert_snapshot!(Flags { host: Some("till"), metric: Some("sales"), ..Flags::default() }.error(SHOP), @"no host that --host matches has a metric that --metric matches; leave one of them out");
    let time = |span, step| Flags { span: Some(span), step, ..Flags::default() }.error(SHOP);
    insta::assert_snapshot!(time("0", None), @r#"--for or PME_PLOT_FOR must be longer than 0 and not endless, but is "0""#);
    insta::assert_snapshot!(time("inf", None), @r#"--for or PME_PLOT_FOR must be longer than 0 and not endless, but is "inf""#);
    insta::assert_snapshot!(time("580y", None), @"--for or PME_PLOT_FOR goes beyond the year 2554; make it shorter");
    insta::assert_snapshot!(time("1m", Some("2m")), @"--step or PME_PLOT_STEP must not be longer than the time drawn, 1m, but is 2m; make --for longer");
    insta::assert_snapshot!(time("1d", Some("1s")), @"--step or PME_PLOT_STEP: 1s makes 86401 values of 1day, more than 10000; make it longer");
    let error = Times::of(&PlotArgs { at: Some("noon".into()), ..Flags::default().args() }).unwrap_err();
    insta::assert_snapshot!(error, @r#"--at or PME_PLOT_AT: "noon" is not a time; write 2026-01-05T08:00Z, or -1h for an hour ago"#);
    insta::assert_snapshot!(ImageFormat::of(Path::new("chart.pdf")).unwrap_err(), @"--out or PME_PLOT_OUT: chart.pdf is neither .svg nor .png; choose one of them");
}

#[test]
fn colours_leave_the_text_unchanged() {
    let (figure, _) = Flags::default().figure(SHOP).unwrap();
    let coloured = terminal::draw(&figure, 80, ColourMode::Ansi);
    assert!(coloured.contains("\x1b[36m1\x1b[0m web-1"), "{coloured}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, code)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = code.split_once('m').unwrap().1;
    }
    assert!((plain + rest).lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_file_has_the_charts_as_svg_or_png() {
    let some = Flags { metric: Some("sales|answer"), ..Flags::default() };
    let (figure, notes) = some.figure(SHOP).unwrap();
    let svg = String::from_utf8(ImageFormat::Svg.draw(&figure, "the heading", &notes).unwrap()).unwrap();
    for text in
        ["the heading", "sales_total", "answer_seconds", "rate per second over 21s", "web-2", "08:01", "p99"]
    {
        assert!(svg.contains(&format!("\n{text}")), "{text}: {svg}");
    }
    let png = ImageFormat::Png.draw(&figure, "the heading", &notes).unwrap();
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let size = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((size(16), size(20)), (2600, 732));
}

#[test]
fn successive_members_of_a_slot_are_one_curve() {
    let host = r#"Host(name: "app", ttl: "10m", interval: 5, listen_events: { "feature_on@own": emit("deploy") }, metrics: [
        Metric(name: "deploying", scenario: feature_toggle(start_time: 200, duration: 5, interval: 200))], pools: [
        Pool(name: "pods", count: 2, replace_on: "deploy", labels: { "id": "{uuid()}" }, metrics: [
            Metric(name: "age", update_interval: 5, scenario: time_duration),
            Metric(name: "seconds_total", metric_type: counter, default_value: 1000, value_range: (0, 5000), accumulate: per_second, update_interval: 5, scenario: random_in_range(value_range: (1, 1))),
        ])])"#;
    let flags = Flags { metric: Some("age|seconds"), ..Flags::default() };
    insta::assert_snapshot!(flags.draw(host), @"
    age
     200 ┤                      ⢀⡆                     ⢀⠎⡇                     ⣀12
         │                    ⢀⠔⠁⡇                    ⡔⠁ ⡇                   ⢠⠊
         │                  ⢀⠔⠁  ⡇                 ⢀⠔⠉   ⡇                 ⡠⠔⠁
     150 ┤                ⢀⠤⠊    ⡇                ⡠⠊     ⡇               ⢀⠔⠁
         │               ⡠⠊      ⡇              ⡠⠒⠁      ⡇             ⢀⡠⠊
         │             ⣀⠜        ⡇            ⢀⠜         ⡇            ⡠⠃
     100 ┤           ⢀⠎          ⢣          ⢀⠎⠁          ⢣          ⣀⠎
         │         ⢀⡰⠁           ⢸         ⡰⠁            ⢸        ⢀⠎
         │        ⡔⠁             ⢸       ⡔⠉              ⢸       ⡔⠁
      50 ┤      ⢠⠊               ⢸     ⢠⠊                ⢸     ⡔⠉
         │    ⡠⠊⠁                ⢸   ⡠⠒⠁                 ⢸   ⡠⠊
         │  ⣀⠔⠁                  ⢸ ⢀⠔⠁                   ⢸ ⡠⠊
       0 ┤⢀⠜                     ⢸⠔⠁                     ⢸⠜
         └┬─────────────┬─────────────┬────────────┬─────────────┬─────────────┬
        08:00         08:02         08:04        08:06         08:08       08:10
                                 ▲                       ▲
          1 app pods 0  2 app pods 1  ▲ deploy

    seconds_total, rate per second over 20s
    1.00 ┤ ⠈⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⡇  ⡏⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⡇ ⢸⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉12
         │                       ⡇  ⡇                    ⡇ ⢸
         │                       ⡇  ⡇                    ⡇ ⢸
    0.95 ┤                       ⡇  ⡇                    ⡇ ⢸
         │                       ⡇  ⡇                    ⡇ ⢸
         │                       ⡇  ⡇                    ⡇ ⢸
    0.90 ┤                       ⡇  ⡇                    ⡇ ⢸
         │                       ⡇  ⡇                    ⡇ ⢸
         │                       ⢸ ⢸                     ⢸ ⡇
    0.85 ┤                       ⢸ ⢸                     ⢸ ⡇
         │                       ⢸ ⢸                     ⢸ ⡇
         │                       ⢸ ⢸                     ⢸ ⡇
    0.80 ┤                       ⢸ ⢸                     ⢸ ⡇
         │                       ⢸ ⢸                     ⢸ ⡇
         │                       ⢸ ⢸                     ⢸ ⡇
    0.75 ┤                       ⢸⣀⣸                     ⢸⣀⡇
         └┬─────────────┬─────────────┬────────────┬─────────────┬─────────────┬
        08:00         08:02         08:04        08:06         08:08       08:10
                                 ▲                       ▲
          1 app pods 0  2 app pods 1  ▲ deploy
    ");
    let (figure, _) = flags.figure(host).unwrap();
    let rates = figure.charts[1].curves.iter().flat_map(|curve| &curve.values);
    let (low, high) = figure.charts[1].extent().unwrap();
    assert!(rates.filter(|rate| !rate.is_nan()).count() > 100 && low > 0.7 && high < 1.3, "{low} {high}");
}

#[test]
fn a_rate_handles_resets_and_late_samples() {
    let host = |fault: &str| {
        format!(
            r#"Host(name: "app", ttl: "20m", interval: 5, faults: [{fault}], metrics: [
                Metric(name: "seconds_total", metric_type: counter, accumulate: per_second, update_interval: 5, scenario: random_in_range(value_range: (1, 1)))])"#
        )
    };
    for fault in
        ["counter_reset(every: 100)", "out_of_order(by: 12, probability: 0.2)", "gap(every: 100, lasts: 20)"]
    {
        let (figure, _) = Flags::default().figure(&host(fault)).unwrap();
        let (low, high) = figure.charts[0].extent().unwrap();
        assert!(low > 0.5 && high < 1.5, "{fault}: {low} {high}");
    }
}

#[test]
fn a_plot_ends_at_a_bound_of_work_and_says_how_to_have_less() {
    let quiet = r#"Host(name: "q", metrics: [Metric(name: "up", value_range: (0, 9), update_interval: 1, scenario: random_walk)])"#;
    let busy = r#"Host(name: "b", metrics: [Metric(name: "m", scenario: script(source: "let n = 0; for i in 0..9000 { n += i; } n % 7"))])"#;
    let storm = r#"Host(repeat: Repeat(var: "i", from: 1, to: 20), name: "s-{i}", metrics: [Metric(name: "up")],
        listen_events: { "x": [emit("x"), emit("x")], "host_started": emit("x") })"#;
    for hosts in [quiet, busy, storm] {
        let refused = Flags { span: Some("10h"), steps_max: Some(20_000), ..Flags::default() };
        let error = refused.figure(hosts).unwrap_err().to_string();
        assert!(error.contains("more work than a plot may take, 20000 updates and operations"), "{error}");
        assert!(error.ends_with("make --for shorter, or choose fewer hosts with --host"), "{error}");
    }
    assert!(Flags { steps_max: Some(20_000), ..Flags::default() }.figure(quiet).is_ok());
}

/// A config with a timeline of two turns, and faults of each kind.
const PHASES: &str = r#"Config(
    levers: { "load": 1 },
    faults: [Fault(id: "of the run", at: "7m", lasts: "90s", set: { "load": 3 })],
    timeline: Timeline(
        phases: [
            Phase(name: "baseline", lasts: "2m"),
            Phase(name: "peak", lasts: "3m", set: { "load": ramp(to: 8, over: "1m") }),
        ],
        faults: [
            Fault(id: "slow", during: "peak", at: "1m", lasts: "30s", plus: { "load": 4 }),
            Fault(id: "gone", during: "peak", at: "2m", lasts: "10s", hosts: "b", kind: host_down),
            Fault(id: "reset", at: "1m", hosts: "b", kind: counter_reset),
        ],
        repeat: 2,
    ),
    hosts: [
        Host(name: "a", interval: 2, metrics: [
            Metric(name: "queue", update_interval: 2, scenario: script(source: "run.load")),
        ]),
        Host(name: "b", interval: 2, metrics: [
            Metric(name: "jobs_total", metric_type: counter, accumulate: per_second, update_interval: 2, scenario: script(source: "5")),
        ]),
    ])"#;

#[test]
fn phases_and_the_faults_that_concern_a_chart_are_strips_below_it() {
    let of = |metric| Flags { metric: Some(metric), ..Flags::default() }.draw_config(PHASES);
    insta::assert_snapshot!(of("queue"), @"
    queue
    15 ┤
       │
       │
       │                       ⢰⠒⠒⢲
       │                       ⡜  ⢸
    10 ┤                       ⡇  ⠈⡆
       │                      ⢠⠃   ⡇
       │                      ⡸    ⠓⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⡆                         ⢀⠖⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒
       │                     ⢠⠃               ⡇                      ⡤⠤⠤⠎
       │                    ⡠⠃                ⡇                      ⡇
     5 ┤                   ⢰⠁                 ⡇                     ⢀⠇
       │                  ⡰⠁                  ⢸                     ⢸
       │                 ⡰⠁                   ⢸              ⢠⠤⠤⠤⠤⠤⠤⠼
       │                ⡠⠃                    ⢸              ⡸
       │⢀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡰⠁                     ⢸⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡇
     0 ┤
       └┬──────────────┬──────────────┬──────────────┬──────────────┬──────────────┬
      08:00          08:02          08:04          08:06          08:08        08:10
        ├ baseline ────┼ peak ───────────────┤├ baseline ───┤├ peak ───────────────┤
                                                             ━━━━━━━━━━━━ of the run
                               ━━━━ slow                            ━━━━━
        ─ a
    ");
    let strips = |text: &str| text.lines().filter(|line| line.contains('━')).count();
    let (own, all) = (of("jobs"), of("fault_active"));
    assert!(own.contains("━ gone") && own.contains("━ reset") && !own.contains("slow"), "{own}");
    assert_eq!((strips(&own), strips(&all)), (2, 4), "the timeline's host shows all: {all}");
    assert!(!all.contains("fault_started") && own.contains("├"), "{all}");
}

#[test]
fn names_of_faults_stand_where_there_is_room() {
    let fault = |times: &str| {
        let fault = format!(r#"Fault(id: "a fault", {times}, set: {{ "load": 3 }})"#);
        let config = format!(
            r#"Config(levers: {{ "load": 1 }}, faults: [{fault}], hosts: [Host(name: "a", ttl: "10m", metrics: [
                Metric(name: "queue", scenario: script(source: "run.load"))])])"#
        );
        let text = Flags::default().draw_config(&config);
        text.lines().filter(|line| line.contains('━')).map(str::trim).collect::<Vec<_>>().join("\n")
    };
    for (times, strip) in [
        (r#"at: "1m", lasts: "1m""#, "━━━━━━━━ a fault"),
        (r#"at: "9m", lasts: "1h""#, "a fault ━━━━━━━━"),
        (r#"at: "1s""#, "━ a fault ━"),
        (r#"at: "1m", every: "20s", lasts: "1s""#, "─ a  ━ a fault"),
    ] {
        let found = fault(times);
        assert!(found.contains(strip), "{times}: {found}");
    }
}

#[test]
fn images_have_bands_of_phases_and_bars_of_faults() {
    let (figure, notes) = Flags { metric: Some("queue"), ..Flags::default() }.figure_of(PHASES).unwrap();
    let svg = ImageFormat::Svg.draw(&figure, "heading", &notes).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    for name in ["baseline", "peak", "slow", "of the run"] {
        assert!(svg.contains(name), "{name}: {svg}");
    }
    assert!(!svg.contains("gone"), "it is of another host");
    assert!(
        svg.contains("<title id=\"title\">heading</title>")
            && svg.contains("<desc id=\"desc\">Charts over time of queue"),
        "{svg}"
    );
    assert!(svg.contains("[fill=\"#f0f4fa\" i] { fill: #202734 }"), "a dark variant: {svg}");
    let bands = |colour: &str| svg.matches(colour).count();
    assert_eq!((bands("#F0F4FA"), bands("#FAF6EE")), (2, 2), "{svg}");
}
