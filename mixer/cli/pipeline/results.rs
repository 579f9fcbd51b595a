//! The results of a pipeline: the recording as it has become, and the files that were made beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use promemu_wire::recording::Recording;
use promemu_wire::samples::SampleValue;

/// The results of one pipeline.
#[derive(Debug)]
pub(super) struct Results {
    /// Slices, rows, bytes, and a sum over all samples that knows no order.
    slices: [u64; 3],
    samples: u64,
    /// Rows and bytes of steps by their length in milliseconds.
    steps: BTreeMap<i64, [u64; 2]>,
    /// The files beside it by their names.
    files: BTreeMap<PathBuf, Made>,
}

/// A file.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    bytes: u64,
    /// `false` for one that is no text, whose lines tell nothing.
    is_text: bool,
    /// Number of its lines by a hash of each.
    lines: BTreeMap<u64, u64>,
}

/// The files in a folder, without those in folders, by their content.
pub(super) fn files(folder: &Path) -> io::Result<BTreeSet<(PathBuf, u64)>> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            let made = Made::read(&path)?;
            files.insert((PathBuf::from(path.file_name().unwrap_or_default()), hash_of(&made.lines)));
        }
    }
    Ok(files)
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Made {
    fn read(path: &Path) -> io::Result<Self> {
        let mut file = BufReader::new(fs::File::open(path)?);
        let (mut line, mut made) = (Vec::new(), Self { bytes: 0, is_text: true, lines: BTreeMap::new() });
        while file.read_until(b'\n', &mut line)? > 0 {
            made.bytes += line.len() as u64;
            made.is_text &= !line.contains(&0);
            *made.lines.entry(hash_of(&line)).or_default() += 1;
            line.clear();
        }
        Ok(made)
    }

    /// Number of lines that another file does not have.
    fn lines_only_here(&self, other: &Self) -> u64 {
        let more = |(line, count): (&u64, &u64)| {
            count.saturating_sub(other.lines.get(line).copied().unwrap_or_default())
        };
        self.lines.iter().map(more).sum()
    }
}

impl Results {
    /// The files in the folder of a pipeline, but for those that were there before.
    pub(super) fn read(
        folder: &Path,
        (recording, before): (&Path, &BTreeSet<(PathBuf, u64)>),
    ) -> io::Result<Self> {
        let recording = Recording::open(&folder.join(recording))?;
        let manifest = recording.manifest();
        let of_slices = || manifest.slices.iter().flat_map(|slice| &slice.files);
        let slices =
            [manifest.slices.len() as u64, manifest.rows(), of_slices().map(|file| file.bytes).sum()];
        let mut steps: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
        for own in &manifest.steps {
            let [rows, bytes] = steps.entry(own.step_ms).or_default();
            (*rows, *bytes) = (*rows + own.file.rows, *bytes + own.file.bytes);
        }
        let new = files(folder)?.into_iter().filter(|file| !before.contains(file));
        let made = new.map(|(name, _)| Ok((name.clone(), Made::read(&folder.join(name))?)));
        let files = made.collect::<io::Result<_>>()?;
        Ok(Self { slices, samples: samples(&recording)?, steps, files })
    }

    /// Both side by side, a line for each result.
    pub(super) fn compare(&self, other: &Self) -> String {
        let mut text = String::new();
        let sizes = |[slices, rows, bytes]: [u64; 3]| format!("{slices} slices, {rows} rows, {bytes} bytes");
        let verdict =
            |is_same: bool, same: &str| if is_same { same.to_owned() } else { "different".to_owned() };
        let mut line = |name: &str, a: &str, b: &str, verdict: &str| {
            // A string takes all that is written.
            let _is_written = writeln!(text, "{name}: {a} | {b} | {verdict}").is_ok();
        };
        let samples = verdict(self.samples == other.samples, "the same samples");
        line("recording", &sizes(self.slices), &sizes(other.slices), &samples);
        for step_ms in self.steps.keys().chain(other.steps.keys()).collect::<BTreeSet<_>>() {
            let [a, b] = [self, other].map(|own| own.steps.get(step_ms));
            let sizes = |own: Option<&[u64; 2]>| {
                own.map_or_else(|| "none".to_owned(), |[rows, bytes]| format!("{rows} rows, {bytes} bytes"))
            };
            let rows = |own: Option<&[u64; 2]>| own.map(|[rows, _]| *rows);
            let name = format!("steps of {} s", step_ms / 1000);
            line(&name, &sizes(a), &sizes(b), &verdict(rows(a) == rows(b), "as many rows"));
        }
        for name in self.files.keys().chain(other.files.keys()).collect::<BTreeSet<_>>() {
            let [a, b] = [self, other].map(|own| own.files.get(name));
            let size = |own: Option<&Made>| {
                own.map_or_else(|| "none".to_owned(), |made| format!("{} bytes", made.bytes))
            };
            let verdict = match (a, b) {
                (Some(a), Some(b)) if a.lines == b.lines => "the same lines".to_owned(),
                (Some(a), Some(b)) if !(a.is_text && b.is_text) => "different".to_owned(),
                (Some(a), Some(b)) => {
                    let [only_a, only_b] = [a.lines_only_here(b), b.lines_only_here(a)];
                    format!("{only_a} lines only in a, {only_b} only in b")
                }
                _ => "only one has it".to_owned(),
            };
            line(&name.display().to_string(), &size(a), &size(b), &verdict);
        }
        text
    }
}

/// A sum over all samples, in whatever order and slices they are.
fn samples(recording: &Recording) -> io::Result<u64> {
    let mut sum = 0u64;
    for slice in recording.slices() {
        recording.for_each(slice, |series, samples| {
            for (at, value) in samples {
                let value = match value {
                    SampleValue::Float(value) => hash_of(&value.to_bits()),
                    SampleValue::Histogram(histogram) => hash_of(&format!("{histogram:?}")),
                };
                sum = sum.wrapping_add(hash_of(&(series, at, value)));
            }
            Ok(())
        })?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(rows: u64, samples: u64, text: &str) -> Results {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        fs::write(&path, text).unwrap();
        let files = BTreeMap::from([(PathBuf::from("x.csv"), Made::read(&path).unwrap())]);
        Results { slices: [1, rows, 9], samples, steps: BTreeMap::from([(60_000, [rows, 5])]), files }
    }

    #[test]
    fn two_results_stand_side_by_side() {
        let (a, b) = (results(3, 7, "a\nb\nb\n"), results(4, 8, "b\nc\na\n"));
        insta::assert_snapshot!(a.compare(&b), @r"
        recording: 1 slices, 3 rows, 9 bytes | 1 slices, 4 rows, 9 bytes | different
        steps of 60 s: 3 rows, 5 bytes | 4 rows, 5 bytes | different
        x.csv: 6 bytes | 6 bytes | 1 lines only in a, 1 only in b
        ");
        let same = results(3, 7, "b\na\nb\n");
        let shown = a.compare(&same);
        assert!(shown.contains("| the same samples\n") && shown.ends_with("| the same lines\n"), "{shown}");
    }
}
