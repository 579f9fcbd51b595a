//! Runs beside each other, without a server.

use super::*;
use crate::outputs::file::FileSettings;
use promemu_core::config::{ConfigFile, LoadOptions};
use promemu_core::time::Time;
use promemu_wire::exposition::Format;

fn plan(job: &str, metric: &str) -> Plan {
    let text =
        format!("Config(default_job_name: \"{job}\", hosts: [Host(name: \"a\", metrics: [{metric}])])");
    let options = LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000));
    ConfigFile::from_text("test", &text).plan(&options).unwrap().plan
}

fn admit(outputs: &Arc<SharedOutputs>, run: &str, plan: &Plan) -> Result<Admission, RunConflict> {
    outputs.admit(&run.into(), plan)
}

#[tokio::test]
async fn a_job_belongs_to_one_run_until_that_is_over() {
    let outputs = SharedOutputs::open(&[], None, false).await.unwrap();
    let one = admit(&outputs, "one", &plan("shop", "Metric(name: \"load\")")).unwrap();
    let taken = admit(&outputs, "two", &plan("shop", "Metric(name: \"load\")")).unwrap_err();
    insta::assert_snapshot!(taken, @r#"job "shop" is run "one"'s; give this run another one, by an argument of its config or by {run_id} in job_name"#);
    let _two = admit(&outputs, "two", &plan("other", "Metric(name: \"load\")")).unwrap();
    assert!(
        one.replace(&plan("other", "Metric(name: \"load\")")).is_err(),
        "a reload does not take it either"
    );
    drop(one);
    assert!(admit(&outputs, "three", &plan("shop", "Metric(name: \"load\")")).is_ok());
}

#[tokio::test]
async fn runs_with_different_families_of_one_name_share_no_page() {
    let dir = tempfile::tempdir().unwrap();
    let file = FileSettings { path: dir.path().join("m.prom"), format: Format::Text };
    let outputs = SharedOutputs::open(&[OutputSettings::File(file)], None, false).await.unwrap();
    let _one =
        admit(&outputs, "one", &plan("one", "Metric(name: \"load\", description: \"of all\")")).unwrap();
    let refusal = |metric: &str| admit(&outputs, "two", &plan("two", metric)).unwrap_err().to_string();
    insta::assert_snapshot!(refusal("Metric(name: \"load\", metric_type: histogram, value_range: (0, 1))"),
        @r#"family "load" has the type "histogram" here and "gauge" in run "one", and promemu shows both runs on one page; rename it, or stop that run first"#);
    insta::assert_snapshot!(refusal("Metric(name: \"load\", description: \"of one\")"),
        @r#"family "load" has the help "of one" here and "of all" in run "one", and promemu shows both runs on one page; rename it, or stop that run first"#);
    assert!(admit(&outputs, "two", &plan("two", "Metric(name: \"load\", description: \"of all\")")).is_ok());
    let pushing = SharedOutputs::open(&[], None, false).await.unwrap();
    let _one = admit(&pushing, "one", &plan("one", "Metric(name: \"load\")")).unwrap();
    let other = plan("two", "Metric(name: \"load\", description: \"of one\")");
    assert!(admit(&pushing, "two", &other).is_ok(), "they are on no page together");
}

#[tokio::test]
async fn runs_with_a_metric_named_like_a_series_of_the_others_share_no_page() {
    let dir = tempfile::tempdir().unwrap();
    let file = FileSettings { path: dir.path().join("m.prom"), format: Format::Text };
    let outputs = SharedOutputs::open(&[OutputSettings::File(file)], None, false).await.unwrap();
    let of = |name: &str, more: &str| format!("Metric(name: \"{name}\", {more})");
    let refusals: Vec<String> = [
        (of("x", "metric_type: histogram, value_range: (0, 1)"), of("x_count", "")),
        (of("x", "metric_type: summary, value_range: (0, 1)"), of("x_sum", "metric_type: counter")),
        (of("x_bucket", ""), of("x", "metric_type: native_histogram, value_range: (0, 1)")),
        (of("x_created", ""), of("x_total", "metric_type: counter, created: true")),
    ]
    .iter()
    .map(|(first, second)| {
        let one = admit(&outputs, "one", &plan("one", first)).unwrap();
        let refusal = admit(&outputs, "two", &plan("two", second)).unwrap_err().to_string();
        let two = admit(&outputs, "two", &plan("two", "Metric(name: \"y\")")).unwrap();
        assert_eq!(two.replace(&plan("two", second)).unwrap_err().to_string(), refusal, "nor by an edit");
        drop(one);
        assert!(two.replace(&plan("two", second)).is_ok());
        refusal
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"), @r#"
    metric "x_count" here is a series of the histogram "x" of run "one", and promemu shows both runs on one page; rename one of them, or stop that run first
    metric "x_sum" here is a series of the summary "x" of run "one", and promemu shows both runs on one page; rename one of them, or stop that run first
    metric "x_bucket" of run "one" is a series of the native_histogram "x" here, and promemu shows both runs on one page; rename one of them, or stop that run first
    metric "x_created" of run "one" is a series of the counter "x_total" here, and promemu shows both runs on one page; rename one of them, or stop that run first
    "#);
    let _one =
        admit(&outputs, "one", &plan("one", &of("x", "metric_type: summary, value_range: (0, 1)"))).unwrap();
    for other in
        [of("x_bucket", ""), of("x_created", ""), of("x_total", "metric_type: counter"), of("x_sums", "")]
    {
        assert!(admit(&outputs, "two", &plan("two", &other)).is_ok(), "{other}");
    }
}
