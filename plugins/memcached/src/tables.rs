//! The tables of the load: their families, and how their rows are filled.

use std::time::Duration;

use promemu_plugin::{Family, Table, Tables};

use crate::State;
use crate::client::Client;
use crate::latency::BOUNDS;
use crate::operation::{Operation, Outcome};
use crate::pool::PoolStatus;
use crate::settings::ServerSettings;
use crate::state::{BreakerTotals, LoadState, ServerState};

/// Tables by their numbers.
const OPERATIONS: u32 = 0;
const TOTALS: u32 = 1;
const SERVERS: u32 = 2;
const TRANSITIONS: u32 = 3;
const CONNECTIONS: u32 = 4;
const FAILURES: u32 = 5;
const BREAKER_OUTCOMES: u32 = 6;
const OUTCOMES: u32 = 7;
const LATENCIES: u32 = 8;

/// The changes of state that there are.
const CHANGES: [(State, State); 4] = [
    (State::Closed, State::Open),
    (State::Open, State::HalfOpen),
    (State::HalfOpen, State::Closed),
    (State::HalfOpen, State::Open),
];
const CONNECTION_STATES: [&str; 3] = ["total", "active", "idle"];
const FAILURE_TYPES: [&str; 2] = ["total", "consecutive"];
const VERDICTS: [&str; 5] = ["success", "failure", "excluded", "rejected_open", "rejected_half_open"];

/// The whole load at the last collection, from which rates are counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recent {
    at: Duration,
    ended: u64,
    failed: u64,
}

fn operation_outcomes() -> impl Iterator<Item = (Operation, Outcome)> {
    let pairs =
        Operation::ALL.into_iter().flat_map(|operation| Outcome::ALL.map(|outcome| (operation, outcome)));
    pairs.filter(|(operation, outcome)| outcome.of().is_none_or(|of| of == *operation))
}

/// The tables of so many servers.
pub(crate) fn describe(servers: usize) -> Vec<Table> {
    let table = |name: &str, labels: &str, rows: usize, families| Table {
        name: name.to_owned(),
        labels: labels.to_owned(),
        rows_max: u32::try_from(rows).unwrap_or(u32::MAX),
        families,
    };
    let counter = |name: &str, about: &str| vec![Family::counter(name, about)];
    let gauge = |name: &str, about: &str| vec![Family::gauge(name, about)];
    vec![
        table(
            "operations",
            "status",
            2,
            counter("memcache_operations_total", "operations that have ended, by success"),
        ),
        table("totals", "", 1, totals()),
        table("servers", "server", servers, server_families()),
        table(
            "transitions",
            "server, from, to",
            servers * CHANGES.len(),
            counter("memcache_circuit_breaker_transitions_total", "changes of the breaker's state"),
        ),
        table(
            "connections",
            "server, state",
            servers * CONNECTION_STATES.len(),
            gauge("memcache_pool_connections", "connections of the pool"),
        ),
        table(
            "failures",
            "server, type",
            servers * FAILURE_TYPES.len(),
            gauge("memcache_circuit_breaker_failures", "failures that the breaker counts at present"),
        ),
        table(
            "breaker_outcomes",
            "server, outcome",
            servers * VERDICTS.len(),
            counter(
                "memcache_circuit_breaker_outcomes_total",
                "results that the breaker has heard, and requests that it has not let through",
            ),
        ),
        table(
            "outcomes",
            "server, operation, outcome",
            servers * operation_outcomes().count(),
            counter("memcache_operation_outcomes_total", "operations that have ended, by their end"),
        ),
        table("latencies", "server, operation", servers * Operation::ALL.len(), latency_families()),
    ]
}

fn totals() -> Vec<Family> {
    vec![
        Family::gauge(
            "memcache_operations_rate",
            "operations a second that have ended since the last update",
        ),
        Family::gauge("memcache_error_rate", "percentage of those that failed"),
        Family::counter("memcache_operations_attempted_total", "operations that have begun"),
        Family::gauge(
            "memcache_operations_in_flight",
            "operations that have begun and not ended, the queued ones included",
        ),
    ]
}

fn server_families() -> Vec<Family> {
    vec![
        Family::gauge("memcache_circuit_breaker_state", "0 closed, 1 half-open, 2 open"),
        Family::counter("memcache_pool_created_total", "connections that were made"),
        Family::counter("memcache_pool_acquire_errors_total", "requests that got no connection"),
        Family::gauge("memcache_circuit_breaker_requests", "requests that the breaker counts at present"),
        Family::gauge("memcache_server_in_flight", "operations on the server that have begun and not ended"),
        Family::gauge("memcache_queue_length", "operations that wait to be sent"),
        Family::counter("memcache_retries_total", "tries after a failed one"),
        Family::counter("memcache_wrong_answers_total", "answers that cannot be right"),
        Family::counter(
            "memcache_sets_sent_total",
            "sets that were sent: the most that the server can have done",
        ),
        Family::counter("memcache_sets_acknowledged_total", "sets that the server said to have stored"),
        Family::counter("memcache_sets_unknown_total", "sets without such an answer, done or not"),
    ]
}

fn latency_families() -> Vec<Family> {
    let histogram = |name, help| Family::histogram(name, help, &BOUNDS).in_unit("seconds");
    vec![
        histogram("memcache_response_seconds", "time from when a request should have been sent to its end"),
        histogram("memcache_service_seconds", "time from when a request was sent to its end"),
    ]
}

/// Begins all rows.
pub(crate) fn begin(servers: &[ServerSettings], now_nanos: u64, tables: &mut Tables<'_>) {
    let mut begin = |table, row: usize, labels: &[&str]| {
        tables.begin(table, u32::try_from(row).unwrap_or(u32::MAX), now_nanos, labels);
    };
    begin(OPERATIONS, 0, &["success"]);
    begin(OPERATIONS, 1, &["failed"]);
    begin(TOTALS, 0, &[]);
    for (number, ServerSettings { name, .. }) in servers.iter().enumerate() {
        begin(SERVERS, number, &[name]);
        for (row, (from, to)) in CHANGES.iter().enumerate() {
            begin(TRANSITIONS, number * CHANGES.len() + row, &[name, from.word(), to.word()]);
        }
        for (table, words) in
            [(CONNECTIONS, &CONNECTION_STATES[..]), (FAILURES, &FAILURE_TYPES), (BREAKER_OUTCOMES, &VERDICTS)]
        {
            for (row, word) in words.iter().enumerate() {
                begin(table, number * words.len() + row, &[name, word]);
            }
        }
        let count = operation_outcomes().count();
        for (row, (operation, outcome)) in operation_outcomes().enumerate() {
            begin(OUTCOMES, number * count + row, &[name, operation.word(), outcome.word()]);
        }
        for (row, operation) in Operation::ALL.iter().enumerate() {
            begin(LATENCIES, number * Operation::ALL.len() + row, &[name, operation.word()]);
        }
    }
}

/// Writes all values as they are at this moment, together.
pub(crate) fn write(client: &Client, recent: &mut Recent, tables: &mut Tables<'_>) {
    let pools: Vec<PoolStatus> = client.pools().iter().map(crate::pool::Pool::status).collect();
    let mut state = client.state();
    let now = client.clock.now();
    write_totals(&state, now, recent, tables);
    for (number, (server, pool)) in state.servers.iter_mut().zip(&pools).enumerate() {
        write_server(server, pool, number, now, tables);
    }
}

fn write_totals(state: &LoadState, now: Duration, recent: &mut Recent, tables: &mut Tables<'_>) {
    tables.row(OPERATIONS, 0).copy_from_slice(&[number(state.succeeded)]);
    tables.row(OPERATIONS, 1).copy_from_slice(&[number(state.failed)]);
    let ended = state.succeeded + state.failed;
    let span = now.saturating_sub(recent.at).as_secs_f64();
    let (new, failed) = (number(ended - recent.ended), number(state.failed - recent.failed));
    let rate = if span > 0.0 { new / span } else { 0.0 };
    let errors = if new > 0.0 { failed / new * 100.0 } else { 0.0 };
    tables.row(TOTALS, 0).copy_from_slice(&[
        rate,
        errors,
        number(state.attempted),
        number(state.attempted - ended),
    ]);
    *recent = Recent { at: now, ended, failed: state.failed };
}

fn write_server(
    server: &mut ServerState,
    pool: &PoolStatus,
    index: usize,
    now: Duration,
    tables: &mut Tables<'_>,
) {
    let (breaker, counts) = server.guard.read(now);
    let row = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
    tables.row(SERVERS, row(index)).copy_from_slice(&[
        f64::from(breaker as u8),
        number(pool.created),
        number(server.acquire_errors),
        f64::from(counts.requests),
        number(server.in_flight),
        number(server.queued),
        number(server.retries),
        number(server.wrong_answers()),
        number(server.ledger.sent),
        number(server.ledger.acknowledged),
        number(server.ledger.unknown),
    ]);
    let mut write = |table, values: &[f64]| {
        for (of_server, value) in values.iter().enumerate() {
            tables.set(table, row(index * values.len() + of_server), 0, *value);
        }
    };
    let transitions = server.guard.transitions;
    write(TRANSITIONS, &CHANGES.map(|(from, to)| number(transitions[from as usize][to as usize])));
    write(CONNECTIONS, &[pool.total, pool.active, pool.idle].map(|count| number(count as u64)));
    write(FAILURES, &[counts.failures, counts.consecutive_failures].map(f64::from));
    let BreakerTotals { successes, failures, exclusions, rejected_open, rejected_busy } = server.guard.totals;
    write(BREAKER_OUTCOMES, &[successes, failures, exclusions, rejected_open, rejected_busy].map(number));
    let outcomes = operation_outcomes()
        .map(|(operation, outcome)| number(server.outcomes[operation as usize][outcome as usize]));
    write(OUTCOMES, &outcomes.collect::<Vec<_>>());
    for (operation, latencies) in server.latencies.iter_mut().enumerate() {
        let row = row(index * Operation::ALL.len() + operation);
        latencies.response.drain(|mean, count| tables.observe(LATENCIES, row, 0, mean, count));
        latencies.service.drain(|mean, count| tables.observe(LATENCIES, row, 1, mean, count));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}
