use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::*;
use crate::http::TargetUrl;
use crate::self_metrics::SelfMetrics;
use promemu_wire::request::Cut;

/// A server with a script of responses, which accepts everything after them.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    /// A status, and `Retry-After` in seconds. Status 0 never answers.
    responses: VecDeque<(u16, Option<&'static str>)>,
    accepted: Vec<Vec<u8>>,
    requests: usize,
    /// Bodies with this byte are answered with this status.
    rejects: Option<(u8, u16)>,
    /// Longer bodies are answered with 413.
    bytes_max: Option<usize>,
}

async fn respond(State(fake): State<Fake>, body: Body) -> (StatusCode, HeaderMap, &'static str) {
    let response = {
        let mut script = fake.0.lock().unwrap();
        script.requests += 1;
        let is_too_large = script.bytes_max.is_some_and(|bytes| body.len() > bytes);
        let rejected =
            script.rejects.filter(|(byte, _)| body.contains(byte)).map(|(_, status)| (status, None));
        script.responses.pop_front().or(is_too_large.then_some((413, None))).or(rejected)
    };
    let mut headers = HeaderMap::new();
    let status = match response {
        None | Some((200, _)) => {
            fake.0.lock().unwrap().accepted.push(body.to_vec());
            200
        }
        Some((0, _)) => {
            std::future::pending::<()>().await;
            0
        }
        Some((status, retry_after)) => {
            if let Some(secs) = retry_after {
                headers.insert("retry-after", secs.parse().unwrap());
            }
            status
        }
    };
    (StatusCode::from_u16(status).unwrap(), headers, if status == 200 { "" } else { "the fake says no" })
}

impl Fake {
    async fn start(responses: &[(u16, Option<&'static str>)]) -> (Self, TargetUrl) {
        let fake = Self::default();
        fake.0.lock().unwrap().responses = responses.iter().copied().collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(respond)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (fake, target(&url))
    }

    fn accepted(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().accepted.clone()
    }

    fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }
}

fn target(url: &str) -> TargetUrl {
    TargetUrl::parse(url, "url", "http://x").unwrap()
}

fn settings(queue_samples: u64) -> DeliverySettings {
    DeliverySettings { shards: 1, queue_samples, ..DeliverySettings::default() }
}

fn deliver(target: TargetUrl, settings: &DeliverySettings) -> Delivery {
    deliver_with(target, settings, ResponseRules::default())
}

fn deliver_with(target: TargetUrl, settings: &DeliverySettings, rules: ResponseRules) -> Delivery {
    let timeout = Duration::from_millis(500);
    let client = BatchClient::new(target, &settings.http, [], timeout).unwrap().with_rules(rules);
    let tally = SelfMetrics::new().unwrap().outputs().delivering("fake");
    Delivery::start(client, settings, Clock::start(), tally, "fake")
}

fn batch(round: u64) -> Batch {
    Batch { body: format!("round {round}").into(), samples: 10, round, cuts: Box::default() }
}

fn texts(accepted: Vec<Vec<u8>>) -> Vec<String> {
    accepted.into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
}

const LONG: Duration = Duration::from_secs(30);

/// Samples sent and dropped.
fn sums(delivery: &Delivery) -> (u64, u64) {
    (delivery.stats.sent_samples(), delivery.stats.dropped_samples())
}

#[tokio::test]
async fn batches_that_fail_are_retried_in_order() {
    let (fake, url) = Fake::start(&[(500, None), (503, None), (429, Some("0")), (0, None)]).await;
    let mut delivery = deliver(url, &settings(1000));
    for round in 1..=3 {
        assert!(delivery.intake().put(0, batch(round), Duration::ZERO));
    }
    delivery.finish(LONG).await;
    assert_eq!(texts(fake.accepted()), ["round 1", "round 2", "round 3"]);
    assert_eq!((fake.requests(), sums(&delivery)), (7, (30, 0)));
    assert!(!delivery.health().is_away());
}

#[tokio::test]
async fn rejected_batches_are_dropped_and_in_the_status_until_one_is_accepted() {
    let (fake, url) = Fake::start(&[(400, None), (413, None), (301, None), (400, None)]).await;
    let mut delivery = deliver(url, &settings(1000));
    for round in 1..=4 {
        delivery.intake().put(0, batch(round), Duration::ZERO);
    }
    while delivery.stats.dropped_samples() < 40 {
        tokio::task::yield_now().await;
    }
    let refused = delivery.health().status(Clock::start().now()).refused;
    assert!(refused["fake"].contains("400") && !refused["fake"].contains("the fake says no"), "{refused:?}");
    delivery.intake().put(0, batch(5), Duration::ZERO);
    delivery.finish(LONG).await;
    assert_eq!((texts(fake.accepted()), sums(&delivery)), (vec!["round 5".to_owned()], (10, 40)));
    assert!(delivery.health().status(Clock::start().now()).refused.is_empty());
}

#[tokio::test]
async fn a_server_that_is_away_costs_the_oldest_rounds() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut delivery = deliver(target(&format!("http://{address}")), &settings(30));
    delivery.intake().put(0, batch(1), Duration::ZERO);
    while !delivery.health().is_away() {
        tokio::task::yield_now().await;
    }
    for round in 2..=10 {
        assert!(delivery.intake().put(0, batch(round), Duration::ZERO));
    }
    assert_eq!(sums(&delivery), (0, 60), "the first one is being sent, three are queued");
    let fake = Fake::default();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = Router::new().route("/", post(respond)).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    delivery.finish(LONG).await;
    assert_eq!(texts(fake.accepted()), ["round 1", "round 8", "round 9", "round 10"]);
    assert_eq!(sums(&delivery), (40, 60));
}

#[tokio::test]
async fn unsent_samples_are_counted_at_the_end() {
    let (_fake, url) = Fake::start(&[(500, None); 100]).await;
    let mut delivery = deliver(url, &settings(1000));
    for round in 1..=3 {
        delivery.intake().put(0, batch(round), Duration::ZERO);
    }
    delivery.finish(Duration::from_millis(300)).await;
    assert_eq!(sums(&delivery), (0, 30));
    assert!(!delivery.intake().put(0, batch(4), Duration::ZERO));
    assert_eq!(sums(&delivery), (0, 40));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_no_loss() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let fake = Fake::default();
    let served = fake.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            // Half a request is read, and the connection is gone.
            let (stream, _) = listener.accept().await.unwrap();
            stream.readable().await.unwrap();
        }
        let router = Router::new().route("/", post(respond)).with_state(served);
        axum::serve(listener, router).await.unwrap();
    });
    let mut delivery = deliver(target(&format!("http://{address}")), &settings(1000));
    delivery.intake().put(0, batch(1), Duration::ZERO);
    delivery.finish(LONG).await;
    assert_eq!((texts(fake.accepted()), sums(&delivery)), (vec!["round 1".to_owned()], (10, 0)));
}

/// A batch of which each byte is a host with one sample.
fn batch_of(round: u64, hosts: &str) -> Batch {
    let cut = |place: usize| Cut { bytes: place, samples: place as u64 };
    let cuts = (1..hosts.len()).map(cut).collect();
    Batch { body: hosts.to_owned().into(), samples: hosts.len() as u64, round, cuts }
}

fn split(batch: &Batch, _within_host: bool) -> Option<[Batch; 2]> {
    let text = std::str::from_utf8(&batch.body).unwrap();
    let (first, second) = text.split_at(batch.cuts.get(batch.cuts.len() / 2)?.bytes);
    Some([batch_of(batch.round, first), batch_of(batch.round, second)])
}

/// Delivers rounds to a server that rejects bodies with an `x`; returns the accepted hosts, the number of requests, and
/// the samples sent and dropped.
async fn deliver_in_halves(
    rounds: &[&str],
    responses: &[(u16, Option<&'static str>)],
) -> (String, usize, (u64, u64)) {
    let (fake, url) = Fake::start(responses).await;
    fake.0.lock().unwrap().rejects = Some((b'x', 400));
    let mut delivery =
        deliver_with(url, &settings(100_000), ResponseRules { split, ..ResponseRules::default() });
    for (round, hosts) in (1..).zip(rounds) {
        delivery.intake().put(0, batch_of(round, hosts), Duration::ZERO);
    }
    delivery.finish(LONG).await;
    (texts(fake.accepted()).concat(), fake.requests(), sums(&delivery))
}

#[tokio::test]
async fn only_rejected_samples_of_a_batch_are_dropped_and_the_rest_keeps_its_order() {
    let (accepted, requests, sums) = deliver_in_halves(&["abcdexgh", "ijk", "xlmnopqx"], &[]).await;
    assert_eq!((accepted.as_str(), sums), ("abcdeghijklmnopq", (16, 3)));
    assert_eq!(requests, 7 + 1 + 11, "one host among n costs two requests for each doubling of n");
    // A failure between the parts is retried.
    let (accepted, _, sums) = deliver_in_halves(&["abxd"], &[(400, None), (500, None)]).await;
    assert_eq!((accepted.as_str(), sums), ("abd", (3, 1)));
    // A batch that is rejected for another reason is not split.
    for status in [401, 403, 404] {
        assert_eq!(deliver_in_halves(&["abxd"], &[(status, None)]).await.1, 1, "{status}");
    }
}

#[tokio::test]
async fn a_server_that_rejects_everything_is_not_asked_for_each_host() {
    let all = "x".repeat(1000);
    let (_, requests, sums) = deliver_in_halves(&[all.as_str(); 11], &[]).await;
    assert_eq!(requests, 11 + 3 * 2 * 16, "batches are split in rounds 1, 3 and 7; the next is 15");
    assert_eq!(sums, (0, 11_000));
    // Once it accepts something, batches are split again.
    let (accepted, ..) = deliver_in_halves(&[&all, "a", "xb"], &[]).await;
    assert_eq!(accepted, "ab");
    // Rejected hosts first: the others are found, too.
    let (good, bad) = ("c".repeat(500), "x".repeat(500));
    let (accepted, requests, _) = deliver_in_halves(&[&format!("{bad}{good}")], &[]).await;
    assert!(accepted == good && requests < 100, "{requests}: {accepted}");
    // A server that accepts little is asked for more, but not for each host.
    let (_, requests, sums) = deliver_in_halves(&[&"cx".repeat(1000)], &[]).await;
    assert!(requests <= 1 + 2 * 128 && sums.0 > 50, "{requests} {sums:?}");
}

/// Delivers rounds to a server with these rules; returns it, the accepted hosts in order of their names, and the samples
/// sent and dropped.
async fn deliver_to(fake: (Fake, TargetUrl), rounds: &[&str]) -> (Fake, String, (u64, u64)) {
    let (fake, url) = fake;
    let rules = ResponseRules { split, ..ResponseRules::default() };
    let mut delivery = deliver_with(url, &settings(100_000), rules);
    for (round, hosts) in (1..).zip(rounds) {
        delivery.intake().put(0, batch_of(round, hosts), Duration::ZERO);
    }
    delivery.finish(LONG).await;
    assert!(!delivery.health().is_away());
    let mut accepted: Vec<char> = texts(fake.accepted()).concat().chars().collect();
    accepted.sort_unstable();
    (fake, accepted.into_iter().collect(), sums(&delivery))
}

#[tokio::test]
async fn samples_that_are_refused_with_a_server_error_cost_no_others() {
    for status in [500, 503, 507] {
        let fake = Fake::start(&[]).await;
        fake.0.0.lock().unwrap().rejects = Some((b'x', status));
        let (_, accepted, sums) = deliver_to(fake, &["abcdexgh", "ijk", "xlmnopqx", "xr", "s"]).await;
        assert_eq!((accepted.as_str(), sums), ("abcdeghijklmnopqrs", (18, 4)), "{status}");
    }
    let fake = Fake::start(&[]).await;
    fake.0.0.lock().unwrap().rejects = Some((b'x', 500));
    let (_, accepted, sums) = deliver_to(fake, &["xaxbxcxd"]).await;
    assert_eq!((accepted.as_str(), sums), ("abcd", (4, 4)), "each other host is refused");
}

#[tokio::test]
async fn a_server_that_fails_with_a_text_for_a_while_costs_no_sample() {
    for (failures, status) in [(2, 500), (7, 500), (12, 503), (22, 500)] {
        let fake = Fake::start(&vec![(status, None); failures]).await;
        let (_, accepted, sums) = deliver_to(fake, &["abcdefgh", "ij"]).await;
        assert_eq!((accepted.as_str(), sums), ("abcdefghij", (10, 0)), "{failures} times {status}");
    }
}

#[tokio::test]
async fn batches_that_are_too_large_are_sent_in_parts_and_the_size_is_remembered() {
    let fake = Fake::start(&[]).await;
    fake.0.0.lock().unwrap().bytes_max = Some(3);
    let (fake, accepted, sums) = deliver_to(fake, &["abcdefgh", "ijklmnop"]).await;
    assert_eq!((accepted.as_str(), sums), ("abcdefghijklmnop", (16, 0)));
    assert_eq!(fake.requests(), 2 + 4 + 4, "two requests find the size");
    let fake = Fake::start(&[]).await;
    fake.0.0.lock().unwrap().bytes_max = Some(0);
    let (fake, accepted, sums) = deliver_to(fake, &["abcdefgh"]).await;
    assert_eq!((accepted.as_str(), sums), ("", (0, 8)), "a host alone is too large");
    assert!(fake.requests() <= 15, "{}", fake.requests());
}

#[tokio::test]
async fn refused_metadata_is_no_sample_and_no_success() {
    let (_fake, url) = Fake::start(&[(400, None), (422, None)]).await;
    let mut delivery = deliver(url, &settings(1000));
    for round in 1..=2 {
        delivery.intake().put(0, Batch { samples: 0, ..batch(round) }, Duration::ZERO);
    }
    delivery.finish(LONG).await;
    let status = delivery.health().status(Clock::start().now());
    assert_eq!((sums(&delivery), status.pushes, status.refused.len()), ((0, 0), 0, 1));
}
