//! The list of all kinds of faults: adding one is a file and a line in the list below.
//!
//! No kind knows this file.

use std::ops::Deref;

use super::effect::RealFault;
use super::kind::{FaultKind, FaultSchedule};
use super::spec::FaultSpec;
use super::{
    auth_failure, bandwidth, clock_skew, counter_reset, cpu_stress, database_connection_failures, flaky,
    flapping, gap, host_down, late, latency, limit_connections, limit_data, memory_pressure,
    model_degradation, model_event, model_outage, nan, network_latency, out_of_order, packet_loss, partition,
    process_event, rate_limit, reset_connections, resource_exhaustion, service_unavailable, slicer,
    slow_close, stall_connections, timeout,
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
    latency::KIND => Latency(RealFault),
    bandwidth::KIND => Bandwidth(RealFault),
    stall_connections::KIND => StallConnections(RealFault),
    reset_connections::KIND => ResetConnections(RealFault),
    timeout::KIND => Timeout(RealFault),
    slow_close::KIND => SlowClose(RealFault),
    slicer::KIND => Slicer(RealFault),
    limit_data::KIND => LimitData(RealFault),
    limit_connections::KIND => LimitConnections(RealFault),
    partition::KIND => Partition(RealFault),
    flaky::KIND => Flaky(RealFault),
    packet_loss::KIND => PacketLoss(RealFault),
    cpu_stress::KIND => CpuStress(RealFault),
    memory_pressure::KIND => MemoryPressure(RealFault),
    service_unavailable::KIND => ServiceUnavailable(RealFault),
    database_connection_failures::KIND => DatabaseConnectionFailures(RealFault),
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
    use std::fmt::Write;

    use super::*;
    use crate::scenario::Param;

    /// Parameters that the docs have in a table of their own.
    const COMMON: [&str; 5] = ["servers", "random", "severity", "toxicity", "stream"];

    #[test]
    fn the_table_of_effects_in_the_docs_is_made_of_the_kinds() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/effects.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let [begin, end] = ["<!-- kinds of effects: begin -->\n", "<!-- kinds of effects: end -->"];
        let (before, rest) = text.split_once(begin).unwrap();
        let (section, after) = rest.split_once(end).unwrap();
        let mut table = "| kind | meaning | parameters |\n| --- | --- | --- |\n".to_owned();
        for kind in KINDS.iter().filter(|kind| kind.schedule == FaultSchedule::OfRun) {
            let is_common = |param: &&Param| COMMON.contains(&param.name);
            let (common, own): (Vec<_>, Vec<_>) = kind.params.iter().partition(is_common);
            let own = own.into_iter().map(|Param { name, default, help, .. }| match *default {
                "" => format!("`{name}`, which must be given: {help}"),
                default => format!("`{name}` ({default}): {help}"),
            });
            let common: Vec<String> = common.into_iter().map(|param| format!("`{}`", param.name)).collect();
            let params = own.chain([common.join(", ")]).collect::<Vec<_>>().join("<br>");
            writeln!(table, "| `{}` | {} | {params} |", kind.name, kind.summary).unwrap();
        }
        if std::env::var_os("PROMEMU_UPDATE_DOCS").is_some() {
            std::fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
        } else {
            assert_eq!(section, table, "run it once with PROMEMU_UPDATE_DOCS=1 to write the table anew");
        }
    }

    #[test]
    fn kinds_have_names_of_their_own_and_parameters_that_no_field_of_their_times_hides() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..index].iter().all(|earlier| earlier.name != kind.name), "{}", kind.name);
            assert!(kind.params.iter().all(|param| !kind.schedule.fields().contains(&param.name)));
        }
    }
}
