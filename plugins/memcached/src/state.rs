//! The counts and the circuit breakers: all that the load and the collection share.
//!
//! Every operation is attempted, and later succeeds or fails, once; until then it is in flight.

use std::time::Duration;

use crate::latency::Latency;
use crate::ledger::Ledger;
use crate::operation::{Operation, Outcome};
use crate::settings::Settings;
use crate::{Breaker, Counts, Rejection, State, Ticket, Transition, Verdict};

/// Results that a breaker has heard, which are never cleared.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BreakerTotals {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) exclusions: u64,
    pub(crate) rejected_open: u64,
    pub(crate) rejected_busy: u64,
}

/// A breaker with all that it has done.
#[derive(Debug)]
pub(crate) struct GuardedServer {
    breaker: Option<Breaker>,
    pub(crate) totals: BreakerTotals,
    /// By old and new state.
    pub(crate) transitions: [[u64; 3]; 3],
    recent: Vec<Transition>,
    /// The first ones of the run, for the summary.
    pub(crate) history: Vec<Transition>,
}

/// The summary shows so many changes of state of a server.
const HISTORY_MAX: usize = 1000;

impl GuardedServer {
    pub(crate) fn start(&mut self, now: Duration) -> Result<Option<Ticket>, Rejection> {
        let started = self.breaker.as_mut().map(|breaker| breaker.start(now)).transpose();
        self.note();
        match started {
            Err(Rejection::Open) => self.totals.rejected_open += 1,
            Err(Rejection::TooManyRequests) => self.totals.rejected_busy += 1,
            Ok(_) => {}
        }
        started
    }

    pub(crate) fn finish(&mut self, ticket: Option<Ticket>, verdict: Verdict, now: Duration) {
        let (Some(ticket), Some(breaker)) = (ticket, &mut self.breaker) else { return };
        breaker.finish(ticket, verdict, now);
        match verdict {
            Verdict::Success => self.totals.successes += 1,
            Verdict::Failure => self.totals.failures += 1,
            Verdict::Excluded => self.totals.exclusions += 1,
        }
        self.note();
    }

    /// The state and the counts; those of a closed breaker without one.
    pub(crate) fn read(&mut self, now: Duration) -> (State, Counts) {
        let read = self.breaker.as_mut().map(|breaker| (breaker.state(now), breaker.counts()));
        self.note();
        read.unwrap_or((State::Closed, Counts::default()))
    }

    pub(crate) fn take_transitions(&mut self) -> Vec<Transition> {
        std::mem::take(&mut self.recent)
    }

    fn note(&mut self) {
        let new = self.breaker.as_mut().map(Breaker::take_transitions).unwrap_or_default();
        for change in new {
            self.transitions[change.from as usize][change.to as usize] += 1;
            for list in [&mut self.history, &mut self.recent] {
                if list.len() < HISTORY_MAX {
                    list.push(change);
                }
            }
        }
    }
}

/// Latencies of an operation on a server.
#[derive(Debug)]
pub(crate) struct Latencies {
    /// From when the request should have been sent.
    pub(crate) response: Latency,
    /// From when it was sent.
    pub(crate) service: Latency,
}

/// One server.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) guard: GuardedServer,
    pub(crate) ledger: Ledger,
    pub(crate) in_flight: u64,
    pub(crate) queued: u64,
    pub(crate) retries: u64,
    pub(crate) acquire_errors: u64,
    pub(crate) outcomes: [[u64; Outcome::COUNT]; 4],
    pub(crate) latencies: [Latencies; 4],
    /// The first failure of each kind, with its outcome, until it is told.
    first_failures: Vec<(Outcome, String)>,
    /// By outcome.
    has_failed: [bool; Outcome::COUNT],
}

/// All of a load.
#[derive(Debug)]
pub(crate) struct LoadState {
    pub(crate) attempted: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) servers: Vec<ServerState>,
}

impl LoadState {
    pub(crate) fn new(settings: &Settings) -> Result<Self, String> {
        let server = || {
            Ok(ServerState {
                guard: GuardedServer {
                    breaker: settings.breaker.map(|policy| Breaker::new(policy, Duration::ZERO)),
                    totals: BreakerTotals::default(),
                    transitions: Default::default(),
                    recent: Vec::new(),
                    history: Vec::new(),
                },
                ledger: Ledger::default(),
                in_flight: 0,
                queued: 0,
                retries: 0,
                acquire_errors: 0,
                outcomes: [[0; Outcome::COUNT]; 4],
                latencies: [latencies()?, latencies()?, latencies()?, latencies()?],
                first_failures: Vec::new(),
                has_failed: [false; Outcome::COUNT],
            })
        };
        let servers = settings.servers.iter().map(|_| server()).collect::<Result<_, String>>()?;
        Ok(Self { attempted: 0, succeeded: 0, failed: 0, servers })
    }

    /// An operation begins: from now on it is in flight.
    pub(crate) fn attempt(&mut self, server: usize) {
        self.attempted += 1;
        self.servers[server].in_flight += 1;
    }

    /// An operation ends. One that reached the server has latencies, from when it should have been and was sent.
    pub(crate) fn end(
        &mut self,
        server: usize,
        operation: Operation,
        outcome: Outcome,
        latencies: Option<(Duration, Duration)>,
    ) {
        if outcome.is_success() {
            self.succeeded += 1;
        } else {
            self.failed += 1;
        }
        let server = &mut self.servers[server];
        server.in_flight -= 1;
        server.outcomes[operation as usize][outcome as usize] += 1;
        if let Some((response, service)) = latencies {
            let of = &mut server.latencies[operation as usize];
            of.response.record(response);
            of.service.record(service);
        }
    }
}

impl ServerState {
    /// Keeps the reason of a failure for the log, if it is the first one with this outcome.
    pub(crate) fn tell_first(&mut self, outcome: Outcome, why: impl FnOnce() -> String) {
        if !std::mem::replace(&mut self.has_failed[outcome as usize], true) {
            self.first_failures.push((outcome, why()));
        }
    }

    pub(crate) fn take_first_failures(&mut self) -> Vec<(Outcome, String)> {
        std::mem::take(&mut self.first_failures)
    }

    pub(crate) fn wrong_answers(&self) -> u64 {
        self.outcomes.iter().map(|of| of[Outcome::WrongAnswer as usize]).sum()
    }
}

fn latencies() -> Result<Latencies, String> {
    Ok(Latencies { response: Latency::new()?, service: Latency::new()? })
}
