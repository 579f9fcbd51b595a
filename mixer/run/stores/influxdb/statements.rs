//! Statements of InfluxQL that make a database, its retention policies and its continuous queries.

use serde_json::Value;

use super::{ContinuousQuery, InfluxPlace, InfluxSettings};

/// The statements of a tier, each of which may be sent again; none for 2.x.
pub(super) fn of(settings: &InfluxSettings) -> Vec<String> {
    let InfluxPlace::V1 { database, retention, keep_secs } = &settings.place else { return Vec::new() };
    let (database, retention) = (quoted(database), quoted(retention));
    let duration = keep_secs.map_or_else(|| "INF".to_owned(), |secs| format!("{secs}s"));
    let policy = |verb: &str| {
        let default = if settings.query.is_none() { " DEFAULT" } else { "" };
        let replication = if verb == "CREATE" { " REPLICATION 1" } else { "" };
        format!("{verb} RETENTION POLICY {retention} ON {database} DURATION {duration}{replication}{default}")
    };
    let mut statements = vec![format!("CREATE DATABASE {database}"), policy("CREATE"), policy("ALTER")];
    if let Some(ContinuousQuery { from, step_secs }) = &settings.query {
        let from = quoted(from);
        // The retention policy that it reads from may be of a tier that comes later.
        statements.push(format!("DROP CONTINUOUS QUERY {retention} ON {database}"));
        statements.push(format!(
            "CREATE CONTINUOUS QUERY {retention} ON {database} BEGIN SELECT min(\"value\") AS \"min\", \
             max(\"value\") AS \"max\", mean(\"value\") AS \"mean\", count(\"value\") AS \"count\", \
             last(\"value\") AS \"last\" INTO {database}.{retention}.:MEASUREMENT FROM {database}.{from}./.*/ \
             GROUP BY time({step_secs}s), * END"
        ));
    }
    statements
}

/// The error in an answer, if it matters: a retention policy that is there is changed by the next statement, and a query that
/// is not there need not be dropped.
pub(super) fn check(answer: &[u8], statement: &str) -> Result<(), String> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let error = answer["results"][0]["error"].as_str().or_else(|| answer["error"].as_str());
    match error {
        None => Ok(()),
        Some(_) if statement.starts_with("DROP ") => Ok(()),
        Some(error) if statement.starts_with("CREATE RETENTION") && error.contains("already exists") => {
            Ok(())
        }
        Some(error) => Err(format!("{statement}: {error}")),
    }
}

/// A name in quotation marks.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use crate::http::{HttpOptions, TargetUrl};

    use super::*;

    fn settings(query: Option<ContinuousQuery>) -> InfluxSettings {
        InfluxSettings {
            url: TargetUrl::parse("http://h:8086", "url", "x").unwrap(),
            http: HttpOptions::default(),
            token: None,
            place: InfluxPlace::V1 {
                database: "a\"b".to_owned(),
                retention: "warm".to_owned(),
                keep_secs: Some(60),
            },
            query,
            tags: Vec::new(),
        }
    }

    #[test]
    fn a_tier_has_its_retention_policy_and_one_of_steps_a_query_that_fills_it() {
        let raw = of(&settings(None));
        assert_eq!(raw.len(), 3);
        assert_eq!(raw[0], r#"CREATE DATABASE "a\"b""#);
        assert_eq!(raw[1], r#"CREATE RETENTION POLICY "warm" ON "a\"b" DURATION 60s REPLICATION 1 DEFAULT"#);
        let steps = of(&settings(Some(ContinuousQuery { from: "hot".to_owned(), step_secs: 60 })));
        assert_eq!(steps[2], r#"ALTER RETENTION POLICY "warm" ON "a\"b" DURATION 60s"#);
        assert!(steps[4].ends_with(
            r#"INTO "a\"b"."warm".:MEASUREMENT FROM "a\"b"."hot"./.*/ GROUP BY time(60s), * END"#
        ));
    }

    #[test]
    fn an_error_counts_unless_it_says_that_there_is_nothing_to_do() {
        let error = br#"{"results":[{"statement_id":0,"error":"retention policy already exists"}]}"#;
        assert_eq!(check(error, "CREATE RETENTION POLICY x"), Ok(()));
        assert_eq!(check(error, "DROP CONTINUOUS QUERY x"), Ok(()));
        assert!(check(error, "CREATE DATABASE x").is_err());
        assert_eq!(check(br#"{"results":[{"statement_id":0}]}"#, "CREATE DATABASE x"), Ok(()));
    }
}
