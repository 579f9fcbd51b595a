//! The list of all kinds of faults: adding one is a file and a line in the list below.
//!
//! No kind knows this file.

use std::ops::Deref;

use super::kind::{FaultKind, FaultSchedule};
use super::spec::FaultSpec;
use super::{
    clock_skew, counter_reset, cpu_spike, flapping, fork_storm, gap, host_down, kill, late, memory_leak, nan,
    out_of_order,
};
use crate::time::Time;

/// A kind of fault in the list of all.
pub type AnyFaultKind = FaultKind<Fault>;

macro_rules! faults {
    ($($module:ident::$fault:ident),* $(,)?) => {
        /// All kinds.
        pub const KINDS: &[AnyFaultKind] = &[$(AnyFaultKind {
            name: $module::KIND.name,
            summary: $module::KIND.summary,
            schedule: $module::KIND.schedule,
            takes_metrics: $module::KIND.takes_metrics,
            untimed_error: $module::KIND.untimed_error,
            params: $module::KIND.params,
            build: &|arguments| ($module::KIND.build)(arguments).map(Fault::$fault),
        }),*];

        /// A fault of any kind, with its parameters.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is described by its kind")]
        pub enum Fault {
            $($fault($module::$fault)),*
        }

        impl Fault {
            /// The name of its kind.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$fault(_) => $module::KIND.name),* }
            }

            /// `true` if an episode is over when it has begun.
            #[must_use]
            pub fn is_instant(&self) -> bool {
                let schedule = match self { $(Self::$fault(_) => $module::KIND.schedule),* };
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
    gap::Gap,
    counter_reset::CounterReset,
    nan::Nan,
    clock_skew::ClockSkew,
    late::Late,
    out_of_order::OutOfOrder,
    flapping::Flapping,
    host_down::HostDown,
    cpu_spike::CpuSpike,
    memory_leak::MemoryLeak,
    kill::Kill,
    fork_storm::ForkStorm,
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
