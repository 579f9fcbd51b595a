// The axes of charts: steps that are round in their unit, labels that differ, and the range of the values.

import { clock, day } from './format.js';

/** A range of so many times a value is none. */
const RANGE_MAX = 1000;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** 1, 2 and 5 times the powers of ten from `low` to `high`. */
const decimal = (low, high) => Array.from({ length: high - low + 1 }, (_, at) => [1, 2, 5].map((digit) => Number(`${digit}e${low + at}`))).flat();
const TIMES = [1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
    ...decimal(0, 5).slice(1).map((days) => days * DAY)];

/** Steps that are round in a kind's unit. */
const STEPS = {
    bytes: Array.from({ length: 70 }, (_, power) => 2 ** power),
    seconds: [...decimal(-9, -1), ...TIMES],
    instant: TIMES,
    percent: decimal(-9, 15),
    plain: decimal(-12, 18),
};
export const stepsOf = (kind) => STEPS[kind];

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'].map((unit, power) => [1024 ** power, unit]);
const DURATIONS = [[1e-6, 'µs'], [1e-3, 'ms'], [1, 's'], [MINUTE, 'min'], [HOUR, 'h'], [DAY, 'd']];
const DECIMALS = [[1, ''], [1e3, 'k'], [1e6, 'M'], [1e9, 'G'], [1e12, 'T']];

/** The largest unit of which the largest value is some, and at least two for minutes and more. */
function unitFor(kind, largest) {
    const last = (units, least) => units.findLast(([size]) => largest >= least(size)) ?? units[0];
    if (kind === 'percent') return [1, '%'];
    if (kind === 'bytes') return last(BYTES, (size) => size);
    if (kind === 'seconds') return last(DURATIONS, (size) => (size > 1 ? 2 * size : size));
    return last(DECIMALS, (size) => (size === 1e3 ? 1e4 : size));
}

/** Labels of dates and times; the date stands where it changes, and at the first one if it `isDated`. */
function dates(splits, step, isDated) {
    const hasYears = day(splits[0]).slice(0, 4) !== day(splits.at(-1)).slice(0, 4);
    return splits.map((time, at) => {
        const date = hasYears ? day(time) : day(time).slice(5);
        return step >= DAY || (at > 0 ? day(time) !== day(splits[at - 1]) : isDated) ? date : clock(time, step < MINUTE);
    });
}

/** Labels of values: in one unit, with as many decimals as the steps need. */
export function valueLabels(splits, kind) {
    if (!splits.length) return [];
    const step = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : Math.abs(splits[0]) || 1;
    // A value near 1970 is a duration, not a time.
    if (kind === 'instant' && splits.at(-1) > 1e8) return dates(splits, step, true);
    const [size, unit] = unitFor(kind === 'instant' ? 'seconds' : kind, Math.max(...splits.map(Math.abs)));
    const isExact = (decimals) => splits.every((value) => Math.abs(Number((value / size).toFixed(decimals)) - value / size) < step / size / 50);
    const decimals = [...Array(7).keys()].find(isExact);
    const text = (value) => (decimals === undefined ? (value / size).toExponential(1) : (value / size).toFixed(decimals));
    const space = kind === 'plain' ? '' : '\u202f';
    return splits.map((value) => (value === 0 ? '0' : `${text(value)}${space}${unit}`));
}

/** Labels of the time axis: seconds only if the steps are short, and the day where it changes. */
export const timeLabels = (plot, splits, axis, space, step) => (splits.length ? dates(splits, step, false) : []);

/** The range of the value axis: from 0 if the values are near it, and never so narrow that noise fills it. */
export function valueRange(low, high, range, kind) {
    if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
    const whole = range ? range[1] - range[0] : 0;
    // A range that is far larger than its values says nothing about them.
    const isTelling = whole > 0 && whole <= RANGE_MAX * Math.max(Math.abs(high), 1);
    if (low === 0 && high === 0 && !isTelling) return [0, 1];
    if (low === high && kind !== 'instant' && isTelling) return [range[0], range[1] + whole * 0.04];
    const isDate = kind === 'instant' && high > 1e8;
    const least = isDate ? MINUTE : Math.max(isTelling ? whole * 0.05 : 0, Math.abs(high) * 0.1, 1e-9);
    const room = Math.max((high - low) * 0.08, (least - (high - low)) / 2, 0);
    const from = !isDate && low >= 0 && low - room < high * 0.35 ? 0 : low - room;
    return [from, Math.max(high + room, from + least)];
}
