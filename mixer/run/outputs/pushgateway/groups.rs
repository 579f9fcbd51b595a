//! Groups of a Pushgateway, read from its own exposition.
//!
//! Every group shows `push_time_seconds`, and one of promemu's also `promemu_run_info`, and `promemu_claim` if it holds claims.
//! Only the lines of these families are read, as they stream by; nothing else is kept. A Pushgateway also shows families of its own, so an answer
//! without any of these is none of a Pushgateway.

use indexmap::IndexMap;

use super::claims::{CLAIM, CLAIMED};
use super::run_info::{RUN_INFO, RunInfo};
use crate::http::PushError;
use promemu_core::time::{Span, Time};

const PUSH_TIME: &str = "push_time_seconds";
/// The beginning of the names of a Pushgateway's own families.
const OWN_PREFIX: &str = "pushgateway_";
/// A longer line is skipped.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Memory of the groups, approximately: a Pushgateway has fewer.
const KEPT_BYTES_MAX: usize = 128 << 20;
/// Memory of the parts of what is kept, beside their text: a group, each of its labels, a run, and a claim.
const GROUP_BYTES: usize = 128;
const LABEL_BYTES: usize = 128;
const RUN_BYTES: usize = 384;
const CLAIM_BYTES: usize = 256;

/// The grouping label of a run that is one of several shards: its number.
pub(super) const SHARD: &str = "shard";

type Labels = IndexMap<String, String>;

/// Job and shard.
type GroupKey = (String, String);

/// The key of the group of a series.
fn group_key(labels: &Labels) -> Option<GroupKey> {
    Some((labels.get("job")?.clone(), labels.get(SHARD).cloned().unwrap_or_default()))
}

/// A group on a Pushgateway.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayGroup {
    /// Its grouping labels, without empty ones.
    pub grouping: IndexMap<String, String>,
    /// Time of the last push, by the gateway's clock.
    pub pushed_at: Time,
    /// The run that pushed it, if promemu did.
    pub run: Option<RunInfo>,
    /// The jobs that this run is about to take.
    pub claims: Vec<String>,
}

impl GatewayGroup {
    /// The job, if there is no other grouping label but the shard: the form of promemu's own groups.
    #[must_use]
    pub fn job(&self) -> Option<&str> {
        let labels = 1 + usize::from(self.shard().is_some());
        (self.grouping.len() == labels).then(|| self.grouping.get("job").map(String::as_str)).flatten()
    }

    /// The shard of the run that pushed it; `None` for a whole run.
    #[must_use]
    pub fn shard(&self) -> Option<&str> {
        self.grouping.get(SHARD).map(String::as_str)
    }

    /// The key of what its own series say.
    fn key(&self) -> Option<GroupKey> {
        Some((self.job()?.to_owned(), self.shard().unwrap_or_default().to_owned()))
    }
}

/// Collects groups from an exposition in the text format that comes in chunks.
#[derive(Debug, Default)]
pub(super) struct GroupReader {
    line: Vec<u8>,
    is_too_long: bool,
    /// `true` once a line was there that only a Pushgateway has.
    is_gateway: bool,
    kept_bytes: usize,
    push_times: Vec<(Labels, f64)>,
    runs: IndexMap<GroupKey, RunInfo>,
    /// Claimed jobs by the job of the group.
    claims: IndexMap<GroupKey, Vec<String>>,
}

impl GroupReader {
    /// Reads the next part.
    ///
    /// # Errors
    ///
    /// There are more groups than a Pushgateway can have.
    pub(super) fn read(&mut self, chunk: &[u8]) -> Result<(), PushError> {
        for line_part in chunk.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + line_part.len() > LINE_BYTES_MAX {
                self.is_too_long = true;
                self.line.clear();
            }
            if !self.is_too_long {
                self.line.extend_from_slice(line_part);
            }
            if line_part.ends_with(b"\n") {
                self.end_line();
            }
        }
        if self.kept_bytes > KEPT_BYTES_MAX {
            let mib = KEPT_BYTES_MAX >> 20;
            return Err(PushError::Unexpected(format!(
                "it lists groups without end: more than {mib} MiB of them"
            )));
        }
        Ok(())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let is_whole = !std::mem::take(&mut self.is_too_long);
        let begins = |name: &str| is_whole && line.starts_with(name.as_bytes());
        self.is_gateway |= begins(OWN_PREFIX);
        if (begins(PUSH_TIME) || begins(RUN_INFO) || begins(CLAIM))
            && let Some((name, labels, value)) = std::str::from_utf8(&line).ok().and_then(parse_sample)
        {
            let kept = self.keep(name, labels, value);
            self.kept_bytes += kept.map_or(0, |bytes| bytes + line.len());
        }
    }

    /// Keeps what a sample says of a group; returns its memory beside the text, or `None` if it says nothing.
    fn keep(&mut self, name: &str, labels: Labels, value: f64) -> Option<usize> {
        match name {
            PUSH_TIME => {
                self.is_gateway = true;
                let bytes = GROUP_BYTES + labels.len() * LABEL_BYTES;
                self.push_times.push((labels, value));
                Some(bytes)
            }
            CLAIM => {
                let (group, claimed) = (group_key(&labels)?, labels.get(CLAIMED)?);
                self.claims.entry(group).or_default().push(claimed.clone());
                Some(CLAIM_BYTES)
            }
            // A group with more grouping labels is not the job's own group.
            RUN_INFO if labels.get("instance").is_none_or(String::is_empty) => {
                let (group, run) = (group_key(&labels)?, RunInfo::from_labels(&labels)?);
                self.runs.insert(group, run);
                Some(RUN_BYTES)
            }
            _ => None,
        }
    }

    /// The groups.
    ///
    /// # Errors
    ///
    /// No Pushgateway would have answered this.
    pub(super) fn finish(mut self) -> Result<Vec<GatewayGroup>, PushError> {
        self.end_line();
        if !self.is_gateway {
            return Err(PushError::Unexpected(
                "it is no Pushgateway: it lists neither groups nor metrics of its own; check the url"
                    .to_owned(),
            ));
        }
        let (mut runs, mut claims) = (self.runs, self.claims);
        let group = |(mut grouping, pushed_at): (Labels, f64)| {
            grouping.retain(|_, value| !value.is_empty());
            let pushed_at = Time::from_unix_secs(0) + Span::from_secs_f64(pushed_at).unwrap_or_default();
            let mut group = GatewayGroup { grouping, pushed_at, run: None, claims: Vec::new() };
            group.run = group.key().and_then(|key| runs.swap_remove(&key));
            if group.run.is_some() {
                group.claims = group.key().and_then(|key| claims.swap_remove(&key)).unwrap_or_default();
            }
            group
        };
        Ok(self.push_times.into_iter().map(group).collect())
    }
}

/// `name{label="value",…} number`
fn parse_sample(line: &str) -> Option<(&str, Labels, f64)> {
    let (name, mut rest) = line.split_once('{')?;
    let mut labels = Labels::new();
    while !rest.starts_with('}') {
        let (label, after) = rest.trim_start_matches(',').split_once("=\"")?;
        let (value, after) = parse_quoted(after)?;
        labels.insert(label.to_owned(), value);
        rest = after;
    }
    let number = rest[1..].split_whitespace().next()?.parse().ok()?;
    Some((name, labels, number))
}

/// The text up to the closing quote, and the rest after it.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

/// The groups in an exposition that comes in these chunks; `None` if it is none of a Pushgateway, or has too many.
pub(in crate::outputs) fn groups_of<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Option<Vec<GatewayGroup>> {
    let mut reader = GroupReader::default();
    for chunk in chunks {
        reader.read(chunk).ok()?;
    }
    reader.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"# HELP cpu x
cpu{instance="",job="mine",name="push_time_seconds"} 5
# TYPE promemu_run_info gauge
promemu_claim{claimed="x",instance="",job="mine"} 1
promemu_claim{claimed="y",instance="",job="mine"} 1
promemu_claim{claimed="z",instance="",job="theirs"} 1
promemu_run_info{config="c",instance="",job="mine",machine="m",pid="1-2",push_interval="15",run_id="r",version="0.1.0"} 1
# TYPE push_time_seconds gauge
push_time_seconds{instance="",job="mine"} 1.7676e+09
push_time_seconds{instance="i\"\\1",job="a,b={}"} 1.5
push_time_seconds{broken
"#;

    #[test]
    fn groups_are_read_in_chunks_of_any_size() {
        for size in [1, 7, 4096] {
            let mut reader = GroupReader::default();
            BODY.as_bytes().chunks(size).for_each(|chunk| reader.read(chunk).unwrap());
            let groups = reader.finish().unwrap();
            assert_eq!(groups.len(), 2);
            assert_eq!(groups[0].job(), Some("mine"));
            assert_eq!(groups[0].pushed_at, Time::from_unix_secs(1_767_600_000));
            assert_eq!(groups[0].run.as_ref().map(|run| run.run_id.as_str()), Some("r"));
            assert_eq!(
                (&groups[0].claims, groups[1].claims.len()),
                (&vec!["x".to_owned(), "y".to_owned()], 0)
            );
            assert_eq!(groups[1].grouping.get("instance").map(String::as_str), Some("i\"\\1"));
            assert_eq!((groups[1].job(), &groups[1].run), (None, &None));
        }
    }

    #[test]
    fn long_lines_are_not_kept() {
        let mut reader = GroupReader::default();
        for _ in 0..100 {
            reader.read(&[b'x'; 10_000]).unwrap();
            assert!(reader.line.len() <= LINE_BYTES_MAX);
        }
        reader.read(b"\npush_time_seconds{job=\"a\"} 1").unwrap();
        assert_eq!(reader.finish().unwrap().len(), 1);
    }

    #[test]
    fn groups_without_end_are_an_error() {
        let run = |run_id: &str| {
            format!(
                "promemu_run_info{{job=\"a\",run_id=\"{run_id}\",machine=\"m\",pid=\"1\",push_interval=\"1\"}} 1\n"
            )
        };
        for line in
            [format!("push_time_seconds{{job=\"{}\"}} 1\n", "x".repeat(50_000)), run(&"x".repeat(60_000))]
        {
            let mut reader = GroupReader::default();
            let is_refused = (0..4_000).any(|_| reader.read(line.as_bytes()).is_err());
            assert!(is_refused && reader.kept_bytes <= KEPT_BYTES_MAX + line.len());
        }
    }

    #[test]
    fn short_labels_and_short_lines_count_with_the_memory_that_they_take() {
        let labels: Vec<String> = (0..7_000).map(|number| format!("l{number:x}=\"\"")).collect();
        let line = format!("push_time_seconds{{{}}} 1\n", labels.join(","));
        assert!(line.len() < LINE_BYTES_MAX);
        let mut reader = GroupReader::default();
        let lines_max = KEPT_BYTES_MAX / (labels.len() * LABEL_BYTES);
        let is_refused = (0..=lines_max).any(|_| reader.read(line.as_bytes()).is_err());
        assert!(is_refused, "the labels take more memory than their text");
        for (line, memory) in [
            ("push_time_seconds{job=\"a\"} 1\n", GROUP_BYTES + LABEL_BYTES),
            ("promemu_claim{job=\"a\",claimed=\"b\"} 1\n", CLAIM_BYTES),
            ("promemu_claim{job=\"a\",other=\"b\"} 1\n", 0),
            ("promemu_run_info{job=\"a\",run_id=\"b\"} 1\n", 0),
        ] {
            let mut reader = GroupReader::default();
            reader.read(line.as_bytes()).unwrap();
            let text = if memory == 0 { 0 } else { line.len() };
            assert_eq!(reader.kept_bytes, memory + text, "{line}");
        }
    }

    #[test]
    fn an_answer_without_anything_of_a_pushgateway_is_an_error() {
        let finish = |text: &str| {
            let mut reader = GroupReader::default();
            reader.read(text.as_bytes()).unwrap();
            reader.finish()
        };
        assert_eq!(finish("pushgateway_build_info{version=\"1.5.1\"} 1\n").unwrap(), []);
        for other in
            ["", "<html>pushgateway_build_info</html>", "{}", "# HELP up x\nup 1\n", "# pushgateway_x 1\n"]
        {
            assert!(finish(other).unwrap_err().to_string().contains("no Pushgateway"), "{other}");
        }
    }
}
