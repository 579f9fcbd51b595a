// The board of charts: small multiples with one time axis, one cursor, and events as marks.

import { find, say } from './elements.js';
import { clock } from './format.js';
import { Card } from './card.js';
import { lineId, view, writeView } from './view.js';

/** So many marks are drawn at most; the newest. */
const MOST_MARKS = 200;
/** A window is never shorter, so that the first seconds fill it. */
const SHORTEST = 15;

export class Board {
    constructor({ live, openHost, chooseLines }) {
        Object.assign(this, { live, openHost, chooseLines });
        this.cards = [];
        this.marks = [];
        this.zoom = null;
        this.isPaused = false;
        this.pausedAt = null;
        this.speed = 1;
        this.cursor = null;
        this.isDrawing = false;
        this.zoomedAt = 0;
        find('pause').addEventListener('click', () => this.pause());
        find('reset-zoom').addEventListener('click', () => this.setZoom(null));
        find('window').addEventListener('change', (event) => this.setWindow(Number(event.target.value)));
        find('window').value = String(view.window);
        const redrawSoon = () => this.restyle();
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawSoon);
        new ResizeObserver(() => { for (const card of this.cards) card.resize(); }).observe(find('charts'));
    }

    /** Shows these charts; cards of those that stay are kept. */
    show(charts) {
        const key = ({ metric, lines }) => JSON.stringify([metric, lines]);
        const old = new Map(this.cards.map((card) => [key(card.chart), card]));
        this.cards = charts.map((chart) => {
            const kept = old.get(key(chart));
            old.delete(key(chart));
            return kept ?? new Card(chart, this);
        });
        for (const card of old.values()) card.close();
        find('charts').replaceChildren(...this.cards.map((card) => card.element));
        find('no-charts').hidden = charts.length > 0;
        const ids = charts.flatMap(({ metric, lines }) => lines.map((line) => lineId(metric, line)));
        this.live.watch(ids);
        this.draw();
    }

    /** Takes a choice of charts over into the view. */
    choose(charts) {
        view.charts = charts;
        writeView();
        this.show(charts);
    }

    get charts() {
        return this.cards.map((card) => card.chart);
    }

    removeCard(card) {
        const at = this.cards.indexOf(card);
        this.choose(this.charts.filter((chart) => chart !== card.chart));
        (this.cards[Math.min(at, this.cards.length - 1)]?.element ?? find('add-chart')).focus();
    }

    replace(chart, lines) {
        this.choose(this.charts.map((one) => (one === chart ? { ...chart, lines } : one)));
    }

    // The common axis: the window's end follows the newest sample, unless somebody has zoomed or paused.
    range() {
        if (this.zoom) return this.zoom;
        const end = this.pausedAt ?? this.live.now ?? Date.now() / 1000;
        const first = this.live.times[0] ?? end;
        const length = Math.max(Math.min(view.window * this.speed, end - first), SHORTEST * Math.min(this.speed, 1));
        return [end - length, end];
    }

    setWindow(length) {
        view.window = length;
        writeView();
        this.setZoom(null);
    }

    /** `zoom`: the times of both ends, or null to follow again. */
    setZoom(zoom) {
        // Charts hear of a selection from each other, a few pixels apart: the first counts.
        const now = performance.now();
        if (zoom && now - this.zoomedAt < 100) return;
        this.zoomedAt = now;
        this.zoom = zoom;
        find('reset-zoom').hidden = zoom === null;
        this.draw();
    }

    /** Zooms about the cursor, or about the end: below 1 closer. */
    zoomBy(factor) {
        const [from, to] = this.range();
        const about = this.cursor ?? to;
        const length = Math.max((to - from) * factor, 2);
        const share = (about - from) / (to - from);
        this.zoomedAt = 0;
        this.setZoom([about - share * length, about + (1 - share) * length]);
    }

    pause() {
        this.isPaused = !this.isPaused;
        this.pausedAt = this.isPaused ? this.live.now : null;
        const button = find('pause');
        button.setAttribute('aria-pressed', String(this.isPaused));
        say(button, this.isPaused ? 'Go on' : 'Pause');
        this.draw();
    }

    mark(event) {
        this.marks.push({ time: event.time_unix, name: event.name });
        if (this.marks.length > MOST_MARKS * 2) this.marks.splice(0, MOST_MARKS);
        this.draw();
    }

    get visibleMarks() {
        const [from, to] = this.range();
        return this.marks.filter(({ time }) => time >= from && time <= to).slice(-MOST_MARKS);
    }

    /** Moves the common cursor; null takes it away. */
    point(time) {
        if (time === this.cursor) return;
        this.cursor = time;
        for (const card of this.cards) card.showValues();
        this.showReadout();
    }

    /** Moves the cursor by so many samples, for the keyboard. */
    step(card, by) {
        const { times } = this.live;
        if (!times.length) return;
        const [from, to] = this.range();
        const nearest = times.findLastIndex((time) => time <= (this.cursor ?? to));
        const at = Math.min(Math.max(nearest + by, 0), times.length - 1);
        const time = Math.min(Math.max(times[at], from), to);
        for (const one of this.cards) one.pointAt(time);
        this.point(time);
        card.describe();
    }

    showReadout() {
        const time = this.cursor ?? this.live.now;
        if (time === null) return say(find('readout'), '');
        const parts = [`${this.cursor === null ? '' : 'at '}${clock(time)}`];
        if (this.cursor !== null) parts.push(...this.namesNear(time));
        if (this.isPaused) parts.push('paused');
        say(find('readout'), parts.join(' · '));
    }

    /** The events about a time, by what a pixel or two are of the axis. */
    namesNear(time) {
        const [from, to] = this.range();
        const near = this.visibleMarks.filter((mark) => Math.abs(mark.time - time) < (to - from) / 120);
        return [...new Set(near.map(({ name }) => name))].slice(0, 3);
    }

    /** Draws in the browser's next frame, once for all that has changed. */
    draw() {
        if (this.isDrawing) return;
        this.isDrawing = true;
        requestAnimationFrame(() => {
            this.isDrawing = false;
            for (const card of this.cards) card.draw();
            this.showReadout();
        });
    }

    restyle() {
        for (const card of this.cards) card.restyle();
        this.draw();
    }
}
