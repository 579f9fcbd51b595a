//! The policy of a recording: its tiers, in RON.

use std::path::Path;

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_core::{text_file, user_file};
use promemu_wire::recording::{Measurement, Tier, TierStore};
use serde::Deserialize;

use super::fields::{self, FieldTexts};
use super::places::{self, Place, StoreText};
use crate::ron_file;

/// The policy without `--policy`.
const DEFAULT: &str = r#"[
    (tier: "hot", keep: "30d"),
    (tier: "warm", step: "1m", keep: "365d"),
    (tier: "cold", step: "1h", keep: "1826d"),
]"#;

/// A tier as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierText {
    tier: String,
    step: Option<String>,
    keep: Option<String>,
    store: Option<StoreText>,
    after: Option<String>,
    measurement: Option<String>,
    fields: Option<FieldTexts>,
}

/// The tiers of a recording, and their stores.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) tiers: Vec<Tier>,
    pub(super) places: Vec<Place>,
}

/// The policy of a file, or that without one.
pub(super) fn read(path: Option<&Path>) -> Result<Policy, Error> {
    let Some(path) = path else { return parse(DEFAULT, Path::new("")).map_err(Error::Usage) };
    let text = text_file::read(path, user_file::SMALL_BYTES_MAX).map_err(|source| {
        let what = format!("--policy or PME_STORE_POLICY: {} cannot be read", path.display());
        Error::System { what, source }
    })?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse(&text, base).map_err(|why| Error::Usage(format!("{}:{why}", path.display())))
}

fn parse(text: &str, base: &Path) -> Result<Policy, String> {
    let texts: Vec<TierText> = ron_file::parse(text)?;
    let Policy { mut tiers, mut places } = Policy::default();
    for TierText { tier, step, keep, store, after, measurement, fields } in texts {
        let millis =
            |field: &str, text: Option<String>| text.map(|text| millis(&tier, field, &text)).transpose();
        let (step_ms, keep_ms) = (millis("step", step)?, millis("keep", keep)?);
        if step_ms.is_some_and(|step| step % 1000 != 0 || 86_400_000 % step != 0) {
            return Err(format!("tier {tier}: step must be whole seconds that divide a day, as in 1m or 1h"));
        }
        let is_measurement = measurement.is_some();
        let is_alike = |other: &Tier| {
            other.step_ms == step_ms && !other.is_measurement && !is_measurement || other.name == tier
        };
        if tiers.iter().any(is_alike) {
            return Err(format!("tier {tier} is there twice, or another one has its step; leave one out"));
        }
        if after.is_some() && store.is_none() {
            return Err(format!(
                "tier {tier}: after needs store beside it, the place where its days move to"
            ));
        }
        let after_ms = millis("after", after)?.unwrap_or(0);
        let keep_secs = keep_ms.and_then(|keep| u64::try_from(keep / 1000).ok());
        let place = store.map(|store| store.place(base, (&tier, keep_secs))).transpose();
        let place = place.and_then(|place| measured(place, (measurement, fields), step_ms));
        let place = place.map_err(|why| format!("tier {tier}: {why}"))?;
        let (databases, files): (Vec<Place>, Vec<Place>) = place.into_iter().partition(Place::is_database);
        let store = files.first().map(|place| TierStore { address: place.address(), after_ms });
        let database = databases.first().map(Place::address);
        places.extend(databases.into_iter().chain(files));
        let step_ms = step_ms.filter(|_| !is_measurement);
        tiers.push(Tier { name: tier, step_ms, keep_ms, store, database, is_measurement });
    }
    places::add_queries(&mut places, &tiers);
    Ok(Policy { tiers, places })
}

/// The place of a tier, whose rows may be those of a measurement.
fn measured(
    place: Option<Place>,
    (name, texts): (Option<String>, Option<FieldTexts>),
    step_ms: Option<i64>,
) -> Result<Option<Place>, String> {
    let Some(name) = name else {
        let why = "fields needs measurement beside it, the name of what has them";
        return if texts.is_some() { Err(why.to_owned()) } else { Ok(place) };
    };
    let (Some(Place::Influxdb { settings, token, .. }), Some(step_ms)) = (place, step_ms) else {
        return Err("measurement needs a step, and influxdb(…) as its store".to_owned());
    };
    let (tags, fields) = (fields::tags(&settings.tags), fields::fields(texts)?);
    let measurement = Some(Measurement { name, step_ms, tags, fields });
    Ok(Some(Place::Influxdb { settings, token, measurement }))
}

fn millis(tier: &str, field: &str, text: &str) -> Result<i64, String> {
    let span = Span::parse(text).map_err(|error| format!("tier {tier}: {field}: {error}"))?;
    i64::try_from(span.as_nanos() / 1_000_000)
        .ok()
        .filter(|millis| *millis > 0 && span != Span::FOREVER)
        .ok_or_else(|| {
            format!("tier {tier}: {field} must be longer than 0 and not endless; leave keep out to keep it")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_have_steps_and_ages() {
        let tiers = parse(DEFAULT, Path::new("")).unwrap().tiers;
        let steps: Vec<Option<i64>> = tiers.iter().map(|tier| tier.step_ms).collect();
        assert_eq!(steps, [None, Some(60_000), Some(3_600_000)]);
        assert_eq!(tiers[0].keep_ms, Some(30 * 86_400_000));
    }

    #[test]
    fn a_wrong_tier_is_told() {
        let told = |text: &str| parse(text, Path::new("")).unwrap_err();
        assert!(
            told("[(tier: \"a\", step: \"7s\")]").contains("step must be whole seconds that divide a day")
        );
        assert!(told("[(tier: \"a\", keep: \"0s\")]").contains("keep must be longer than 0"));
        assert!(told("[(tier: \"a\"), (tier: \"b\")]").contains("tier b is there twice"));
        assert!(
            told("[(tier: \"a\", measurement: \"m\")]").contains("measurement needs a step, and influxdb(…)")
        );
        assert!(told("[(tier: \"a\", fields: {})]").contains("fields needs measurement beside it"));
        assert!(told("[(tier: \"a\", after: \"1d\")]").contains("after needs store beside it"));
        assert!(told("[(tier: \"a\", store: s3(bucket: \"\"))]").contains("tier a: s3 has no bucket"));
        assert!(
            told("[(tier: \"a\", store: s3(bucket: \"b\", options: { \"password\": \"x\" }))]")
                .contains("could be read by anyone")
        );
    }

    #[test]
    fn a_tier_has_its_store_by_an_address_without_secrets() {
        let text = r#"[
            (tier: "hot", store: folder("old"), after: "7d"),
            (tier: "cold", step: "1h", store: s3(bucket: "b", prefix: "/shop/", endpoint: "http://127.0.0.1:9000")),
        ]"#;
        let Policy { tiers, places } = parse(text, Path::new("/policies")).unwrap();
        let stores: Vec<TierStore> = tiers.into_iter().filter_map(|tier| tier.store).collect();
        assert_eq!(
            stores[0],
            TierStore { address: "folder /policies/old".to_owned(), after_ms: 7 * 86_400_000 }
        );
        assert_eq!(stores[1], TierStore { address: "s3://b/shop".to_owned(), after_ms: 0 });
        assert_eq!(places.len(), 2);
    }

    #[test]
    fn a_tier_of_steps_in_a_database_is_filled_from_that_of_samples_there() {
        let text = r#"[
            (tier: "warm", step: "1m", keep: "365d", store: influxdb(url: "http://h:8086", database: "shop")),
            (tier: "hot", keep: "30d", store: influxdb(url: "http://h:8086", database: "shop")),
            (tier: "cold", step: "1h", store: influxdb(url: "http://h:8086", org: "o", bucket: "b")),
        ]"#;
        let Policy { tiers, places } = parse(text, Path::new("")).unwrap();
        assert_eq!(tiers[0].database.as_deref(), Some("influxdb http://h:8086 shop/warm"));
        let query = |place: &Place| match place {
            Place::Influxdb { settings, .. } => settings.query.clone(),
            _ => None,
        };
        let query: Vec<_> = places.iter().map(query).collect();
        assert_eq!(query[0].as_ref().map(|query| (&*query.from, query.step_secs)), Some(("hot", 60)));
        assert_eq!(query[1..], [None, None]);
        let text = r#"[
            (tier: "hot", store: influxdb(url: "http://h:8086", database: "shop")),
            (tier: "health", step: "1m", store: influxdb(url: "http://h:8086", database: "shop"), measurement: "health_metrics"),
        ]"#;
        let Policy { tiers, places } = parse(text, Path::new("")).unwrap();
        assert_eq!((tiers[1].step_ms, tiers[1].is_measurement), (None, true));
        assert_eq!(tiers[1].database.as_deref(), Some("influxdb http://h:8086 shop/health health_metrics"));
        let measurement = match &places[1] {
            Place::Influxdb { measurement, .. } => measurement.clone().unwrap(),
            _ => panic!("it is in a database"),
        };
        let tags: Vec<&str> = measurement.tags.iter().map(|(tag, _)| &**tag).collect();
        assert_eq!((tags, measurement.step_ms), (vec!["service", "environment", "instance"], 60_000));
        let wrong = r#"[(tier: "a", store: influxdb(url: "http://h:8086", org: "o"))]"#;
        let told = parse(wrong, Path::new("")).unwrap_err();
        assert_eq!(told, "tier a: influxdb needs a database (1.x), or org and bucket (2.x)");
    }
}
