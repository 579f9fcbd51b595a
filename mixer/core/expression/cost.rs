//! The cost of the data that a script works on: lists, maps and texts that it reads, compares, copies or writes.
//!
//! The engine counts operations, and one operation on a long list takes as long as a thousand others. So each read of a
//! variable costs the size of its value, and while a large value is at hand each operation costs a part of that. The cost
//! follows from the script and its data alone: a script that is too dear fails at the same operation on any machine.

use std::cell::Cell;

use rhai::{Array, Dynamic, ImmutableString, Map};

use crate::work;

/// Maximum cost of one run: items of lists and maps, and pieces of texts. With the limit of operations, a run takes less than a
/// tenth of a second.
const COST_MAX: u64 = 2_000_000;
/// Bytes of text that cost as much as an item of a list: writing one character copies the whole text.
const TEXT_PIECE: usize = 4;
/// An operation beside a large value costs this part of it: it may work on a copy.
const PART_AT_HAND: u64 = 4;
/// Number of items that take about as long as one operation of the engine.
const ITEMS_PER_OPERATION: u64 = 20;

thread_local! {
    /// Cost so far of the run on this thread.
    static COST: Cell<u64> = const { Cell::new(0) };
    /// Size of the variable that was read last.
    static AT_HAND: Cell<u64> = const { Cell::new(0) };
    /// Number of operations so far.
    static OPERATIONS: Cell<u64> = const { Cell::new(0) };
}

/// A run begins.
pub(super) fn begin() {
    COST.set(0);
    AT_HAND.set(0);
    OPERATIONS.set(0);
}

/// A run has ended: it counts as work.
pub(super) fn end() {
    work::add(1 + OPERATIONS.get() + COST.get() / ITEMS_PER_OPERATION);
}

/// A variable of this value is read. Gives `false` if that is too much.
pub(super) fn read(value: Option<&Dynamic>) -> bool {
    let size = value.map_or(0, size);
    AT_HAND.set(size);
    charge(size)
}

/// One more operation, the run's `count`-th. Gives `false` if that is too much.
pub(super) fn operate(count: u64) -> bool {
    OPERATIONS.set(count);
    charge(AT_HAND.get() / PART_AT_HAND)
}

fn charge(cost: u64) -> bool {
    let cost = COST.get().saturating_add(cost);
    COST.set(cost);
    cost <= COST_MAX
}

/// Number of items in a value, those inside of others included; a text has one for each piece. Numbers cost nothing.
fn size(value: &Dynamic) -> u64 {
    if let Some(text) = value.read_lock::<ImmutableString>() {
        return (text.len() / TEXT_PIECE) as u64;
    }
    if let Some(items) = value.read_lock::<Array>() {
        return items.iter().map(|item| 1 + size(item)).sum();
    }
    if let Some(map) = value.read_lock::<Map>() {
        return map.values().map(|item| 1 + size(item)).sum();
    }
    0
}
