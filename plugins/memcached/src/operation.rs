//! Operations on memcached, their outcomes, and mixes of them.

use crate::Verdict;
use crate::random::Random;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Get,
    Set,
    Delete,
    Incr,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [Self::Get, Self::Set, Self::Delete, Self::Incr];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Incr => "incr",
        }
    }

    /// `true` if doing it twice is the same as doing it once.
    pub(crate) const fn can_repeat(self) -> bool {
        !matches!(self, Self::Incr)
    }
}

/// The end of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The key's value, or its absence, or an acknowledgement.
    Hit,
    Miss,
    Stored,
    Deleted,
    NotFound,
    Counted,
    /// No answer within the timeout.
    Timeout,
    /// No connection, or it broke.
    Connection,
    /// The server answered with an error.
    Refused,
    /// The answer belongs to another request, or the value is not one that was written to this key.
    WrongAnswer,
    /// The circuit breaker was open.
    BreakerOpen,
    /// It was half-open, and its trial requests were under way.
    BreakerBusy,
    /// All connections of the pool were in use for too long.
    PoolFull,
    /// The server's queue was full.
    QueueFull,
}

impl Outcome {
    pub(crate) const COUNT: usize = 14;
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Hit,
        Self::Miss,
        Self::Stored,
        Self::Deleted,
        Self::NotFound,
        Self::Counted,
        Self::Timeout,
        Self::Connection,
        Self::Refused,
        Self::WrongAnswer,
        Self::BreakerOpen,
        Self::BreakerBusy,
        Self::PoolFull,
        Self::QueueFull,
    ];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stored => "stored",
            Self::Deleted => "deleted",
            Self::NotFound => "not_found",
            Self::Counted => "counted",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Refused => "refused",
            Self::WrongAnswer => "wrong_answer",
            Self::BreakerOpen => "breaker_open",
            Self::BreakerBusy => "breaker_busy",
            Self::PoolFull => "pool_full",
            Self::QueueFull => "queue_full",
        }
    }

    /// The operation that alone can end so; `None` for a failure, as which all can end.
    pub(crate) const fn of(self) -> Option<Operation> {
        match self {
            Self::Hit | Self::Miss => Some(Operation::Get),
            Self::Stored => Some(Operation::Set),
            Self::Deleted | Self::NotFound => Some(Operation::Delete),
            Self::Counted => Some(Operation::Incr),
            _ => None,
        }
    }

    pub(crate) const fn is_success(self) -> bool {
        self.of().is_some()
    }

    /// `true` if nothing was sent to the server.
    pub(crate) const fn is_local(self) -> bool {
        matches!(self, Self::BreakerOpen | Self::BreakerBusy | Self::PoolFull | Self::QueueFull)
    }

    /// The result for the circuit breaker: a full pool says nothing about the server.
    pub(crate) const fn verdict(self) -> Verdict {
        match self {
            Self::PoolFull => Verdict::Excluded,
            _ if self.is_success() => Verdict::Success,
            _ => Verdict::Failure,
        }
    }
}

/// Shares of the operations, in the order of [`Operation::ALL`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mix([f64; 4]);

impl Mix {
    pub(crate) const MIXED: Self = Self([60.0, 30.0, 5.0, 5.0]);
    pub(crate) const GET_HEAVY: Self = Self([90.0, 8.0, 1.0, 1.0]);
    pub(crate) const SET_HEAVY: Self = Self([20.0, 70.0, 5.0, 5.0]);

    /// `None` unless all shares are 0 or more, and one is above 0.
    pub(crate) fn new(shares: [f64; 4]) -> Option<Self> {
        let is_good =
            shares.iter().all(|share| (0.0..=1e9).contains(share)) && shares.iter().any(|it| *it > 0.0);
        is_good.then_some(Self(shares))
    }

    pub(crate) fn draw(&self, random: &mut Random) -> Operation {
        let mut left = random.unit() * self.0.iter().sum::<f64>();
        for (operation, share) in Operation::ALL.into_iter().zip(self.0) {
            left -= share;
            if left < 0.0 {
                return operation;
            }
        }
        Operation::Get
    }
}
