//! The closed loop: workers, each with one request at a time. It slows down with the servers, so it does not see the waits of
//! requests that it has not made.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::client::Client;
use crate::load::Control;
use crate::random::Random;

/// A change of the number of workers is noticed within this time.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// Pause of a worker whose request failed without reaching a server, which would otherwise fail as fast as it can.
const PAUSE: Duration = Duration::from_millis(10);
/// The most workers, whatever the lever is.
const WORKERS_MAX: u32 = 10_000;

/// Starts the workers, and follows their number.
pub(crate) async fn run(client: &Arc<Client>, control: &Arc<Control>, workers: f64, tasks: &mut JoinSet<()>) {
    let mut started = 0;
    while !control.is_ending() {
        let wanted = wanted(workers * control.factor());
        while started < wanted {
            tasks.spawn(work(Arc::clone(client), Arc::clone(control), workers, started));
            started += 1;
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn wanted(workers: f64) -> u32 {
    (workers.round() as u32).min(WORKERS_MAX)
}

async fn work(client: Arc<Client>, control: Arc<Control>, workers: f64, number: u32) {
    let mut random = Random::new(control.seed(), 2 + u64::from(number));
    while !control.is_ending() {
        if number >= wanted(workers * control.factor()) {
            tokio::time::sleep(LOOK_INTERVAL).await;
            continue;
        }
        let request = client.draw(&mut random, client.clock.now());
        let outcome = client.perform(&request).await;
        if outcome.is_success() {
            // A server on this machine may answer at once each time; others must have their turn, too.
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
