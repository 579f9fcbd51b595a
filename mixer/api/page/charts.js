// The board of charts: small multiples with one time axis, one cursor, and events as marks.

import { find, isolated, setText } from './elements.js';
import { clock } from './format.js';
import { Card } from './card.js';
import { lineId, view, writeView } from './view.js';

/** The most event marks that are drawn: the newest. */
const MARKS_MAX = 200;
/** Heights of a chart, in pixels: those of a small window, and the most that a large one gives. */
const HEIGHT = 150;
const HEIGHT_MAX = 360;
/** From one row of charts to the next. */
const GAP = 12;
/** Narrower windows have one column, and scroll. */
const WIDE = 1021;
/** The shortest window in seconds, so that the first samples fill it. */
const WINDOW_MIN = 15;

export class Board {
    constructor({ live, openHost, chooseLines }) {
        Object.assign(this, { live, openHost, chooseLines });
        this.cards = [];
        /** Restarts; the ribbon adds the run's events, and its faults. */
        this.marks = [];
        this.events = [];
        this.faults = [];
        this.ribbon = null;
        /** The addresses of servers that have the metrics. */
        this.links = {};
        this.zoom = view.zoom;
        find('reset-zoom').hidden = this.zoom === null;
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
        this.height = HEIGHT;
        new ResizeObserver(() => this.fit()).observe(find('charts'));
        addEventListener('resize', () => this.fit());
        document.addEventListener('keydown', (event) => {
            const full = this.cards.find(({ isFull }) => isFull);
            if (event.key !== 'Escape' || !full || document.querySelector('dialog[open]')) return;
            event.stopImmediatePropagation();
            this.fill(full);
        });
    }

    /** Shows these charts, and keeps the cards of charts that stay. */
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
        this.fit();
        const ids = charts.flatMap(({ metric, lines }) => lines.map((line) => lineId(metric, line)));
        this.live.watch(ids);
        this.draw();
    }

    /** Fits the charts into the window: a large one shows them higher. */
    fit() {
        this.height = HEIGHT;
        if (innerWidth >= WIDE && this.cards.length) {
            const columns = new Set(this.cards.map((card) => card.element.offsetLeft)).size;
            const besides = Math.max(...this.cards.map((card) => card.element.offsetHeight - card.place.offsetHeight)) + GAP;
            const room = innerHeight - find('charts').getBoundingClientRect().top - scrollY;
            const height = Math.floor(room / Math.ceil(this.cards.length / columns) - besides);
            this.height = Math.min(Math.max(height, HEIGHT), HEIGHT_MAX);
        }
        for (const card of this.cards) card.resize();
        this.ribbon?.draw();
    }

    /** Shows these charts, and saves them in the view. */
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

    /** Fills the window with a card, or puts it back if it does. */
    fill(card) {
        for (const one of this.cards) if (one.isFull && one !== card) one.setFull(false);
        card.setFull(!card.isFull);
    }

    replace(chart, lines) {
        this.choose(this.charts.map((one) => (one === chart ? { ...chart, lines } : one)));
    }

    // The common time axis: its end follows the newest sample, unless the user has zoomed or paused.
    range() {
        if (this.zoom) return this.zoom;
        const end = this.pausedAt ?? this.live.now ?? Date.now() / 1000;
        const first = this.live.times[0] ?? end;
        const length = Math.max(Math.min(view.window * this.speed, end - first), WINDOW_MIN * Math.min(this.speed, 1));
        return [end - length, end];
    }

    setWindow(length) {
        view.window = length;
        writeView();
        this.setZoom(null);
    }

    /** `zoom`: the times of both ends, or null to follow the newest sample. */
    setZoom(zoom) {
        // The charts repeat a selection to each other, a few pixels apart: only the first counts.
        const now = performance.now();
        if (zoom && now - this.zoomedAt < 100) return;
        this.zoomedAt = now;
        this.zoom = zoom;
        view.zoom = zoom;
        writeView();
        find('reset-zoom').hidden = zoom === null;
        this.draw();
    }

    /** Zooms around the cursor, or around the end without one; a factor below 1 zooms in. */
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
        setText(button, this.isPaused ? 'Go on' : 'Pause');
        this.draw();
    }

    mark(event) {
        this.marks.push({ time: event.time_unix, name: isolated(event.name) });
        this.draw();
    }

    get visibleMarks() {
        const [from, to] = this.range();
        const marks = [...this.events, ...this.marks].sort((a, b) => a.time - b.time);
        return marks.filter(({ time }) => time >= from && time <= to).slice(-MARKS_MAX);
    }

    get visibleFaults() {
        const [from, to] = this.range();
        const spans = this.faults.map(({ begin_unix: begin, end_unix: end }) => ({ begin: Math.max(begin, from), end: Math.min(end ?? to, to) }));
        return spans.filter(({ begin, end }) => begin < end);
    }

    /** The charts with their values in the shown time, and the seed: what an edited config is compared with. */
    shown(seed) {
        const [from, to] = this.range();
        const { times } = this.live;
        const at = times.map((time, index) => [time, index]).filter(([time]) => time >= from && time <= to).map(([, index]) => index);
        const charts = this.cards.map(({ chart, columns }) => ({ chart, times: at.map((index) => times[index]), columns: columns.map((column) => at.map((index) => column?.values[index] ?? null)) }));
        return { charts, seed };
    }

    /** Seconds that the page can show, up to now. */
    reach() {
        const first = this.live.times[0];
        const kept = first === undefined ? 0 : (this.live.now - first) + 1;
        return Math.max(view.window * this.speed, kept);
    }

    /** Moves the common cursor; null removes it. */
    point(time) {
        if (time === this.cursor) return;
        this.cursor = time;
        for (const card of this.cards) card.showValues();
        this.showReadout();
    }

    /** Moves the cursor by `by` samples, for the keyboard. */
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
        if (time === null) return setText(find('readout'), '');
        const parts = [`${this.cursor === null ? '' : 'at '}${clock(time)}`];
        if (this.cursor !== null) parts.push(...this.namesNear(time));
        if (this.isPaused) parts.push('paused');
        setText(find('readout'), parts.join(' · '));
    }

    /** Names of the events within a few pixels of a time. */
    namesNear(time) {
        const [from, to] = this.range();
        const near = this.visibleMarks.filter((mark) => Math.abs(mark.time - time) < (to - from) / 120);
        return [...new Set(near.map(({ name }) => name))].slice(0, 3);
    }

    /** Draws in the browser's next frame, once for all changes until then. */
    draw() {
        if (this.isDrawing) return;
        this.isDrawing = true;
        requestAnimationFrame(() => {
            this.isDrawing = false;
            for (const card of this.cards) card.draw();
            this.ribbon?.draw();
            this.showReadout();
        });
    }

    restyle() {
        for (const card of this.cards) card.restyle();
        this.draw();
    }
}
