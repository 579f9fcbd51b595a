//! `memory_pressure`: memory of this machine is taken.

use super::effect::{Effect, RealFault, Stress};
use super::effect_params::{SEVERITY, positive, severity};
use super::kind::FaultKind;
use crate::scenario::{Param, ParamKind};

pub(super) const KIND: FaultKind<RealFault> = RealFault::kind(
    "memory_pressure",
    "memory of this machine is taken, by a process that the kernel ends first if there is too little; needs `stress-ng`",
    &[
        Param { name: "bytes", kind: ParamKind::Number, default: "", help: "the memory, as `512MiB`" },
        SEVERITY,
    ],
    &|arguments| {
        let bytes = (positive(arguments, "bytes")? * severity(arguments)?).ceil();
        Ok(Effect::Stress(Stress::Memory { bytes }).into())
    },
);
