//! The open loop: requests come when their arrivals say, wait in the bounded queue of their server, and are sent by as many
//! senders as the pool has connections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::arrivals::Arrivals;
use crate::client::{Client, Request};
use crate::load::Control;
use crate::operation::Outcome;
use crate::random::Random;

/// A change of the rate is noticed within this time.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Arrivals that are due are handed out in batches of so many; the senders run in between.
const BATCH: usize = 1000;

/// Requests that wait for a server.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<VecDeque<Request>>,
    filled: Notify,
}

impl Queue {
    fn push(&self, request: Request) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(request);
        self.filled.notify_one();
    }

    async fn pop(&self) -> Request {
        loop {
            let first = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            if let Some(request) = first {
                return request;
            }
            self.filled.notified().await;
        }
    }
}

/// Starts the senders and the arrivals.
pub(crate) fn start(
    client: &Arc<Client>,
    control: &Arc<Control>,
    rate: f64,
    queue: usize,
    tasks: &mut JoinSet<()>,
) {
    let queues: Vec<Arc<Queue>> = client.settings.servers.iter().map(|_| Arc::default()).collect();
    for queue in &queues {
        for _ in 0..client.settings.pool.size {
            tasks.spawn(send_all(Arc::clone(client), Arc::clone(queue)));
        }
    }
    tasks.spawn(arrive(Arc::clone(client), Arc::clone(control), queues, rate, queue));
}

async fn send_all(client: Arc<Client>, queue: Arc<Queue>) {
    loop {
        let request = queue.pop().await;
        client.state().servers[request.server].queued -= 1;
        client.perform(&request).await;
    }
}

async fn arrive(
    client: Arc<Client>,
    control: Arc<Control>,
    queues: Vec<Arc<Queue>>,
    rate: f64,
    queue_max: usize,
) {
    let mut arrivals = Arrivals::new(Random::new(control.seed(), 0), client.clock.now());
    let mut random = Random::new(control.seed(), 1);
    while !control.is_ending() {
        let (now, rate) = (client.clock.now(), rate * control.factor());
        let due = std::iter::from_fn(|| arrivals.next(now, rate)).take(BATCH);
        let mut count = 0;
        for intended in due {
            count += 1;
            let request = client.draw(&mut random, intended);
            let mut state = client.state();
            if state.servers[request.server].queued >= queue_max as u64 {
                state.end(request.server, request.operation, Outcome::QueueFull, None);
                continue;
            }
            state.servers[request.server].queued += 1;
            drop(state);
            queues[request.server].push(request);
        }
        if count == BATCH {
            tokio::task::yield_now().await;
            continue;
        }
        let latest = now + LOOK_INTERVAL;
        let next = arrivals.expected(rate).map_or(latest, |next| next.min(latest));
        tokio::time::sleep_until(client.clock.at(next)).await;
    }
}
