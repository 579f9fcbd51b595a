//! Clean-up: takes back what a run has changed, and nothing else. A run does it at its end, a watchdog when the run is gone, and
//! the next start when both are.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::journal::{self, Changes};
use super::owner::Owner;
use super::packet_filter::PacketFilter;
use super::toxiproxy::{Proxies, Toxiproxy};

/// Time between two attempts.
const PAUSE: Duration = Duration::from_millis(300);

/// Takes back the changes of a journal, until the proxy says that they are gone or the time is over, and removes the journal.
///
/// # Errors
///
/// Something is left.
pub(super) async fn clean(path: &Path, patience: Duration) -> Result<(), String> {
    let deadline = Instant::now().checked_add(patience);
    loop {
        // Someone else may have taken them back meanwhile.
        let Some(changes) = journal::read(path) else { return Ok(()) };
        match once(&changes).await {
            Ok(()) => break,
            Err(why) if deadline.is_none_or(|deadline| Instant::now() >= deadline) => return Err(why),
            Err(_) => sleep(PAUSE).await,
        }
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("{} cannot be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Takes back everything once.
async fn once(changes: &Changes) -> Result<(), String> {
    let on_proxy = on_proxy(changes).await;
    let filters = changes.filtered.iter().map(|netns| PacketFilter::of(&changes.owner, netns.as_deref()));
    let filters: Vec<PacketFilter> = filters.collect();
    let removed = tokio::task::spawn_blocking(move || filters.iter().try_for_each(PacketFilter::destroy));
    let removed = removed.await.unwrap_or_else(|bug| Err(bug.to_string()));
    on_proxy.and(removed)
}

/// Takes back what is on the proxy, and looks if it is gone.
async fn on_proxy(changes: &Changes) -> Result<(), String> {
    let Some(url) = &changes.url else { return Ok(()) };
    let proxy = Toxiproxy::new(url).map_err(|error| error.to_string())?;
    let mut failure = None;
    for _ in 0..2 {
        let seen = proxy.proxies().await.map_err(|error| error.to_string())?;
        let left = Left::of(changes, &seen);
        if left.is_empty() {
            return Ok(());
        }
        // One that fails keeps no other from being tried.
        failure = left.take_back(&proxy).await;
    }
    let seen = proxy.proxies().await.map_err(|error| error.to_string())?;
    let is_clean = Left::of(changes, &seen).is_empty();
    if is_clean {
        Ok(())
    } else {
        Err(failure.unwrap_or_else(|| format!("{url} still has effects of the run")))
    }
}

/// The changes that a proxy still shows.
struct Left<'a> {
    /// Proxies and toxics.
    toxics: Vec<(&'a str, &'a str)>,
    disabled: Vec<&'a str>,
    created: Vec<&'a str>,
}

impl<'a> Left<'a> {
    fn of(changes: &'a Changes, seen: &'a Proxies) -> Self {
        let owner = Owner::parse(&changes.owner);
        let toxics = seen.iter().flat_map(|(proxy, state)| {
            let own = state.toxics.iter().filter(|toxic| Owner::of_toxic(&toxic.name) == owner);
            own.map(|toxic| (proxy.as_str(), toxic.name.as_str()))
        });
        let is_disabled = |server: &&str| seen.get(*server).is_some_and(|state| !state.enabled);
        Self {
            toxics: if owner.is_some() { toxics.collect() } else { Vec::new() },
            disabled: changes.disabled.iter().map(String::as_str).filter(is_disabled).collect(),
            created: changes.created.iter().map(String::as_str).filter(|it| seen.contains_key(*it)).collect(),
        }
    }

    const fn is_empty(&self) -> bool {
        self.toxics.is_empty() && self.disabled.is_empty() && self.created.is_empty()
    }

    /// Takes them back, and gives the first error.
    async fn take_back(&self, proxy: &Toxiproxy) -> Option<String> {
        let mut outcomes = Vec::new();
        for server in &self.disabled {
            outcomes.push(proxy.enable(server, true).await);
        }
        for (server, toxic) in &self.toxics {
            outcomes.push(proxy.remove_toxic(server, toxic).await);
        }
        for server in &self.created {
            outcomes.push(proxy.remove(server).await);
        }
        outcomes.into_iter().find_map(Result::err).map(|error| error.to_string())
    }
}

/// Cleans up after runs of this machine that are gone, as far as their proxies answer.
pub(super) async fn after_others(folder: &Path, here: &Owner) {
    for path in journal::all(folder) {
        let Some(changes) = journal::read(&path) else { continue };
        if !Owner::parse(&changes.owner).is_some_and(|owner| owner.is_gone(here)) {
            continue;
        }
        match clean(&path, Duration::ZERO).await {
            Ok(()) => info!(owner = changes.owner, "the effects of a run that is gone are taken back"),
            Err(why) => warn!(owner = changes.owner, why, "effects of a run that is gone are left"),
        }
    }
}

/// Removes the toxics of runs of this machine that are gone and have left no journal.
pub(super) async fn remove_orphans(proxy: &Toxiproxy, seen: &Proxies, here: &Owner) {
    for (server, state) in seen {
        let is_orphan = |name: &str| Owner::of_toxic(name).is_some_and(|owner| owner.is_gone(here));
        for toxic in state.toxics.iter().filter(|toxic| is_orphan(&toxic.name)) {
            match proxy.remove_toxic(server, &toxic.name).await {
                Ok(()) => info!(server, toxic = toxic.name, "a toxic of a run that is gone is removed"),
                Err(error) => warn!(%error, "a toxic of a run that is gone is left"),
            }
        }
    }
}
