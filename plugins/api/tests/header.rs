//! `promemu_plugin.h` and the Rust tables are the same to the byte, as a C compiler sees them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fmt::Write;
use std::mem::offset_of;
use std::path::Path;
use std::process::Command;

use promemu_plugin::abi;

/// A struct's size and its fields' places, as Rust has them, and the C expressions for the same.
macro_rules! layout {
    ($out:ident, $rust:ident, $c:literal, { $($field:ident: $c_field:literal),* $(,)? }) => {
        $out.push((format!("sizeof({})", $c), size_of::<abi::$rust>()));
        // Every field is named here, or this does not compile.
        let _all = |it: abi::$rust| { let abi::$rust { $($field: _),* } = it; };
        $($out.push((format!("offsetof({}, {})", $c, $c_field), offset_of!(abi::$rust, $field)));)*
    };
}

fn in_rust() -> Vec<(String, usize)> {
    let mut all = Vec::new();
    layout!(all, Text, "promemu_text", { data: "data", len: "len" });
    layout!(all, Plugin, "promemu_plugin", {
        size: "size", abi_major: "abi_major", abi_minor: "abi_minor", name: "name", version: "version",
        summary: "summary", scenarios: "scenarios", scenario_count: "scenario_count",
        scenario_size: "scenario_size", configs: "configs", config_count: "config_count",
        config_size: "config_size", models: "models", model_count: "model_count",
        model_size: "model_size",
    });
    layout!(all, Model, "promemu_model", {
        name: "name", summary: "summary", params: "params", param_count: "param_count",
        param_size: "param_size", listens: "listens", emits: "emits", flags: "flags",
        reserved: "reserved", create: "create", describe: "describe", advance: "advance", save: "save",
        load: "load", start: "start", stop: "stop", destroy: "destroy",
    });
    layout!(all, TableSpec, "promemu_table_spec", {
        size: "size", rows_max: "rows_max", name: "name", labels: "labels",
    });
    layout!(all, Family, "promemu_family", {
        size: "size", kind: "kind", name: "name", help: "help", unit: "unit", labels: "labels",
        bounds: "bounds", bound_count: "bound_count", schema: "schema", states: "states",
        flags: "flags", reserved: "reserved",
    });
    layout!(all, Table, "promemu_table", { values: "values", rows: "rows", families: "families" });
    layout!(all, Scenario, "promemu_scenario", {
        name: "name", summary: "summary", params: "params", param_count: "param_count",
        param_size: "param_size", listens: "listens", emits: "emits", flags: "flags",
        reserved: "reserved", create: "create", update: "update", destroy: "destroy",
    });
    layout!(all, Config, "promemu_config", {
        name: "name", summary: "summary", params: "params", param_count: "param_count",
        param_size: "param_size", build: "build",
    });
    layout!(all, Param, "promemu_param", {
        kind: "kind", flags: "flags", name: "name", default: "def", help: "help", choices: "choices",
        fields: "fields", field_count: "field_count", field_size: "field_size",
    });
    layout!(all, Value, "promemu_value", {
        kind: "kind", reserved: "reserved", number: "number", high: "high", text: "text",
        numbers: "numbers", numbers_len: "numbers_len", items: "items", keys: "keys",
        item_count: "item_count",
    });
    layout!(all, Setup, "promemu_setup", {
        size: "size", value_count: "value_count", values: "values", value: "value",
        range_low: "range_low", range_high: "range_high", host: "host", context: "context",
    });
    layout!(all, Tick, "promemu_tick", {
        size: "size", has_event: "has_event", now_nanos: "now_nanos", t_secs: "t_secs",
        dt_secs: "dt_secs", value: "value", range_low: "range_low", range_high: "range_high",
        host_name: "host_name", event_name: "event_name", event_source: "event_source",
        event_data: "event_data", host: "host", context: "context", is_live: "is_live",
        reserved: "reserved",
    });
    layout!(all, Host, "promemu_host", {
        size: "size", abi_major: "abi_major", abi_minor: "abi_minor", random_u64: "random_u64",
        random_normal: "random_normal", fail: "fail", refuse: "refuse", log: "log", write: "write", emit: "emit",
        wake: "wake", begin: "begin", end: "end", observe: "observe", table: "table", family: "family",
        store: "store", lever_at: "lever_at", lever_edge: "lever_edge",
    });
    all
}

/// The constants of both, ten more than they are, as some are negative.
fn constants() -> impl Iterator<Item = (String, usize)> {
    let constants = [
        ("ABI_MAJOR", i64::from(abi::ABI_MAJOR)),
        ("ABI_MINOR", i64::from(abi::ABI_MINOR)),
        ("OK", i64::from(abi::OK)),
        ("KEEP", i64::from(abi::KEEP)),
        ("FAILED", i64::from(abi::FAILED)),
        ("PANICKED", i64::from(abi::PANICKED)),
        ("NUMBER", i64::from(abi::NUMBER)),
        ("DURATION", i64::from(abi::DURATION)),
        ("RANGE", i64::from(abi::RANGE)),
        ("TEXT", i64::from(abi::TEXT)),
        ("CHOICE", i64::from(abi::CHOICE)),
        ("NUMBERS", i64::from(abi::NUMBERS)),
        ("LIST", i64::from(abi::LIST)),
        ("MAP", i64::from(abi::MAP)),
        ("RECORD", i64::from(abi::RECORD)),
        ("FROM_FILE", i64::from(abi::FROM_FILE)),
        ("GIVES_TOTALS", i64::from(abi::GIVES_TOTALS)),
        ("USES_DT", i64::from(abi::USES_DT)),
        ("GAUGE", i64::from(abi::GAUGE)),
        ("COUNTER", i64::from(abi::COUNTER)),
        ("HISTOGRAM", i64::from(abi::HISTOGRAM)),
        ("NATIVE_HISTOGRAM", i64::from(abi::NATIVE_HISTOGRAM)),
        ("INFO_FAMILY", i64::from(abi::INFO_FAMILY)),
        ("STATESET", i64::from(abi::STATESET)),
        ("LIVE_ONLY", i64::from(abi::LIVE_ONLY)),
        ("DEBUG", i64::from(abi::DEBUG)),
        ("INFO", i64::from(abi::INFO)),
        ("WARN", i64::from(abi::WARN)),
    ];
    constants
        .into_iter()
        .map(|(name, value)| (format!("PROMEMU_{name} + 10"), usize::try_from(value + 10).unwrap()))
}

#[test]
fn the_header_is_laid_out_as_the_rust_tables_are() {
    if Command::new("cc").arg("--version").output().is_err() {
        return;
    }
    let expected: Vec<_> = in_rust().into_iter().chain(constants()).collect();
    let mut source = "#include <stdio.h>\n#include \"promemu_plugin.h\"\nint main(void) {\n".to_owned();
    for (expression, _) in &expected {
        writeln!(source, "printf(\"%s=%zu\\n\", \"{expression}\", (size_t)({expression}));").unwrap();
    }
    source.push_str("return 0; }\n");
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, program) = (dir.join("layout.c"), dir.join("layout"));
    std::fs::write(&file, source).unwrap();
    let compiled = Command::new("cc")
        .args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-I",
            env!("CARGO_MANIFEST_DIR"),
            "-o",
        ])
        .args([&program, &file])
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let printed = String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap();
    let expected: Vec<String> =
        expected.iter().map(|(expression, value)| format!("{expression}={value}")).collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
}
