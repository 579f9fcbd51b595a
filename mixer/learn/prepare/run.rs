//! An output, part by part.

use std::collections::BTreeMap;
use std::path::Path;

use promemu_core::time::Time;
use promemu_wire::digest::key;
use promemu_wire::prepared::{
    Column, ColumnKind, NewOutput, Output, PipelineEntry, PreparedFolder, PreparedManifest, PreparedPart,
};
use promemu_wire::recording::{FileEntry, Recording, SliceEntry};
use promemu_wire::samples::ReadSeries;

use super::actions::{ActionTime, times};
use super::chain::{Chain, Counts, add, columns};
use super::inputs::Inputs;
use super::learned::{self, LEARNED, Learned, SeriesLearned};
use super::outliers::center_and_width;
use super::scaling::zero_and_unit;
use super::spec::{Part, PrepareSpec};
use super::split::{Stretch, stretches};
use super::windows::windows;
use crate::error::LearnError;
use crate::load::SAMPLES_MAX;
use crate::statistics::deviation;

/// The program, which the rows depend on.
const PROGRAM: &str = concat!("promemu ", env!("CARGO_PKG_VERSION"));
/// Count of series: in all parts together, those of the part that has the most.
const SERIES: &str = "extract.series";
const WINDOWS: &str = "windows.parquet";

/// An output that was made, or is as it was.
#[derive(Debug)]
pub struct PrepareOutcome {
    /// The output in use.
    pub output: Output,
    /// `false` if nothing had changed.
    pub is_new: bool,
    /// Number of parts that were made.
    pub made: usize,
    /// Number of parts that were kept.
    pub kept: usize,
}

/// All that parts have in common.
struct Run<'r> {
    spec: &'r PrepareSpec,
    inputs: Inputs<'r>,
    range_ms: (i64, i64),
    actions: Vec<ActionTime>,
    stretches: Vec<Stretch>,
    /// Names and types of families, as one text.
    families: String,
}

/// Makes rows of a recording. `lineage` gives the events of a manifest that is about to be used in a folder; `progress` hears the
/// parts, each of how many.
///
/// # Errors
///
/// The recording has no samples in the time, is damaged or too large, or the output cannot be written.
pub fn prepare(
    recording: &Recording,
    spec: &PrepareSpec,
    folder: &PreparedFolder,
    lineage: impl FnOnce(&PreparedManifest, &Path) -> Vec<String>,
    mut progress: impl FnMut(&'static str, usize, usize),
) -> Result<PrepareOutcome, LearnError> {
    let mut run = Run::new(recording, spec)?;
    let before = folder.current().map_err(LearnError::Output)?;
    let new = folder.begin().map_err(LearnError::Output)?;
    let mut manifest = run.manifest();
    let learned = run.learn(&new, before.as_ref(), &mut manifest, &mut progress)?;
    let parts = run.parts();
    let (mut made, mut kept) = (0, 0);
    for (n, range) in parts.iter().enumerate() {
        let key = run.part_key(*range, manifest.learned.as_ref());
        let old = before
            .as_ref()
            .and_then(|output| Some((output, output.manifest.parts.iter().find(|part| part.key == key)?)));
        let part = if let Some((output, part)) = old {
            new.keep(output, &part.file).map_err(LearnError::Output)?;
            kept += 1;
            part.clone()
        } else {
            made += 1;
            run.make_part(&new, *range, key, &learned)?
        };
        for (name, count) in &part.counts {
            add(&mut manifest.counts, name, usize::try_from(*count).unwrap_or(usize::MAX));
        }
        manifest.parts.push(part);
        progress("parts", n + 1, parts.len());
    }
    // The same series may be in all parts.
    let series = manifest.parts.iter().filter_map(|part| part.counts.get(SERIES)).max().copied();
    manifest.counts.insert(SERIES.to_owned(), series.unwrap_or(0));
    run.put_windows(&new, &mut manifest)?;
    if let Some(output) = before.filter(|output| output.manifest == manifest) {
        new.discard().map_err(LearnError::Output)?;
        return Ok(PrepareOutcome { output, is_new: false, made, kept });
    }
    let events = lineage(&manifest, new.path());
    let path = new.commit(&manifest, &events).map_err(LearnError::Output)?;
    Ok(PrepareOutcome { output: Output { path, manifest }, is_new: true, made, kept })
}

impl<'r> Run<'r> {
    fn new(recording: &'r Recording, spec: &'r PrepareSpec) -> Result<Self, LearnError> {
        let (from_ms, to_ms) = recording.range().ok_or(LearnError::NoTime)?;
        let range_ms = (
            spec.range_ms.0.map_or(from_ms, |own| own.max(from_ms)),
            spec.range_ms.1.map_or(to_ms, |own| own.min(to_ms)),
        );
        if range_ms.0 >= range_ms.1 {
            return Err(LearnError::NoTime);
        }
        let families = recording.manifest().families.iter();
        let families: Vec<String> = families.map(|(name, entry)| format!("{name} {}", entry.kind)).collect();
        Ok(Self {
            spec,
            inputs: Inputs::new(recording, spec),
            range_ms,
            actions: times(&recording.actions()?),
            stretches: stretches(&spec.split, range_ms),
            families: families.join("\n"),
        })
    }

    /// A manifest without any part.
    fn manifest(&self) -> PreparedManifest {
        let needed = Chain::needs_ms(self.spec, self.range_ms);
        let mut inputs: Vec<FileEntry> =
            self.inputs.slices(needed).into_iter().flat_map(|slice| slice.files.clone()).collect();
        inputs.extend(self.inputs.recording.manifest().actions.clone());
        let spec = self.spec;
        PreparedManifest {
            program: PROGRAM.to_owned(),
            pipeline: PipelineEntry {
                name: spec.name.clone(),
                version: spec.version.clone(),
                sha256: spec.sha256.clone(),
                fold: spec.split.fold,
            },
            inputs_sha256: key(inputs.iter().map(|file| &file.sha256)),
            inputs,
            columns: columns(spec).into_iter().map(|(name, _)| name).collect(),
            ..PreparedManifest::default()
        }
    }

    /// The ranges of the parts, in order of time.
    fn parts(&self) -> Vec<(i64, i64)> {
        let (part_ms, (from_ms, to_ms)) = (self.spec.part_ms, self.range_ms);
        let mut begin = from_ms.div_euclid(part_ms) * part_ms;
        let mut parts = Vec::new();
        while begin < to_ms {
            parts.push((begin.max(from_ms), (begin + part_ms).min(to_ms)));
            begin += part_ms;
        }
        parts
    }

    /// The time until which something is learned.
    fn learn_until_ms(&self) -> i64 {
        self.spec.split.learn_until_ms.map_or(self.range_ms.1, |until| until.min(self.range_ms.1))
    }

    fn key_of(&self, ranges: &[(i64, i64)], more: &[String]) -> String {
        let mut texts =
            vec![PROGRAM.to_owned(), self.spec.sha256.clone(), format!("{:?}", self.spec.split.fold)];
        texts.push(self.families.clone());
        texts.extend_from_slice(more);
        for range in ranges {
            let needed = Chain::needs_ms(self.spec, *range);
            let is_in = |begin: i64, end: i64| begin < needed.1 && needed.0 < end;
            texts.push(format!("{range:?}"));
            texts.extend(
                self.inputs
                    .slices(needed)
                    .into_iter()
                    .flat_map(|slice: &SliceEntry| slice.files.iter().map(|file| file.sha256.clone())),
            );
            let stretches = self.stretches.iter().filter(|own| is_in(own.begin_ms, own.end_ms));
            texts.extend(stretches.map(|own| format!("{own:?}")));
            let actions = self.actions.iter().filter(|own| is_in(own.begin_ms, own.end_ms));
            texts.extend(
                actions.map(|own| format!("{} {:?}", own.name, (own.begin_ms, own.end_ms.min(needed.1)))),
            );
        }
        key(texts)
    }

    fn part_key(&self, range: (i64, i64), learned: Option<&FileEntry>) -> String {
        self.key_of(&[range], &[learned.map_or_else(String::new, |file| file.sha256.clone())])
    }

    /// The lesson of the rows of training: the one that was learned before, if they are the same.
    fn learn(
        &mut self,
        new: &NewOutput<'_>,
        before: Option<&Output>,
        manifest: &mut PreparedManifest,
        progress: &mut impl FnMut(&'static str, usize, usize),
    ) -> Result<Learned, LearnError> {
        if !self.spec.learns() {
            return Ok(Learned::new());
        }
        let until_ms = self.learn_until_ms();
        let is_training = |range: &(i64, i64)| {
            let end = range.1.min(until_ms);
            self.stretches
                .iter()
                .any(|own| own.part == Part::Train && own.begin_ms < end && range.0 < own.end_ms)
        };
        let parts: Vec<(i64, i64)> = self.parts().into_iter().filter(is_training).collect();
        let key = self.key_of(&parts, &[until_ms.to_string()]);
        manifest.learned_key = Some(key.clone());
        let old = before.filter(|output| output.manifest.learned_key.as_ref() == Some(&key));
        if let Some((output, file)) = old.and_then(|output| Some((output, output.manifest.learned.as_ref()?)))
        {
            new.keep(output, file).map_err(LearnError::Output)?;
            manifest.learned = Some(file.clone());
            return learned::read(&output.path.join(LEARNED)).map_err(LearnError::Output);
        }
        let mut learned = Learned::new();
        if self.spec.outliers.is_some() {
            for (series, values) in self.training(&parts, None, progress)? {
                let (center, width) = center_and_width(&values);
                learned.insert(series, SeriesLearned { center, width, ..SeriesLearned::default() });
            }
        }
        for (series, values) in self.training(&parts, Some(&learned), progress)? {
            let own = learned.entry(series).or_default();
            let mut unit = 1.0;
            if let Some(scale) = self.spec.scale {
                (own.zero, own.unit) = zero_and_unit(&values, scale);
                unit = own.unit;
            }
            own.deviation = deviation(&values) / unit;
        }
        let written = new.table(LEARNED, &learned::columns(), |put| put(learned::table(&learned)));
        manifest.learned = Some(written.map_err(LearnError::Output)?.0);
        Ok(learned)
    }

    /// The values of training of each series: those on the grid, or with what was learned of outliers the cleaned ones.
    fn training(
        &mut self,
        parts: &[(i64, i64)],
        learned: Option<&Learned>,
        progress: &mut impl FnMut(&'static str, usize, usize),
    ) -> Result<BTreeMap<ReadSeries, Vec<f64>>, LearnError> {
        let until_ms = self.learn_until_ms();
        let mut all: BTreeMap<ReadSeries, Vec<f64>> = BTreeMap::new();
        let mut count = 0;
        for (n, range) in parts.iter().enumerate() {
            let samples = self.inputs.read(Chain::needs_ms(self.spec, *range))?;
            let chain = Chain::new(self.spec, &self.stretches, &self.actions, *range);
            let mut unused = Counts::new();
            for (series, floats) in samples.floats {
                let mut values = chain.aligned(&floats, self.inputs.is_counter(&series), &mut unused);
                if let Some(learned) = learned {
                    let own = learned.get(&series).copied().unwrap_or_default();
                    values = chain.cleaned(&series, values, &own, &mut unused).values;
                }
                let found: Vec<f64> = chain.of_training(&values, until_ms).collect();
                count += found.len();
                if !found.is_empty() {
                    all.entry(series).or_default().extend(found);
                }
            }
            if count > SAMPLES_MAX {
                return Err(LearnError::TooLarge { max: SAMPLES_MAX });
            }
            progress("parts of training", n + 1, parts.len());
        }
        Ok(all)
    }

    fn make_part(
        &mut self,
        new: &NewOutput<'_>,
        range: (i64, i64),
        key: String,
        learned: &Learned,
    ) -> Result<PreparedPart, LearnError> {
        let samples = self.inputs.read(Chain::needs_ms(self.spec, range))?;
        let chain = Chain::new(self.spec, &self.stretches, &self.actions, range);
        let mut counts = Counts::new();
        let path = part_path(range.0);
        let written = new.table(&path, &columns(self.spec), |put| {
            for (series, floats) in &samples.floats {
                let mut own_counts = Counts::new();
                let values = chain.aligned(floats, self.inputs.is_counter(series), &mut own_counts);
                if !chain.has_values(&values) {
                    continue;
                }
                let own = learned.get(series).copied().unwrap_or_default();
                let cleaned = chain.cleaned(series, values, &own, &mut own_counts);
                for rows in chain.rows(series, cleaned, &own, &mut own_counts) {
                    put(rows)?;
                }
                add(&mut counts, SERIES, 1);
                for (name, count) in own_counts {
                    add(&mut counts, &name, usize::try_from(count).unwrap_or(usize::MAX));
                }
            }
            Ok(())
        });
        let (file, ()) = written.map_err(LearnError::Output)?;
        add(
            &mut counts,
            "extract.histograms_left_out",
            usize::try_from(samples.histograms).unwrap_or(usize::MAX),
        );
        add(&mut counts, "load.rows", usize::try_from(file.rows).unwrap_or(usize::MAX));
        Ok(PreparedPart { begin_ms: range.0, end_ms: range.1, key, counts, file })
    }

    fn put_windows(&self, new: &NewOutput<'_>, manifest: &mut PreparedManifest) -> Result<(), LearnError> {
        let Some(wanted) = &self.spec.windows else { return Ok(()) };
        let (found, left_out) = windows(wanted, &self.stretches, self.range_ms.1, &self.actions);
        let columns = [
            ("begin", ColumnKind::Time),
            ("end", ColumnKind::Time),
            ("part", ColumnKind::Text),
            ("action", ColumnKind::Text),
        ]
        .map(|(name, kind)| (name.to_owned(), kind));
        let with_action = found.iter().filter(|window| !window.action.is_empty()).count();
        let rows = vec![
            Column::Times(found.iter().map(|window| window.begin_ms).collect()),
            Column::Times(found.iter().map(|window| window.end_ms).collect()),
            Column::Texts(found.iter().map(|window| (window.part.name().to_owned(), 1)).collect()),
            Column::Texts(found.iter().map(|window| (window.action.clone(), 1)).collect()),
        ];
        let written = new.table(WINDOWS, &columns, |put| put(rows)).map_err(LearnError::Output)?;
        manifest.windows = Some(written.0);
        add(&mut manifest.counts, "windows.rows", found.len());
        add(&mut manifest.counts, "windows.with_action", with_action);
        add(&mut manifest.counts, "windows.left_out", usize::try_from(left_out).unwrap_or(usize::MAX));
        Ok(())
    }
}

/// The path of the rows from a time on.
fn part_path(begin_ms: i64) -> String {
    let since_epoch = u64::try_from(begin_ms.div_euclid(1000)).unwrap_or(0);
    let text = Time::from_unix_secs(since_epoch).rfc3339();
    let time: String = text.chars().skip(11).take(8).filter(char::is_ascii_digit).collect();
    format!("rows/day={}/{time}.parquet", &text[..10])
}
