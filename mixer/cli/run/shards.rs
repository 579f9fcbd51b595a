//! Needs of one shard that its run alone does not meet.

use promemu_core::error::Error;
use promemu_core::plan::Plan;

use crate::settings::Settings;

/// Refuses a shard of a run whose faults are done for real: each shard would do them.
pub(super) fn refuse_effects(settings: &Settings, plan: &Plan) -> Result<(), Error> {
    if settings.shard().is_none() || plan.effects.is_none() {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "faults of config {} are done for real, which one process does for all; leave --shard out",
        plan.config
    )))
}

/// Refuses a shard without a bus if it needs one: its hosts hear events of others, or others hear its hosts'.
pub(super) fn refuse_crossing_events(settings: &Settings, plan: &Plan) -> Result<(), Error> {
    let crossing = settings.shard().and_then(|shard| Some((shard, plan.crossing_event(shard)?)));
    match crossing {
        None => Ok(()),
        Some((shard, event)) => Err(Error::Usage(format!(
            "event {event:?} crosses the shards of config {}, so shard {shard} cannot run without the others; give all of them \
             one NATS server with --bus nats://HOST:PORT",
            plan.config
        ))),
    }
}
