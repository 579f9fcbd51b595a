use std::collections::VecDeque;
use std::sync::Mutex;

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use super::super::http::TargetUrl;
use super::*;
use crate::self_metrics::SelfMetrics;

/// A server that does one thing after the other, and takes all else.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Acts>>);

#[derive(Default)]
struct Acts {
    /// A status, and seconds to wait if it asks for that.
    to_come: VecDeque<(u16, Option<&'static str>)>,
    taken: Vec<Vec<u8>>,
    requests: usize,
}

async fn act(State(fake): State<Fake>, body: Body) -> (StatusCode, HeaderMap, &'static str) {
    let act = {
        let mut acts = fake.0.lock().unwrap();
        acts.requests += 1;
        acts.to_come.pop_front()
    };
    let mut headers = HeaderMap::new();
    let status = match act {
        None | Some((200, _)) => {
            fake.0.lock().unwrap().taken.push(body.to_vec());
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
    async fn start(to_come: &[(u16, Option<&'static str>)]) -> (Self, TargetUrl) {
        let fake = Self::default();
        fake.0.lock().unwrap().to_come = to_come.iter().copied().collect();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", post(act)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (fake, target(&url))
    }

    fn taken(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap().taken.clone()
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
    let timeout = Duration::from_millis(500);
    let post = Post::new(target, &settings.http, [], timeout).unwrap();
    let tally = SelfMetrics::new().unwrap().delivery("fake");
    Delivery::start(post, settings, Clock::start(), tally, "fake")
}

fn batch(round: u64) -> Batch {
    Batch { body: format!("round {round}").into(), samples: 10, round }
}

fn texts(taken: Vec<Vec<u8>>) -> Vec<String> {
    taken.into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
}

const LONG: Duration = Duration::from_secs(30);

/// What a delivery has come to: samples sent and dropped.
fn sums(delivery: &Delivery) -> (u64, u64) {
    (delivery.fare.sent_samples(), delivery.fare.dropped_samples())
}

#[tokio::test]
async fn what_a_server_cannot_take_now_is_sent_again_in_order() {
    let (fake, url) = Fake::start(&[(500, None), (503, None), (429, Some("0")), (0, None)]).await;
    let mut delivery = deliver(url, &settings(1000));
    for round in 1..=3 {
        assert!(delivery.intake().put(0, batch(round), Duration::ZERO));
    }
    delivery.finish(LONG).await;
    assert_eq!(texts(fake.taken()), ["round 1", "round 2", "round 3"]);
    assert_eq!((fake.requests(), sums(&delivery)), (7, (30, 0)));
    assert!(!delivery.health().is_away());
}

#[tokio::test]
async fn what_a_server_refuses_is_dropped_and_shown_until_it_takes_something() {
    let (fake, url) = Fake::start(&[(400, None), (413, None), (301, None), (400, None)]).await;
    let mut delivery = deliver(url, &settings(1000));
    for round in 1..=4 {
        delivery.intake().put(0, batch(round), Duration::ZERO);
    }
    while delivery.fare.dropped_samples() < 40 {
        tokio::task::yield_now().await;
    }
    let refused = delivery.health().status(Clock::start().now()).refused;
    assert!(refused["fake"].contains("400") && refused["fake"].contains("the fake says no"), "{refused:?}");
    delivery.intake().put(0, batch(5), Duration::ZERO);
    delivery.finish(LONG).await;
    assert_eq!((texts(fake.taken()), sums(&delivery)), (vec!["round 5".to_owned()], (10, 40)));
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
    assert_eq!(sums(&delivery), (0, 60), "the first one is on its way, three wait");
    let fake = Fake::default();
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let router = Router::new().route("/", post(act)).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    delivery.finish(LONG).await;
    assert_eq!(texts(fake.taken()), ["round 1", "round 8", "round 9", "round 10"]);
    assert_eq!(sums(&delivery), (40, 60));
}

#[tokio::test]
async fn what_is_left_at_the_end_is_counted() {
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
        let router = Router::new().route("/", post(act)).with_state(served);
        axum::serve(listener, router).await.unwrap();
    });
    let mut delivery = deliver(target(&format!("http://{address}")), &settings(1000));
    delivery.intake().put(0, batch(1), Duration::ZERO);
    delivery.finish(LONG).await;
    assert_eq!((texts(fake.taken()), sums(&delivery)), (vec!["round 1".to_owned()], (10, 0)));
}
