//! The real work of a run that is not yet taken back: on a proxy, in packet filters, on this machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use promemu_core::fault::Stress;
use promemu_core::plan::{EffectsPlan, LOSS_ATTRIBUTES, NewProxy, PACKET_LOSS, ToxiproxyPlan};
use tracing::info;

use super::cleanup;
use super::journal::{self, Entry, Journal};
use super::owner::Owner;
use super::packet_filter::{LossState, PacketFilter};
use super::stress::Load;
use super::toxiproxy::{Proxies, ProxyState, ToxicState, Toxiproxy, ToxiproxyError};
use super::wanted::{On, Wanted, WantedLoss, WantedToxic};
use super::watchdog::Watchdog;

/// The real work of a run.
#[derive(Debug)]
pub(super) struct Session {
    /// The proxy; `None` if the config has none.
    pub(super) proxy: Option<Toxiproxy>,
    servers: Vec<Arc<str>>,
    owner: Owner,
    pub(super) journal: Arc<Journal>,
    /// Held for as long as there may be something to take back.
    pub(super) watchdog: Watchdog,
    /// The toxics that are on, with their names.
    toxics: Vec<(On<WantedToxic>, String)>,
    /// The proxies that this run has disabled.
    down: BTreeSet<Arc<str>>,
    /// The losses that are on, with their chains.
    losses: Vec<(On<WantedLoss>, String)>,
    /// The namespaces in whose packet filters this run has a table.
    filtered: BTreeSet<Option<Arc<str>>>,
    /// The loads that are on.
    loads: Vec<(On<Stress>, Load)>,
    /// Number of toxics and losses so far.
    numbered: u64,
}

impl Session {
    /// Finds the proxies, cleans up after runs that are gone, and creates proxies that are missing.
    pub(super) async fn open(plan: &EffectsPlan, owner: &Owner) -> Result<Self, String> {
        let folder = journal::folder();
        cleanup::after_others(&folder, owner).await;
        let (proxy, create) = match &plan.toxiproxy {
            Some(plan) => {
                let (proxy, create) = find(plan, owner).await?;
                (Some(proxy), create)
            }
            None => (None, Vec::new()),
        };
        let unwritable = |error| {
            let folder = folder.display();
            format!(
                "the journal of effects cannot be written in {folder}: {error}; choose another folder with XDG_STATE_HOME"
            )
        };
        let toxiproxy = plan.toxiproxy.as_ref();
        let url = toxiproxy.map(|plan| plan.url.as_str());
        let journal = Journal::create(&folder, &owner.to_string(), url).map_err(unwritable)?;
        let watchdog = Watchdog::start(journal.path())
            .map_err(|error| format!("the watchdog of effects cannot be started: {error}"))?;
        let session = Self {
            proxy,
            servers: toxiproxy.map(|plan| plan.servers.clone()).unwrap_or_default(),
            owner: owner.clone(),
            journal: Arc::new(journal),
            watchdog,
            toxics: Vec::new(),
            down: BTreeSet::new(),
            losses: Vec::new(),
            filtered: BTreeSet::new(),
            loads: Vec::new(),
            numbered: 0,
        };
        for new in create {
            session.note(Entry::Create(new.name.to_string())).await?;
            session.proxy()?.create(new).await.map_err(ToxiproxyError::text)?;
            info!(server = &*new.name, listen = new.listen, upstream = new.upstream, "a proxy is created");
        }
        Ok(session)
    }

    fn proxy(&self) -> Result<&Toxiproxy, String> {
        self.proxy.as_ref().ok_or_else(|| "the config has no proxies any more".to_owned())
    }

    /// Writes a line of the journal to the disk.
    async fn note(&self, entry: Entry) -> Result<(), String> {
        let journal = Arc::clone(&self.journal);
        let noted = blocking(move || journal.note(&entry)).await?;
        noted.map_err(|error| format!("the journal of effects cannot be written: {error}"))
    }

    fn next_number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    /// Ends what is not wanted any more, and begins what is.
    pub(super) async fn reach(&mut self, wanted: Wanted) -> Result<(), String> {
        self.reach_toxics(wanted.toxics).await?;
        self.reach_down(wanted.down).await?;
        self.reach_losses(wanted.losses).await?;
        self.reach_loads(wanted.loads).await
    }

    async fn reach_toxics(&mut self, wanted: Vec<On<WantedToxic>>) -> Result<(), String> {
        let (kept, over): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.toxics).into_iter().partition(|(on, _)| wanted.contains(on));
        self.toxics = kept;
        for (On { fault, work: WantedToxic { server, toxic }, .. }, name) in over {
            self.proxy()?.remove_toxic(&server, &name).await.map_err(ToxiproxyError::text)?;
            info!(fault = &*fault, server = &*server, toxic = toxic.kind, "a toxic is removed");
        }
        for on in wanted {
            if self.toxics.iter().any(|(known, _)| *known == on) {
                continue;
            }
            let number = self.next_number();
            let name = self.owner.toxic(number);
            let WantedToxic { server, toxic } = &on.work;
            self.proxy()?.add_toxic(server, &name, toxic).await.map_err(ToxiproxyError::text)?;
            info!(fault = &*on.fault, server = &**server, toxic = toxic.kind, "a toxic is added");
            self.toxics.push((on, name));
        }
        Ok(())
    }

    async fn reach_down(&mut self, wanted: BTreeSet<Arc<str>>) -> Result<(), String> {
        let over: Vec<_> = self.down.difference(&wanted).cloned().collect();
        for server in over {
            self.proxy()?.enable(&server, true).await.map_err(ToxiproxyError::text)?;
            self.note(Entry::Enabled(server.to_string())).await?;
            self.down.remove(&server);
            info!(server = &*server, "a proxy is enabled again");
        }
        let new: Vec<_> = wanted.difference(&self.down).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        let seen = self.proxy()?.proxies().await.map_err(ToxiproxyError::text)?;
        for server in new {
            if seen.get(&*server).is_some_and(|state| !state.enabled) {
                return Err(format!(
                    "{server} is disabled already, by someone else; enable it, or choose another server"
                ));
            }
            self.note(Entry::Disable(server.to_string())).await?;
            self.down.insert(Arc::clone(&server));
            self.proxy()?.enable(&server, false).await.map_err(ToxiproxyError::text)?;
            info!(server = &*server, "a proxy is disabled");
        }
        Ok(())
    }

    async fn reach_losses(&mut self, wanted: Vec<On<WantedLoss>>) -> Result<(), String> {
        let (kept, over): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.losses).into_iter().partition(|(on, _)| wanted.contains(on));
        self.losses = kept;
        for (on, chain) in over {
            let filter = self.filter(on.work.netns.as_ref());
            blocking(move || filter.remove(&chain)).await??;
            info!(fault = &*on.fault, server = &*on.work.server, "packets are not lost any more");
        }
        for on in wanted {
            if self.losses.iter().any(|(known, _)| *known == on) {
                continue;
            }
            let port = match on.work.port {
                Some(port) => port,
                None => self.port_of(&on.work.server).await?,
            };
            let netns = on.work.netns.clone();
            if !self.filtered.contains(&netns) {
                // Without the right to filter there is nothing to take back.
                let filter = self.filter(netns.as_ref());
                blocking(move || filter.losses()).await??;
                self.filtered.insert(netns.clone());
                self.note(Entry::Filter(netns.as_deref().map(str::to_owned))).await?;
            }
            let (filter, share) = (self.filter(netns.as_ref()), on.work.share);
            let chain = format!("loss_{}", self.next_number());
            let name = chain.clone();
            blocking(move || filter.add(&name, port, share)).await??;
            info!(fault = &*on.fault, server = &*on.work.server, port, share, "packets are lost");
            self.losses.push((on, chain));
        }
        Ok(())
    }

    /// The port at which the proxy of a server listens.
    async fn port_of(&self, server: &str) -> Result<u16, String> {
        let seen = self.proxy()?.proxies().await.map_err(ToxiproxyError::text)?;
        let port = seen.get(server).and_then(|state| state.listen.rsplit_once(':')?.1.parse().ok());
        port.ok_or_else(|| format!("the proxy does not say at which port {server} listens"))
    }

    fn filter(&self, netns: Option<&Arc<str>>) -> PacketFilter {
        PacketFilter::of(&self.owner.to_string(), netns.map(|netns| &**netns))
    }

    async fn reach_loads(&mut self, wanted: Vec<On<Stress>>) -> Result<(), String> {
        let (kept, over): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.loads).into_iter().partition(|(on, _)| wanted.contains(on));
        self.loads = kept;
        for (on, load) in over {
            blocking(move || load.end()).await?;
            info!(fault = &*on.fault, "a load on this machine is over");
        }
        for on in wanted {
            if self.loads.iter().any(|(known, _)| *known == on) {
                continue;
            }
            let load = Load::start(&on.work).map_err(|error| format!("a load cannot be started: {error}"))?;
            info!(fault = &*on.fault, load = ?on.work, "a load on this machine begins");
            self.loads.push((on, load));
        }
        Ok(())
    }

    /// The answers of the proxy and the packet filters.
    pub(super) async fn look(&self) -> Result<Proxies, String> {
        let mut seen = match &self.proxy {
            Some(proxy) => proxy.proxies().await.map_err(ToxiproxyError::text)?,
            None => Proxies::new(),
        };
        for netns in &self.filtered {
            let filter = self.filter(netns.as_ref());
            let losses = blocking(move || filter.losses()).await??;
            for (on, chain) in self.losses.iter().filter(|(on, _)| on.work.netns == *netns) {
                if let Some(loss) = losses.iter().find(|loss| loss.chain == *chain) {
                    let server = seen.entry(on.work.server.to_string());
                    let server =
                        server.or_insert_with(|| ProxyState { enabled: true, ..ProxyState::default() });
                    server.toxics.push(reading(loss));
                }
            }
        }
        Ok(seen)
    }

    /// Compares what is seen with what was done.
    pub(super) fn check(&mut self, seen: &Proxies) -> Result<(), String> {
        if let Some(server) = self.servers.iter().find(|server| !seen.contains_key(&***server)) {
            return Err(format!("the proxy has lost {server}; it may have been started anew"));
        }
        let shown = |server: &str, name: &str| {
            seen.get(server).and_then(|state| state.toxics.iter().find(|toxic| toxic.name == name))
        };
        for (On { work: WantedToxic { server, toxic }, .. }, name) in &self.toxics {
            match shown(server, name) {
                None => {
                    return Err(format!("{server} has lost its {}; someone else has removed it", toxic.kind));
                }
                Some(shown) if !shown.is(toxic) => {
                    return Err(format!("{server} has another {} than was asked for", toxic.kind));
                }
                Some(_) => {}
            }
        }
        let is_enabled = |server: &&Arc<str>| seen.get(&***server).is_some_and(|state| state.enabled);
        if let Some(server) = self.down.iter().find(is_enabled) {
            return Err(format!("{server} was enabled by someone else while it should be disabled"));
        }
        if let Some((on, _)) = self.losses.iter().find(|(on, chain)| shown(&on.work.server, chain).is_none())
        {
            let server = &on.work.server;
            return Err(format!(
                "packets of {server} are not lost any more; someone else has removed the filter"
            ));
        }
        for (on, load) in &mut self.loads {
            match load.ended() {
                Some(127) => {
                    return Err(format!(
                        "{} needs stress-ng on the PATH; install the package stress-ng",
                        on.fault
                    ));
                }
                Some(code) => {
                    return Err(format!("the load of {} has ended with exit code {code}", on.fault));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Ends the loads, which are nowhere but here.
    pub(super) async fn end_loads(&mut self) {
        // Those that cannot be waited for end with their pipes.
        let _are_over = self.reach_loads(Vec::new()).await.is_ok();
    }
}

/// A loss as a toxic, so that both are shown in the same way.
fn reading(loss: &LossState) -> ToxicState {
    let attributes = LOSS_ATTRIBUTES.into_iter().zip([loss.rate, loss.seen, loss.dropped]);
    ToxicState {
        name: loss.chain.clone(),
        kind: PACKET_LOSS.to_owned(),
        attributes: attributes.map(|((name, _), value)| (name.to_owned(), value.into())).collect(),
        ..ToxicState::default()
    }
}

/// The client of a proxy that has all servers, or can get them, and those that it lacks.
async fn find<'p>(plan: &'p ToxiproxyPlan, owner: &Owner) -> Result<(Toxiproxy, Vec<&'p NewProxy>), String> {
    let proxy = Toxiproxy::new(&plan.url).map_err(|error| error.to_string())?;
    let seen = proxy.proxies().await.map_err(ToxiproxyError::text)?;
    cleanup::remove_orphans(&proxy, &seen, owner).await;
    let missing = plan.servers.iter().filter(|server| !seen.contains_key(&***server));
    let create = missing.map(|server| {
        plan.create.iter().find(|new| new.name == *server).ok_or_else(|| {
            format!(
                "the proxy at {} has no {server}; create it there, or name it in create of toxiproxy",
                plan.url
            )
        })
    });
    let create: Vec<&NewProxy> = create.collect::<Result<_, _>>()?;
    Ok((proxy, create))
}

/// Does what waits for a disk or a process, beside the tasks.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|bug| format!("effects have a bug: {bug}"))
}
