// The strip of totals: series, values per second, hosts that are up, lateness, and the health of pushes, each with its course.

import { find, make, setText, style } from './elements.js';
import { count, number, seconds } from './format.js';

/** Points of a course: the newest. */
const POINTS_MAX = 150;
/** Fewer are as wide as so many. */
const POINTS_MIN = 30;
const WIDTH = 72;
const HEIGHT = 18;

/** Seconds over which values per second and lateness are means, as rates of charts are. */
const MEAN_OVER = 30;
/** A run when it begins. */
const BEGIN = { uptime_seconds: 0, updates_total: 0, lateness_seconds_sum: 0, lateness_count: 0 };

/** A named number with a course of it. */
class Tile {
    /** With `open` it is a button. */
    constructor(name, title, open = null) {
        this.value = make('b', {}, '–');
        this.canvas = make('canvas', { width: WIDTH * 2, height: HEIGHT * 2, class: 'spark', 'aria-hidden': 'true' });
        this.element = make(open ? 'button' : 'div', { class: 'total', title, ...(open && { type: 'button', onclick: open }) }, make('i', {}, name), this.value, this.canvas);
        this.points = [];
    }

    show(text, point, isBad = false) {
        setText(this.value, text);
        this.element.classList.toggle('is-bad', isBad);
        this.points.push(Number.isFinite(point) ? point : null);
        if (this.points.length > POINTS_MAX) this.points.shift();
        this.draw(isBad);
    }

    draw(isBad) {
        const context = this.canvas.getContext('2d');
        context.clearRect(0, 0, WIDTH * 2, HEIGHT * 2);
        const known = this.points.filter((point) => point !== null);
        if (known.length < 2) return;
        const [low, high] = [Math.min(...known), Math.max(...known)];
        const y = (point) => (high === low ? HEIGHT : (1 - (point - low) / (high - low)) * (HEIGHT * 2 - 6) + 3);
        context.strokeStyle = style(isBad ? '--bad' : '--accent');
        context.lineWidth = 2.5;
        context.beginPath();
        const across = Math.max(this.points.length, POINTS_MIN);
        const left = across - this.points.length;
        this.points.forEach((point, at) => {
            if (point !== null) context.lineTo(((left + at) / (across - 1)) * WIDTH * 2, y(point));
        });
        context.stroke();
    }
}

export class Totals {
    constructor() {
        this.tiles = {
            series: new Tile('series', 'series that have a sample now'),
            rate: new Tile('values/s', 'new values of metrics in a second of the wall clock, over the last half minute'),
            hosts: new Tile('hosts up', 'hosts that run and are not down'),
            late: new Tile('late', 'from the moment at which hosts were due to that at which they had their turn, on average over the last half minute'),
            pushes: new Tile('pushes', 'the health of all outputs, and how long a push takes on average',
                // They are below the charts in a small window.
                () => find('outputs').scrollIntoView({ block: 'start' })),
        };
        find('totals').append(...Object.values(this.tiles).map(({ element }) => element));
        /** The statuses of the last half minute, the oldest first. */
        this.recent = [];
    }

    show(status) {
        const { series, hosts, outputs } = status;
        this.tiles.series.show(count(series), series);
        const up = hosts.running ?? 0;
        this.tiles.hosts.show(up === hosts.total ? count(up) : `${count(up)} of ${count(hosts.total)}`, up, (hosts.down ?? 0) > 0);
        this.showOutputs(outputs);
        const before = this.before(status);
        const passed = status.uptime_seconds - before.uptime_seconds;
        if (passed > 0) {
            const rate = (status.updates_total - before.updates_total) / passed;
            this.tiles.rate.show(number(rate), rate);
        }
        const turns = status.lateness_count - before.lateness_count;
        const mean = turns > 0 ? (status.lateness_seconds_sum - before.lateness_seconds_sum) / turns : null;
        if (mean !== null) this.tiles.late.show(seconds(mean), mean, mean > 1);
    }

    /** The status to compare one with: that of half a minute ago, or the begin of the run until the page has seen it for so long. */
    before(status) {
        const last = this.recent.at(-1);
        if (last && (status.uptime_seconds < last.uptime_seconds || status.updates_total < last.updates_total)) this.recent = [];
        while (this.recent.length > 1 && status.uptime_seconds - this.recent[1].uptime_seconds >= MEAN_OVER) this.recent.shift();
        const before = this.recent[0];
        this.recent.push(status);
        return before && status.uptime_seconds - before.uptime_seconds >= MEAN_OVER ? before : BEGIN;
    }

    showOutputs(outputs) {
        const isAway = ({ away_for: away }) => away !== null && away !== undefined;
        const away = outputs.filter(isAway).length;
        const refused = outputs.filter((output) => Object.keys(output.refused ?? {}).length).length;
        const times = outputs.map(({ mean_seconds: mean }) => mean).filter((mean) => mean !== null && mean !== undefined);
        const mean = times.length ? Math.max(...times) : null;
        const word = away ? `${away} away` : refused ? `${refused} refused` : outputs.length ? 'ok' : 'none';
        this.tiles.pushes.show(mean === null ? word : `${word} ${seconds(mean)}`, mean, away + refused > 0);
    }
}
