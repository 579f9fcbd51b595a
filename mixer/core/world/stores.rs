//! The series stores of a world's jobs, as outputs of a live run see them.

use super::batch::Step;
use super::single::World;
use crate::host::Place;
use crate::plan::Plan;
use crate::series::SeriesStore;
use crate::time::Time;

/// The stores of all jobs of a plan, to be encoded.
#[derive(Debug)]
pub struct JobStores {
    stores: Vec<SeriesStore>,
    /// The job and the row of each host.
    places: Vec<(usize, Place)>,
}

impl JobStores {
    /// Stores without samples.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Self { stores: plan.jobs.iter().map(|job| plan.store(job)).collect(), places: places(plan) }
    }

    /// Stores with all that the hosts of a world show now, reported or not.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let mut stores = Self::new(world.plan());
        for (driven, (job, place)) in world.hosts().zip(&stores.places) {
            if driven.host().has_begun() && driven.due() != Time::NEVER {
                place.report_all(driven.host(), &mut stores.stores[*job]);
            }
        }
        stores
    }

    /// Takes over the report of a step, or the end of its host.
    pub fn take(&mut self, step: &Step<'_>) {
        let (job, place) = self.places[step.host as usize];
        let store = &mut self.stores[job];
        if step.out.report {
            place.report(step.driven.host(), &step.out.members, store);
        }
        if step.driven.due() == Time::NEVER {
            store.remove_host(place.0);
        }
    }

    /// The stores, in the order of the plan's jobs.
    #[must_use]
    pub fn stores(&self) -> &[SeriesStore] {
        &self.stores
    }

    /// The stores, in the order of the plan's jobs.
    #[must_use]
    pub fn into_stores(self) -> Vec<SeriesStore> {
        self.stores
    }
}

/// The job of each host of a plan, and its row in the job's store.
pub(crate) fn places(plan: &Plan) -> Vec<(usize, Place)> {
    let mut places = vec![(0, Place(0)); plan.hosts.len()];
    for (job, of) in plan.jobs.iter().enumerate() {
        of.hosts.iter().enumerate().for_each(|(row, id)| places[*id as usize] = (job, Place(row)));
    }
    places
}
