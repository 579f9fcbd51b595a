//! Settings of a delivery: authentication, shards, and the sizes of batches and of the queue.

use indexmap::IndexMap;

use crate::http::HttpOptions;
use promemu_core::error::Error;

const SHARDS_MAX: u64 = 64;

/// Settings of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySettings {
    /// Authentication and TLS.
    pub http: HttpOptions,
    /// Requests under way at the same time. A host's series are always in the same shard.
    pub shards: usize,
    /// Samples of a request, approximately.
    pub batch_samples: usize,
    /// Samples in the queue, at most.
    pub queue_samples: u64,
    /// Compressed bytes in the queue, at most.
    pub queue_bytes: usize,
}

/// Bytes of a request before compression, approximately at most.
pub const BATCH_BYTES: usize = 1 << 20;

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            http: HttpOptions::default(),
            shards: 2,
            batch_samples: 2_000,
            queue_samples: 2_000_000,
            queue_bytes: 64 << 20,
        }
    }
}

impl DeliverySettings {
    /// The keys that [`Self::take_from`] knows in addition to those of [`HttpOptions`].
    pub const KEYS: [&str; 4] = ["shards", "batch_samples", "queue_samples", "queue_mib"];

    /// Takes its keys out of an output's options and leaves the others.
    pub fn take_from(options: &mut IndexMap<String, String>) -> Result<Self, Error> {
        let mut settings = Self { http: HttpOptions::take_from(options)?, ..Self::default() };
        if let Some(shards) = number(options, "shards", 1..=SHARDS_MAX)? {
            settings.shards = usize::try_from(shards).unwrap_or(1);
        }
        if let Some(samples) = number(options, "batch_samples", 1..=1_000_000)? {
            settings.batch_samples = usize::try_from(samples).unwrap_or(1);
        }
        if let Some(samples) = number(options, "queue_samples", 1..=u64::MAX)? {
            settings.queue_samples = samples;
        }
        if let Some(mib) = number(options, "queue_mib", 1..=1 << 20)? {
            settings.queue_bytes = usize::try_from(mib << 20).unwrap_or(usize::MAX);
        }
        Ok(settings)
    }
}

fn number(
    options: &mut IndexMap<String, String>,
    key: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>, Error> {
    let Some(text) = options.shift_remove(key) else { return Ok(None) };
    match text.parse() {
        Ok(number) if range.contains(&number) => Ok(Some(number)),
        _ => {
            let most = if *range.end() == u64::MAX { String::new() } else { format!(" to {}", range.end()) };
            Err(Error::Usage(format!("{key} {text:?} is not a whole number from {}{most}", range.start())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(options: &[(&str, &str)]) -> Result<DeliverySettings, Error> {
        let mut options =
            options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        DeliverySettings::take_from(&mut options)
    }

    #[test]
    fn settings_are_read_and_checked() {
        assert_eq!(take(&[]).unwrap(), DeliverySettings::default());
        let settings = take(&[("shards", "4"), ("queue_mib", "1")]).unwrap();
        assert_eq!((settings.shards, settings.queue_bytes), (4, 1 << 20));
        for (key, value) in
            [("shards", "0"), ("shards", "65"), ("batch_samples", "many"), ("queue_samples", "-1")]
        {
            let error = take(&[(key, value)]).unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
