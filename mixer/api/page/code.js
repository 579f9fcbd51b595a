// The text of a config, checked while the user types, with errors beside their lines.

import { post } from './api.js';
import { fail, make, setText, settle } from './elements.js';
import { count } from './format.js';

/** Longer texts are shown without colours. */
const LONGEST_COLOURED = 200_000;
const TOKENS = /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:[^"\\]|\\.)*")|\b(\d[\d_.]*(?:e[+-]?\d+)?)\b|\b([A-Z]\w*)(?=\()|\b(\w+)(?=\s*:)/g;
const KINDS = ['comment', 'text', 'number', 'maker', 'field'];

/** A text as coloured spans, line by line. */
function colour(text) {
    const lines = [[]];
    const put = (piece, kind) => piece.split('\n').forEach((part, at) => {
        if (at > 0) lines.push([]);
        if (part) lines.at(-1).push(kind ? make('span', { class: `code-${kind}` }, part) : part);
    });
    let from = 0;
    if (text.length <= LONGEST_COLOURED) {
        for (const match of text.matchAll(TOKENS)) {
            put(text.slice(from, match.index));
            put(match[0], KINDS[match.slice(1).findIndex((group) => group !== undefined)]);
            from = match.index + match[0].length;
        }
    }
    put(text.slice(from));
    return lines;
}

export class Code {
    /** `given` has the class and the arguments that it is checked with. Calls `valid` when a text has no errors. */
    constructor(text, problems, given, valid) {
        Object.assign(this, { problems, given, valid });
        this.back = make('pre', { class: 'code-back', 'aria-hidden': 'true' });
        this.area = make('textarea', { class: 'code-area', spellcheck: 'false', wrap: 'off', autocapitalize: 'off', 'aria-label': 'text of the config', 'aria-describedby': 'config-verdict' });
        this.area.value = text;
        this.verdict = make('p', { class: 'verdict', id: 'config-verdict', role: 'status' });
        this.list = make('ol', { class: 'problems' });
        this.code = make('div', { class: 'code' }, this.back, this.area);
        this.asked = 0;
        const check = settle(() => this.check().catch(fail), 350);
        this.area.addEventListener('input', () => { this.problems = []; this.draw(); check(); });
        this.area.addEventListener('scroll', () => { this.back.scrollTop = this.area.scrollTop; this.back.scrollLeft = this.area.scrollLeft; });
    }

    /** The layer behind the text: line numbers, colours, and problems at the ends of lines. */
    draw() {
        const byLine = Map.groupBy(this.problems, ({ line }) => line);
        this.back.replaceChildren(...colour(this.area.value).map((pieces, at) => {
            const problems = byLine.get(at + 1) ?? [];
            const worst = problems.some(({ severity }) => severity === 'error') ? 'error' : 'warning';
            const row = make('div', { class: problems.length ? `code-line ${worst}` : 'code-line' }, ...pieces);
            if (problems.length) row.append(make('em', { class: 'code-problem' }, `  ◂ ${problems.map(({ message }) => message).join(' · ')}`));
            return row;
        }));
        this.area.dispatchEvent(new Event('scroll'));
        this.list.replaceChildren(...this.problems.slice(0, 50).map((problem) => make('li', {},
            make('button', { type: 'button', class: 'link', onclick: () => this.goTo(problem) }, `line ${problem.line ?? '?'}`),
            ` ${problem.severity}: ${problem.message}`)));
        this.list.hidden = !this.problems.length;
    }

    goTo({ line, column }) {
        if (!line) return;
        const before = this.area.value.split('\n').slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
        this.area.focus();
        this.area.setSelectionRange(before + (column ?? 1) - 1, before + (column ?? 1) - 1);
        const height = this.back.firstChild?.getBoundingClientRect().height ?? 18;
        this.area.scrollTop = Math.max(0, (line - 4) * height);
    }

    async check() {
        const asked = ++this.asked;
        setText(this.verdict, 'checking …');
        const answer = await post('/configs/check', { text: this.area.value, ...this.given });
        if (asked !== this.asked) return;
        this.problems = answer.problems;
        this.draw();
        this.judge(answer);
    }

    judge({ valid, problems, hosts, jobs, series }) {
        const errors = problems.filter(({ severity }) => severity === 'error').length;
        const warnings = problems.length - errors;
        const made = hosts === null || hosts === undefined ? '' : `: ${count(hosts)} ${hosts === 1 ? 'host' : 'hosts'}, ${count(jobs)} ${jobs === 1 ? 'job' : 'jobs'}, ${count(series)} series`;
        const many = (number, word) => `${number} ${word}${number === 1 ? '' : 's'}`;
        setText(this.verdict, valid && !errors ? `✓ valid${made}${warnings ? `, ${many(warnings, 'warning')}` : ''}` : `✗ ${many(errors, 'error')}${warnings ? `, ${many(warnings, 'warning')}` : ''}`);
        this.verdict.dataset.state = errors ? 'failed' : 'running';
        if (valid && !errors) this.valid();
    }
}
