use super::*;
use crate::http::HttpOptions;
use crate::self_metrics::SelfMetrics;
use promemu_core::metric::MetricType;
use promemu_core::series::{Family, LabelBlock};
use promemu_wire::exposition::Format;

const INTERVAL: Span = Span::from_secs(10);

fn at(secs: u64) -> Time {
    Time::from_unix_secs(1_767_600_000 + secs)
}

/// An output with one job that has one series. Nothing listens at its url, and nothing is sent.
fn output(cleanup_on_finish: bool) -> PushgatewayOutput {
    output_with(cleanup_on_finish, false)
}

/// The same, with a second job for the run's own metrics if they are pushed.
fn output_with(cleanup_on_finish: bool, self_metrics: bool) -> PushgatewayOutput {
    let family = Family::new("up", "", MetricType::Gauge);
    let store = SeriesStore::single(family, LabelBlock::empty(), 1.0);
    let url = GatewayUrl::parse("127.0.0.1:1").unwrap();
    let client = PushgatewayClient::new(url, &HttpOptions::default(), Duration::from_secs(1)).unwrap();
    let settings = PushSettings {
        format: Format::Text,
        interval: INTERVAL,
        cleanup_on_start: true,
        cleanup_on_finish,
        self_metrics,
        shard: None,
    };
    let own = Arc::new(SelfMetrics::new().unwrap());
    let jobs = [Arc::new(Job::new("job".into(), store))];
    let name = "pushgateway".to_owned();
    let (run, clock) = ("main".into(), Clock::start());
    let context =
        OutputContext { name, run, config: "c", jobs: &jobs, clock, own: &own, leftovers: &Arc::default() };
    PushgatewayOutput::new(client, RunInfo::new("c", INTERVAL), settings, &context)
}

fn pushed(output: &mut PushgatewayOutput, now: Time) {
    let version = output.states[0].job.store().version();
    drop(output.attempt((0, Action::Push)));
    assert_eq!(output.settle((0, Action::Push), Ok(version), now), 1);
}

#[test]
fn a_job_is_pushed_when_it_has_changed_and_every_second_interval_else() {
    let mut output = output(true);
    assert_eq!(output.due(at(0)), [(0, Action::Push)]);
    pushed(&mut output, at(0));
    assert_eq!(output.due(at(10)), []);
    assert_eq!(output.due(at(20)), [(0, Action::Push)]);
    output.states[0].job.store().report(0, &[2.0]);
    assert_eq!(output.due(at(10)), [(0, Action::Push)]);
}

#[test]
fn a_job_whose_hosts_are_all_down_is_not_pushed_and_its_group_stays() {
    let mut output = output(true);
    pushed(&mut output, at(0));
    output.states[0].job.store().keep_last(0, true);
    output.states[0].job.store().report(0, &[promemu_core::metric::ABSENT]);
    assert_eq!(output.due(at(100)), []);
    output.states[0].job.store().keep_last(0, false);
    assert_eq!(output.due(at(100)), [(0, Action::Push)]);
}

#[test]
fn a_job_without_hosts_is_deleted_if_it_was_pushed_and_the_run_deletes_its_groups() {
    for deletes_groups in [true, false] {
        let mut output = output(deletes_groups);
        output.states[0].job.store().remove(0);
        assert_eq!(output.due(at(0)), [], "it was never pushed");
        pushed(&mut output, at(0));
        assert_eq!(output.due(at(10)) == [(0, Action::Delete)], deletes_groups);
        output.settle((0, Action::Delete), Ok(0), at(10));
        assert_eq!(output.due(at(30)), []);
    }
}

#[test]
fn a_job_that_is_only_claimed_stays_until_its_hosts_report_or_it_is_gone() {
    let mut output = output(true);
    output.states[0].job.store().remove(0);
    drop(output.attempt((0, Action::Claim)));
    assert_eq!(output.due(at(0)), [], "its hosts have not begun");
    output.replace_jobs(&[]);
    assert_eq!(output.due(at(0)), [(0, Action::Delete)]);
}

#[test]
fn a_claim_is_repeated_while_the_hosts_have_not_begun_and_no_more_once_they_have() {
    let mut output = output(true);
    output.states[0].job.store().remove(0);
    drop(output.attempt((0, Action::Claim)));
    for (claimed, due) in [(0, 20), (20, 40)] {
        assert_eq!(output.settle((0, Action::Claim), Ok(0), at(claimed)), 0, "it brings nothing new");
        assert_eq!(output.due(at(due - 10)), []);
        assert_eq!(output.due(at(due)), [(0, Action::Claim)]);
    }
    output.states[0].job.store().report(0, &[1.0]);
    assert_eq!(output.due(at(30)), [(0, Action::Push)]);
    pushed(&mut output, at(30));
    output.states[0].job.store().remove(0);
    assert_eq!(output.due(at(100)), [(0, Action::Delete)]);
}

#[tokio::test]
async fn a_claim_without_an_answer_is_looked_for_and_made_again() {
    let mut output = output(true);
    output.next_scan = None;
    assert!(output.claims().is_some());
    // Nothing answers there.
    output.take_claimed_jobs().await;
    assert!(output.states[0].may_be_on_gateway && output.states[0].is_unclaimed());
    assert!(output.next_scan.is_some() && output.claims().is_some());
    output.settle((0, Action::Claim), Ok(0), at(1));
    assert!(output.claims().is_none());
}

#[test]
fn a_job_of_another_is_left_alone() {
    let mut output = output(true);
    output.states[0].conflict = Some(Conflict::Lasting);
    assert_eq!(output.due(at(0)), []);
}

#[test]
fn the_runs_own_metrics_are_one_more_job_of_the_run() {
    let mut output = output_with(true, true);
    let name = format!("promemu_self_{}", output.run.run_id);
    assert_eq!(**output.states[1].job.name(), *name);
    pushed(&mut output, at(0));
    for _ in 0..2 {
        assert_eq!(output.due(at(1)), [(1, Action::Push)], "they always change");
        drop(output.attempt((1, Action::Push)));
        output.settle((1, Action::Push), Ok(0), at(1));
    }
    assert!(output.states[1].is_own_on_gateway(), "so that it is cleaned up");
    output.replace_jobs(&[]);
    output.states.retain(JobState::is_wanted);
    assert_eq!(output.due(at(2)), [(0, Action::Delete), (1, Action::Push)], "it outlasts the config's jobs");
}

#[tokio::test]
async fn a_gateway_that_is_away_counts_as_failures() {
    let mut output = output_with(true, true);
    let tally = output.tally.clone();
    output.start(Duration::MAX).await.unwrap();
    assert_eq!((tally.push_failures.get(), tally.push_seconds.get_sample_count()), (1, 0), "a scan");
    output.next_scan = None;
    output.pacing.answered(output.clock.now());
    assert!(!output.round().await);
    assert_eq!((tally.push_failures.get(), tally.push_seconds.get_sample_count()), (3, 2), "two pushes");
}

#[test]
fn a_refused_job_shows_in_the_status_until_it_is_taken() {
    let mut output = output(true);
    let refusal = || PushError::Answer {
        status: reqwest::StatusCode::NOT_FOUND,
        body: String::new(),
        retry_after: None,
    };
    output.settle((0, Action::Push), Err(refusal()), at(0));
    let status = output.health().status(at(5));
    assert_eq!(status.refused["job"], "it answered 404 Not Found; is there a Pushgateway at this url?");
    output.pacing.failed(&PushError::NoAnswer("no".into()), at(0));
    assert_eq!(output.health().status(at(5)).away_for, Some(5.0));
    output.pacing.answered(at(6));
    pushed(&mut output, at(6));
    let status = output.health().status(at(7));
    assert_eq!((status.pushes, status.refused.len(), status.away_for), (1, 0, None));
}

fn job(name: &str) -> Arc<Job> {
    let family = Family::new("up", "", MetricType::Gauge);
    Arc::new(Job::new(name.into(), SeriesStore::single(family, LabelBlock::empty(), 1.0)))
}

#[test]
fn the_state_of_a_job_stays_with_its_name() {
    let mut output = output(true);
    pushed(&mut output, at(0));
    output.next_scan = None;
    output.replace_jobs(&[job("job")]);
    assert_eq!((output.states[0].pushed_at, output.next_scan), (Some(at(0)), None));
    assert_eq!(output.due(at(1)), [(0, Action::Push)], "its series may be others");
    output.replace_jobs(&[job("new"), job("job")]);
    assert!(output.states[1].may_be_on_gateway && output.next_scan.is_some(), "the new one is scanned");
}

#[test]
fn a_job_that_is_gone_is_deleted_if_the_run_pushed_it_and_deletes_its_groups() {
    for deletes_groups in [true, false] {
        let mut output = output(deletes_groups);
        pushed(&mut output, at(0));
        output.replace_jobs(&[]);
        assert_eq!(output.due(at(0)) == [(0, Action::Delete)], deletes_groups);
        output.settle((0, Action::Delete), Ok(0), at(1));
        output.states.retain(JobState::is_wanted);
        assert_eq!(output.states.len(), 0);
    }
    for may_be_on_gateway in [true, false] {
        let mut output = output(true);
        output.states[0].may_be_on_gateway = may_be_on_gateway;
        output.states[0].conflict = may_be_on_gateway.then_some(Conflict::Lasting);
        output.replace_jobs(&[]);
        assert_eq!(output.due(at(0)), []);
    }
}

#[test]
fn a_job_that_comes_back_is_not_deleted() {
    let mut output = output(true);
    pushed(&mut output, at(0));
    output.replace_jobs(&[]);
    output.replace_jobs(&[job("job")]);
    assert_eq!(output.due(at(0)), [(0, Action::Push)]);
}

#[test]
fn a_gateway_full_of_groups_that_ended_runs_left_is_scanned_in_one_pass_and_claimed_ones_stay() {
    const GROUPS: usize = 100_000;
    let mut output = output(true);
    let ended = RunInfo { run_id: "ended".into(), ..RunInfo::new("c", INTERVAL) };
    ended.mark_ended();
    let starts = RunInfo { run_id: "starts".into(), ..ended.clone() };
    let group = |job: String, run: &RunInfo, claims: Vec<String>| GatewayGroup {
        grouping: [("job".to_owned(), job)].into(),
        pushed_at: at(0),
        run: Some(run.clone()),
        claims,
    };
    let mut groups: Vec<GatewayGroup> =
        (0..GROUPS).map(|number| group(format!("left-{number}"), &ended, Vec::new())).collect();
    let claimed = (0..GROUPS).map(|number| format!("new-{number}")).chain(["left-7".to_owned()]);
    groups.push(group(claims::job_of_claims(&starts), &starts, claimed.collect()));
    let listing = Listing { groups: &groups, gateway_now: at(1), now: at(1) };
    let scan = scan::scan(&mut output.states, listing, &output.run, &output.health, true);
    assert_eq!(scan.orphans.len(), GROUPS - 1);
    assert!(!scan.orphans.iter().any(|job| job == "left-7"), "it is about to be another run's");
}
