//! `cpu_stress`: the CPUs of this machine are busy.

use super::effect::{Effect, RealFault, Stress};
use super::effect_params::{SEVERITY, severity, share, whole};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "cpu_stress",
    "the CPUs of this machine are busy; needs `stress-ng`",
    &[
        Param {
            name: "workers",
            kind: ParamKind::Number,
            default: "one for each CPU",
            help: "number of processes that calculate",
        },
        Param {
            name: "load",
            kind: ParamKind::Number,
            default: "1",
            help: "the share of a CPU that each takes, from 0 to 1",
        },
        SEVERITY,
    ],
    &|arguments| {
        let load = share(arguments, "load", 1.0)? * severity(arguments)?;
        let workers = whole(arguments, "workers", 1.0)?;
        Ok(Effect::Stress(Stress::Cpu { workers, load }).into())
    },
);
