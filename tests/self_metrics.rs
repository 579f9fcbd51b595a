//! promemu's own metrics, served and pushed; and what they show of a run that is fast, short, or was asleep.

use std::path::Path;

use crate::processes::{
    Process, Prometheus, Pushgateway, changed_config, eventually, free_port, get, label, promemu,
    promtool_errors, series, value,
};

/// Where `--embedded` has them.
const SELF_PATH: &str = "/promemu/metrics";

/// Two metrics with a new value every 10 s: one says when, the other how often there was one.
const RHYTHM: &str = r#"Config(hosts: [Host(name: "a", interval: "1s", metrics: [
    Metric(name: "age_seconds", update_interval: "10s", scenario: time_duration),
    Metric(name: "made_total", metric_type: counter, update_interval: "10s", value_range: (1, 1),
        scenario: random_in_range),
])])"#;

/// The number of a series without labels.
fn number(page: &str, name: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// The same of a series of the only output.
fn of_output(page: &str, name: &str) -> Option<f64> {
    series(page, name).first().map(|line| value(line))
}

fn own(port: u16, name: &str) -> Option<f64> {
    number(&get(port, SELF_PATH)?, name)
}

/// The families of a page, sorted.
fn families(page: &str) -> Vec<&str> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut names: Vec<&str> = types.map(|line| line.split(' ').next().unwrap()).collect();
    names.sort_unstable();
    names
}

fn embedded(config: &str, more: &[&str]) -> (Process, u16) {
    let port = free_port();
    let url = format!("127.0.0.1:{port}");
    let run = promemu(&[&["--config", config, "--embedded", "--pushgateway-url", &url], more].concat());
    (run, port)
}

fn rhythm(dir: &tempfile::TempDir) -> String {
    let path = dir.path().join("rhythm.ron");
    std::fs::write(&path, RHYTHM).unwrap();
    path.display().to_string()
}

fn pushing(gateway: &Pushgateway, more: &[&str]) -> Process {
    let url = gateway.url();
    let args = ["--config", "hosts_load_with_peaks", "--pushgateway-url", &url, "--push-interval", "200ms"];
    promemu(&[&args, more].concat())
}

#[test]
fn an_embedded_run_serves_them_beside_the_emulated_ones() {
    let (mut run, port) = embedded("hosts_load_with_peaks", &["--config-args", "hosts_count=2"]);
    let page = eventually("all hosts have begun, and reported", || {
        let page = get(port, SELF_PATH).filter(|page| number(page, "promemu_hosts_active") == Some(3.0))?;
        // Each host ticks after it has begun.
        let counts = [("promemu_updates_total", 1.0), ("promemu_lateness_seconds_count", 3.0)];
        counts.iter().all(|(name, least)| number(&page, name).unwrap() >= *least).then_some(page)
    });
    assert_eq!(promtool_errors(&page), Vec::<String>::new());
    assert!(number(&page, "promemu_events_total").unwrap() >= 4.0, "the run and three hosts started: {page}");
    eventually("the series are counted as they are served", || {
        let served = series(&get(port, "/metrics")?, "")
            .iter()
            .filter(|line| !line.starts_with("push_time_seconds{"))
            .count();
        #[expect(clippy::cast_precision_loss, reason = "there are few")]
        (served > 0 && own(port, "promemu_series") == Some(served as f64)).then_some(())
    });
    let emulated = get(port, "/metrics").unwrap();
    let mixed: Vec<&str> = families(&emulated)
        .into_iter()
        .filter(|name| name.starts_with("promemu_") || name.starts_with("process_"))
        .collect();
    assert_eq!(mixed, Vec::<&str>::new());
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn the_table_of_own_metrics_in_the_docs_is_made_of_the_served_page() {
    const HINT: &str = "run it once with PROMEMU_UPDATE_DOCS=1 to write the table anew";
    let port = free_port();
    let serving = format!("scrape=127.0.0.1:{port}");
    let writing = "remote-write=http://127.0.0.3:1";
    let outputs = ["--output", &serving, "--output", "pushgateway=http://127.0.0.3:1", "--output", writing];
    let _run = promemu(&[&["--config", "single_host_load"], &outputs[..]].concat());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/own-metrics.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- own metrics: begin -->\n").unwrap();
    let (section, after) = rest.split_once("<!-- own metrics: end -->").unwrap();
    let table = || {
        let page = get(port, SELF_PATH)?;
        let mut table = String::from("| metric | type | meaning |\n| --- | --- | --- |\n");
        let lines: Vec<&str> = page.lines().collect();
        for pair in lines.windows(2) {
            let Some((name, help)) = pair[0].strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '))
            else {
                continue;
            };
            let kind = pair[1].rsplit_once(' ')?.1;
            table += &["| `", name, "` | ", kind, " | ", help, " |\n"].concat();
        }
        Some(table)
    };
    if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
        // Families of an output are served once it has begun.
        let all = ["promemu_scrapes_total", "promemu_push_failures_total", "promemu_samples_waiting"];
        let table = eventually("all are served", || {
            table().filter(|table| all.iter().all(|name| table.contains(name)))
        });
        let begin = "<!-- own metrics: begin -->\n";
        std::fs::write(&path, format!("{before}{begin}{table}<!-- own metrics: end -->{after}")).unwrap();
    } else {
        let mut last = String::new();
        eventually(&format!("the page is as in the docs; if it is not, {HINT}"), || {
            last = table()?;
            (last == section).then_some(())
        });
    }
}

#[test]
fn a_listener_of_their_own_serves_them_while_the_jobs_are_pushed() {
    let gateway = Pushgateway::start();
    let mut run = pushing(&gateway, &["--self-metrics-address", "127.0.0.1:0"]);
    let announcement = "promemu's own metrics are at http://127.0.0.1:";
    run.wait_for_log(announcement);
    let log = run.log();
    let port = log.split(announcement).nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    let page = eventually("pushes are measured", || {
        get(port, "/metrics")
            .filter(|page| of_output(page, "promemu_push_seconds_count").is_some_and(|count| count >= 2.0))
    });
    assert_eq!(promtool_errors(&page), Vec::<String>::new());
    assert_eq!(of_output(&page, "promemu_push_failures_total"), Some(0.0));
    let name = format!("pushgateway={}", gateway.url());
    assert_eq!(label(series(&page, "promemu_push_failures_total")[0], "output"), name);
    assert_eq!(families(&page), families(&get(port, SELF_PATH).unwrap()), "at the usual path of both");
    assert_eq!(gateway.jobs().len(), 1, "they are not pushed unless asked for");

    let prometheus = Prometheus::scraping(port);
    eventually("Prometheus scrapes them", || prometheus.query("promemu_build_info").filter(|one| *one > 0.5));
    gateway.stop();
    eventually("failures are counted", || {
        of_output(&get(port, "/metrics")?, "promemu_push_failures_total").filter(|count| *count >= 1.0)
    });
    assert_eq!(run.terminate(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_an_error_before_anything_is_sent() {
    let gateway = Pushgateway::start();
    let mut run = pushing(&gateway, &["--self-metrics-address", &format!("127.0.0.1:{}", gateway.port)]);
    assert_eq!(run.wait(), Some(1));
    assert!(run.log().contains("choose a free address of this machine with --self-metrics-address"));
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn pushed_they_are_a_group_of_the_run_that_is_cleaned_up_with_it() {
    let gateway = Pushgateway::start();
    let is_self = |job: &&String| job.starts_with("promemu_self_");
    let wait_for = |count: usize| {
        eventually(&format!("{count} groups"), || Some(gateway.jobs()).filter(|groups| groups.len() == count))
    };
    let killed = pushing(&gateway, &["--push-self-metrics"]);
    let first = wait_for(2);
    assert_eq!(first.iter().filter(is_self).count(), 1, "{first:?}");
    let other = changed_config("single_host_load", &[]);
    let dir = other.path().display().to_string();
    let living_args = ["--config", "single_host_load", "--configs-dir", &dir, "--push-self-metrics"];
    let mut living = pushing(&gateway, &living_args);
    let both = wait_for(4);
    assert_eq!(both.iter().filter(is_self).count(), 2, "each run has its own: {both:?}");

    let exposition = gateway.metrics();
    assert_eq!(promtool_errors(&exposition), Vec::<String>::new());
    for family in ["promemu_updates_total", "process_open_fds", "promemu_push_seconds_count"] {
        let jobs: Vec<&str> = series(&exposition, family).iter().map(|line| label(line, "job")).collect();
        assert!(both.iter().filter(is_self).all(|job| jobs.contains(&job.as_str())), "{family}: {jobs:?}");
    }
    assert_eq!(series(&exposition, "promemu_run_info").len(), 4, "each says whose it is");
    eventually("their values are new ones with every push", || {
        let pushed = |exposition: &str| {
            let lines = series(exposition, "promemu_push_seconds_count");
            lines.iter().map(|line| value(line)).sum::<f64>()
        };
        (pushed(&gateway.metrics()) > pushed(&exposition)).then_some(())
    });
    assert_eq!(living.count_in_log("refused") + killed.count_in_log("refused"), 0, "{}", living.log());

    killed.kill_unreaped();
    let mut clean = promemu(&["clean", "--pushgateway-url", &gateway.url()]);
    assert_eq!(clean.wait(), Some(0));
    let left = gateway.groups();
    assert!(left.len() == 2 && left.iter().all(|job| !first.contains(job)), "{left:?}");
    assert_eq!(living.terminate(), Some(0));
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn a_run_of_many_minutes_is_over_in_seconds_at_a_higher_speed() {
    let gateway = Pushgateway::start();
    let mut run = pushing(&gateway, &["--speed", "200x", "--config-args", "hosts_count=2", "hosts_ttl=20m"]);
    eventually("its group is there", || (gateway.jobs().len() == 1).then_some(()));
    assert_eq!(run.wait(), Some(0));
    assert!(run.log().contains(" speed=200x") && run.log().contains("all hosts have ended"), "{}", run.log());
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

#[test]
fn a_run_ends_when_its_duration_is_over() {
    let gateway = Pushgateway::start();
    let variables = [("PME_SPEED", "50"), ("PME_DURATION", "5m")];
    let args = ["--config", "single_host_load", "--pushgateway-url", &gateway.url(), "--push-interval", "1s"];
    let mut run = Process::start(crate::processes::promemu_command(&args).envs(variables));
    eventually("its group is there", || (gateway.jobs().len() == 1).then_some(()));
    assert_eq!(run.wait(), Some(0));
    assert!(run.log().contains("the run's duration is over duration=5m"), "{}", run.log());
    assert_eq!(gateway.groups(), Vec::<String>::new());
}

/// Numbers of updates of its one host, made and possible, by promemu's own metrics and by the host's.
struct Rhythm {
    age_secs: f64,
    made: f64,
    skipped: f64,
}

impl Rhythm {
    fn of(port: u16) -> Option<Self> {
        let exposition = get(port, "/metrics")?;
        let shown = |family| series(&exposition, family).first().map(|line| value(line));
        let (age_secs, made) = (shown("age_seconds")?, shown("made_total")?);
        // It has two metrics.
        let skipped = own(port, "promemu_updates_skipped_total")? / 2.0;
        Some(Self { age_secs, made, skipped })
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_in_its_rhythm_and_does_not_catch_up() {
    let dir = tempfile::tempdir().unwrap();
    let config = rhythm(&dir);
    let fast = ["--speed", "20x"];
    let ((mut run, port), (_witness, witness_port)) = (embedded(&config, &fast), embedded(&config, &fast));
    let made = |port| Rhythm::of(port).map(|rhythm| rhythm.made);
    eventually("both runs are under way", || {
        (made(port)? >= 2.0 && made(witness_port)? >= 2.0).then_some(())
    });
    run.signal("-STOP");
    let before = eventually("the other run goes on", || made(witness_port));
    eventually("and has made five values", || (made(witness_port)? >= before + 5.0).then_some(()));
    run.signal("-CONT");
    // From its first value to its fifth the other was due four times, and so was this one: the last is made late.
    let rhythm = eventually("what was due in between is left out", || {
        Rhythm::of(port).filter(|rhythm| rhythm.skipped >= 3.0)
    });
    assert!(rhythm.skipped > 0.0);
    eventually("no moment has two values, and each has one or was skipped", || {
        let Rhythm { age_secs, made, skipped } = Rhythm::of(port)?;
        let moments = age_secs / 10.0;
        assert!(moments.fract() == 0.0, "updates keep to the moments that were due: {age_secs}");
        ((made + skipped - (moments + 1.0)).abs() < 0.5).then_some(())
    });
    assert_eq!(run.terminate(), Some(0));
}
