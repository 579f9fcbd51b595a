use std::fmt::Write;

use indexmap::IndexMap;
use proptest::prelude::*;

use super::*;
use promemu_core::metric::{ABSENT, Layout, MetricType};
use promemu_core::series::{Column, Family, LabelBlock, PoolRanges, Row, SeriesStore};

/// Encodes samples as text.
#[derive(Debug, Default)]
struct Plain {
    text: String,
    host: String,
}

impl Encoder for Plain {
    type Job = (String, Vec<String>);

    fn prepare(_: u32, name: &str, columns: &[(&Family, &Column)]) -> Self::Job {
        (name.to_owned(), columns.iter().map(|(family, _)| family.name.to_string()).collect())
    }

    fn host(&mut self, (job, _): &Self::Job, labels: &LabelBlock, at: Time) {
        let labels: Vec<String> = labels.iter().map(|(_, value)| value.to_owned()).collect();
        self.host = format!("{:.3} {job} {}", at.unix_secs(), labels.join(","));
    }

    fn put(&mut self, (_, columns): &Self::Job, column: usize, cells: Option<&[f64]>) -> usize {
        let value = cells.map_or("ended".to_owned(), |cells| cells[0].to_string());
        writeln!(self.text, "{} {} {value}", self.host, columns[column]).unwrap();
        1
    }

    fn body_bytes(&self) -> usize {
        self.text.len()
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text).into_bytes()
    }
}

const SIZE: BatchSize = BatchSize { samples: 2, bytes: 1000 };

/// A job with the metrics `a` and `b`, and `c` for hosts from the third one on.
fn job(name: &str, hosts: &[&str]) -> Arc<Job> {
    let column = |family, first_row, rows, offset| Column {
        family,
        first_row,
        rows,
        offset,
        labels: LabelBlock::empty(),
        layout: Arc::new(Layout::value()),
    };
    let families = ["a", "b", "c"].map(|name| Family::new(name, "", MetricType::Gauge));
    let rows = hosts.iter().map(|host| Row { labels: LabelBlock::new([("host", *host)]), width: 3 });
    let mut columns = vec![column(0, 0, hosts.len(), 0), column(1, 0, hosts.len(), 1)];
    if hosts.len() > 2 {
        columns.push(column(2, 2, hosts.len() - 2, 2));
    }
    Arc::new(Job::new(name.into(), SeriesStore::new(families.into(), columns, rows.collect())))
}

fn tracker(jobs: &[Arc<Job>]) -> SeriesTracker<Plain> {
    SeriesTracker::new(jobs, [Plain::default()], SIZE)
}

async fn lines(intake: &Intake) -> Vec<String> {
    let batches = intake.take_all().await;
    let texts = batches.iter().map(|(_, batch)| String::from_utf8(batch.body.to_vec()).unwrap());
    texts.collect::<String>().lines().map(str::to_owned).collect()
}

async fn round(tracker: &mut SeriesTracker<Plain>, secs: u64) -> Vec<String> {
    let intake = Intake::idle(1, 1000);
    tracker.round(Time::from_unix_secs(secs), &intake, Duration::ZERO);
    lines(&intake).await
}

#[tokio::test]
async fn a_series_that_ends_is_marked_once() {
    let job = job("j", &["x", "y", "z"]);
    let mut tracker = tracker(&[Arc::clone(&job)]);
    assert_eq!(round(&mut tracker, 1).await, [""; 0], "nothing was reported");
    for row in 0..3 {
        job.store().report(row, &[1.0, ABSENT, 3.0]);
    }
    let all = round(&mut tracker, 2).await;
    assert_eq!(all, ["2.000 j x a 1", "2.000 j y a 1", "2.000 j z a 1", "2.000 j z c 3"]);
    assert_eq!(round(&mut tracker, 2).await, [""; 0], "one round per time");
    job.store().report(0, &[ABSENT, 2.0, ABSENT]);
    job.store().remove(2);
    let ended =
        ["3.000 j x a ended", "3.000 j x b 2", "3.000 j y a 1", "3.000 j z a ended", "3.000 j z c ended"];
    assert_eq!(round(&mut tracker, 3).await, ended);
    assert_eq!(round(&mut tracker, 4).await, ["4.000 j x b 2", "4.000 j y a 1"]);
    let intake = Intake::idle(1, 1000);
    tracker.end(Time::from_unix_secs(4), &intake, Duration::ZERO);
    assert_eq!(lines(&intake).await, ["4.001 j x b ended", "4.001 j y a ended"]);
    assert!(!tracker.jobs[0].has_known_series());
}

#[tokio::test]
async fn another_plan_ends_the_series_it_does_not_have() {
    let old = [job("j", &["x", "y"]), job("k", &["x"])];
    let mut tracker = tracker(&old);
    for (job, row) in [(0, 0), (0, 1), (1, 0)] {
        old[job].store().report(row, &[1.0, 2.0, ABSENT]);
    }
    assert_eq!(round(&mut tracker, 1).await.len(), 6);
    let new = [job("j", &["w", "y", "x"])];
    new[0].store().report(1, &[5.0, ABSENT, ABSENT]);
    new[0].store().report(2, &[6.0, 7.0, 8.0]);
    tracker.replace_jobs(&new);
    let expected = [
        "1.999 k x a ended",
        "1.999 k x b ended",
        "2.000 j y a 5",
        "2.000 j y b ended",
        "2.000 j x a 6",
        "2.000 j x b 7",
        "2.000 j x c 8",
    ];
    assert_eq!(round(&mut tracker, 2).await, expected);
    assert!(tracker.gone.is_empty());
    tracker.replace_jobs(&[]);
    assert_eq!(round(&mut tracker, 3).await.len(), 4);
}

#[tokio::test]
async fn a_host_may_have_a_time_of_its_own() {
    let job = job("j", &["x", "y"]);
    let mut tracker = tracker(&[Arc::clone(&job)]);
    job.store().report(0, &[1.0, ABSENT, ABSENT]);
    job.store().report(1, &[2.0, ABSENT, ABSENT]);
    job.store().stamp(1, Some(Time::from_unix_secs(50)), false);
    assert_eq!(round(&mut tracker, 99).await, ["99.000 j x a 1", "50.000 j y a 2"]);
    // A series ahead of the time ends after its last sample, and one behind it ends now.
    job.store().stamp(0, Some(Time::from_unix_secs(150)), false);
    assert_eq!(round(&mut tracker, 100).await, ["150.000 j x a 1", "50.000 j y a 2"]);
    (0..2).for_each(|row| job.store().remove(row));
    assert_eq!(round(&mut tracker, 101).await, ["150.001 j x a ended", "101.000 j y a ended"]);
}

#[tokio::test]
async fn at_the_end_a_host_whose_clock_is_ahead_ends_after_its_last_sample() {
    let job = job("j", &["x"]);
    let mut tracker = tracker(&[Arc::clone(&job)]);
    job.store().report(0, &[1.0, ABSENT, ABSENT]);
    job.store().stamp(0, Some(Time::from_unix_secs(150)), false);
    assert_eq!(round(&mut tracker, 99).await, ["150.000 j x a 1"]);
    let intake = Intake::idle(1, 1000);
    tracker.end(Time::from_unix_secs(100), &intake, Duration::ZERO);
    let batches = intake.take_all().await;
    assert_eq!(&*batches[0].1.body, b"150.001 j x a ended\n");
}

#[tokio::test]
async fn a_series_in_another_form_ends_and_begins() {
    let old = job("j", &["x"]);
    let mut tracker = tracker(&[Arc::clone(&old)]);
    old.store().report(0, &[1.0, ABSENT, ABSENT]);
    round(&mut tracker, 1).await;
    let histogram = Column {
        family: 0,
        first_row: 0,
        rows: 1,
        offset: 0,
        labels: LabelBlock::empty(),
        layout: Arc::new(Layout::histogram([1.0].into())),
    };
    let rows = vec![Row { labels: LabelBlock::new([("host", "x")]), width: 3 }];
    let mut store =
        SeriesStore::new(vec![Family::new("a", "", MetricType::Histogram)], vec![histogram], rows);
    store.report(0, &[4.0, 0.0, 4.0]);
    tracker.replace_jobs(&[Arc::new(Job::new("j".into(), store))]);
    assert_eq!(round(&mut tracker, 2).await, ["1.999 j x a ended", "2.000 j x a 4"]);
}

#[tokio::test]
async fn a_host_stays_in_its_shard_and_batches_are_small() {
    let names: Vec<String> = (0..50).map(|n| format!("host-{n}")).collect();
    let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
    let job = job("j", &hosts);
    (0..50).for_each(|row| job.store().report(row, &[1.0, 2.0, 3.0]));
    let mut tracker = SeriesTracker::new(&[job], (0..4).map(|_| Plain::default()), SIZE);
    let mut before = Vec::new();
    for secs in 1..3 {
        let intake = Intake::idle(4, 1000);
        tracker.round(Time::from_unix_secs(secs), &intake, Duration::ZERO);
        let mut places = Vec::new();
        for (shard, batch) in intake.take_all().await {
            assert!(batch.samples <= 2 && batch.round == secs);
            for line in String::from_utf8(batch.body.to_vec()).unwrap().lines() {
                places.push((line.split(' ').skip(2).collect::<Vec<_>>().join(" "), shard));
            }
        }
        assert_eq!(places.len(), 148);
        let used: std::collections::BTreeSet<usize> = places.iter().map(|(_, shard)| *shard).collect();
        assert_eq!(used.len(), 4);
        places.sort();
        if secs > 1 {
            assert_eq!(places, before);
        }
        before = places;
    }
}

#[tokio::test]
async fn samples_without_room_are_counted_exactly() {
    let job = job("j", &["x", "y", "z"]);
    (0..3).for_each(|row| job.store().report(row, &[1.0, 2.0, 3.0]));
    let mut tracker = tracker(&[job]);
    let intake = Intake::idle(1, 4);
    tracker.round(Time::from_unix_secs(1), &intake, Duration::ZERO);
    assert_eq!(intake.dropped_samples(), 3, "of 7 samples there is room for two batches of 2");
    tracker.round(Time::from_unix_secs(2), &intake, Duration::ZERO);
    assert_eq!(intake.dropped_samples(), 3 + 4 + 3, "the older round makes room");
    assert_eq!(lines(&intake).await.len(), 4);
}

/// A job with one host, and this number of slots with one metric each.
fn job_with_slots(slots: usize) -> Arc<Job> {
    let column = |family, first_row, rows| Column {
        family,
        first_row,
        rows,
        offset: 0,
        labels: LabelBlock::empty(),
        layout: Arc::new(Layout::value()),
    };
    let families = ["up", "s"].map(|name| Family::new(name, "", MetricType::Gauge));
    let host = [Row { labels: LabelBlock::new([("host", "h")]), width: 1 }];
    let empty = std::iter::repeat_n(Row { labels: LabelBlock::empty(), width: 1 }, slots);
    let columns = vec![column(0, 0, 1), column(1, 1, slots)];
    let store = SeriesStore::new(families.into(), columns, host.into_iter().chain(empty).collect());
    Arc::new(Job::new("j".into(), store.with_pools(1, PoolRanges::default())))
}

fn put_member(job: &Job, row: usize, id: &str, value: f64) {
    let mut store = job.store();
    store.set_row_labels(row, &LabelBlock::new([("id", id)]));
    store.report(row, &[value]);
}

#[tokio::test]
async fn a_series_may_go_to_another_slot_and_ends_before_it_begins_there() {
    let job = job_with_slots(3);
    let mut tracker = tracker(&[Arc::clone(&job)]);
    job.store().report(0, &[1.0]);
    put_member(&job, 1, "a", 1.0);
    put_member(&job, 3, "b", 1.0);
    assert_eq!(round(&mut tracker, 1).await, ["1.000 j h up 1", "1.000 j a s 1", "1.000 j b s 1"]);
    put_member(&job, 1, "b", 2.0);
    job.store().remove(3);
    job.store().remove(0);
    let moved = ["1.999 j a s ended", "1.999 j b s ended", "2.000 j h up ended", "2.000 j b s 2"];
    assert_eq!(round(&mut tracker, 2).await, moved);
    put_member(&job, 1, "c", 3.0);
    let intake = Intake::idle(1, 1000);
    tracker.end(Time::from_unix_secs(2), &intake, Duration::ZERO);
    assert_eq!(lines(&intake).await, ["2.001 j b s ended"], "c was never sent");
}

#[tokio::test]
async fn hosts_come_and_go_and_no_other_series_ends() {
    let job = job("j", &["x", "y"]);
    let mut tracker = tracker(&[Arc::clone(&job)]);
    (0..2).for_each(|row| job.store().report(row, &[1.0, ABSENT, ABSENT]));
    assert_eq!(round(&mut tracker, 1).await, ["1.000 j x a 1", "1.000 j y a 1"]);
    let column = |rows: usize| Column {
        family: 0,
        first_row: job.store().rows(),
        rows,
        offset: 0,
        labels: LabelBlock::empty(),
        layout: Arc::new(Layout::value()),
    };
    let put = |row: usize, host: &str, value: f64| {
        let mut store = job.store();
        store.add_host(row, &host.into(), &LabelBlock::new([("host", host)]), Vec::new());
        store.report(row, &[value]);
    };
    let more = column(2);
    job.store().append(2, 1, [more]);
    put(2, "z", 3.0);
    tracker.replace_jobs(&[Arc::clone(&job)]);
    assert_eq!(round(&mut tracker, 2).await, ["2.000 j x a 1", "2.000 j y a 1", "2.000 j z a 3"]);
    // A planned host goes and comes back in a row of an added one, which goes, too.
    job.store().remove_host(0);
    job.store().remove_added_host(2);
    put(2, "x", 4.0);
    let moved = ["2.999 j x a ended", "2.999 j z a ended", "3.000 j y a 1", "3.000 j x a 4"];
    assert_eq!(round(&mut tracker, 3).await, moved);
    let more = column(1);
    job.store().append(1, 1, [more]);
    put(4, "w", 5.0);
    job.store().remove_added_host(2);
    let moved = ["3.999 j x a ended", "4.000 j y a 1", "4.000 j w a 5"];
    assert_eq!(round(&mut tracker, 4).await, moved);
    let intake = Intake::idle(1, 1000);
    tracker.end(Time::from_unix_secs(5), &intake, Duration::ZERO);
    assert_eq!(lines(&intake).await, ["5.000 j y a ended", "5.000 j w a ended"]);
}

proptest! {
    #[test]
    fn a_server_accepts_every_sample_and_knows_the_present_members(
        changes in proptest::collection::vec((1..7usize, proptest::option::of(0..9usize)), 1..60),
        shards in 1..3usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let job = job_with_slots(6);
        let encoders = (0..shards).map(|_| Plain::default());
        let mut tracker = SeriesTracker::new(&[Arc::clone(&job)], encoders, SIZE);
        let mut last: IndexMap<String, (f64, bool)> = IndexMap::new();
        let mut members: IndexMap<usize, usize> = IndexMap::new();
        for (secs, changes) in (1..).zip(changes.chunks(3)) {
            for (row, id) in changes {
                members.swap_remove(row);
                match id.filter(|id| !members.values().any(|other| other == id)) {
                    Some(id) => {
                        members.insert(*row, id);
                        put_member(&job, *row, &id.to_string(), 1.0);
                    }
                    None => job.store().remove(*row),
                }
            }
            let intake = Intake::idle(shards, 1000);
            tracker.round(Time::from_unix_secs(secs), &intake, Duration::ZERO);
            for line in runtime.block_on(lines(&intake)) {
                let [at, _, id, _, value] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
                let (at, is_present) = (at.parse::<f64>().unwrap(), value != "ended");
                let before = last.insert(id.to_owned(), (at, is_present));
                prop_assert!(before.is_none_or(|(before, _)| before < at), "{line}");
            }
            let mut known: Vec<String> =
                last.iter().filter(|(_, (_, is_present))| *is_present).map(|(id, _)| id.clone()).collect();
            let mut present: Vec<String> = members.values().map(ToString::to_string).collect();
            known.sort();
            present.sort();
            prop_assert_eq!(known, present);
        }
    }
}
