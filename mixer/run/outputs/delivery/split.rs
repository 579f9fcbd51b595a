//! Splitting of rejected batches: one sample that a server does not accept, such as one of a clock that was set back,
//! would cost all others of its request.
//!
//! Splitting ends at single series, or at single hosts where a clock is the reason, and before that when it leads to nothing or takes too many requests.

use super::batch_client::{Rejection, Splitting};
use promemu_wire::request::Batch;

/// Splits of a shard's batches per round.
const SPLITS_MAX: u32 = 128;
/// The same while the server accepts nothing: enough to find one host in a batch.
const FRUITLESS_SPLITS_MAX: u32 = 16;
/// Rounds without a split after fruitless ones: more each time, up to this number; none once the server accepts
/// something.
const REST_ROUNDS_MAX: u32 = 31;

/// Splits that a shard may still make in a round.
#[derive(Debug, Default)]
pub(super) struct SplitBudget {
    round: u64,
    count: u32,
    has_accepted: bool,
    /// Further rounds without a split.
    rest_rounds: u32,
    /// Length of the last rest.
    last_rest_rounds: u32,
}

impl SplitBudget {
    /// The next batch is of this round.
    pub(super) fn begin_round(&mut self, round: u64) {
        if self.round == round {
            return;
        }
        let (rest_rounds, last_rest_rounds) = if self.has_accepted {
            (0, 0)
        } else if self.count > 0 {
            let rest = (self.last_rest_rounds * 2 + 1).min(REST_ROUNDS_MAX);
            (rest, rest)
        } else {
            (self.rest_rounds.saturating_sub(1), self.last_rest_rounds)
        };
        *self = Self { round, count: 0, has_accepted: false, rest_rounds, last_rest_rounds };
    }

    /// `true` if another batch may be split. Splitting what is too large ends by itself once something is accepted.
    pub(super) fn allows_split(&self, splitting: Splitting) -> bool {
        if self.has_accepted {
            self.count < SPLITS_MAX || splitting == Splitting::MakesItSmaller
        } else {
            self.rest_rounds == 0 && self.count < FRUITLESS_SPLITS_MAX
        }
    }

    pub(super) const fn spend(&mut self) {
        self.count += 1;
    }
}

/// Outcome of all parts of a batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Accepted samples.
    pub(super) accepted: u64,
    /// Bytes of the requests that were accepted.
    pub(super) bytes: u64,
    /// Rejected samples, with the reason for the first of them.
    pub(super) rejection: Option<Rejection>,
}

impl Outcome {
    /// Adds a part that was answered for good.
    pub(super) fn settle(&mut self, part: &Batch, rejection: Option<Rejection>, budget: &mut SplitBudget) {
        let rejected = rejection.as_ref().map_or(0, |rejection| rejection.samples.min(part.samples));
        let accepted = part.samples - rejected;
        // Of refused metadata nothing is accepted.
        if accepted > 0 || rejection.is_none() {
            budget.has_accepted = true;
            self.accepted += accepted;
            self.bytes += part.body.len() as u64;
        }
        let Some(rejection) = rejection else { return };
        self.rejection.get_or_insert(Rejection { samples: 0, ..rejection }).samples += rejected;
    }
}
