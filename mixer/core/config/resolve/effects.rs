//! The proxies of a config, and the effects of its faults on them.

use std::net::SocketAddr;
use std::sync::Arc;

use indexmap::IndexSet;

use super::resolver::Resolver;
use crate::config::template::{FaultTemplate, RunFaultTemplate, ToxiproxyTemplate};
use crate::config::value::Scalar;
use crate::error::suggestion;
use crate::fault::{Effect, Fault};
use crate::naming::NAME_BYTES_MAX;
use crate::plan::{EffectsPlan, NewProxy, ToxiproxyPlan};

/// The address of the API of a proxy that was started without flags.
const DEFAULT_URL: &str = "http://127.0.0.1:8474";

impl Resolver<'_> {
    /// The proxies, if the config has some; `None` for a config without anything real.
    pub(super) fn effects(&mut self, scenario: &str) -> Option<EffectsPlan> {
        let template = self.template;
        let toxiproxy = template.toxiproxy.as_ref().and_then(|toxiproxy| self.toxiproxy(toxiproxy));
        template.has_effects().then(|| EffectsPlan {
            toxiproxy,
            scenario: scenario.into(),
            ..EffectsPlan::default()
        })
    }

    fn toxiproxy(&mut self, template: &ToxiproxyTemplate) -> Option<ToxiproxyPlan> {
        let url = match &template.url {
            Some(url) => self.url("url", url),
            None => Some(DEFAULT_URL.to_owned()),
        };
        let mut servers: IndexSet<Arc<str>> = IndexSet::new();
        for scalar in &template.servers {
            let text = self.value("servers", scalar)?;
            for name in text.split(',').map(str::trim) {
                self.server_name(name, scalar)?;
                if !servers.insert(name.into()) {
                    self.problems.error(scalar.span, format!("servers has {name:?} twice; keep one"));
                }
            }
        }
        let mut create = Vec::new();
        for (scalar, server) in &template.create {
            let name = self.value("a server's name", scalar)?;
            let listen = self.server_address("listen", &server.listen)?;
            let upstream = self.server_address("upstream", &server.upstream)?;
            // One that the arguments leave out is not needed.
            if let Some(name) = servers.get(&*name) {
                create.push(NewProxy { name: Arc::clone(name), listen, upstream });
            }
        }
        Some(ToxiproxyPlan { url: url?, servers: servers.into_iter().collect(), create })
    }

    /// A name that stands in a path of the API, and in a list with commas.
    fn server_name(&mut self, name: &str, scalar: &Scalar<String>) -> Option<()> {
        let is_good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(is_good);
        if is_name && name != "all" {
            return Some(());
        }
        let message = format!(
            "a server cannot be called {name:?}; give it a name of letters, digits, '-', '_' and '.', as memcache1"
        );
        self.problems.error(scalar.span, message);
        None
    }

    /// An address with a port.
    fn server_address(&mut self, field: &str, scalar: &Scalar<String>) -> Option<String> {
        let text = self.value(field, scalar)?;
        let is_name = |(host, port): (&str, &str)| {
            !host.is_empty() && !host.contains(['/', ' ', ':']) && port.parse::<u16>().is_ok()
        };
        if text.parse::<SocketAddr>().is_ok() || text.rsplit_once(':').is_some_and(is_name) {
            return Some(text);
        }
        let message = format!("{field} must be HOST:PORT, as in 127.0.0.1:11211, but is {text:?}");
        self.problems.error(scalar.span, message);
        None
    }

    /// The effect of a fault that is done for real, with its servers known; the inner `None` for a fault that hosts show.
    #[expect(clippy::option_option, reason = "the outer None is an error that is reported already")]
    pub(super) fn effect(
        &mut self,
        template: &RunFaultTemplate,
        kind: Option<(&FaultTemplate, &Fault)>,
        plan: Option<&mut EffectsPlan>,
    ) -> Option<Option<Arc<Effect>>> {
        let Some((kind, effect)) = kind.and_then(|(kind, fault)| Some((kind, fault.effect()?))) else {
            return Some(None);
        };
        let name = kind.kind.name;
        if let Some(hosts) = template.hosts.first() {
            let message = format!("{name} is for servers, not for hosts; write {name}(servers: …)");
            self.problems.error(hosts.span, message);
            return None;
        }
        let plan = plan?;
        let Some(choice) = effect.servers() else {
            plan.read(effect);
            return Some(Some(Arc::new(effect.clone())));
        };
        let Some(toxiproxy) = &plan.toxiproxy else {
            if self.template.toxiproxy.is_none() {
                let message =
                    format!("{name} needs proxies; add toxiproxy: Toxiproxy(servers: […]) to the config");
                self.problems.error(kind.span, message);
            }
            return None;
        };
        if let Some(unknown) = choice.named.iter().find(|name| !toxiproxy.servers.contains(name)) {
            let known: Vec<&str> = toxiproxy.servers.iter().map(|name| &**name).collect();
            let message = format!("unknown server {:?}{}", &**unknown, suggestion(unknown, &known));
            self.problems.error(kind.span, message);
            return None;
        }
        let among = choice.candidates(&toxiproxy.servers).len();
        if let Some(drawn) = choice.drawn.filter(|drawn| *drawn > among) {
            let message = format!("random: {drawn} is more than the {among} servers that there are");
            self.problems.error(kind.span, message);
            return None;
        }
        plan.read(effect);
        Some(Some(Arc::new(effect.clone())))
    }
}
