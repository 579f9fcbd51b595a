// The editor of a config: its text, its charts in virtual time beside those of the run that is shown, and a run of the edited text.

import { post } from './api.js';
import { Code } from './code.js';
import { copy, fail, make, openDialog, setText, settle } from './elements.js';
import { clock } from './format.js';
import { drawColumns, drawPreview, kindOfChart, problemsOf, spansText } from './preview.js';

const HEIGHT = 110;
const CHARTS_MAX = 6;
/** The argument that keeps the jobs of two runs apart. */
const JOB = 'job';

/** The charts of the text, one row for each: that of the run, if one is shown, and the edited one. */
class Rows {
    constructor(running) {
        Object.assign(this, { running, plots: [], asked: 0 });
        this.note = make('p', { class: 'hint', role: 'status' });
        this.list = make('div', { class: 'preview-rows' });
        this.element = make('section', { class: 'editor-preview', tabindex: '0', 'aria-label': 'preview' }, this.note, this.list);
    }

    async draw(body) {
        const asked = ++this.asked;
        setText(this.note, 'drawing …');
        const { charts = [], seed } = this.running?.() ?? {};
        const wanted = charts.map(({ chart }) => chart.metric).slice(0, CHARTS_MAX);
        const preview = await post('/configs/preview', { ...body, seed, ...(wanted.length ? { metrics: wanted } : { charts: CHARTS_MAX }) });
        if (asked !== this.asked || !this.element.isConnected) return;
        for (const plot of this.plots) plot.destroy();
        this.plots = [];
        this.list.replaceChildren();
        if (!preview.charts.length) {
            setText(this.note, '');
            return this.list.append(problemsOf(preview));
        }
        setText(this.note, ['the edited text in virtual time', spansText(preview)].filter(Boolean).join(' · '));
        for (const chart of preview.charts) this.add(preview, chart, charts.find((one) => one.chart.metric === chart.metric));
    }

    add(preview, chart, live) {
        const edited = make('div', { class: 'preview' });
        const now = live ? make('div', { class: 'preview' }) : null;
        const titled = (title, place) => make('figure', {}, make('figcaption', { class: 'hint' }, title), place);
        this.list.append(make('h3', {}, chart.metric), make('div', { class: live ? 'preview-pair' : '' }, now ? titled('running', now) : null, titled('edited', edited)));
        if (now) {
            const { times, columns } = live;
            this.plots.push(drawColumns(now, { seconds: times, columns, lines: live.chart.lines, kind: kindOfChart(chart), height: HEIGHT, timeText: clock }));
        }
        this.plots.push(drawPreview(edited, preview, chart, HEIGHT, true));
    }
}

/** Opens the editor. `running` gives the charts and the seed of the run that is shown; without it the text stands alone. */
export function openEditor({ name, path = null, text, problems, given, classes, running = null, started }) {
    const rows = new Rows(running);
    const body = () => ({ text: code.area.value, class: given.class ?? undefined, args: given.args });
    const draw = settle(() => rows.draw(body()).catch(fail), 300);
    const code = new Code(text, problems, given, draw);
    const arguments_ = (classes.find((one) => one.name === (given.class ?? '')) ?? classes[0])?.arguments ?? [];
    const run = async () => {
        const args = { ...given.args };
        // Two runs may not have the same job.
        const job = arguments_.find((argument) => argument.name === JOB);
        if (job && running) args[JOB] = `${args[JOB] ?? job.default}_${Date.now().toString(36).slice(-4)}`;
        try {
            const { id } = await post('/runs', { ...body(), args });
            dialog.close();
            started(id);
        } catch (error) {
            fail(error);
        }
    };
    const ask = make('p', { class: 'discard', role: 'alert', hidden: true }, 'Your changes are not saved. ',
        make('button', { type: 'button', onclick: () => dialog.close() }, 'Discard them'), ' ',
        make('button', { type: 'button', class: 'primary', onclick: () => { ask.hidden = true; code.area.focus(); } }, 'Keep editing'));
    const dialog = openDialog(`Config ${name}`, 'editor',
        make('p', { class: 'hint' }, `${path ?? 'built into promemu'}. Changes are checked and drawn with these arguments, but not saved: copy them into the file. With --watch a running promemu reloads the file.`),
        make('div', { class: 'editor-halves' }, make('div', {}, code.code, code.list), rows.element),
        ask,
        make('div', { class: 'dialog-end' }, code.verdict,
            make('button', { type: 'button', onclick: () => copy(code.area.value) }, 'Copy'),
            make('button', { type: 'button', class: 'primary', title: 'a run of its own, beside this one', onclick: run }, 'Run it')));
    dialog.mayClose = () => {
        const isChanged = code.area.value !== text;
        if (isChanged) {
            ask.hidden = false;
            ask.querySelector('button').focus();
        }
        return !isChanged;
    };
    code.draw();
    // Setting the value moves the caret to its end, and the browser would scroll there on focus.
    code.area.setSelectionRange(0, 0);
    code.area.focus({ preventScroll: true });
    code.area.scrollTop = 0;
    code.check().catch(fail);
}
