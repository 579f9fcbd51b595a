// The strip of totals: series, values per second, hosts that are up, lateness, and the health of pushes, each with its course.

import { find, make, setText, style } from './elements.js';
import { count, number, seconds } from './format.js';

/** Points of a course: the newest. */
const POINTS_MAX = 150;
/** Fewer are as wide as so many. */
const POINTS_MIN = 30;
const WIDTH = 72;
const HEIGHT = 18;

/** A named number with a course of it. */
class Tile {
    constructor(name, title) {
        this.value = make('b', {}, '–');
        this.canvas = make('canvas', { width: WIDTH * 2, height: HEIGHT * 2, class: 'spark', 'aria-hidden': 'true' });
        this.element = make('div', { class: 'total', title }, make('i', {}, name), this.value, this.canvas);
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
            rate: new Tile('values/s', 'new values of metrics in a second of the wall clock'),
            hosts: new Tile('hosts up', 'hosts that run and are not down'),
            late: new Tile('late', 'from the moment at which hosts were due to that at which they had their turn, on average'),
            pushes: new Tile('pushes', 'the health of all outputs, and how long a push takes on average'),
        };
        find('totals').append(...Object.values(this.tiles).map(({ element }) => element));
        this.last = null;
    }

    show(status) {
        const { series, hosts, outputs, updates_total: updates, lateness_seconds_sum: late, lateness_count: turns, uptime_seconds: uptime } = status;
        const last = this.last;
        const isSame = last && uptime > last.uptime_seconds && updates >= last.updates_total;
        this.last = status;
        this.tiles.series.show(count(series), series);
        const up = hosts.running ?? 0;
        this.tiles.hosts.show(up === hosts.total ? count(up) : `${count(up)} of ${count(hosts.total)}`, up, (hosts.down ?? 0) > 0);
        this.showOutputs(outputs);
        if (!isSame) return;
        const rate = (updates - last.updates_total) / (uptime - last.uptime_seconds);
        this.tiles.rate.show(number(rate), rate);
        const passed = turns - last.lateness_count;
        const mean = passed > 0 ? (late - last.lateness_seconds_sum) / passed : null;
        if (mean !== null) this.tiles.late.show(seconds(mean), mean, mean > 1);
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
