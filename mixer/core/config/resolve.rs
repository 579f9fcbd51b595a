//! Template to plan: the values of all fields, and all checks of them.

mod actions;
mod cells;
mod effects;
mod events;
mod families;
mod fault;
mod host_series;
mod hosts;
mod identity;
mod labels;
mod levers;
mod metric_fields;
mod metrics;
mod pool;
mod ranges;
mod relays;
mod repetition;
mod replay;
mod resolver;
mod run_fault;
mod run_fault_times;
mod scenarios;
mod storage;
mod structured;
mod timeline;
mod truth_host;
mod unheard;
mod verdict;
mod workloads;

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use super::arguments;
use super::options::LoadOptions;
use super::template::ConfigTemplate;
use super::value::Scalar;
use crate::error::{Problems, SourceSpan};
use crate::expression::Value;
use crate::passwords::without_passwords;
use crate::plan::{
    EffectsPlan, HostShape, JobPlan, Plan, RunDefaults, TimelineFrom, TimelinePlan, VerdictPlan, share_events,
};
use crate::series::LabelBlock;
use crate::time::Span;
use resolver::Resolver;
use run_fault::RunFaults;

/// Makes the plan of one class. Errors go to `problems`; with errors the plan must not be used.
pub(super) fn resolve(
    config: &str,
    template: &ConfigTemplate,
    options: &LoadOptions,
    problems: &mut Problems,
) -> Plan {
    let mut names = arguments::bind(&template.args, &options.arguments, problems);
    names.set("started_at", Value::Text(options.started_at.compact()));
    names.set("run_id", Value::Text(options.run_id.clone()));
    let truth_host = OnceCell::new();
    let mut resolver = Resolver::new(template, names, problems, (options.series_max, options.memory_max));
    resolver.no_faults = options.no_faults;
    let defaults = resolver.defaults();
    let needs_hosts = template.replay.is_none() && !template.has_effects();
    if template.hosts.is_empty() && needs_hosts && resolver.problems.error_count() == 0 {
        resolver.problems.error(template.span, "the config has no hosts; add a Host(…) to hosts");
    }
    resolver.levers();
    let errors = resolver.problems.error_count();
    resolver.all_hosts(options);
    let all_hosts = template.has_all_hosts && resolver.problems.error_count() == errors;
    let (timeline, timeline_from) = (resolver.timeline(), resolver.timeline_from());
    let scenario = options.class.as_deref().unwrap_or(config);
    let mut effects = resolver.effects(scenario);
    let faults = resolver.run_faults(&timeline, all_hosts, effects.as_mut());
    let verdicts = resolver.verdicts(&timeline);
    let has_hosts = !resolver.hosts.is_empty() || template.hosts.is_empty();
    if all_hosts && resolver.problems.error_count() == errors && has_hosts {
        resolver.truth_host(scenario, (&timeline, &faults.faults, effects.as_ref()), &truth_host);
    }
    resolver.refuse_suffix_clashes();
    if resolver.problems.error_count() == 0 {
        resolver.refuse_equal_series();
        resolver.warn_of_events_that_never_come();
        if !resolver.hosts.is_empty()
            && resolver.hosts.iter().all(|host| host.shape.series == 0 && host.shape.pools.is_empty())
        {
            resolver.problems.warning(
                SourceSpan::default(),
                "no host has a metric, so the run shows nothing; add a Metric(…)",
            );
        }
    }
    if let Some(host) = template.hosts.first()
        && resolver.hosts.is_empty()
        && resolver.problems.error_count() == 0
    {
        let message = "the config makes no hosts with these arguments; raise a count";
        resolver.problems.error(host.span, message);
    }
    resolver.bound_growth();
    if resolver.problems.error_count() > 0 || resolver.problems.is_over() {
        // Not used; its parts need not be put together.
        resolver.hosts.clear();
        resolver.jobs.clear();
    }
    plan_of(resolver, config, (defaults, verdicts), (faults, timeline, timeline_from, effects))
}

/// The plan of a resolver that is done, with hosts in the order of encoding.
fn plan_of(
    resolver: Resolver<'_>,
    config: &str,
    (defaults, verdicts): (RunDefaults, Vec<VerdictPlan>),
    (RunFaults { faults, shown }, timeline, timeline_from, effects): (
        RunFaults,
        TimelinePlan,
        TimelineFrom,
        Option<EffectsPlan>,
    ),
) -> Plan {
    let Resolver { families, jobs, mut hosts, levers, problems, template, .. } = resolver;
    hosts.shrink_to_fit();
    let job = |(name, hosts): (_, Vec<u32>)| JobPlan { name, hosts: hosts.into() };
    let jobs = jobs.into_iter().map(job).collect();
    let mut plan = Plan {
        config: config.to_owned(),
        families: families.into_values().map(|known| known.family).collect(),
        jobs,
        levers: levers.into(),
        faults,
        effects: effects.map(Arc::new),
        ends_with_timeline: template.hosts.is_empty() && !timeline.phases.is_empty(),
        timeline: Arc::new(timeline),
        timeline_from,
        verdicts,
        measures: template.measures.clone(),
        heard_elsewhere: IndexSet::new(),
        hosts,
        defaults,
        ttl_arguments: template.ttl_arguments(),
    };
    run_fault::share_run_parts(&mut plan, shown, problems);
    if !plan.timeline.phases.is_empty() || plan.effects.is_some() {
        truth_host::move_levers(&mut plan);
    }
    group_by_shape(&mut plan);
    share_events(&mut plan);
    let labels = LabelBlock::adjacent(rows(&plan).map(|host| &plan.hosts[host].labels));
    let order: Vec<usize> = rows(&plan).collect();
    for (host, labels) in order.into_iter().zip(labels) {
        let (before, rest) = plan.hosts.split_at_mut(host);
        // The plan of a host has no second owner yet.
        if let Some(host) = rest.first_mut().and_then(Arc::get_mut) {
            host.labels = labels;
            host.setup = Arc::clone(&host.setup).shared_with(before.last().map(|host| &**host));
        }
    }
    plan
}

/// The hosts in the order of encoding: job by job.
fn rows(plan: &Plan) -> impl Iterator<Item = usize> + Clone {
    plan.jobs.iter().flat_map(|job| job.hosts.iter().map(|host| *host as usize))
}

/// Sorts the hosts of each job so that those of one shape are neighbours.
fn group_by_shape(plan: &mut Plan) {
    let mut order: IndexMap<*const HostShape, usize> = IndexMap::new();
    for host in &plan.hosts {
        let next = order.len();
        order.entry(Arc::as_ptr(&host.shape)).or_insert(next);
    }
    for job in &mut plan.jobs {
        job.hosts.sort_by_key(|host| order[&Arc::as_ptr(&plan.hosts[*host as usize].shape)]);
    }
}

/// `true` for `http://HOST[:PORT]…`, `https://…`, or the same without a scheme.
fn is_http_url(text: &str) -> bool {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) => rest,
        Some(_) => return false,
        None => text,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    // An IPv6 address is in brackets.
    let behind_address = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    let port = behind_address.split_once(':').map_or("0", |(_, port)| port);
    let has_host = !authority.is_empty() && !authority.starts_with(':');
    has_host && !text.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
}

impl Resolver<'_> {
    /// Adds the hosts of all templates, and those of a recording.
    fn all_hosts(&mut self, options: &LoadOptions) {
        let template = self.template;
        for host in &template.hosts {
            if self.problems.is_over() {
                return;
            }
            self.host(host);
        }
        if let Some(replay) = &template.replay {
            self.replay(replay, options.replays.as_deref());
        }
    }

    /// A URL of a server of HTTP.
    fn url(&mut self, field: &str, scalar: &Scalar<String>) -> Option<String> {
        let url = self.value(field, scalar)?;
        if !is_http_url(&url) {
            let message = format!(
                "{field} must be an http or https URL, as in http://127.0.0.1:9091, but is {:?}",
                without_passwords(&url)
            );
            self.problems.error(scalar.span, message);
            return None;
        }
        Some(url)
    }

    /// An address of this machine's loopback with a port: a config opens no port to others.
    fn loopback(&mut self, field: &str, scalar: &Scalar<String>) -> Option<(Box<str>, u16)> {
        let text = self.value(field, scalar)?;
        let address = text.parse::<SocketAddr>().ok().filter(|it| it.ip().is_loopback() && it.port() > 0);
        if address.is_none() {
            let message = format!(
                "{field} must be a loopback address and a port, as in 127.0.0.1:9090, but is {text:?}"
            );
            self.problems.error(scalar.span, message);
        }
        address.map(|address| (address.ip().to_string().into(), address.port()))
    }

    fn defaults(&mut self) -> RunDefaults {
        let template = self.template;
        let push_interval = template.push_interval.as_ref();
        RunDefaults {
            pushgateway_url: template.pushgateway_url.as_ref().and_then(|s| self.url("pushgateway_url", s)),
            is_pushgateway_url_fixed: template.pushgateway_url.as_ref().is_some_and(Scalar::is_constant),
            serve: template.serve.as_ref().and_then(|s| self.loopback("serve", s)),
            push_interval: push_interval.and_then(|s| self.interval("push_interval", Some(s), Span::ZERO)),
            cleanup_on_start: template
                .cleanup_on_start
                .as_ref()
                .and_then(|s| self.value("cleanup_on_start", s)),
            cleanup_on_finish: template
                .cleanup_on_finish
                .as_ref()
                .and_then(|s| self.value("cleanup_on_finish", s)),
        }
    }
}
