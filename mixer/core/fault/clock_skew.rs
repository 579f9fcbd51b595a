//! `clock_skew`: the host's clock is wrong, and its samples carry its time.

use super::kind::{FaultError, FaultKind, FaultSchedule, length};
use super::spec::FaultSpec;
use crate::scenario::{Param, ParamKind};
use crate::time::{Span, Time};

pub(super) const KIND: FaultKind<ClockSkew> = FaultKind {
    name: "clock_skew",
    summary: "the host's clock is wrong",
    schedule: FaultSchedule::Episodes,
    takes_metrics: false,
    untimed_error: None,
    params: &[
        Param {
            name: "ahead",
            kind: ParamKind::Span,
            default: "none",
            help: "the time by which the clock is ahead; either this or `behind`",
        },
        Param {
            name: "behind",
            kind: ParamKind::Span,
            default: "none",
            help: "the time by which the clock is behind; either this or `ahead`",
        },
    ],
    build: &|arguments| {
        let (ahead, behind) = (length(arguments, "ahead")?, length(arguments, "behind")?);
        if ahead.is_some() == behind.is_some() {
            let message = "clock_skew needs either ahead or behind: the offset of the clock".to_owned();
            return Err(FaultError { param: None, message });
        }
        Ok(ClockSkew { ahead: ahead.unwrap_or(Span::ZERO), behind: behind.unwrap_or(Span::ZERO) })
    },
};

/// A clock that is wrong by the difference of both.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockSkew {
    ahead: Span,
    behind: Span,
}

impl FaultSpec for ClockSkew {
    fn own_time(&self, now: Time) -> Option<Time> {
        Some((now + self.ahead).before(self.behind))
    }

    fn describe(&self) -> String {
        match self {
            Self { ahead, behind: Span::ZERO } => format!("ahead {ahead}"),
            Self { behind, .. } => format!("behind {behind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_ahead_or_behind() {
        let (now, by) = (Time::from_unix_secs(100), Span::from_secs(30));
        let ahead = ClockSkew { ahead: by, behind: Span::ZERO };
        assert_eq!(ahead.own_time(now), Some(Time::from_unix_secs(130)));
        assert_eq!(ahead.describe(), "ahead 30s");
        let behind = ClockSkew { ahead: Span::ZERO, behind: by };
        assert_eq!(behind.own_time(now), Some(Time::from_unix_secs(70)));
        assert_eq!(behind.describe(), "behind 30s");
    }
}
