//! The summary of a run: percentiles, outcomes, the ledger and the breakers' history, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{Table, presets};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::client::Client;
use crate::operation::{Operation, Outcome};
use crate::state::ServerState;

/// A run that has ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    duration_seconds: f64,
    attempted: u64,
    succeeded: u64,
    failed: u64,
    /// Operations whose end was not waited for.
    in_flight: u64,
    servers: Vec<ServerSummary>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ServerSummary {
    server: String,
    address: String,
    operations: Vec<OperationSummary>,
    wrong_answers: u64,
    retries: u64,
    sets: Sets,
    breaker: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct OperationSummary {
    operation: &'static str,
    outcomes: BTreeMap<&'static str, u64>,
    response: Percentiles,
    service: Percentiles,
}

/// In seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Percentiles {
    count: u64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Sets {
    sent: u64,
    acknowledged: u64,
    unknown: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Change {
    at_seconds: f64,
    from: &'static str,
    to: &'static str,
}

impl Summary {
    pub(crate) fn of(client: &Client) -> Self {
        let state = client.state();
        let servers = client.settings.servers.iter().zip(&state.servers).map(|(settings, server)| {
            let operations =
                Operation::ALL.into_iter().filter_map(|operation| of_operation(server, operation));
            let change = |change: &crate::Transition| Change {
                at_seconds: change.at.as_secs_f64(),
                from: change.from.word(),
                to: change.to.word(),
            };
            ServerSummary {
                server: settings.name.clone(),
                address: settings.address.clone(),
                operations: operations.collect(),
                wrong_answers: server.wrong_answers(),
                retries: server.retries,
                sets: Sets {
                    sent: server.ledger.sent,
                    acknowledged: server.ledger.acknowledged,
                    // Those that are still under way will have no answer.
                    unknown: server.ledger.sent - server.ledger.acknowledged,
                },
                breaker: server.guard.history.iter().map(change).collect(),
            }
        });
        Self {
            duration_seconds: client.clock.now().as_secs_f64(),
            attempted: state.attempted,
            succeeded: state.succeeded,
            failed: state.failed,
            in_flight: state.attempted - state.succeeded - state.failed,
            servers: servers.collect(),
        }
    }

    pub(crate) fn json(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map_err(|error| format!("cannot write the summary: {error}"))
    }

    /// A table for people.
    pub(crate) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header([
            "server",
            "operation",
            "count",
            "failed",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "service p99 ms",
        ]);
        for server in &self.servers {
            for operation in &server.operations {
                let sum = |of: fn(&Outcome) -> bool| -> u64 {
                    let words: Vec<_> =
                        Outcome::ALL.iter().filter(|outcome| of(outcome)).map(|it| it.word()).collect();
                    operation
                        .outcomes
                        .iter()
                        .filter(|(word, _)| words.contains(word))
                        .map(|(_, count)| count)
                        .sum()
                };
                let failed = sum(|outcome| !outcome.is_success());
                let Percentiles { p50, p95, p99, max, .. } = operation.response;
                let ms = |secs: f64| format!("{:.2}", secs * 1000.0);
                table.add_row([
                    server.server.clone(),
                    operation.operation.to_owned(),
                    (sum(|outcome| outcome.is_success()) + failed).to_string(),
                    failed.to_string(),
                    ms(p50),
                    ms(p95),
                    ms(p99),
                    ms(max),
                    ms(operation.service.p99),
                ]);
            }
        }
        let Self { attempted, succeeded, failed, in_flight, .. } = self;
        let mut text = format!(
            "memcached load: {attempted} operations attempted, {succeeded} succeeded, {failed} failed, {in_flight} in flight\n\
             {table}\n"
        );
        for server in &self.servers {
            server.lines(&mut text);
        }
        text
    }
}

impl ServerSummary {
    fn lines(&self, text: &mut String) {
        let Sets { sent, acknowledged, unknown } = self.sets;
        let mut line = format!(
            "{}: {sent} sets sent, {acknowledged} acknowledged, {unknown} unknown; {} wrong answers; breaker",
            self.server, self.wrong_answers
        );
        for change in &self.breaker {
            // Writing to a text cannot fail.
            let _is_written = write!(line, " {} after {:.1} s,", change.to, change.at_seconds).is_ok();
        }
        if self.breaker.is_empty() {
            line.push_str(" closed throughout");
        }
        text.push_str(line.trim_end_matches(','));
        text.push('\n');
    }
}

fn of_operation(server: &ServerState, operation: Operation) -> Option<OperationSummary> {
    let counts = &server.outcomes[operation as usize];
    let outcomes: BTreeMap<_, _> = Outcome::ALL
        .iter()
        .map(|outcome| (outcome.word(), counts[*outcome as usize]))
        .filter(|(_, count)| *count > 0)
        .collect();
    let latencies = &server.latencies[operation as usize];
    (!outcomes.is_empty()).then(|| OperationSummary {
        operation: operation.word(),
        outcomes,
        response: percentiles(latencies.response.whole()),
        service: percentiles(latencies.service.whole()),
    })
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile| Duration::from_micros(histogram.value_at_quantile(quantile)).as_secs_f64();
    Percentiles {
        count: histogram.len(),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: Duration::from_micros(histogram.max()).as_secs_f64(),
    }
}
