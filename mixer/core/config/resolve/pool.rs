//! Pools: members that come and go.

use std::sync::Arc;

use indexmap::IndexSet;

use super::host_series::HostSeries;
use super::labels::LabelNames;
use super::metrics::MetricSource;
use super::relays::ByName;
use super::resolver::{Resolver, SHORTEST_INTERVAL};
use crate::config::template::{HostTemplate, LabelTemplate, PoolTemplate};
use crate::config::value::{Scalar, SpanRange};
use crate::error::suggestion;
use crate::event::Subscription;
use crate::expression::{MemberContext, TextFormula};
use crate::number::Shown;
use crate::plan::{Action, Condition, HostShape, Listener, PoolPlan, PoolSize, ReusePolicy};
use crate::rng::Seed;
use crate::time::Span;

const DEFAULT_COUNT_INTERVAL: Span = Span::from_secs(10);

/// The words of `replace`.
const REUSE_POLICIES: [(&str, ReusePolicy); 3] =
    [("true", ReusePolicy::New), ("false", ReusePolicy::Never), ("same", ReusePolicy::Same)];

impl<'a> Resolver<'a> {
    /// Adds the host's pools to its shape, with their listeners.
    pub(super) fn pools(
        &mut self,
        template: &'a HostTemplate,
        host_labels: &LabelNames<'_>,
        shape: &mut HostShape,
    ) -> Option<()> {
        if template.pools.is_empty() {
            return Some(());
        }
        let mut of_host = HostSeries::of(shape);
        let (mut are_good, mut is_full, mut bytes) = (true, false, 0usize);
        for pool in &template.pools {
            let mut listeners = Vec::new();
            let outcome = self.repeated(&pool.repeat, &mut |this| {
                if this.problems.is_over() {
                    return None;
                }
                let (mark, host) = (this.names.mark(), (&*shape, &of_host));
                let plans = match &pool.workload {
                    Some(model) => this.model_pools(pool, model, host_labels, host, &mut listeners),
                    None => this.one_pool(pool, host_labels, host, &mut listeners).map(|plan| vec![plan]),
                };
                this.names.rewind(mark);
                for plan in plans? {
                    of_host.pool_names.insert(Arc::clone(&plan.name));
                    of_host.add(&plan.labels, &plan.shape);
                    let series = if plan.grows() { 0 } else { plan.series_max() };
                    shape.series = shape.series.saturating_add(series);
                    let members = if plan.grows() { 0 } else { plan.max };
                    let own = plan.plan_bytes().saturating_add(plan.members_bytes(members));
                    bytes = bytes.saturating_add(own);
                    if !this.has_memory(pool.span, bytes) {
                        is_full = true;
                        return None;
                    }
                    shape.pools.push(plan);
                }
                let series = this.series.saturating_add(shape.series);
                if series > this.series_max {
                    this.refuse_series(pool.span, series);
                    is_full = true;
                    return None;
                }
                Some(())
            });
            are_good &= outcome.is_some();
            if is_full {
                break;
            }
            shape.listeners.append(&mut listeners);
        }
        are_good.then_some(())
    }

    fn one_pool(
        &mut self,
        template: &'a PoolTemplate,
        host_labels: &LabelNames<'_>,
        (host, series): (&HostShape, &HostSeries),
        listeners: &mut Vec<Listener>,
    ) -> Option<PoolPlan> {
        let (count, max) = self.pool_size(template, host)?;
        let labels = self.member_labels(template, host_labels, max)?;
        let taken =
            host_labels.iter().copied().chain(template.labels.iter().map(|label| label.name.as_str()));
        let taken: LabelNames<'_> = taken.collect();
        let source = MetricSource {
            span: template.span,
            sets: &template.metric_sets,
            metrics: &template.metrics,
            overrides: &[],
        };
        self.member_labels = template.labels.iter().map(|label| label.name.as_str()).collect();
        let shape = self.metrics(&source, &taken);
        self.member_labels.clear();
        let mut shape = shape?;
        shape.storage.clone_from(&host.storage);
        let Some(first) = shape.metrics.first() else {
            self.problems.error(template.span, "Pool needs metrics");
            return None;
        };
        let name = self.pool_name(template, &first.name, series)?;
        self.refuse_mixing(template, &labels, &shape, series)?;
        self.pool_listeners(template, &shape, host.pools.len(), listeners)?;
        let ([lifetime, pause], reuse) = self.lifetimes(template)?;
        let (replace_every, replace_share) = self.replacement(template)?;
        let shape = Arc::new(shape);
        Some(PoolPlan {
            name,
            shape,
            model: None,
            labels,
            max,
            count,
            lifetime,
            pause,
            reuse,
            replace_every,
            replace_share,
        })
    }

    /// Adds the host's listeners for a pool: events for its members, and those that replace members.
    fn pool_listeners(
        &mut self,
        template: &PoolTemplate,
        shape: &HostShape,
        pool: usize,
        listeners: &mut Vec<Listener>,
    ) -> Option<()> {
        let of_metrics: IndexSet<Subscription> =
            shape.listeners.iter().map(|listener| listener.subscription.clone()).collect();
        let heard = of_metrics.into_iter();
        let notify =
            |subscription| Listener { subscription, action: Action::NotifyMembers(pool), when: None };
        listeners.extend(heard.map(notify));
        for event in &template.replace_on {
            let subscription = Subscription::parse(&self.value("event", event)?);
            self.events.subscribe(&subscription, event.span);
            listeners.push(Listener { subscription, action: Action::ReplaceMembers(pool), when: None });
        }
        Some(())
    }

    /// The pool's name, unique on the host.
    pub(super) fn pool_name(
        &mut self,
        template: &PoolTemplate,
        default: &str,
        host: &HostSeries,
    ) -> Option<Arc<str>> {
        let name: Arc<str> = match &template.name {
            Some(name) => self.name("name", name)?.into(),
            None => default.into(),
        };
        let span = template.name.as_ref().map_or(template.span, |name| name.span);
        if host.pool_names.contains(&name) {
            let message = format!("two pools of the host are called {name:?}; give one of them another name");
            self.problems.error(span, message);
            return None;
        }
        Some(name)
    }

    /// Divides the series left below the limit evenly among the hosts with growing pools.
    pub(super) fn bound_growth(&mut self) {
        let growing = self.hosts.iter().map(|host| host.shape.growth_max()).filter(|growth| *growth > 0);
        let (count, wish) =
            growing.fold((0, 0usize), |(count, sum), growth| (count + 1, sum.saturating_add(growth)));
        let room = self.series_max.saturating_sub(self.series);
        if wish <= room {
            return;
        }
        for host in &mut self.hosts {
            // The plan of a host has no second owner yet.
            if let Some(host) = Arc::get_mut(host).filter(|host| host.shape.growth_max() > 0) {
                Arc::make_mut(&mut host.setup).growth_max = room / count;
            }
        }
    }

    /// The number of members, and its maximum.
    fn pool_size(&mut self, template: &PoolTemplate, host: &HostShape) -> Option<(PoolSize, usize)> {
        let expression = &template.count.expression;
        let is_steady = !expression.reads_the_run() && !expression.draws();
        let max = match &template.max {
            Some(max) => Some(self.value("max", max)?),
            None => None,
        };
        let place = template.max.as_ref().map_or(template.count.span, |max| max.span);
        let bounded = |this: &mut Self, place, field, number: i64| {
            if let Ok(1..) = u32::try_from(number) {
                return usize::try_from(number).ok();
            }
            let message = format!("{field} must be from 1 to {}, but is {number}", u32::MAX);
            this.problems.error(place, message);
            None
        };
        if is_steady {
            self.note_names(expression.names().iter().map(String::as_str));
            let count = Scalar::<i64>::of_expression(template.count.span, expression.clone());
            let count = self.value("count", &count)?;
            if max.is_some_and(|max| max < count) {
                self.problems.error(place, format!("max must not be below count, which is {count}"));
                return None;
            }
            return bounded(self, template.count.span, "count", count).map(|max| (PoolSize::All, max));
        }
        let Some(max) = max else {
            self.problems
                .error(place, "count is a formula, so Pool needs max: the maximum number of members");
            return None;
        };
        let max = bounded(self, place, "max", max)?;
        self.links.clear();
        self.refuse_storage(&template.count, "a pool's count")?;
        let formula = self.formula(&template.count)?;
        let links = std::mem::take(&mut self.links);
        let by_name = ByName::of(host.metrics.iter().map(|metric| &*metric.name));
        let links = self.linked(&links, &by_name, template.count.span)?;
        let interval =
            self.interval("count_interval", template.count_interval.as_ref(), DEFAULT_COUNT_INTERVAL)?;
        Some((PoolSize::Formula(Condition { formula, links }, interval), max))
    }

    /// The labels of a member, each tried once.
    fn member_labels(
        &mut self,
        template: &PoolTemplate,
        host_labels: &LabelNames<'_>,
        max: usize,
    ) -> Option<Vec<(String, TextFormula)>> {
        let reserved = self.reserved_labels(true);
        self.check_label_names(&template.labels, &reserved, host_labels);
        let labels: Vec<(String, TextFormula)> =
            template.labels.iter().map(|label| self.member_label(label)).collect::<Option<_>>()?;
        if max > 1 && !labels.iter().any(|(_, text)| text.varies()) {
            self.problems.error(
                template.span,
                "Pool needs a label that differs from member to member, as in { \"id\": \"{slot}\" } or \"{uuid()}\"",
            );
            return None;
        }
        Some(labels)
    }

    fn member_label(&mut self, label: &LabelTemplate) -> Option<(String, TextFormula)> {
        let own = |name: &&str| !TextFormula::NAMES.contains(name);
        self.note_names(label.value.names().filter(own));
        for expression in label.value.expressions() {
            if let Some((_, message)) = expression.unknown_name(&self.names, &TextFormula::NAMES) {
                self.problems.error(label.value.span, message);
                return None;
            }
        }
        let text = TextFormula::bind(label.value.pieces(), &self.names);
        if let Err(error) = try_text(&text) {
            self.problems.error(label.value.span, format!("label {:?}: {error}", label.name));
            return None;
        }
        Some((label.name.clone(), text))
    }

    /// Lifetimes, pauses between members, and the reuse policy.
    fn lifetimes(&mut self, template: &PoolTemplate) -> Option<([(Span, Span); 2], ReusePolicy)> {
        let forever = SpanRange(Span::FOREVER, Span::FOREVER);
        let SpanRange(shortest, longest) = self.optional("lifetime", template.lifetime.as_ref(), forever)?;
        if shortest < SHORTEST_INTERVAL || (longest == Span::FOREVER && shortest != longest) {
            let place = template.lifetime.as_ref().map_or(template.span, |lifetime| lifetime.span);
            let given =
                if shortest == longest { shortest.to_string() } else { format!("{shortest}..{longest}") };
            let message =
                format!("lifetime must be 1ms or longer, and a range must not end in inf, but is {given}");
            self.problems.error(place, message);
            return None;
        }
        let nothing = SpanRange(Span::ZERO, Span::ZERO);
        let SpanRange(least, most) = self.optional("pause", template.pause.as_ref(), nothing)?;
        if let Some(pause) = template.pause.as_ref().filter(|_| most == Span::FOREVER) {
            self.problems.error(
                pause.span,
                "pause must not be endless; for members without a successor write replace: false",
            );
            return None;
        }
        let reuse = match &template.replace {
            None => ReusePolicy::New,
            Some(replace) => {
                let word = self.value("replace", replace)?;
                let known = REUSE_POLICIES.iter().find(|(name, _)| *name == word);
                let Some((_, reuse)) = known else {
                    let hint = suggestion(&word, &REUSE_POLICIES.map(|(name, _)| name));
                    self.problems.error(replace.span, format!("unknown replace {word:?}{hint}"));
                    return None;
                };
                *reuse
            }
        };
        Some(([(shortest, longest), (least, most)], reuse))
    }

    /// Interval and share of replacements.
    fn replacement(&mut self, template: &PoolTemplate) -> Option<(Option<Span>, f64)> {
        let every = match &template.replace_every {
            Some(every) => Some(self.interval("replace_every", Some(every), Span::ZERO)?),
            None => None,
        };
        let Some(scalar) = &template.replace_share else { return Some((every, 1.0)) };
        let share = self.value("replace_share", scalar)?;
        let problem = if !(share > 0.0 && share <= 1.0) {
            format!("replace_share must be above 0 and 1 at most, but is {}", Shown(share))
        } else if every.is_none() && template.replace_on.is_empty() {
            "replace_share needs replace_every or replace_on".to_owned()
        } else {
            return Some((every, share));
        };
        self.problems.error(scalar.span, problem);
        None
    }

    /// Refuses series of the same name in two places of a host with labels of the same names and values.
    pub(super) fn refuse_mixing(
        &mut self,
        template: &PoolTemplate,
        labels: &[(String, TextFormula)],
        shape: &HostShape,
        host: &HostSeries,
    ) -> Option<()> {
        if let Some(metric) = host.first_alike(labels, shape) {
            let message = format!(
                "metric {:?} is elsewhere on the host, too, with labels of the same names; give it a label that tells them apart",
                metric.name
            );
            self.problems.error(template.span, message);
            return None;
        }
        Some(())
    }
}

/// The text for the first member in the first slot.
pub(super) fn try_text(text: &TextFormula) -> Result<String, String> {
    let mut rng = Seed::new(1).rng();
    text.evaluate(&mut MemberContext { name: "a", slot: 0, generation: 1, sequence: 1, rng: &mut rng })
}
