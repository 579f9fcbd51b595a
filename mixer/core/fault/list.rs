//! The list of all kinds of faults: adding one is a file and a line in the list below.
//!
//! No kind knows this file.

use std::ops::Deref;

use super::kind::{FaultKind, FaultSchedule};
use super::spec::FaultSpec;
use super::{
    auth_failure, clock_skew, counter_reset, flapping, gap, host_down, late, model_degradation, model_event,
    model_outage, nan, network_latency, out_of_order, process_event, rate_limit, resource_exhaustion,
};
use crate::time::Time;

/// A kind of fault in the list of all.
pub type AnyFaultKind = FaultKind<Fault>;

macro_rules! faults {
    ($($kind:expr => $fault:ident($spec:ty)),* $(,)?) => {
        /// All kinds.
        pub const KINDS: &[AnyFaultKind] = &[$(AnyFaultKind {
            name: $kind.name,
            summary: $kind.summary,
            schedule: $kind.schedule,
            takes_metrics: $kind.takes_metrics,
            untimed_error: $kind.untimed_error,
            params: $kind.params,
            build: &|arguments| ($kind.build)(arguments).map(Fault::$fault),
        }),*];

        /// A fault of any kind, with its parameters.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is described by its kind")]
        pub enum Fault {
            $($fault($spec)),*
        }

        impl Fault {
            /// The name of its kind.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$fault(_) => $kind.name),* }
            }

            /// `true` if an episode is over when it has begun.
            #[must_use]
            pub fn is_instant(&self) -> bool {
                let schedule = match self { $(Self::$fault(_) => $kind.schedule),* };
                schedule == FaultSchedule::Instants
            }
        }

        impl Deref for Fault {
            type Target = dyn FaultSpec;

            fn deref(&self) -> &Self::Target {
                match self { $(Self::$fault(fault) => fault),* }
            }
        }
    };
}

faults! {
    gap::KIND => Gap(gap::Gap),
    counter_reset::KIND => CounterReset(counter_reset::CounterReset),
    nan::KIND => Nan(nan::Nan),
    clock_skew::KIND => ClockSkew(clock_skew::ClockSkew),
    late::KIND => Late(late::Late),
    out_of_order::KIND => OutOfOrder(out_of_order::OutOfOrder),
    flapping::KIND => Flapping(flapping::Flapping),
    host_down::KIND => HostDown(host_down::HostDown),
    process_event::CPU_SPIKE => CpuSpike(model_event::ModelEvent),
    process_event::MEMORY_LEAK => MemoryLeak(model_event::ModelEvent),
    process_event::KILL => Kill(model_event::ModelEvent),
    process_event::FORK_STORM => ForkStorm(model_event::ModelEvent),
    model_outage::KIND => ModelOutage(model_event::ModelEvent),
    model_degradation::KIND => ModelDegradation(model_event::ModelEvent),
    network_latency::KIND => NetworkLatency(model_event::ModelEvent),
    auth_failure::KIND => AuthFailure(model_event::ModelEvent),
    resource_exhaustion::KIND => ResourceExhaustion(model_event::ModelEvent),
    rate_limit::KIND => RateLimit(model_event::ModelEvent),
}

impl Fault {
    /// `true` if it gives the host's samples timestamps of their own.
    #[must_use]
    pub fn stamps(&self) -> bool {
        self.delay().is_some() || self.own_time(Time::from_unix_secs(0)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_of_their_own_and_parameters_that_no_field_of_their_times_hides() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..index].iter().all(|earlier| earlier.name != kind.name), "{}", kind.name);
            assert!(kind.params.iter().all(|param| !kind.schedule.fields().contains(&param.name)));
        }
    }
}
