//! `promemu plot`: its output, its files and its errors.

use std::path::Path;
use std::process::Output;

use crate::processes::promemu_command;

fn plot(args: &[&str], variables: &[(&str, &str)]) -> Output {
    promemu_command(&["plot"]).args(args).envs(variables.iter().copied()).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_page_on_plots_shows_the_printed_charts() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots-and-dashboards.md");
    let page = std::fs::read_to_string(page).unwrap();
    let args = ["--at", "2026-01-05T08:00Z", "--seed", "1", "--metric", "^cpu|^gpu_memory_usage_b"];
    let text = printed(&plot(&[&["hosts_load_with_peaks"], &args[..]].concat(), &[]));
    assert!(page.contains(&text), "{text}");
    assert!(
        page.contains(&args.join(" ").replace("^cpu|^gpu_memory_usage_b", "\"^cpu|^gpu_memory_usage_b\""))
    );
}

#[test]
fn every_variable_works_and_a_flag_overrides_it() {
    let variables = [
        ("PME_PLOT_METRIC", "^cpu"),
        ("PME_PLOT_HOST", "worker-0[12]"),
        ("PME_PLOT_FOR", "5m"),
        ("PME_PLOT_AT", "2026-01-05T08:00:30Z"),
        ("PME_PLOT_STEP", "10s"),
        ("PME_SEED", "3"),
        ("PME_CONFIG_ARGS", "hosts_count=3"),
    ];
    let text = printed(&plot(&["hosts_load_with_peaks"], &variables));
    let heading =
        "hosts_load_with_peaks, 2026-01-05 08:00:30 to 08:05:30 UTC, step 10s, seed 3\n\ncpu_usage_percent";
    assert!(text.starts_with(heading), "{text}");
    assert!(text.contains("1 worker-01  2 worker-02  ▲ load_peak_start"), "{text}");
    assert!(!text.contains('\x1b'), "no colours without a terminal");
    let flags = ["--for", "2m", "--metric", "disk", "--host", "worker-03", "--step", "5s", "--seed", "4"];
    let text = printed(&plot(&[&["hosts_load_with_peaks"], &flags[..]].concat(), &variables));
    assert!(text.contains("08:00:30 to 08:02:30 UTC, step 5s, seed 4"), "{text}");
    assert!(
        text.contains("disk_usage_bytes") && text.contains("─ worker-03") && !text.contains("cpu"),
        "{text}"
    );
}

#[test]
fn a_few_hosts_of_a_large_fleet_are_drawn_alone() {
    let args = [
        "hosts_load_with_peaks",
        "--host",
        "^worker-6666[1-3]$",
        "--seed",
        "1",
        "--config-args",
        "hosts_count=66666",
    ];
    let text = printed(&plot(&args, &[]));
    assert!(text.contains("1 worker-66661  2 worker-66662  3 worker-66663"), "{text}");
    assert!(text.lines().count() < 200 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    for (name, begin) in [("wave.svg", &b"<svg "[..]), ("wave.png", b"\x89PNG\r\n\x1a\n")] {
        let path = dir.path().join(name);
        let path_text = path.display().to_string();
        let args = ["single_host_load", "--metric", "cpu"];
        let text = printed(&plot(&args, &[("PME_PLOT_OUT", &path_text)]));
        assert!(
            text.replace('\n', " ").contains(&format!("{name} is written: single_host_load, ")),
            "{text}"
        );
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(begin), "{name}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside them");

    let nowhere = dir.path().join("no/where.svg").display().to_string();
    let output = plot(&["single_host_load", "--out", &nowhere], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("where.svg cannot be written; make its folder first, or choose another place with --out: No such file"),
        "{said}"
    );
}

#[test]
fn mistakes_have_exit_code_2_and_advice() {
    let refused = |args: &[&str]| {
        let output = plot(&[&["hosts_load_with_peaks"], args].concat(), &[]);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        String::from_utf8(output.stderr).unwrap().trim_end().to_owned()
    };
    insta::assert_snapshot!(refused(&["--metric", "cpu_usage_percen$"]), @r#"error: --metric or PME_PLOT_METRIC: "cpu_usage_percen$" matches no metric of the config; did you mean "cpu_usage_percent"?"#);
    insta::assert_snapshot!(refused(&["--metric", "cpu["]), @r#"error: --metric or PME_PLOT_METRIC: "cpu[" is not a regular expression: found unclosed character class; write part of a name, or as in ^web-0[1-3]$"#);
    insta::assert_snapshot!(refused(&["--host", "server"]), @r#"error: --host or PME_PLOT_HOST: "server" matches no host of the config; expected one of balancer-1, worker-01, worker-02, worker-03, worker-04, worker-05, worker-06, worker-07, worker-08, worker-09"#);
    insta::assert_snapshot!(refused(&["--at", "tomorrow"]), @r#"error: --at or PME_PLOT_AT: "tomorrow" is not a time; write 2026-01-05T08:00Z, or -1h for an hour ago"#);
    insta::assert_snapshot!(refused(&["--for", "inf"]), @r#"error: --for or PME_PLOT_FOR must be longer than 0 and not endless, but is "inf""#);
    insta::assert_snapshot!(refused(&["--out", "chart.jpg"]), @"error: --out or PME_PLOT_OUT: chart.jpg is neither .svg nor .png; choose one of them");
}
