//! The faults that are on, and their effects.

use promemu_plugin::Event;
use serde::{Deserialize, Serialize};

use crate::sampling::normal_quantile;
use crate::settings::Settings;

/// The events that begin a fault, separated by commas.
pub(crate) const EVENTS: &str =
    "model_outage,model_degradation,network_latency,auth_failure,resource_exhaustion,rate_limit";
/// The number of delays that stand for a distribution.
const DELAYS: u32 = 8;

/// A fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// No request to a model is answered.
    ModelOutage { model: usize },
    /// A model takes longer, and fails more often.
    ModelDegradation { model: usize, latency: f64, error_ratio: f64 },
    /// The network adds one of these times to each answer.
    NetworkLatency { delays: Vec<f64> },
    /// A share of requests cannot authenticate.
    AuthFailure { share: f64 },
    /// A share of a resource is used up.
    ResourceExhaustion { what: Resource, level: f64 },
    /// A share of requests is above a limit.
    RateLimit { share: f64 },
}

/// A resource of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Resource {
    /// It can do less.
    Cpu,
    /// All takes longer.
    Memory,
    /// Requests beyond are refused.
    Connections,
}

/// A fault that is on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ActiveFault {
    fault: Fault,
    begins_at: u64,
    ends_at: u64,
}

/// The effects of all faults together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effects {
    /// Factor of the capacity.
    pub(crate) capacity: f64,
    /// Factor of the time of answers.
    pub(crate) latency: f64,
    /// Additional times of answers, each as probable.
    pub(crate) network_secs: Vec<f64>,
    /// Share of requests that cannot authenticate.
    pub(crate) auth: f64,
    /// Share of requests above a limit.
    pub(crate) rate_limit: f64,
    /// Share of the capacity for which there are connections.
    pub(crate) connections: Option<f64>,
    /// Effects on each model.
    pub(crate) models: Vec<ModelEffects>,
}

/// The effects on one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ModelEffects {
    /// Factor of the time of answers.
    pub(crate) latency: f64,
    /// Share of requests that are not answered.
    pub(crate) errors: f64,
}

impl Effects {
    /// No effects on so many models.
    pub(crate) fn none(models: usize) -> Self {
        Self {
            capacity: 1.0,
            latency: 1.0,
            network_secs: Vec::new(),
            auth: 0.0,
            rate_limit: 0.0,
            connections: None,
            models: vec![ModelEffects { latency: 1.0, errors: 0.0 }; models],
        }
    }

    fn add(&mut self, fault: &Fault) {
        match fault {
            Fault::ModelOutage { model } => self.models[*model].errors = 1.0,
            Fault::ModelDegradation { model, latency, error_ratio } => {
                let of = &mut self.models[*model];
                of.latency *= latency;
                of.errors = either(of.errors, *error_ratio);
            }
            Fault::NetworkLatency { delays } => {
                let before = std::mem::take(&mut self.network_secs);
                // Of two faults each time of one meets each of the other, from the opposite end.
                let sums = delays.iter().zip(before.iter().rev()).map(|(one, other)| one + other);
                self.network_secs = if before.is_empty() { delays.clone() } else { sums.collect() };
            }
            Fault::AuthFailure { share } => self.auth = either(self.auth, *share),
            Fault::RateLimit { share } => self.rate_limit = either(self.rate_limit, *share),
            Fault::ResourceExhaustion { what: Resource::Cpu, level } => self.capacity *= 1.0 - level,
            Fault::ResourceExhaustion { what: Resource::Memory, level } => {
                self.latency /= 1.0 - level.min(0.99);
            }
            Fault::ResourceExhaustion { what: Resource::Connections, level } => {
                let free = 1.0 - level;
                self.connections = Some(self.connections.map_or(free, |before| before.min(free)));
            }
        }
    }
}

/// The probability that one of two independent things happens.
fn either(one: f64, other: f64) -> f64 {
    1.0 - (1.0 - one) * (1.0 - other)
}

/// The faults that are on at a time.
pub(crate) fn effects(faults: &mut Vec<ActiveFault>, settings: &Settings, at: u64) -> Effects {
    let mut effects = Effects::none(settings.models.len());
    faults.retain(|active| at < active.ends_at);
    faults.iter().filter(|active| active.begins_at <= at).for_each(|active| effects.add(&active.fault));
    effects
}

/// The data of the events; those that a fault does not have are missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    model: Option<String>,
    latency: Option<f64>,
    error_ratio: Option<f64>,
    distribution: Option<String>,
    by: Option<f64>,
    spread: Option<f64>,
    share: Option<f64>,
    what: Option<Resource>,
    level: Option<f64>,
    duration: Option<f64>,
    #[serde(default)]
    ends: bool,
}

/// Follows an event: a fault begins, or ends early.
pub(crate) fn follow(
    faults: &mut Vec<ActiveFault>,
    event: &Event<'_>,
    settings: &Settings,
    now: u64,
) -> Result<(), String> {
    let data = if event.data.is_empty() { "{}" } else { event.data };
    let data: Data = serde_json::from_str(data)
        .map_err(|error| format!("data of event {} are wrong: {error}", event.name))?;
    let fault = read(event.name, &data, settings).map_err(|why| format!("event {}: {why}", event.name))?;
    if data.ends {
        if let Some(ended) = faults.iter_mut().find(|active| active.fault == fault && active.ends_at > now) {
            ended.ends_at = now;
        }
        return Ok(());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let lasts = data.duration.map_or(u64::MAX, |secs| (secs * 1e9) as u64);
    faults.push(ActiveFault { fault, begins_at: now, ends_at: now.saturating_add(lasts) });
    Ok(())
}

fn read(name: &str, data: &Data, settings: &Settings) -> Result<Fault, String> {
    let share = |key: &str, given: Option<f64>| {
        let given = given.ok_or_else(|| format!("{key} is missing"))?;
        if (0.0..=1.0).contains(&given) {
            Ok(given)
        } else {
            Err(format!("{key} must be from 0 to 1, but is {given}"))
        }
    };
    let model = || {
        let given = data.model.as_deref().ok_or("model is missing")?;
        let found = settings.models.iter().position(|model| model.name == given);
        found.ok_or_else(|| {
            let known: Vec<&str> = settings.models.iter().map(|model| model.name.as_str()).collect();
            format!("unknown model {given:?}; expected one of {}", known.join(", "))
        })
    };
    Ok(match name {
        "model_outage" => Fault::ModelOutage { model: model()? },
        "model_degradation" => {
            let latency = data.latency.unwrap_or(1.0);
            if latency <= 0.0 {
                return Err(format!("latency must be above 0, but is {latency}"));
            }
            let error_ratio = share("error_ratio", Some(data.error_ratio.unwrap_or(0.0)))?;
            Fault::ModelDegradation { model: model()?, latency, error_ratio }
        }
        "network_latency" => Fault::NetworkLatency { delays: delays(data)? },
        "auth_failure" => Fault::AuthFailure { share: share("share", data.share)? },
        "rate_limit" => Fault::RateLimit { share: share("share", data.share)? },
        _ => {
            let what = data.what.ok_or("what is missing")?;
            Fault::ResourceExhaustion { what, level: share("level", data.level)? }
        }
    })
}

/// Times that stand for a distribution, each as probable.
fn delays(data: &Data) -> Result<Vec<f64>, String> {
    let by = data.by.filter(|by| *by >= 0.0).ok_or("by must be given, in seconds")?;
    let spread = data.spread.unwrap_or(0.5);
    if spread < 0.0 {
        return Err(format!("spread must be 0 or more, but is {spread}"));
    }
    let shares = (0..DELAYS).map(|n| (f64::from(n) + 0.5) / f64::from(DELAYS));
    let delay: &dyn Fn(f64) -> f64 = match data.distribution.as_deref().unwrap_or("lognormal") {
        "constant" => &|_| by,
        "uniform" => &|share| by * (1.0 + spread * (2.0 * share - 1.0)),
        "normal" => &|share| by * (1.0 + spread * normal_quantile(share)),
        "lognormal" => &|share| by * libm::exp(spread * normal_quantile(share)),
        other => {
            return Err(format!(
                "unknown distribution {other:?}; expected one of constant, uniform, normal, lognormal"
            ));
        }
    };
    Ok(shares.map(|share| delay(share).max(0.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::examples::three_kinds;

    fn on(events: &[(&str, &str)], at: u64) -> Result<Effects, String> {
        let (settings, mut faults) = (three_kinds(100), Vec::new());
        for (name, data) in events {
            follow(&mut faults, &Event { name, source: "a", data }, &settings, 1_000_000_000)?;
        }
        Ok(effects(&mut faults, &settings, at))
    }

    #[test]
    fn faults_act_until_they_end() {
        let outage = ("model_outage", r#"{"model": "small", "duration": 2}"#);
        let at = |secs: u64| on(&[outage], secs * 1_000_000_000).unwrap().models[1].errors > 0.5;
        assert_eq!([0, 1, 2, 3].map(at), [false, true, true, false]);
        let early = ("model_outage", r#"{"model": "small", "duration": 2, "ends": true}"#);
        assert_eq!(on(&[outage, early], 1_500_000_000).unwrap(), Effects::none(2));
    }

    #[test]
    fn effects_of_several_faults_add_up() {
        let found = on(
            &[
                ("model_degradation", r#"{"model": "large", "latency": 2, "error_ratio": 0.5}"#),
                ("model_degradation", r#"{"model": "large", "latency": 3, "error_ratio": 0.5}"#),
                ("network_latency", r#"{"by": 0.2, "distribution": "constant"}"#),
                ("network_latency", r#"{"by": 0.4, "distribution": "uniform"}"#),
                ("auth_failure", r#"{"share": 0.1}"#),
                ("rate_limit", r#"{"share": 0.2}"#),
                ("resource_exhaustion", r#"{"what": "cpu", "level": 0.75}"#),
                ("resource_exhaustion", r#"{"what": "memory", "level": 0.5}"#),
                ("resource_exhaustion", r#"{"what": "connections", "level": 0.4}"#),
            ],
            2_000_000_000,
        );
        let found = found.unwrap();
        assert_eq!(found.models[0], ModelEffects { latency: 6.0, errors: 0.75 });
        assert!((found.auth - 0.1).abs() < 1e-9 && (found.rate_limit - 0.2).abs() < 1e-9);
        assert!((found.capacity - 0.25).abs() < 1e-9 && (found.latency - 2.0).abs() < 1e-9);
        assert_eq!(found.connections, Some(0.6));
        let mean = found.network_secs.iter().sum::<f64>() / 8.0;
        assert!((mean - 0.6).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn wrong_events_are_refused() {
        let refused = [
            ("model_outage", r#"{"model": "opus"}"#),
            ("model_outage", "{}"),
            ("model_degradation", r#"{"model": "large", "latency": 0}"#),
            ("auth_failure", r#"{"share": 2}"#),
            ("auth_failure", r#"{"shar": 1}"#),
            ("resource_exhaustion", r#"{"what": "disk", "level": 1}"#),
            ("network_latency", r#"{"by": 1, "distribution": "pareto"}"#),
        ];
        let refused = refused.map(|event| on(&[event], 0).unwrap_err()).join("\n");
        insta::assert_snapshot!(refused, @r#"
        event model_outage: unknown model "opus"; expected one of large, small
        event model_outage: model is missing
        event model_degradation: latency must be above 0, but is 0
        event auth_failure: share must be from 0 to 1, but is 2
        data of event auth_failure are wrong: unknown field `shar`, expected one of `model`, `latency`, `error_ratio`, `distribution`, `by`, `spread`, `share`, `what`, `level`, `duration`, `ends` at line 1 column 7
        data of event resource_exhaustion are wrong: unknown variant `disk`, expected one of `cpu`, `memory`, `connections` at line 1 column 15
        event network_latency: unknown distribution "pareto"; expected one of constant, uniform, normal, lognormal
        "#);
    }
}
