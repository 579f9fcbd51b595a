// One chart: its title, its canvas, and a legend whose entries open the hosts.

import { stepsOf, timeLabels, valueLabels, valueRange } from './axis.js';
import { isolated, make, setText, style } from './elements.js';
import { clock, kindOf, number } from './format.js';
import { openQuery } from './links.js';
import { isGrowing } from './live.js';
import { drawBands, drawMarks, drawUnit, MARK_HEIGHT } from './marks.js';
import { bucketLabels, bucketName, drawHeat, isHeatMap } from './heat.js';
import { savePicture } from './picture.js';
import { Tooltip } from './tooltip.js';
import { isAggregate, labelsOf, lineId, partsOf } from './view.js';
import { chartQuery } from './query.js';

const AXIS = 62;
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
const COLOURS = 8;
/** The most extra digits for lines that are near each other. */
const FINER_MAX = 1;

const numbers = new Map();
/** The number of a name, which gives its line the same colour and dashes in all charts. */
function numberOf(name) {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return numbers.get(name);
}

/** The values of labels such as `{cpu="0",mode="idle"}`. */
const valuesOf = (labels) => [...labels.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, value]) => value);

/** `true` for an aggregate over all series. */
const isOfAll = (line) => isAggregate(line) && !labelsOf(line);

/** The unit of the value axis: that of the family, or the last word of its name. */
function axisUnit({ metric, type, unit }, isGrowing) {
    const word = unit || metric.replace(/_total$/, '').split(/[_:]/).at(-1);
    return isGrowing ? `${type === 'counter' ? word : 'observations'}/s` : word;
}

/** Number of extra digits that distinguish the values of a legend. */
function finerFor(values, kind) {
    const known = [...new Set(values.filter(Number.isFinite))];
    const isClear = (finer) => new Set(known.map((value) => number(value, kind, finer))).size === known.length;
    const found = [...Array(FINER_MAX).keys()].find(isClear);
    return found ?? FINER_MAX;
}

export class Card {
    constructor(chart, board) {
        Object.assign(this, { chart, board, plot: null, isNear: true, isHovered: false, isFull: false, finer: 0, alone: null });
        this.isHeat = isHeatMap(chart.lines);
        this.ids = chart.lines.map((line) => lineId(chart.metric, line));
        this.kind = kindOf(chart.metric, '');
        this.unit = make('span', { class: 'unit' });
        this.legend = make('ul', { class: 'legend' });
        this.place = make('div', {
            class: 'plot', tabindex: '0', role: 'img', 'aria-label': `chart of ${chart.metric}`,
            onkeydown: (event) => this.key(event), onfocus: () => this.describe(), onblur: () => board.point(null),
            onmouseenter: () => { this.isHovered = true; }, onmouseleave: () => { this.isHovered = false; this.tooltip.hide(); },
        });
        this.tooltip = new Tooltip(this.place);
        const button = (label, title, onclick) => make('button', { type: 'button', class: 'quiet', title, 'aria-label': `${title}: ${chart.metric}`, onclick }, label);
        this.element = make('article', { class: 'card', tabindex: '-1', 'aria-label': chart.metric },
            make('header', {},
                make('h3', { title: chart.metric }, chart.metric), this.unit,
                make('span', { class: 'card-tools' },
                    button('Query', 'copy the Prometheus query', () => openQuery(this)),
                    button('Lines', 'choose the lines', () => board.chooseLines(chart)),
                    button('PNG', 'save as PNG', () => this.save()),
                    this.fullButton = button('⤢', 'fill the window', () => board.fill(this)),
                    button('✕', 'remove the chart', () => board.removeCard(this)))),
            this.place, this.legend);
        this.entries = chart.lines.map((line, at) => this.entry(line, at));
        // A heat map has its bounds at the axis.
        if (!this.isHeat) this.legend.append(...this.entries.map(({ item }) => item));
        this.seen = new IntersectionObserver(([{ isIntersecting }]) => {
            this.isNear = isIntersecting;
            if (isIntersecting) this.draw();
        }, { rootMargin: '200px' });
        this.seen.observe(this.element);
    }

    entry(line, at) {
        const { host, labels } = isAggregate(line) ? { host: null, labels: '' } : partsOf(this.chart.metric, line);
        const own = host === null && labelsOf(line);
        const name = own ? valuesOf(own).join(' ') : host === null ? line : [host, ...valuesOf(labels)].join(' ');
        const swatch = make('span', { class: 'swatch', 'aria-hidden': 'true' });
        const value = make('span', { class: 'value' }, '–');
        const inside = [swatch, make('span', { class: 'line-name' }, name), value];
        const extent = make('span', { class: 'extent' });
        const button = make('button', {
            type: 'button', class: 'entry', 'aria-pressed': 'false',
            onmouseenter: () => { this.emphasise(at); button.title = this.titleOf(at); }, onmouseleave: () => this.emphasise(null),
            onfocus: () => this.emphasise(at), onblur: () => this.emphasise(null), onclick: () => this.isolate(at),
            ondblclick: () => { if (host !== null) this.board.openHost(host, line); },
        }, inside, extent);
        const open = host === null ? null : make('button', { type: 'button', class: 'quiet open-host', title: `open ${isolated(host)}`, 'aria-label': `open ${isolated(host)}`, onclick: () => this.board.openHost(host, line) }, '↗');
        return { item: make('li', {}, button, open), button, swatch, value, name, extent };
    }

    /** A line, and its lowest, mean and highest value in the shown time. */
    titleOf(at) {
        const found = this.extentOf(at);
        return `${isolated(this.entries[at].name)}${found ? `: ${found}` : ''}\nclick: this line alone`;
    }

    extentOf(at) {
        const [from, to] = this.board.range();
        const { times } = this.board.live;
        const values = (this.columns[at]?.values ?? []).filter((value, index) => Number.isFinite(value) && times[index] >= from && times[index] <= to);
        if (!values.length) return '';
        const text = (value) => number(value, this.kind, this.finer);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        return `min ${text(values.reduce((a, b) => Math.min(a, b)))}, mean ${text(mean)}, max ${text(values.reduce((a, b) => Math.max(a, b)))}`;
    }

    /** Shows one line alone, or all again. */
    isolate(at) {
        this.alone = this.alone === at ? null : at;
        this.entries.forEach(({ button }, line) => {
            button.setAttribute('aria-pressed', String(this.alone === line));
            button.classList.toggle('is-off', this.alone !== null && this.alone !== line);
            this.plot?.setSeries(line + 1, { show: this.alone === null || this.alone === line });
        });
    }

    save() {
        if (!this.plot) return;
        const entries = this.entries.map(({ name, value }, at) => ({ text: `${name} ${value.textContent}`, colour: this.stroke(at).colour, dash: this.stroke(at).dash }));
        const shown = entries.filter((entry, at) => this.alone === null || this.alone === at);
        savePicture(this.plot, `${this.chart.metric} ${this.unit.textContent}`.trim(), shown, `${this.chart.metric}.png`);
    }

    get columns() {
        return this.ids.map((id) => this.board.live.column(id));
    }

    /** The column that describes the metric: one that is not gone, if there is one. */
    get known() {
        const columns = this.columns.filter(Boolean);
        return columns.find((column) => !column.isGone) ?? columns[0];
    }

    query() {
        // All buckets have the same.
        if (this.isHeat) return this.known?.query ?? '';
        const drawn = this.columns.map((column, at) => ({ line: this.chart.lines[at], query: column?.query, isGone: column?.isGone ?? true }));
        return chartQuery(drawn.filter(({ isGone }) => !isGone));
    }

    /** The colour, width and dashes of a line; an aggregate over all hosts is thick, and its first one solid. */
    stroke(at) {
        const line = this.chart.lines[at];
        return { colour: style(this.colour(at)), width: isOfAll(line) ? 2 : 1.25, dash: DASHES[this.dash(at)] };
    }

    dash(at) {
        return (isOfAll(this.chart.lines[at]) ? at : Math.floor(this.number(at) / COLOURS)) % DASHES.length;
    }

    colour(at) {
        return isOfAll(this.chart.lines[at]) ? '--line-aggregate' : `--line-${this.number(at) % COLOURS}`;
    }

    // A host is the same in all charts; its series with labels of their own are others.
    number(at) {
        const line = this.chart.lines[at];
        if (isAggregate(line)) return numberOf(labelsOf(line));
        const { host, labels } = partsOf(this.chart.metric, line);
        return numberOf(host + labels);
    }

    options() {
        const axis = { stroke: style('--muted'), font: '11px system-ui, sans-serif', grid: { stroke: style('--grid'), width: 1 }, ticks: { show: false } };
        const first = this.known;
        return {
            width: this.place.clientWidth || 300,
            height: this.height,
            legend: { show: false },
            padding: [MARK_HEIGHT, 28, 0, 0],
            cursor: {
                sync: { key: 'promemu', setSeries: false },
                drag: { x: true, y: false, setScale: false },
                y: false,
                points: { size: 6 },
                bind: { dblclick: () => () => { this.board.setZoom(null); return null; } },
            },
            scales: { x: { range: () => this.board.range() }, y: { range: (plot, low, high) => (this.isHeat ? [0, this.ids.length] : valueRange(low, high, isGrowing(first?.type) ? null : first?.range, this.kind)) } },
            axes: [
                { ...axis, size: 24, space: 64, values: timeLabels },
                { ...axis, size: AXIS, gap: 4, space: this.isHeat ? 16 : 28, incrs: this.isHeat ? [1, 2, 4, 8] : stepsOf(this.kind), values: (plot, splits) => (this.isHeat ? bucketLabels(this.columns, splits, this.kind) : valueLabels(splits, this.kind)) },
            ],
            series: [{}, ...this.chart.lines.map((line, at) => {
                const { colour, width, dash } = this.stroke(at);
                return { stroke: colour, width, dash, spanGaps: false, points: { show: false }, show: !this.isHeat && (this.alone === null || this.alone === at) };
            })],
            focus: { alpha: 0.25 },
            hooks: {
                setSelect: [(plot) => this.select(plot)],
                setCursor: [(plot) => this.moved(plot)],
                drawClear: [(plot) => drawBands(plot, this.board.visibleFaults)],
                drawAxes: [(plot) => { drawMarks(plot, this.board.visibleMarks); drawUnit(plot, this.axisUnit, AXIS - 4); }],
                draw: [(plot) => { if (this.isHeat) drawHeat(plot, this.board.live.times, this.columns); }],
            },
        };
    }

    /** Makes the canvas, once the series are known. */
    open() {
        const first = this.known;
        const metric = this.chart.metric;
        this.kind = kindOf(metric, first.unit);
        const growing = isGrowing(first.type);
        const things = first.type === 'counter' ? '' : 'observations ';
        setText(this.unit, growing ? `${things}per second` : this.kind === 'plain' ? first.unit : '');
        this.unit.title = this.unit.textContent;
        if (growing && !(first.type === 'counter' && this.kind === 'bytes')) this.kind = 'plain';
        this.axisUnit = axisUnit(first, growing);
        this.entries.forEach(({ swatch }, at) => {
            swatch.dataset.dash = String(this.dash(at));
            swatch.style.setProperty('--swatch', `var(${this.colour(at)})`);
        });
        this.plot = new uPlot(this.options(), this.data(), this.place);
    }

    data() {
        const { times } = this.board.live;
        return [times, ...this.columns.map((column) => column?.values ?? times.map(() => null))];
    }

    draw() {
        if (!this.isNear || !this.element.isConnected || !this.columns.some(Boolean)) return;
        if (!this.plot) this.open();
        this.plot.setData(this.data());
        this.showValues();
    }

    /** Updates the values of the legend: those at the cursor, or the newest. */
    showValues() {
        const { times } = this.board.live;
        const time = this.board.cursor ?? this.board.pausedAt;
        const at = time === null ? times.length - 1 : times.findLastIndex((one) => one <= time + 1e-6);
        const values = this.columns.map((column) => column?.values[at]);
        this.finer = Math.max(this.finer, finerFor(values, this.kind));
        this.columns.forEach((column, line) => {
            const isGone = column?.isGone && this.board.cursor === null;
            setText(this.entries[line].value, isGone ? 'gone' : number(values[line], this.kind, this.finer));
            setText(this.entries[line].extent, this.isFull ? this.extentOf(line) : '');
        });
        this.showTooltip(values);
    }

    showTooltip(values) {
        const { cursor } = this.board;
        if (!this.isHovered || cursor === null || !this.plot) return this.tooltip.hide();
        const rows = this.entries.map(({ name }, at) => ({ name: this.isHeat ? bucketName(this.columns, at, this.kind) : name, value: values[at], colour: this.colour(at) }))
            .filter((row, at) => this.alone === null || this.alone === at);
        this.tooltip.show(cursor, this.plot.valToPos(cursor, 'x') + this.plot.over.offsetLeft, this.isHeat ? 'plain' : this.kind, this.finer, rows);
    }

    select(plot) {
        const { left, width } = plot.select;
        if (width > 6) this.board.setZoom([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }

    moved(plot) {
        const { left } = plot.cursor;
        if (left === undefined || left < 0) return this.board.point(null);
        const time = plot.posToVal(left, 'x');
        // The charts repeat a move to each other, a pixel apart: that is the same time.
        const pixel = plot.posToVal(left + 1, 'x') - time;
        const { cursor } = this.board;
        if (cursor === null || Math.abs(time - cursor) > pixel * 1.5) this.board.point(time);
    }

    pointAt(time) {
        this.plot?.setCursor({ left: this.plot.valToPos(time, 'x'), top: 20 }, false);
    }

    emphasise(at) {
        this.plot?.setSeries(at === null ? null : at + 1, { focus: true });
    }

    /** Describes the values of a focused chart to screen readers. */
    describe() {
        const values = this.entries.map(({ name, value }) => `${isolated(name)} ${value.textContent}`).slice(0, 6);
        const time = this.board.cursor ?? this.board.live.now;
        this.place.setAttribute('aria-label', `chart of ${this.chart.metric}${time === null ? '' : ` at ${clock(time)}`}: ${values.join(', ')}`);
    }

    key(event) {
        const actions = {
            ArrowLeft: () => this.board.step(this, event.shiftKey ? -10 : -1),
            ArrowRight: () => this.board.step(this, event.shiftKey ? 10 : 1),
            '+': () => this.board.zoomBy(0.5),
            '-': () => this.board.zoomBy(2),
            0: () => this.board.setZoom(null),
        };
        const action = actions[event.key];
        if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        action();
    }

    get height() {
        if (!this.isFull) return this.board.height;
        const besides = this.element.firstChild.offsetHeight + this.legend.offsetHeight + 32;
        return Math.max(innerHeight - besides, 150);
    }

    /** Fills the window with the chart, or puts it back. */
    setFull(isFull) {
        this.isFull = isFull;
        this.element.classList.toggle('is-full', isFull);
        this.fullButton.setAttribute('aria-pressed', String(isFull));
        // The legend has its final height once it has its values.
        this.showValues();
        this.resize();
    }

    resize() {
        const width = this.place.clientWidth;
        const { height } = this;
        if (this.plot && width && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
    }

    /** Makes the canvas again, with the colours of a new theme. */
    restyle() {
        this.plot?.destroy();
        this.plot = null;
    }

    close() {
        this.seen.disconnect();
        this.plot?.destroy();
        this.plot = null;
    }
}
