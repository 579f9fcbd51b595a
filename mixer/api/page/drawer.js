// The drawer: one host with its labels, its metrics and their overrides.

import { get, hostPath } from './api.js';
import { copy, fail, find, make, setText, settle } from './elements.js';
import { kindOf, number } from './format.js';
import { isAlive, startOrStop, ttlLeft } from './hosts.js';
import { isGrowing } from './live.js';
import { OverrideForm, release, untilText } from './overrides.js';
import { elsewhere, isElsewhere } from './shards.js';
import { view, writeView } from './view.js';

/** The most metrics that are shown; the filter finds the others. */
const ROWS_MAX = 60;

/** The value as text, or the number of observations. */
function valueText({ metric, type, unit, value }) {
    const isCount = isGrowing(type) && type !== 'counter';
    return isCount ? `${number(value)} observations` : number(value, kindOf(metric, unit));
}

class MetricRow {
    constructor(metric, drawer) {
        this.drawer = drawer;
        const rest = metric.id.slice(metric.host.length + 1 + metric.metric.length);
        this.value = make('output', { class: 'value' });
        this.until = make('span', { class: 'until' });
        const quiet = (text, title, onclick) => make('button', { type: 'button', class: 'quiet', title, 'aria-label': `${title}: ${metric.metric}${rest}`, onclick }, text);
        this.release = quiet('Release', 'release the override', () => release(this.metric, () => drawer.refresh()));
        this.change = quiet('Override', 'override the value', () => this.edit());
        this.change.disabled = metric.type === 'info';
        this.element = make('li', { class: 'metric' },
            make('div', { class: 'metric-name', title: metric.help }, metric.metric, rest ? make('small', {}, rest) : null),
            this.value,
            make('div', { class: 'metric-tools' },
                this.until,
                make('span', { class: 'type' }, metric.type.replace('_', ' ')),
                isElsewhere(drawer.host) ? null : quiet('Chart', 'show in a chart', () => drawer.chart(this.metric)),
                quiet('Query', 'copy the Prometheus query', () => copy(this.metric.query)),
                this.change, this.release));
        this.show(metric);
    }

    show(metric) {
        this.metric = metric;
        setText(this.value, valueText(metric));
        this.element.classList.toggle('overridden', metric.override !== null);
        this.release.hidden = metric.override === null;
        setText(this.until, metric.override ? `overridden ${untilText(metric.override)}` : '');
    }

    edit() {
        if (this.form) return this.closeForm();
        this.form = new OverrideForm(this.metric, () => { this.closeForm(); this.drawer.refresh(); });
        this.element.append(this.form.element);
        this.form.focus();
    }

    closeForm() {
        this.form?.element.remove();
        this.form = null;
        this.change.focus();
    }
}

export class Drawer {
    constructor({ chart }) {
        this.chart = chart;
        this.element = find('drawer');
        this.name = null;
        this.rows = new Map();
        document.addEventListener('keydown', (event) => {
            if (event.key !== 'Escape' || this.name === null || document.querySelector('dialog[open]')) return;
            // In a field outside the drawer, Escape belongs to the field.
            const isElsewhere = !this.element.contains(event.target) && event.target.closest('input, textarea, select');
            if (!isElsewhere) this.close();
        });
    }

    /** Opens a host; `id` is a series to filter for. */
    async open(name, id = null) {
        this.opener = this.element.contains(document.activeElement) ? this.opener : document.activeElement;
        this.name = name;
        view.host = name;
        writeView();
        this.build(name);
        if (id) this.filter.value = id.slice(name.length + 1);
        this.title.focus({ preventScroll: true });
        await this.refresh();
    }

    build(name) {
        this.rows.clear();
        this.title = make('h2', { id: 'drawer-title', tabindex: '-1' }, name);
        this.state = make('span', { class: 'state' });
        this.facts = make('span', { class: 'readout' });
        this.action = make('button', { type: 'button', onclick: () => startOrStop(name, this.host && isAlive(this.host), () => this.refresh()) });
        this.labels = make('ul', { class: 'labels' });
        this.elsewhere = make('p', { class: 'hint', hidden: true });
        this.filter = make('input', { type: 'search', placeholder: 'filter metrics', 'aria-label': 'filter the metrics of this host', oninput: settle(() => this.showMetrics(), 100) });
        this.list = make('ul', { class: 'metrics' });
        this.more = make('p', { class: 'hint' });
        this.element.replaceChildren(
            make('div', { class: 'section-head' }, this.title, this.state, this.facts,
                make('div', { class: 'section-tools' }, this.action,
                    make('button', { type: 'button', 'aria-label': `close ${name}`, onclick: () => this.close() }, '✕'))),
            this.labels, this.elsewhere, this.filter, this.list, this.more);
        this.element.hidden = false;
        document.body.classList.add('has-drawer');
    }

    close() {
        this.name = null;
        view.host = null;
        writeView();
        this.element.hidden = true;
        document.body.classList.remove('has-drawer');
        this.opener?.focus?.({ preventScroll: true });
    }

    async refresh() {
        const { name } = this;
        if (name === null) return;
        try {
            const host = await get(hostPath(name));
            if (this.name !== name) return;
            this.show(host);
        } catch (error) {
            if (this.name !== name) return;
            if (error.status === 404) {
                this.close();
                fail(error);
            }
        }
    }

    show(host) {
        this.host = host;
        setText(this.state, host.state);
        this.state.dataset.state = host.state;
        setText(this.facts, isAlive(host) ? `ttl left: ${ttlLeft(host)}` : '');
        setText(this.action, isAlive(host) ? 'Stop' : 'Start');
        const labels = Object.entries({ job: host.job, ...host.labels });
        const texts = labels.map(([name, value]) => `${name}="${value}"`);
        if (texts.join() !== [...this.labels.children].map((item) => item.textContent).join()) {
            this.labels.replaceChildren(...texts.map((text) => make('li', {}, text)));
        }
        const isAway = isElsewhere(host);
        if (isAway && this.elsewhere.hidden) this.elsewhere.replaceChildren(...elsewhere(host));
        this.elsewhere.hidden = !isAway;
        this.showMetrics();
    }

    showMetrics() {
        if (!this.host) return;
        const words = this.filter.value.trim().toLowerCase();
        const metrics = this.host.listed_metrics;
        const found = metrics.filter(({ id }) => id.slice(this.name.length + 1).toLowerCase().includes(words));
        const shown = found.slice(0, ROWS_MAX);
        const rows = shown.map((metric) => {
            const row = this.rows.get(metric.id) ?? new MetricRow(metric, this);
            this.rows.set(metric.id, row);
            row.show(metric);
            return row.element;
        });
        // Rows that do not move keep their focus, and the input of a form in them.
        if (rows.length !== this.list.children.length || rows.some((row, at) => this.list.children[at] !== row)) this.list.replaceChildren(...rows);
        const hidden = found.length - shown.length;
        const parts = [];
        if (hidden > 0) parts.push(`${hidden} more: filter`);
        if (this.host.not_listed > 0) parts.push(`${this.host.not_listed} series are not listed`);
        setText(this.more, parts.join(' · '));
    }
}
