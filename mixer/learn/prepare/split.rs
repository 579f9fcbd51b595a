//! Parts of time: contiguous blocks, with time between two of different parts that is used for nothing.

use super::spec::{Part, Split};

/// Time of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Its first millisecond, behind the embargo.
    pub(super) begin_ms: i64,
    /// The millisecond after its last.
    pub(super) end_ms: i64,
    pub(super) part: Part,
}

/// The stretches of a range, in order of time. Blocks of a fixed length do not change when the range grows.
pub(super) fn stretches(split: &Split, (from_ms, to_ms): (i64, i64)) -> Vec<Stretch> {
    let blocks = match split.block_ms {
        Some(block_ms) => taking_turns(split, block_ms, (from_ms, to_ms)),
        None => one_of_each(split, (from_ms, to_ms)),
    };
    let blocks = match (split.folds, split.fold) {
        (Some(folds), Some(fold)) => of_fold(&blocks, folds, fold),
        _ => blocks,
    };
    let mut stretches: Vec<Stretch> = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        match stretches.last_mut() {
            Some(last) if last.part == block.part && last.end_ms == block.begin_ms => {
                last.end_ms = block.end_ms;
                continue;
            }
            Some(_) => block.begin_ms = (block.begin_ms + split.embargo_ms).min(block.end_ms),
            None => {}
        }
        stretches.push(block);
    }
    stretches.retain(|stretch| stretch.begin_ms < stretch.end_ms && stretch.part != Part::Unused);
    stretches
}

/// The part of a time.
pub(super) fn part_at(stretches: &[Stretch], at_ms: i64) -> Part {
    stretch_at(stretches, at_ms).map_or(Part::Unused, |stretch| stretch.part)
}

/// The stretch of a time.
pub(super) fn stretch_at(stretches: &[Stretch], at_ms: i64) -> Option<&Stretch> {
    let behind = stretches.partition_point(|stretch| stretch.end_ms <= at_ms);
    stretches.get(behind).filter(|stretch| stretch.begin_ms <= at_ms)
}

fn one_of_each(split: &Split, (from_ms, to_ms): (i64, i64)) -> Vec<Stretch> {
    let all: i64 = split.weights.iter().map(|(_, weight)| i64::from(*weight)).sum();
    let mut below = 0;
    let blocks = split.weights.iter().map(|(part, weight)| {
        let begin_ms = from_ms + (to_ms - from_ms) * below / all.max(1);
        below += i64::from(*weight);
        Stretch { begin_ms, end_ms: from_ms + (to_ms - from_ms) * below / all.max(1), part: *part }
    });
    blocks.collect()
}

fn taking_turns(split: &Split, block_ms: i64, (from_ms, to_ms): (i64, i64)) -> Vec<Stretch> {
    let all: i64 = split.weights.iter().map(|(_, weight)| i64::from(*weight)).sum();
    let cycle_ms = all.max(1) * block_ms;
    let mut at = from_ms.div_euclid(cycle_ms) * cycle_ms;
    let mut blocks = Vec::new();
    while at < to_ms {
        for (part, weight) in &split.weights {
            let end_ms = at + i64::from(*weight) * block_ms;
            if end_ms > from_ms && at < to_ms {
                blocks.push(Stretch { begin_ms: at.max(from_ms), end_ms, part: *part });
            }
            at = end_ms;
        }
    }
    blocks
}

/// Training before a fold, and validation in it. The time of training is cut into one more block than there are folds; what is
/// behind the fold is used for nothing, and so is the split's own validation.
fn of_fold(blocks: &[Stretch], folds: u32, fold: u32) -> Vec<Stretch> {
    let training = || blocks.iter().filter(|block| block.part == Part::Train);
    let (Some(first), Some(last)) = (training().next(), training().next_back()) else {
        return blocks.to_vec();
    };
    let (from_ms, length_ms) = (first.begin_ms, last.end_ms - first.begin_ms);
    let cut = |number: u32| from_ms + length_ms * i64::from(number) / i64::from(folds + 1);
    let bounds = [
        (i64::MIN, cut(fold), Part::Train),
        (cut(fold), cut(fold + 1), Part::Validation),
        (cut(fold + 1), i64::MAX, Part::Unused),
    ];
    let mut cut_blocks = Vec::new();
    for block in blocks {
        if block.part != Part::Train {
            let part = if block.part == Part::Test { Part::Test } else { Part::Unused };
            cut_blocks.push(Stretch { part, ..*block });
            continue;
        }
        let pieces = bounds.iter().map(|(begin, end, part)| Stretch {
            begin_ms: block.begin_ms.max(*begin),
            end_ms: block.end_ms.min(*end),
            part: *part,
        });
        cut_blocks.extend(pieces.filter(|piece| piece.begin_ms < piece.end_ms));
    }
    cut_blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(block_ms: Option<i64>, fold: Option<u32>) -> Split {
        Split {
            weights: vec![(Part::Train, 3), (Part::Validation, 1), (Part::Test, 1)],
            block_ms,
            embargo_ms: 5,
            learn_until_ms: None,
            folds: Some(2),
            fold,
        }
    }

    fn shown(split: &Split, range: (i64, i64)) -> Vec<(i64, i64, &'static str)> {
        stretches(split, range)
            .iter()
            .map(|stretch| (stretch.begin_ms, stretch.end_ms, stretch.part.name()))
            .collect()
    }

    #[test]
    fn parts_are_contiguous_with_an_embargo_between_them() {
        let found = shown(&split(None, None), (1_000, 2_000));
        assert_eq!(found, [(1_000, 1_600, "train"), (1_605, 1_800, "validation"), (1_805, 2_000, "test")]);
        let own = stretches(&split(None, None), (1_000, 2_000));
        let parts = [999, 1_000, 1_599, 1_604, 1_605, 2_000].map(|at| part_at(&own, at).name());
        assert_eq!(parts, ["unused", "train", "train", "unused", "validation", "unused"]);
    }

    #[test]
    fn blocks_take_turns_and_stay_when_the_range_grows() {
        let found = shown(&split(Some(100), None), (1_150, 1_700));
        assert_eq!(
            found,
            [
                (1_150, 1_300, "train"),
                (1_305, 1_400, "validation"),
                (1_405, 1_500, "test"),
                (1_505, 1_800, "train")
            ]
        );
        let grown = shown(&split(Some(100), None), (1_150, 1_750));
        assert_eq!(found, grown);
    }

    #[test]
    fn a_fold_is_trained_on_what_is_before_it() {
        assert_eq!(
            shown(&split(None, Some(1)), (1_000, 2_000)),
            [(1_000, 1_200, "train"), (1_205, 1_400, "validation"), (1_805, 2_000, "test")]
        );
        assert_eq!(
            shown(&split(None, Some(2)), (1_000, 2_000)),
            [(1_000, 1_400, "train"), (1_405, 1_600, "validation"), (1_805, 2_000, "test")]
        );
    }
}
