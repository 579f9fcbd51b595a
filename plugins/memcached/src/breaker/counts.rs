//! A breaker's counts: requests and their results, in a window that rolls on bucket by bucket.
//!
//! The arithmetic is gobreaker's, its saturation and its rule for runs that reach into the oldest bucket included.

/// Requests and results of one generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were let through.
    pub requests: u32,
    /// Those that succeeded.
    pub successes: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those whose result says nothing about the server.
    pub exclusions: u32,
    /// Successes since the last failure.
    pub consecutive_successes: u32,
    /// Failures since the last success.
    pub consecutive_failures: u32,
}

/// The result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server answered as it should.
    Success,
    /// It did not.
    Failure,
    /// The result says nothing about the server.
    Excluded,
}

impl Counts {
    const fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Success => {
                self.successes += 1;
                self.consecutive_successes += 1;
                self.consecutive_failures = 0;
            }
            Verdict::Failure => {
                self.failures += 1;
                self.consecutive_failures += 1;
                self.consecutive_successes = 0;
            }
            Verdict::Excluded => self.exclusions += 1,
        }
    }

    /// Requests without the excluded ones.
    #[must_use]
    pub const fn valid_requests(&self) -> u32 {
        self.requests.saturating_sub(self.exclusions)
    }
}

/// Counts in buckets, of which the oldest leaves when a new one begins.
#[derive(Clone, Debug)]
pub(super) struct RollingCounts {
    pub(super) total: Counts,
    /// Number of the current bucket since the generation began.
    pub(super) age: u64,
    buckets: Vec<Counts>,
}

impl RollingCounts {
    /// There is always one bucket.
    pub(super) fn new(buckets: usize) -> Self {
        Self { total: Counts::default(), age: 0, buckets: vec![Counts::default(); buckets.max(1)] }
    }

    /// `true` if it has several buckets, and so rolls.
    pub(super) fn rolls(&self) -> bool {
        self.buckets.len() > 1
    }

    fn index(&self, age: u64) -> usize {
        usize::try_from(age % self.buckets.len() as u64).unwrap_or(0)
    }

    pub(super) fn clear(&mut self) {
        self.total = Counts::default();
        self.age = 0;
        self.buckets.fill(Counts::default());
    }

    pub(super) fn request(&mut self) {
        let current = self.index(self.age);
        self.total.requests += 1;
        self.buckets[current].requests += 1;
    }

    /// Counts a result in the bucket of its request; without effect once that has left.
    pub(super) fn result(&mut self, age: u64, verdict: Verdict) {
        if age > self.age || self.age - age >= self.buckets.len() as u64 {
            return;
        }
        let bucket = self.index(age);
        self.total.add(verdict);
        self.buckets[bucket].add(verdict);
    }

    /// Rolls on until the bucket of this number is the current one.
    pub(super) fn grow(&mut self, age: u64) {
        let Some(steps) = age.checked_sub(self.age) else { return };
        if steps >= self.buckets.len() as u64 {
            self.clear();
            self.age = age;
            return;
        }
        for _ in 0..steps {
            self.age += 1;
            let current = self.index(self.age);
            self.subtract(current);
            self.buckets[current] = Counts::default();
        }
    }

    fn subtract(&mut self, oldest: usize) {
        let bucket = self.buckets[oldest];
        let sum_of_others = |of: fn(&Counts) -> u32| -> u32 {
            let others = self.buckets.iter().enumerate().filter(|(index, _)| *index != oldest);
            others.map(|(_, counts)| of(counts)).sum()
        };
        let total = &self.total;
        // A run is shortened only if it reaches into the bucket that leaves.
        let run_left = |run: u32, in_bucket: u32, in_others: u32| {
            if run == in_bucket + in_others { run.saturating_sub(in_bucket) } else { run }
        };
        self.total = Counts {
            requests: total.requests.saturating_sub(bucket.requests),
            successes: total.successes.saturating_sub(bucket.successes),
            failures: total.failures.saturating_sub(bucket.failures),
            exclusions: total.exclusions.saturating_sub(bucket.exclusions),
            consecutive_successes: run_left(
                total.consecutive_successes,
                bucket.consecutive_successes,
                sum_of_others(|counts| counts.successes),
            ),
            consecutive_failures: run_left(
                total.consecutive_failures,
                bucket.consecutive_failures,
                sum_of_others(|counts| counts.failures),
            ),
        };
    }
}
