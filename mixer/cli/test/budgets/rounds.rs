//! The times of a page: its requests are asked some at once, as a browser does, round after round.
//!
//! In a cold round the range is one that was not asked for before, so that no cache of answers has it; in a warm one it is that of
//! the round before.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use promemu_core::backfill::Grid;
use promemu_core::time::{Span, Time};
use promemu_run::clock::Clock;
use serde_json::Value;

use crate::prometheus_client::PrometheusClient;
use crate::test::dashboards::{PagePart, PageQuery};

/// Requests that a browser has open at once to a server.
pub(super) const AT_ONCE: usize = 6;
/// Rounds of each kind.
pub(super) const ROUNDS: u32 = 20;

/// A server that answers queries.
pub(super) trait Source: Sync {
    /// Asks for the queries of a request, with this end of their range; `true` if one has data.
    fn ask(&self, part: &PagePart, range: Span, to: Time) -> Result<bool, String>;
}

impl Source for PrometheusClient {
    fn ask(&self, part: &PagePart, range: Span, to: Time) -> Result<bool, String> {
        let mut has_data = false;
        for query in &part.queries {
            let answer = ask_one(self, query, range, to)?;
            has_data |= answer["result"].as_array().is_some_and(|series| !series.is_empty());
        }
        Ok(has_data)
    }
}

fn ask_one(client: &PrometheusClient, query: &PageQuery, range: Span, to: Time) -> Result<Value, String> {
    let seconds = |time: Time| time.unix_millis_secs().to_string();
    if query.is_instant {
        return client.ask("query", &[("query", &query.text), ("time", &seconds(to))]);
    }
    // Grafana lays the steps of all ranges on one lattice.
    let to = to.rounded_down(query.step);
    let step = query.step.as_secs_f64().to_string();
    let (start, end) = (seconds(to.before(range).rounded_down(query.step)), seconds(to));
    client.ask("query_range", &[("query", &query.text), ("start", &start), ("end", &end), ("step", &step)])
}

/// The times of all rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// The first of all.
    pub(super) first: Span,
    /// In ascending order.
    pub(super) cold: Vec<Span>,
    /// In ascending order.
    pub(super) warm: Vec<Span>,
    /// Number of requests that returned nothing in any round.
    pub(super) empty: usize,
}

impl Times {
    /// The median, and the time below which 95 % of the rounds are.
    pub(super) fn of(rounds: &[Span]) -> [Span; 2] {
        [50, 95].map(|percent| {
            let rank = (rounds.len() * percent).div_ceil(100).max(1);
            rounds.get(rank - 1).copied().unwrap_or(Span::ZERO)
        })
    }

    /// The longest time of 95 % of the rounds of a kind, cold or warm.
    pub(super) fn p95(&self) -> Span {
        Self::of(&self.cold)[1].max(Self::of(&self.warm)[1])
    }
}

/// Measures the requests, by as many connections as there are sources.
pub(super) fn measure(sources: &[&dyn Source], parts: &[PagePart], grid: &Grid) -> Result<Times, String> {
    let range = grid.to.since(grid.from);
    let shortest = parts.iter().flat_map(|part| &part.queries).map(|query| query.step).max();
    let shift = shortest.unwrap_or(grid.step);
    let filled: Vec<AtomicUsize> = parts.iter().map(|_| AtomicUsize::new(0)).collect();
    let round = |to: Time| page(sources, parts, (range, to), &filled);
    let mut times = Times { first: round(grid.to)?, ..Times::default() };
    for number in 1..=ROUNDS {
        times.cold.push(round(grid.to.before(shift.times(u64::from(number))))?);
    }
    for _ in 0..ROUNDS {
        times.warm.push(round(grid.to)?);
    }
    times.cold.sort_unstable();
    times.warm.sort_unstable();
    times.empty = filled.iter().filter(|count| count.load(Ordering::Relaxed) == 0).count();
    Ok(times)
}

/// The time from the first request to the last answer.
fn page(
    sources: &[&dyn Source],
    parts: &[PagePart],
    (range, to): (Span, Time),
    filled: &[AtomicUsize],
) -> Result<Span, String> {
    let (next, refused) = (AtomicUsize::new(0), Mutex::new(None));
    let clock = Clock::start();
    let begin = clock.now();
    thread::scope(|scope| {
        for source in sources {
            scope.spawn(|| {
                while let Some((part, filled)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    parts.get(number).zip(filled.get(number))
                } {
                    match source.ask(part, range, to) {
                        Ok(has_data) => {
                            filled.fetch_add(usize::from(has_data), Ordering::Relaxed);
                        }
                        Err(why) => {
                            let mut refused =
                                refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            refused.get_or_insert(format!("{}{why}", named(part)));
                        }
                    }
                }
            });
        }
    });
    let span = clock.now().since(begin);
    match refused.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        Some(why) => Err(why),
        None => Ok(span),
    }
}

fn named(part: &PagePart) -> String {
    if part.name.is_empty() { String::new() } else { format!("{:?}: ", part.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_p95_are_ranks_of_the_rounds() {
        let rounds: Vec<Span> = (1..=20).map(Span::from_secs).collect();
        assert_eq!(Times::of(&rounds), [Span::from_secs(10), Span::from_secs(19)]);
        assert_eq!(Times::of(&rounds[..1]), [Span::from_secs(1); 2]);
        assert_eq!(Times::of(&[]), [Span::ZERO; 2]);
        let times = Times { cold: rounds[..3].to_vec(), warm: rounds[5..6].to_vec(), ..Times::default() };
        assert_eq!(times.p95(), Span::from_secs(6));
    }

    /// A source that notes the ends of ranges.
    #[derive(Default)]
    struct Noted(Mutex<Vec<(String, Time)>>);

    impl Source for Noted {
        fn ask(&self, part: &PagePart, _range: Span, to: Time) -> Result<bool, String> {
            self.0.lock().unwrap().push((part.name.clone(), to));
            if part.name == "refused" { Err("no".to_owned()) } else { Ok(part.name != "empty") }
        }
    }

    fn parts(names: &[&str]) -> Vec<PagePart> {
        let query = PageQuery { text: "up".to_owned(), step: Span::from_secs(15), is_instant: false };
        names.iter().map(|name| PagePart { name: (*name).to_owned(), queries: vec![query.clone()] }).collect()
    }

    #[test]
    fn each_round_asks_for_all_requests_and_cold_ones_for_ranges_of_their_own() {
        let to = Time::from_unix_secs(10_000);
        let grid = Grid { from: Time::from_unix_secs(9_000), to, step: Span::from_secs(15) };
        let noted = Noted::default();
        let times = measure(&[&noted as &dyn Source; 3], &parts(&["full", "empty"]), &grid).unwrap();
        assert_eq!((times.cold.len(), times.warm.len(), times.empty), (20, 20, 1));
        let mut asked = noted.0.into_inner().unwrap();
        assert_eq!(asked.len(), 41 * 2);
        asked.sort_unstable();
        asked.dedup();
        assert_eq!(asked.len(), 21 * 2, "the first round has the range of the warm ones");
        let refused = measure(&[&Noted::default() as &dyn Source], &parts(&["full", "refused"]), &grid);
        assert_eq!(refused.unwrap_err(), "\"refused\": no");
    }
}
