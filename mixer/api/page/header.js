// The header with the run's facts, and the health of the outputs below it.

import { find, make, setText } from './elements.js';
import { clock, count, duration, number, seconds } from './format.js';
import { view } from './view.js';

/** A named fact. It is made once; then only its text changes. */
class Fact {
    constructor(name, parent, title = null) {
        this.value = make('b', {});
        this.element = make('span', { class: 'fact', title, hidden: true }, make('i', {}, name), this.value);
        parent.append(this.element);
    }

    set(text) {
        this.element.hidden = text === null;
        if (text !== null) setText(this.value, text);
    }
}

const STATES = { away: 'away', running: 'running', created: 'not yet started', starting: 'starting', stopping: 'stopping', ended: 'over', failed: 'failed' };

export class Header {
    constructor() {
        const place = find('run');
        this.config = make('strong', { class: 'config' });
        this.state = make('span', { class: 'state', hidden: true });
        place.append(this.config, this.state);
        this.facts = {
            elapsed: new Fact('for', place, 'how long this run has been going'),
            time: new Fact('hosts’ time', place, 'the emulated clock'),
            speed: new Fact('speed', place),
            hosts: new Fact('hosts', place, 'running, of all'),
            series: new Fact('series', place),
            job: new Fact('job', place),
            jobs: new Fact('jobs', place),
            seed: new Fact('seed', place, 'the same seed gives the same values'),
            restarted: new Fact('restarted', place, 'another run of the same address: the lines before it are of the one before'),
            trouble: new Fact('', place),
        };
        this.facts.seed.element.classList.add('minor');
        for (const name of ['hosts', 'series', 'job', 'jobs']) this.facts[name].element.classList.add('in-totals');
        this.facts.trouble.element.classList.add('trouble');
        this.outputs = new Outputs();
    }

    showState(state) {
        setText(this.state, STATES[state] ?? state);
        this.state.dataset.state = state;
    }

    restarted(time) {
        this.facts.restarted.set(clock(time));
    }

    show(status) {
        const { hosts, counters, speed } = status;
        setText(this.config, status.config);
        document.title = `${status.config} · promemu`;
        this.state.hidden = false;
        this.showState(status.state);
        this.facts.elapsed.set(duration(status.uptime_seconds));
        this.facts.time.set(clock(status.emulated_time_unix));
        this.facts.speed.set(speed === 1 ? null : `${speed}×`);
        this.facts.seed.set(String(status.seed));
        this.facts.hosts.set(hosts.running === hosts.total ? count(hosts.total) : `${count(hosts.running)} of ${count(hosts.total)}`);
        this.facts.series.set(count(status.series));
        const jobs = status.jobs.length + (status.jobs_not_listed ?? 0);
        this.facts.job.set(jobs === 1 ? status.jobs[0].name : null);
        this.facts.jobs.set(jobs > 1 ? count(jobs) : null);
        const trouble = Object.entries(counters ?? {}).filter(([, value]) => value > 0);
        this.facts.trouble.set(trouble.length ? trouble.map(([name, value]) => `${name.replaceAll('_', ' ')} ${count(value)}`).join(', ') : null);
        const overrides = find('open-overrides');
        overrides.hidden = !status.overrides;
        setText(overrides, status.overrides === 1 ? '1 override' : `${count(status.overrides)} overrides`);
        this.outputs.show(status);
    }
}

/** The health of the outputs, one line each. */
class Outputs {
    constructor() {
        this.rows = new Map();
    }

    show({ outputs, time }) {
        const now = Date.parse(time) / 1000;
        const key = ({ kind, target, shard }) => `${shard ?? ''} ${kind}=${target}`;
        const keys = outputs.map(key);
        if (!outputs.length) return this.showPage();
        if (keys.join() !== [...this.rows.keys()].join()) {
            this.rows = new Map(outputs.map((output) => [key(output), new OutputRow(output)]));
            find('outputs').replaceChildren(...[...this.rows.values()].map((row) => row.element));
        }
        for (const output of outputs) this.rows.get(key(output)).show(output, now);
    }

    /** A run that is not the main one can be scraped over the API if no output pushes it. */
    showPage() {
        this.rows.clear();
        const place = find('outputs');
        if (view.run === null || place.querySelector('a')) return;
        const path = `api/v1/runs/${encodeURIComponent(view.run)}/metrics`;
        place.replaceChildren(make('div', { class: 'output' },
            make('span', { class: 'state', 'data-state': 'running' }, 'served'), make('a', { href: path }, new URL(path, location.href).href),
            make('span', { class: 'hint' }, 'this run’s metrics, to be scraped')));
    }
}

class OutputRow {
    constructor({ kind, target, shard }) {
        this.state = make('span', { class: 'state' });
        this.element = make('div', { class: 'output' }, this.state, shard ? make('span', { class: 'hint' }, `shard ${shard}`) : null, make('strong', {}, kind), make('span', { class: 'target', title: target }, target ?? ''));
        this.last = new Fact('last', this.element, 'since the last push that arrived');
        this.took = new Fact('takes', this.element, 'a push, on average');
        this.pushes = new Fact('pushes', this.element);
        this.bytes = new Fact('sent', this.element);
        this.failures = new Fact('failed', this.element);
        this.why = make('span', { class: 'why' });
        this.element.append(this.why);
    }

    show(output, now) {
        const isServed = output.kind === 'scrape' || output.kind === 'embedded';
        const refused = Object.entries(output.refused ?? {});
        const isAway = output.away_for !== null && output.away_for !== undefined;
        const state = isAway ? 'away' : refused.length ? 'refused' : isServed ? 'served' : output.last_push ? 'ok' : 'waiting';
        setText(this.state, { away: `away for ${duration(output.away_for ?? 0)}`, refused: 'refused', served: 'served', ok: 'ok', waiting: 'no push yet' }[state]);
        this.state.dataset.state = { away: 'failed', refused: 'failed', waiting: 'waiting' }[state] ?? 'running';
        this.last.set(output.last_push ? `${duration(Math.max(0, now - Date.parse(output.last_push) / 1000))} ago` : null);
        const { mean_seconds: mean } = output;
        this.took.set(mean === null || mean === undefined ? null : seconds(mean));
        this.pushes.set(isServed ? null : count(output.pushes ?? 0));
        this.bytes.set(output.sent_bytes ? number(output.sent_bytes, 'bytes') : null);
        this.failures.set(output.failures ? count(output.failures) : isServed ? null : '0');
        this.failures.element.classList.toggle('trouble', output.failures > 0);
        const reasons = refused.slice(0, 3).map(([job, why]) => `${job}: ${why}`);
        if (isAway && output.last_error) reasons.unshift(output.last_error);
        setText(this.why, reasons.join(' · '));
        this.why.title = this.why.textContent;
    }
}
