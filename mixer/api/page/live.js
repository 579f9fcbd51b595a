// The values of the watched series: one common row of sample times, and a column for each series.

import { follow } from './api.js';

/** The most series of one stream, as the API limits it. */
export const SERIES_MAX = 64;
/** Points of the last hour are kept; older ones are dropped in chunks. */
const POINTS_MAX = 3600;
const CHUNK_POINTS = 300;
/** The points over which a rate is taken. */
const RATE_POINTS = 30;
/** A rate over fewer points is noise: the hosts of an average update at different times. */
const RATE_POINTS_MIN = 8;

/** Types whose value only grows, so that their chart is a rate. A histogram's value is its number of observations; its quantiles are gauges. */
const GROWING = new Set(['counter', 'histogram', 'native_histogram', 'summary']);
export const isGrowing = (type) => GROWING.has(type);

/**
 * One series: its samples (`raw`), the values on the chart (`shown`), and for rates the sum of all increments so far (`sums`)
 * and the indexes of the increments (`steps`).
 */
class Column {
    constructor({ id, metric, type, unit, query, range }) {
        Object.assign(this, { id, metric, type, unit, query, range, isGone: false });
        this.raw = [];
        this.shown = [];
        this.sums = [];
        this.steps = [];
    }

    push(time, value, times) {
        const at = this.raw.length;
        this.raw.push(value);
        if (!isGrowing(this.type)) {
            this.sums.push(0);
            this.shown.push(value);
            return;
        }
        const before = at > 0 ? this.raw[at - 1] : null;
        // After a reset a counter has grown from 0.
        const grown = before === null || value === null ? 0 : value >= before ? value - before : value;
        this.sums.push((at > 0 ? this.sums[at - 1] : 0) + grown);
        if (value === null) this.steps = [];
        else if (grown > 0) this.steps.push(at);
        this.shown.push(value === null ? null : this.rate(at, time, times));
    }

    // A counter grows in steps, one for each update of its metric. From step to step the rate is exact, whatever the times of the
    // samples. A step that is overdue lowers the rate.
    rate(at, time, times) {
        const last = this.steps.length - 1;
        let first = last;
        let longest = 0;
        while (first > 0 && (at - this.steps[first] < RATE_POINTS || first === last)) {
            longest = Math.max(longest, this.steps[first] - this.steps[first - 1]);
            first -= 1;
        }
        if (first >= last || this.steps[last] - this.steps[first] < RATE_POINTS_MIN) {
            const isStill = at - (this.steps[last] ?? this.raw.findLastIndex((value) => value === null)) > RATE_POINTS;
            return isStill && first >= last ? 0 : null;
        }
        const to = at - this.steps[last] > longest + 1 ? time : times[this.steps[last]];
        return (this.sums[at] - this.sums[this.steps[first]]) / (to - times[this.steps[first]]);
    }

    drop(points) {
        for (const list of [this.raw, this.shown, this.sums]) list.splice(0, points);
        this.steps = this.steps.map((at) => at - points).filter((at) => at >= 0);
    }
}

export class Live {
    /** Calls `changed` after each sample, and `failed` with an error of the API. */
    constructor({ changed, failed }) {
        Object.assign(this, { changed, failed });
        this.times = [];
        this.columns = new Map();
        this.ids = [];
        this.stop = null;
        this.isOver = false;
    }

    column(id) {
        return this.columns.get(id);
    }

    get now() {
        return this.times.at(-1) ?? null;
    }

    /** Watches these series. A stream has a fixed list, so a new one is opened. */
    watch(ids) {
        const wanted = [...new Set(ids)].slice(0, SERIES_MAX);
        if (wanted.length === this.ids.length && wanted.every((id, at) => id === this.ids[at])) return;
        this.ids = wanted;
        if (this.stop) this.resume();
    }

    resume() {
        this.pause();
        this.stop = new AbortController();
        if (!this.ids.length) return;
        follow('/live', () => ({ series: this.ids }), {
            signal: this.stop.signal,
            take: (name, data) => this.take(name, data),
            failed: this.failed,
        });
    }

    pause() {
        this.stop?.abort();
        this.stop = null;
    }

    take(name, data) {
        if (name === 'sample') this.add(data);
        else if (name === 'series') this.begin(data.series);
        else if (name === 'gone' && this.columns.has(data.id)) this.columns.get(data.id).isGone = true;
        else if (name === 'end') this.isOver = true;
        this.changed();
    }

    /** The first event of a stream: merges its points with older ones that the page still has, or those of the run's history. */
    begin(series) {
        const old = { times: this.times, columns: this.columns };
        const points = series.map((one) => new Map([...this.earlier(old, one), ...one.points]));
        const times = new Set();
        for (const map of points) for (const time of map.keys()) times.add(time);
        const sorted = [...times].sort((a, b) => a - b).slice(-POINTS_MAX);
        this.times = [];
        this.columns = new Map(series.map((one) => [one.id, new Column(one)]));
        for (const time of sorted) {
            this.times.push(time);
            series.forEach((one, at) => this.columns.get(one.id).push(time, points[at].get(time) ?? null, this.times));
        }
        this.order = series.map((one) => this.columns.get(one.id));
    }

    earlier({ times, columns }, { id, points, past = [] }) {
        const column = columns.get(id);
        const first = points[0]?.[0] ?? Infinity;
        if (!column) return past;
        return times.map((time, at) => [time, column.raw[at]]).filter(([time]) => time < first);
    }

    add({ t, values }) {
        // A restarted promemu may send times that the page has already.
        if (this.now !== null && t <= this.now) return;
        this.times.push(t);
        this.order.forEach((column, at) => column.push(t, values[at] ?? null, this.times));
        if (this.times.length >= POINTS_MAX + CHUNK_POINTS) {
            this.times.splice(0, CHUNK_POINTS);
            for (const column of this.order) column.drop(CHUNK_POINTS);
        }
    }
}
