//! A batch that is refused as a whole is sent again in halves: one sample that a server does not take, such as one
//! of a clock that was set back, would cost all others of its request.
//!
//! That ends with single hosts, and before that when it leads to nothing or goes on for too long.

use super::post::Loss;
use promemu_wire::request::Batch;

/// A shard's requests are halved so often in a round.
const HALVINGS_MAX: u32 = 128;
/// The same while the server takes nothing: enough to find one host among those of a request.
const FRUITLESS_MAX: u32 = 16;
/// After that it is left alone for a round, then for more, up to so many; or until it takes something.
const REST_MAX: u32 = 31;

/// How often batches were halved in a round.
#[derive(Debug, Default)]
pub(super) struct SplitBudget {
    round: u64,
    count: u32,
    has_fruit: bool,
    /// Nothing is halved for so many rounds more.
    rest: u32,
    /// How long the last rest was.
    last_rest: u32,
}

impl SplitBudget {
    /// What comes is of this round.
    pub(super) fn begin(&mut self, round: u64) {
        if self.round == round {
            return;
        }
        let (rest, last_rest) = if self.has_fruit {
            (0, 0)
        } else if self.count > 0 {
            let rest = (self.last_rest * 2 + 1).min(REST_MAX);
            (rest, rest)
        } else {
            (self.rest.saturating_sub(1), self.last_rest)
        };
        *self = Self { round, count: 0, has_fruit: false, rest, last_rest };
    }

    /// Whether another batch may be halved.
    pub(super) const fn are_allowed(&self) -> bool {
        if self.has_fruit { self.count < HALVINGS_MAX } else { self.rest == 0 && self.count < FRUITLESS_MAX }
    }

    pub(super) const fn halved(&mut self) {
        self.count += 1;
    }
}

/// What became of the pieces of a batch.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How many samples were taken, and the bytes of their requests.
    pub(super) arrived: u64,
    pub(super) bytes: u64,
    /// What was refused, with what was said of the first of it.
    pub(super) loss: Option<Loss>,
}

impl Outcome {
    /// A piece was answered for good.
    pub(super) fn settle(&mut self, piece: &Batch, loss: Option<Loss>, halvings: &mut SplitBudget) {
        let left_out = loss.as_ref().map_or(0, |loss| loss.samples.min(piece.samples));
        let arrived = piece.samples - left_out;
        if arrived > 0 || left_out == 0 {
            halvings.has_fruit = true;
            self.arrived += arrived;
            self.bytes += piece.body.len() as u64;
        }
        let Some(loss) = loss else { return };
        self.loss.get_or_insert(Loss { samples: 0, ..loss }).samples += left_out;
    }
}
