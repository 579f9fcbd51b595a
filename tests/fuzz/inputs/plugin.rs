//! Any tables, texts and calls of a plugin are taken or refused with a reason: metrics stay ones that others can read.
//!
//! An input is lines. Some declare a plugin, which is read as if a library had it; all of them are played by the plugin of
//! `tests/plugins/played.c`, as a model, as a scenario and as a config. Lengths that are wrong are not among them: they
//! cannot be checked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::plugin::{self, ParamValue};
use promemu_core::series::{LabelBlock, SeriesStore};
use promemu_core::time::{Span, Time};
use promemu_core::world::{JobStores, World};
use promemu_wire::exposition::Format;
use prost::Message;

use super::pages::{MetricFamily, encoded, sample};
use super::plugin_table::check_table;

const START: Time = Time::from_unix_secs(1_767_600_000);
/// Longer inputs say no more, and take long to play.
const INPUT_BYTES_MAX: usize = 4_096;

/// Reads the lines as a plugin, and plays them.
pub(crate) fn check(data: &[u8]) {
    let data = &data[..data.len().min(INPUT_BYTES_MAX)];
    // A reason may quote the input; control characters in it are escaped where it is printed.
    for outcome in [
        check_table(data).map(|()| String::new()),
        played_model(data),
        played_value(data),
        played_config(data),
    ] {
        let _is_taken = outcome.is_ok();
    }
}

/// The page of a host with a model that plays the lines, or the reason to refuse the model.
pub(crate) fn played_model(data: &[u8]) -> Result<String, String> {
    let calls = String::from_utf8_lossy(data);
    let pool = format!("Pool(name: \"p\", workload: played(calls: {calls:?}), update_interval: 1)");
    run(&host(&format!("pools: [{pool}], metrics: [Metric(name: \"up\")]")))
}

/// The page of a host with a scenario that plays the lines, or the reason to refuse the scenario.
pub(crate) fn played_value(data: &[u8]) -> Result<String, String> {
    let calls = String::from_utf8_lossy(data);
    let scenario = format!("scenario: played_value(calls: {calls:?})");
    run(&host(&format!(
        "metrics: [Metric(name: \"v\", value_range: (-1e9, 1e9), update_interval: 1, {scenario})]"
    )))
}

/// The page of a config that the lines write, or the reason to refuse it.
pub(crate) fn played_config(data: &[u8]) -> Result<String, String> {
    folder();
    let config = plugin::config("played_config").expect("the plugin has a config");
    run(&config.build(&[ParamValue::Text(String::from_utf8_lossy(data).into_owned())])?)
}

fn host(rest: &str) -> String {
    format!("Config(default_job_name: \"j\", hosts: [Host(name: \"h\", ttl: \"inf\", interval: 1, {rest})])")
}

/// The folder of the plugins of this process, with the plugin that plays calls.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("there is a folder for files");
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let root = here.filter(|root| root.join("plugins/api").exists()).last().expect("the header is there");
        let compiled = Command::new("cc")
            .args(["-std=c11", "-O1", "-shared", "-fPIC", "-I"])
            .arg(root.join("plugins/api"))
            .arg("-o")
            .arg(folder.path().join("played").with_extension(std::env::consts::DLL_EXTENSION))
            .arg(root.join("tests/plugins/played.c"))
            .status();
        assert!(compiled.is_ok_and(|status| status.success()), "the plugin is compiled");
        plugin::set_folders(vec![folder.path().to_owned()], Vec::new());
        folder
    });
    folder.path()
}

/// The page of a config after a few seconds, if it loads. It can be read, and is the same from a saved state.
fn run(text: &str) -> Result<String, String> {
    folder();
    let options = LoadOptions { series_max: 200, memory_max: 64 << 20, ..LoadOptions::starting_at(START) };
    let loaded = ConfigFile::from_text("played", text).plan(&options).map_err(|error| error.to_string())?;
    let mut world = World::new(Arc::new(loaded.plan), 1, START).expect("the config has no generators");
    world.advance(START + Span::from_secs(3));
    let snapshot = world.snapshot();
    let page = page_after_event(&mut world);
    if let Ok(snapshot) = snapshot {
        world.restore(&snapshot).expect("a world takes its own state");
        assert_eq!(page_after_event(&mut world), page, "a saved state has the same future");
    }
    Ok(page)
}

/// The world's page as text a few seconds after an event, and a look at it in all formats.
fn page_after_event(world: &mut World) -> String {
    world.inject("go", "api", serde_json::json!({ "n": 1 }));
    world.advance(world.now() + Span::from_secs(3));
    let stores = JobStores::of(world).into_stores();
    check_stores(&stores);
    page(&stores)
}

/// A page of these stores as text.
fn page(stores: &[SeriesStore]) -> String {
    String::from_utf8(encoded(Format::Text, stores, &LabelBlock::new([("job", "j")])))
        .expect("a page is UTF-8")
}

/// Reads the pages of these stores: each family is there once, and so is each series; a counter is not below 0.
fn check_stores(stores: &[SeriesStore]) {
    let (page, mut families, mut series) = (page(stores), BTreeMap::new(), BTreeSet::new());
    for line in page.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').expect("a family has a type");
            assert!(families.insert(name, kind).is_none(), "{name} is there twice");
        } else if !line.starts_with('#') {
            let sample = sample(line);
            let is_total = families.get(sample.name).is_some_and(|kind| *kind == "counter");
            assert!(!is_total || sample.value >= 0.0, "{line}");
            assert!(series.insert((sample.name, sample.labels)), "{line} is there twice");
        }
    }
    let group = LabelBlock::new([("job", "j")]);
    let open_metrics =
        String::from_utf8(encoded(Format::OpenMetrics, stores, &group)).expect("a page is UTF-8");
    open_metrics.lines().filter(|line| !line.starts_with('#')).for_each(|line| drop(sample(line)));
    let (body, mut known) = (encoded(Format::Protobuf, stores, &group), BTreeSet::new());
    let mut rest = body.as_slice();
    while !rest.is_empty() {
        let family = MetricFamily::decode_length_delimited(&mut rest).expect("a page is protobuf");
        assert!(known.insert(family.name.clone()), "{} is there twice", family.name);
    }
}
