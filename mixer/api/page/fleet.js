// The fleet map: a cell for each host, coloured by its state or by a gauge. A click opens the host.

import { get } from './api.js';
import { fail, find, isolated, make, setText, settle, style } from './elements.js';
import { count, kindOf, number } from './format.js';
import { view, writeView } from './view.js';

/** Bytes that are read in a second, on average: a large fleet is looked at less often. */
const BYTES_PER_SECOND = 1000;
const EVERY = 2000;
/** A cell is as large as fits, in pixels. */
const CELL_MAX = 16;
/** The largest height of the map. */
const HEIGHT_MAX = 300;
/** Fleets of so many hosts open with their map. */
const MANY = 30;
const FIRST_LEVEL = 3;
const LEVELS = 13;
const WORDS = ['no value', 'down', 'stopped or ended'];

const rgb = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** The colours of the sixteen cells. */
function palette() {
    const [low, high] = [rgb(style('--map-low')), rgb(style('--map-high'))];
    const levels = Array.from({ length: LEVELS }, (_, at) => low.map((part, index) => Math.round(part + ((high[index] - part) * at) / (LEVELS - 1))));
    return [rgb(style('--grid')), rgb(style('--bad')), rgb(style('--edge-strong')), ...levels];
}

/** The cells of a text in base64. */
function cellsOf({ cells, total }) {
    const bytes = Uint8Array.from(atob(cells), (char) => char.charCodeAt(0));
    return Uint8Array.from({ length: total }, (_, at) => (at % 2 ? bytes[at >> 1] & 15 : bytes[at >> 1] >> 4));
}

export class FleetMap {
    /** Calls `open` with a host's name. */
    constructor(open) {
        Object.assign(this, { open, map: null, cells: null, next: 0, wait: EVERY, hovered: null });
        this.canvas = make('canvas', {
            class: 'map', tabindex: '0', role: 'img', 'aria-label': 'map of all hosts',
            onclick: (event) => this.openAt(this.at(event)), onmousemove: (event) => this.hover(this.at(event)), onmouseleave: () => this.hover(null),
        });
        this.choice = make('select', { 'aria-label': 'colour of the map', onchange: () => this.choose() });
        this.scale = make('span', { class: 'readout' });
        this.about = make('span', { class: 'readout', role: 'status' });
        this.element = find('fleet');
        find('fleet-body').append(make('div', { class: 'filters' }, make('label', { class: 'inline' }, 'by ', this.choice), this.scale, this.about), this.canvas);
        this.element.addEventListener('toggle', () => {
            // A map that is shown by itself is no choice.
            if (this.element.open) this.look(true);
        });
        this.tell = settle((at) => this.name(at), 120);
        new ResizeObserver(() => this.draw()).observe(this.element);
    }

    /** Looks again when it is time. */
    refresh(status) {
        this.element.hidden = status.hosts.total < 2;
        if (this.isKnown === undefined) {
            this.isKnown = true;
            if (view.map !== null || status.hosts.total >= MANY) this.element.open = true;
        }
        this.look();
    }

    async look(isNow = false) {
        if (!this.element.open || this.element.hidden || (!isNow && performance.now() < this.next)) return;
        this.next = performance.now() + this.wait;
        try {
            if (!this.choice.options.length) await this.offer();
            const map = await get('/fleet', { metric: view.map });
            this.wait = Math.max(EVERY, (map.cells.length / BYTES_PER_SECOND) * 1000);
            this.next = performance.now() + this.wait;
            this.map = map;
            this.cells = cellsOf(map);
            this.draw();
        } catch (error) {
            if (error.status) fail(error);
        }
    }

    async offer() {
        const { metrics } = await get('/metrics', { limit: 500 });
        const gauges = metrics.filter(({ type, hosts }) => type === 'gauge' && hosts > 1);
        this.choice.replaceChildren(make('option', { value: '' }, 'state'), ...gauges.map(({ name }) => make('option', { value: name }, name)));
        // A gauge says more than states that are all the same.
        if (view.map === null) view.map = gauges.find(({ name }) => /cpu|load|usage|utilization/.test(name))?.name ?? '';
        this.choice.value = view.map;
        if (this.choice.selectedIndex < 0) this.choice.value = view.map = '';
    }

    choose() {
        view.map = this.choice.value;
        writeView();
        this.look(true);
    }

    /** Columns and the size of a cell, so that all fit. */
    layout() {
        const width = this.canvas.parentElement.clientWidth;
        const total = Math.max(this.cells.length, 1);
        let size = Math.min(CELL_MAX, Math.floor(Math.sqrt((width * HEIGHT_MAX) / total)));
        while (size > 1 && Math.ceil(total / Math.floor(width / size)) * size > HEIGHT_MAX) size -= 1;
        size = Math.max(size, 1);
        const columns = Math.max(Math.floor(width / size), 1);
        return { size, columns, rows: Math.ceil(total / columns) };
    }

    draw() {
        if (!this.cells || !this.canvas.parentElement.clientWidth) return;
        const { size, columns, rows } = this.layout();
        const colours = palette();
        const image = new ImageData(columns, rows);
        this.cells.forEach((cell, at) => image.data.set([...colours[cell], 255], at * 4));
        const small = new OffscreenCanvas(columns, rows);
        small.getContext('2d').putImageData(image, 0, 0);
        Object.assign(this.canvas, { width: columns * size, height: rows * size });
        this.canvas.style.width = `${columns * size}px`;
        const context = this.canvas.getContext('2d');
        context.imageSmoothingEnabled = false;
        context.drawImage(small, 0, 0, columns * size, rows * size);
        if (size >= 6) this.drawGaps(context, size, columns, rows);
        Object.assign(this, { size, columns });
        this.describe();
    }

    /** Lines between cells that are large enough. */
    drawGaps(context, size, columns, rows) {
        context.fillStyle = style('--paper');
        for (let column = 1; column <= columns; column += 1) context.fillRect(column * size - 1, 0, 1, rows * size);
        for (let row = 1; row <= rows; row += 1) context.fillRect(0, row * size - 1, columns * size, 1);
    }

    describe() {
        const { map, cells } = this;
        const kind = map.metric ? kindOf(map.metric, map.unit) : 'plain';
        const numbers = [0, 0, 0];
        for (const cell of cells) if (cell < FIRST_LEVEL) numbers[cell] += 1;
        const without = numbers.map((many, at) => (many ? `${count(many)} ${WORDS[at]}` : '')).filter(Boolean);
        const range = map.low === null ? '' : `${number(map.low, kind)} to ${number(map.high, kind)}`;
        setText(this.scale, [range, ...without].filter(Boolean).join(' · '));
        this.canvas.setAttribute('aria-label', `map of ${count(cells.length)} hosts${map.metric ? ` by ${map.metric}` : ''}: ${this.scale.textContent}`);
    }

    /** The number of the host at an event. */
    at({ offsetX, offsetY }) {
        const at = Math.floor(offsetY / this.size) * this.columns + Math.floor(offsetX / this.size);
        return at < (this.cells?.length ?? 0) && offsetX < this.columns * this.size ? at : null;
    }

    hover(at) {
        this.hovered = at;
        if (at === null) return setText(this.about, '');
        this.tell(at);
    }

    textOf(at) {
        const cell = this.cells[at];
        const { metric, unit, low, high } = this.map;
        if (cell < FIRST_LEVEL) return WORDS[cell];
        if (!metric) return 'up';
        return `about ${number(low + ((cell - FIRST_LEVEL) / (LEVELS - 1)) * (high - low), kindOf(metric, unit))}`;
    }

    async hostAt(at) {
        return (await get('/hosts', { offset: at, limit: 1 })).hosts[0];
    }

    async name(at) {
        if (at !== this.hovered) return;
        try {
            const host = await this.hostAt(at);
            if (at === this.hovered && host) setText(this.about, `${isolated(host.name)}: ${this.textOf(at)}`);
        } catch {
            // The next move asks again.
        }
    }

    async openAt(at) {
        if (at === null) return;
        try {
            const host = await this.hostAt(at);
            if (host) this.open(host.name);
        } catch (error) {
            fail(error);
        }
    }
}
