//! One connection through an endpoint: two sockets, and a link for each direction.

use promemu_core::rng::Seed;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::chain::Chain;
use super::link::{Ended, Link};
use super::toxic::{Stream, ToxicList};
use super::traffic::Traffic;

/// Passes bytes between a client and its upstream until both directions have ended, or one closes the connection.
pub(super) async fn pass(
    mut client: TcpStream,
    mut upstream: TcpStream,
    toxics: watch::Receiver<ToxicList>,
    seed: Seed,
    [to_upstream, to_client]: [Traffic; 2],
) {
    for socket in [&client, &upstream] {
        // Small writes wait for no other ones; without it they do, and nothing else changes.
        let _is_set = socket.set_nodelay(true).is_ok();
    }
    let ended = {
        let now = Instant::now();
        let ((from_client, into_client), (from_upstream, into_upstream)) = (client.split(), upstream.split());
        let link = |source, sink, stream, traffic| {
            let chain = Chain::new(stream, seed, now);
            Link { source, sink, toxics: toxics.clone(), chain, traffic }.run()
        };
        let mut up = std::pin::pin!(link(from_client, into_upstream, Stream::Upstream, to_upstream));
        let mut down = std::pin::pin!(link(from_upstream, into_client, Stream::Downstream, to_client));
        let (first, is_up) = tokio::select! {
            ended = &mut up => (ended, true),
            ended = &mut down => (ended, false),
        };
        match (first, is_up) {
            (Ended::Finished, true) => down.await,
            (Ended::Finished, false) => up.await,
            (ended, _) => ended,
        }
    };
    if ended == Ended::Reset {
        for socket in [&client, &upstream] {
            // A socket that cannot be reset is closed all the same.
            let _is_set = socket.set_zero_linger().is_ok();
        }
    }
}
