use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::{Breaker, Counts, Policy, Rejection, State, Ticket, Trip, Verdict};

/// Recorded from gobreaker v2 in virtual time; its head explains the columns.
const TRACES: &[u8] = include_bytes!("../../tests/data/circuit_breaker_traces.txt.gz");

const RATIO: Trip = Trip::Ratio { consecutive: 100, requests: 10, share: 0.3 };

fn shipped() -> Policy {
    Policy {
        max_requests: 3,
        interval: Duration::from_secs(30),
        bucket: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        trip: RATIO,
    }
}

fn ms(text: &str) -> Duration {
    Duration::from_millis(text.parse().unwrap())
}

/// A breaker that replays one recorded sequence.
struct Replay {
    breaker: Breaker,
    now: Duration,
    tickets: BTreeMap<String, Ticket>,
}

impl Replay {
    fn new(settings: &[&str]) -> Self {
        let [max_requests, interval, bucket, timeout, trip] = settings else {
            panic!("{settings:?} has five columns")
        };
        let policy = Policy {
            max_requests: max_requests.parse().unwrap(),
            interval: ms(interval),
            bucket: ms(bucket),
            timeout: ms(timeout),
            trip: if *trip == "ratio" { RATIO } else { Trip::ConsecutiveAbove(5) },
        };
        Self { breaker: Breaker::new(policy, Duration::ZERO), now: Duration::ZERO, tickets: BTreeMap::new() }
    }

    /// The columns after `id`, as this breaker has them after the step.
    fn step(&mut self, dt: &str, op: &str, id: &str) -> String {
        self.now += ms(dt);
        let mut result = "-";
        match op {
            "s" => match self.breaker.start(self.now) {
                Ok(ticket) => {
                    self.tickets.insert(id.to_owned(), ticket);
                    result = "ok";
                }
                Err(Rejection::Open) => result = "open",
                Err(Rejection::TooManyRequests) => result = "too_many",
            },
            "q" => drop(self.breaker.state(self.now)),
            _ => {
                let verdict = match op {
                    "o" => Verdict::Success,
                    "f" => Verdict::Failure,
                    _ => Verdict::Excluded,
                };
                let ticket = self.tickets.remove(id).unwrap();
                self.breaker.finish(ticket, verdict, self.now);
            }
        }
        let Counts { requests, successes, failures, exclusions, consecutive_successes, consecutive_failures } =
            self.breaker.counts();
        let state = self.breaker.state as u8;
        format!(
            "{result} {state} {requests} {successes} {failures} {exclusions} {consecutive_successes} \
             {consecutive_failures}"
        )
    }
}

#[test]
fn each_of_30_000_recorded_steps_leaves_the_state_and_counts_of_gobreaker() {
    let mut text = String::new();
    GzDecoder::new(TRACES).read_to_string(&mut text).unwrap();
    let mut replay = None;
    let (mut sequences, mut steps) = (0, 0);
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split(' ').collect();
        if columns[0] == "sequence" {
            replay = Some(Replay::new(&columns[1..]));
            sequences += 1;
            continue;
        }
        let [dt, op, id, recorded @ ..] = &*columns else { panic!("line {number} has columns") };
        let seen = replay.as_mut().unwrap().step(dt, op, id);
        assert_eq!(seen, recorded.join(" "), "line {}: {line}", number + 1);
        steps += 1;
    }
    assert_eq!((sequences, steps), (200, 30_000));
}

/// A breaker that has just opened, and the time of that.
fn opened() -> (Breaker, Duration) {
    let mut breaker = Breaker::new(shipped(), Duration::ZERO);
    let at = Duration::from_secs(1);
    for _ in 0..10 {
        let ticket = breaker.start(at).unwrap();
        breaker.finish(ticket, Verdict::Failure, at);
    }
    (breaker, at)
}

#[test]
fn it_opens_at_the_tenth_request_if_three_have_failed() {
    let mut breaker = Breaker::new(shipped(), Duration::ZERO);
    let verdicts = [Verdict::Success; 7].into_iter().chain([Verdict::Failure; 3]);
    for (number, verdict) in verdicts.enumerate() {
        assert_eq!(breaker.state(Duration::ZERO), State::Closed, "before request {number}");
        let ticket = breaker.start(Duration::ZERO).unwrap();
        breaker.finish(ticket, verdict, Duration::ZERO);
    }
    assert_eq!(breaker.state(Duration::ZERO), State::Open);
    assert_eq!(breaker.start(Duration::from_secs(5)), Err(Rejection::Open), "5 s are not yet more than 5 s");
}

#[test]
fn a_read_of_the_state_makes_it_half_open_and_as_many_successes_as_it_admits_close_it() {
    let (mut breaker, at) = opened();
    let later = at + Duration::from_millis(5001);
    assert_eq!(breaker.state(later), State::HalfOpen);
    let tickets = [(); 3].map(|()| breaker.start(later).unwrap());
    assert_eq!(breaker.start(later), Err(Rejection::TooManyRequests));
    for ticket in tickets {
        assert_eq!(breaker.state(later), State::HalfOpen);
        breaker.finish(ticket, Verdict::Success, later);
    }
    assert_eq!(breaker.state(later), State::Closed);
    let seen: Vec<_> = breaker.take_transitions().iter().map(|change| (change.from, change.to)).collect();
    let all =
        [(State::Closed, State::Open), (State::Open, State::HalfOpen), (State::HalfOpen, State::Closed)];
    assert_eq!(seen, all);
    assert!(breaker.take_transitions().is_empty());
}

#[test]
fn a_late_result_of_an_older_generation_is_ignored() {
    let mut breaker = Breaker::new(shipped(), Duration::ZERO);
    let late = breaker.start(Duration::ZERO).unwrap();
    for _ in 0..9 {
        let ticket = breaker.start(Duration::ZERO).unwrap();
        breaker.finish(ticket, Verdict::Failure, Duration::ZERO);
    }
    let half_open = Duration::from_secs(6);
    assert_eq!(breaker.state(half_open), State::HalfOpen);
    breaker.finish(late, Verdict::Failure, half_open);
    assert_eq!((breaker.state(half_open), breaker.counts()), (State::HalfOpen, Counts::default()));
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Success), Just(Verdict::Failure), Just(Verdict::Excluded)]
}

proptest! {
    #[test]
    fn results_never_outnumber_requests_and_a_change_of_state_clears_all_counts(
        steps in prop::collection::vec((0u64..6000, any::<bool>(), verdicts()), 1..300),
        max_requests in 1u32..5,
        bucket in prop_oneof![Just(0u64), 1000u64..12_000],
    ) {
        let policy = Policy { max_requests, bucket: Duration::from_millis(bucket), ..shipped() };
        let mut breaker = Breaker::new(policy, Duration::ZERO);
        let (mut now, mut open) = (Duration::ZERO, Vec::new());
        for (dt, starts, verdict) in steps {
            now += Duration::from_millis(dt);
            let starts = starts || open.is_empty();
            if starts {
                let before = breaker.state(now);
                match breaker.start(now) {
                    Ok(ticket) => open.push(ticket),
                    Err(Rejection::Open) => prop_assert_eq!(before, State::Open),
                    Err(Rejection::TooManyRequests) => prop_assert_eq!(before, State::HalfOpen),
                }
            } else {
                breaker.finish(open.remove(0), verdict, now);
            }
            let counts = breaker.counts();
            prop_assert!(counts.successes + counts.failures + counts.exclusions <= counts.requests);
            prop_assert!(counts.consecutive_successes == 0 || counts.consecutive_failures == 0);
            if !breaker.take_transitions().is_empty() {
                // A request that made an open breaker half-open counts already.
                let trial = Counts { requests: u32::from(starts), ..Counts::default() };
                prop_assert!(counts == Counts::default() || counts == trial, "{counts:?}");
            }
            if breaker.state(now) == State::HalfOpen {
                prop_assert!(counts.valid_requests() <= max_requests);
            }
        }
    }

    #[test]
    fn an_open_breaker_lets_nothing_through_before_its_timeout(waits in prop::collection::vec(0u64..5000, 1..20)) {
        let (mut breaker, at) = opened();
        for wait in waits {
            prop_assert_eq!(breaker.start(at + Duration::from_millis(wait)), Err(Rejection::Open));
        }
        prop_assert!(breaker.start(at + Duration::from_millis(5001)).is_ok());
    }
}
