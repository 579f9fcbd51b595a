//! Readings: the numbers that a proxy says of itself, as the run's metrics show them.

use std::sync::Arc;

use promemu_core::event::EFFECTS_CHANGED;
use promemu_core::plan::{Action, DOWN, EffectsPlan, Reading, TOXICITY, TRUTH_HOST};
use promemu_core::time::Span;
use promemu_core::timeline::Targets;
use tracing::warn;

use super::toxiproxy::{Proxies, ToxicState};
use crate::fleet::Fleet;

/// The value of a reading.
fn value(reading: &Reading, seen: &Proxies) -> f64 {
    let Some(state) = seen.get(&*reading.server) else { return 0.0 };
    if reading.toxic == DOWN {
        return f64::from(!state.enabled);
    }
    let toxics = state.toxics.iter().filter(|toxic| toxic.kind == reading.toxic);
    let read = |toxic: &ToxicState| match reading.attribute {
        None => 1.0,
        Some(TOXICITY) => toxic.toxicity,
        Some((name, _)) => toxic.attribute(name).unwrap_or_default(),
    };
    toxics.map(read).fold(0.0, f64::max)
}

/// The values of all readings.
pub(super) fn values(plan: &EffectsPlan, seen: &Proxies) -> Vec<f64> {
    plan.readings.iter().map(|reading| value(reading, seen)).collect()
}

/// Shows the values that have changed.
pub(super) fn show(fleet: &Fleet, plan: &EffectsPlan, before: &[f64], values: &[f64]) {
    let host: Arc<str> = TRUTH_HOST.into();
    let mut has_changed = false;
    for (n, value) in values.iter().enumerate() {
        let is_same = before.get(n).is_some_and(|before| before.to_bits() == value.to_bits());
        if is_same {
            continue;
        }
        has_changed = true;
        let action = Action::Lever { lever: plan.first_lever + n, value: *value, lasts: Span::FOREVER };
        if fleet.change_run(fleet.clock().now(), &Targets::host(&host), action).is_err() {
            warn!("the run log is full; the metrics of effects stay as they are");
            return;
        }
    }
    if has_changed {
        fleet.publish_own(EFFECTS_CHANGED);
    }
}

#[cfg(test)]
mod tests {
    use promemu_core::plan::ToxiproxyPlan;

    use super::super::toxiproxy::ProxyState;
    use super::*;

    #[test]
    fn readings_are_what_the_proxy_says() {
        let reading = |toxic, attribute| Reading { server: "a".into(), toxic, attribute };
        let latency = Some(("latency", "latency_ms"));
        let plan = EffectsPlan {
            toxiproxy: Some(ToxiproxyPlan {
                url: String::new(),
                servers: vec!["a".into()],
                create: Vec::new(),
            }),
            readings: vec![
                reading(DOWN, None),
                reading("latency", None),
                reading("latency", latency),
                reading("latency", Some(TOXICITY)),
                reading("timeout", None),
            ],
            ..EffectsPlan::default()
        };
        let toxic = |millis: i64| ToxicState {
            kind: "latency".into(),
            toxicity: 0.5,
            attributes: serde_json::from_str(&format!("{{\"latency\":{millis}}}")).unwrap(),
            ..ToxicState::default()
        };
        let toxics = vec![toxic(200), toxic(1_000)];
        let state = ProxyState { enabled: false, toxics, ..ProxyState::default() };
        let seen = [("a".to_owned(), state)].into_iter().collect();
        assert_eq!(values(&plan, &seen), [1.0, 1.0, 1_000.0, 0.5, 0.0]);
        assert_eq!(values(&plan, &Proxies::new()), [0.0; 5]);
    }
}
