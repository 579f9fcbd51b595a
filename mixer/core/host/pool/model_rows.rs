//! Members that a model decides on: they begin, show values and observe when it says so.

use super::agenda::Agenda;
use super::lifecycle::Pool;
use super::slot::{Member, MemberRow};
use crate::host::outbox::Outbox;
use crate::plugin::Observation;
use crate::rng::fnv1a;
use crate::series::LabelBlock;
use crate::time::Time;

impl Pool {
    /// Puts a member with these values into a slot, at the decision of a model.
    pub(super) fn settle(
        &mut self,
        slot: usize,
        labels: LabelBlock,
        began: Time,
        agenda: &mut Agenda,
    ) -> bool {
        let hash = fnv1a(labels.as_protobuf());
        if !self.taken.insert(hash) {
            return false;
        }
        self.born += 1;
        let (place, at) = ((self.index, slot), &mut self.slots[slot]);
        (at.labels, at.labels_hash, at.is_new) = (labels, hash, true);
        at.member = Some(Member::Row(MemberRow::new(&self.member.shape, began)));
        agenda.mark(place, at);
        true
    }

    /// Shows a model's finite values of each slot that has a member.
    pub(super) fn show<'v>(
        &mut self,
        rows: impl Iterator<Item = &'v [f64]>,
        agenda: &mut Agenda,
        out: &mut Outbox,
    ) {
        let metrics = &*self.member.shape.metrics;
        for (number, (at, values)) in self.slots.iter_mut().zip(rows).enumerate() {
            if let Some(Member::Row(row)) = &mut at.member {
                row.show(metrics, values);
                out.updates += values.len() as u64;
                agenda.mark((self.index, number), at);
            }
        }
    }

    /// Adds a model's observations to a member, if there is one in the slot.
    pub(super) fn observe(&mut self, observed: &Observation, agenda: &mut Agenda) {
        let (place, at) = ((self.index, observed.row), &mut self.slots[observed.row]);
        if let Some(Member::Row(row)) = &mut at.member {
            row.observe(&self.member.shape, observed.family, observed.value, observed.count);
            agenda.mark(place, at);
        }
    }
}
