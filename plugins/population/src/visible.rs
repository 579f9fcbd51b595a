//! The users with names of their own, and their part in what all users do.
//!
//! Totals are drawn without them; their part is split off then, with random numbers of its own. So no total depends on how many
//! there are.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Random};
use crate::sampling::{beta, binomial, take_without_return};
use crate::settings::{Settings, TOKEN_TYPES};

/// Users with names, and their sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Visible {
    /// Name and kind of each user.
    pub(crate) users: Vec<(String, usize)>,
    /// The first user of each kind, and their number.
    pub(crate) by_kind: Vec<(usize, u64)>,
    /// Number of all users of each kind.
    all: Vec<u64>,
    /// Sessions by stratum.
    sessions: Vec<Vec<Session>>,
}

/// A session of a user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The user.
    pub(crate) user: usize,
    /// The second of its end.
    pub(crate) ends_in: u64,
    /// Its length in steps.
    pub(crate) steps: u64,
    /// The bucket of its length.
    pub(crate) bucket: usize,
}

/// The end of sessions that is not planned yet.
const UNPLANNED: u64 = u64::MAX;

/// Sessions that end together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) count: u64,
    pub(crate) ends_in: u64,
    /// The length of each in steps.
    pub(crate) steps: u64,
    pub(crate) bucket: usize,
}

impl Visible {
    pub(crate) fn new(settings: &Settings, seed: u64) -> Self {
        let all = settings.users_by_kind(settings.total);
        let wanted = settings.users_by_kind(settings.visible_users.min(settings.total));
        let (mut users, mut by_kind, mut first_id) = (Vec::new(), Vec::new(), 0);
        for (kind, (all, wanted)) in all.iter().zip(wanted).enumerate() {
            let wanted = wanted.min(*all);
            by_kind.push((users.len(), wanted));
            let random = &mut Random::new(seed, Purpose::Names, kind as u64, 0);
            // Each choice of as many users is as probable (Floyd's algorithm).
            let mut ids = BTreeSet::new();
            for last in all - wanted..*all {
                let id = random.below(last + 1);
                ids.insert(if ids.contains(&id) { last } else { id });
            }
            users.extend(ids.into_iter().map(|id| (format!("user-{:05}", first_id + id), kind)));
            first_id += all;
        }
        let strata = settings.kinds.len() * settings.models.len();
        Self { users, by_kind, all, sessions: vec![Vec::new(); strata] }
    }

    /// The row of the others of a kind.
    pub(crate) fn others(&self, kind: usize) -> usize {
        self.users.len() + kind
    }

    /// The part of users with names in sessions that begin.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn begin(
        &mut self,
        (kind, stratum): (usize, usize),
        count: u64,
        random: &mut Random,
    ) -> &[Session] {
        let (first, named) = self.by_kind[kind];
        let theirs = binomial(count, named as f64 / self.all[kind].max(1) as f64, random);
        let sessions = &mut self.sessions[stratum];
        let before = sessions.len();
        for _ in 0..theirs {
            let user = first + usize::try_from(random.below(named)).unwrap_or(0);
            sessions.push(Session { user, ends_in: UNPLANNED, steps: 0, bucket: 0 });
        }
        &sessions[before..]
    }

    /// Plans the end of their sessions, of all those whose ends are planned now.
    pub(crate) fn plan(&mut self, stratum: usize, groups: &[Group], random: &mut Random) {
        let mut unplanned =
            self.sessions[stratum].iter_mut().filter(|session| session.ends_in == UNPLANNED).peekable();
        if unplanned.peek().is_none() {
            return;
        }
        let mut counts: Vec<u64> = groups.iter().map(|group| group.count).collect();
        for session in unplanned {
            if let Some(index) = take_without_return(&mut counts, random) {
                let Group { ends_in, steps, bucket, .. } = groups[index];
                *session = Session { user: session.user, ends_in, steps, bucket };
            }
        }
    }

    /// Takes out the sessions that end in a second.
    pub(crate) fn end(&mut self, stratum: usize, cell: u64) -> Vec<Session> {
        self.sessions[stratum].extract_if(.., |session| session.ends_in == cell).collect()
    }

    /// The users with names among those of so many calls; each call is of one of the `live` sessions.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(crate) fn callers(&self, stratum: usize, calls: u64, live: u64, random: &mut Random) -> Vec<usize> {
        let sessions = &self.sessions[stratum];
        if sessions.is_empty() {
            return Vec::new();
        }
        let theirs = binomial(calls, sessions.len() as f64 / live.max(1) as f64, random);
        let pick = |_| sessions[usize::try_from(random.below(sessions.len() as u64)).unwrap_or(0)].user;
        (0..theirs).map(pick).collect()
    }

    /// Takes out those among the sessions that users leave, of the `live` ones.
    pub(crate) fn leave(
        &mut self,
        stratum: usize,
        left: u64,
        mut live: u64,
        random: &mut Random,
    ) -> Vec<Session> {
        let sessions = &mut self.sessions[stratum];
        let mut gone = Vec::new();
        for _ in 0..left {
            if sessions.is_empty() {
                break;
            }
            let pick = random.below(live.max(1));
            if pick < sessions.len() as u64 {
                gone.push(sessions.swap_remove(usize::try_from(pick).unwrap_or(0)));
            }
            live = live.saturating_sub(1);
        }
        gone
    }
}

/// The tokens of a part of the calls, of all tokens of all calls; each call has tokens of the same distribution with this shape.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn part_of_tokens(
    tokens: [u64; TOKEN_TYPES.len()],
    (part, all): (u64, u64),
    shape: f64,
    random: &mut Random,
) -> [u64; TOKEN_TYPES.len()] {
    tokens.map(|tokens| {
        let (part, rest) = (part as f64 * shape, all.saturating_sub(part) as f64 * shape);
        if rest <= 0.0 { tokens } else { binomial(tokens, beta(part, rest, random), random) }
    })
}
