//! `--once`: prints the first values of all series.

use std::sync::Arc;

use promemu_core::error::Error;
use promemu_core::preview::FirstValues;
use promemu_core::series::{LabelBlock, SeriesStore};
use promemu_run::clock::wall_now;
use promemu_wire::exposition::{Format, Group, encode};
use tracing::warn;

use crate::settings::Settings;
use crate::{config, stdout};

/// Prints the first values of all series.
pub(crate) fn once(settings: &Settings) -> Result<(), Error> {
    let started_at = wall_now();
    let plan = Arc::new(config::load(settings, &config::open_main(settings)?, started_at)?.plan);
    let seed = settings.run_settings(&plan.defaults)?.seed;
    let first_values = FirstValues::of(&plan, seed, started_at)?;
    for failure in &first_values.failures {
        warn!("{failure}");
    }
    stdout::print_for_programs(&exposition(&first_values.jobs))
}

/// The text exposition, with the same labels as with `--embedded`.
fn exposition(jobs: &[(Arc<str>, SeriesStore)]) -> Vec<u8> {
    let labels: Vec<LabelBlock> = jobs.iter().map(|(name, _)| LabelBlock::new([("job", &**name)])).collect();
    let groups: Vec<Group<'_>> =
        jobs.iter().zip(&labels).map(|((_, store), labels)| Group { store, labels }).collect();
    let mut body = Vec::new();
    encode(Format::Text, &groups, &mut body);
    body
}

#[cfg(test)]
mod tests {
    use promemu_core::config::{ConfigFile, LoadOptions};
    use promemu_core::time::Time;

    use super::*;

    const START: Time = Time::from_unix_secs(1_767_600_000);

    const CONFIG: &str = r#"Config(default_job_name: "demo", hosts: [
        Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "h-{i}", host: "h", metrics: [
            Metric(name: "quick", default_value: 5), Metric(name: "later", start_time: "1h"),
            Metric(name: "starts_total", metric_type: counter, scenario: calc_by_event(events_config: { "run_started": "value + 1" }))])])"#;

    #[test]
    fn the_first_exposition_has_every_first_value() {
        let loaded = ConfigFile::from_text("test", CONFIG).plan(&LoadOptions::starting_at(START)).unwrap();
        let first_values = FirstValues::of(&Arc::new(loaded.plan), 1, START).unwrap();
        let body = String::from_utf8(exposition(&first_values.jobs)).unwrap();
        insta::assert_snapshot!(body, @r#"
        # HELP quick an emulated metric
        # TYPE quick gauge
        quick{name="h-1",host="h",address="10.205.255.153",job="demo"} 5
        quick{name="h-2",host="h",address="10.11.192.53",job="demo"} 5
        # HELP starts_total an emulated metric
        # TYPE starts_total counter
        starts_total{name="h-1",host="h",address="10.205.255.153",job="demo"} 1
        starts_total{name="h-2",host="h",address="10.11.192.53",job="demo"} 1
        "#);
    }
}
