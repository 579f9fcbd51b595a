// The list of hosts, page by page; the server searches and counts.

import { get, hostPath, post } from './api.js';
import { fail, find, isolated, make, setText, settle, visible } from './elements.js';
import { count, duration } from './format.js';
import { view, writeView } from './view.js';

const PAGE = 10;

/** True for a host that a stop would end. */
export const isAlive = ({ state }) => state === 'running' || state === 'down' || state === 'waiting';

/** Stops or starts a host, then calls `then`. */
export async function startOrStop(name, isRunning, then) {
    try {
        await post(`${hostPath(name)}/${isRunning ? 'stop' : 'start'}`, undefined);
    } catch (error) {
        fail(error);
    }
    then();
}

export const ttlLeft = ({ ttl_remaining_seconds: left, state }) => {
    if (state === 'ended') return '–';
    return left === null || left === undefined ? 'endless' : duration(left);
};

/** A row of the list; it is reused for other hosts. */
class Row {
    constructor(hosts) {
        this.name = make('button', { type: 'button', class: 'link', onclick: () => hosts.open(this.host.name) });
        this.state = make('span', { class: 'state' });
        this.ttl = make('td', { class: 'number' });
        this.action = make('button', {
            type: 'button', class: 'quiet',
            onclick: () => startOrStop(this.host.name, isAlive(this.host), () => hosts.refresh()),
        });
        this.element = make('tr', {}, make('th', { scope: 'row' }, this.name), make('td', {}, this.state), this.ttl, make('td', { class: 'action' }, this.action));
    }

    show(host) {
        this.host = host;
        setText(this.name, host.name);
        this.name.title = [host.host, host.address, `job ${host.job}`].filter(Boolean).map(isolated).join(' · ');
        setText(this.state, host.state);
        this.state.dataset.state = host.state;
        this.name.classList.toggle('overridden', host.overrides > 0);
        setText(this.ttl, ttlLeft(host));
        const isRunning = isAlive(host);
        setText(this.action, isRunning ? 'Stop' : 'Start');
        this.action.setAttribute('aria-label', visible(`${isRunning ? 'stop' : 'start'} ${host.name}`));
        this.element.hidden = false;
    }
}

export class Hosts {
    constructor(open) {
        this.open = open;
        this.offset = 0;
        this.job = '';
        this.asked = 0;
        this.rows = Array.from({ length: PAGE }, () => new Row(this));
        for (const row of this.rows) row.element.hidden = true;
        find('hosts').append(...this.rows.map((row) => row.element));
        const search = find('host-search');
        const state = find('host-state');
        search.value = view.search;
        state.value = view.state;
        const changed = () => {
            Object.assign(view, { search: search.value.trim(), state: state.value });
            this.job = find('host-job').value;
            writeView();
            this.turn(0);
        };
        search.addEventListener('input', settle(changed, 200));
        state.addEventListener('change', changed);
        find('host-job').addEventListener('change', changed);
        find('hosts-before').addEventListener('click', () => this.turn(this.offset - PAGE));
        find('hosts-after').addEventListener('click', () => this.turn(this.offset + PAGE));
    }

    turn(offset) {
        this.offset = Math.max(0, offset);
        return this.refresh();
    }

    /** The choice of jobs, if there are several. */
    showJobs(jobs) {
        const choice = find('host-job');
        choice.hidden = jobs.length < 2;
        const names = ['', ...jobs.map(({ name }) => name)];
        if (names.join('\n') === [...choice.options].map(({ value }) => value).join('\n')) return;
        choice.replaceChildren(...names.map((name, at) => make('option', { value: name }, at ? `${name} (${count(jobs[at - 1].hosts)})` : 'all jobs')));
        choice.value = names.includes(this.job) ? this.job : '';
    }

    async refresh() {
        const asked = ++this.asked;
        const query = { search: view.search, state: view.state, job: this.job, offset: this.offset, limit: PAGE };
        let page;
        try {
            page = await get('/hosts', query);
        } catch (error) {
            if (error.status) fail(error);
            return;
        }
        // This answers an older search.
        if (asked !== this.asked) return;
        if (!page.hosts.length && this.offset > 0) return this.turn(Math.floor(Math.max(0, page.matched - 1) / PAGE) * PAGE);
        this.rows.forEach((row, at) => {
            if (page.hosts[at]) row.show(page.hosts[at]);
            else row.element.hidden = true;
        });
        const last = this.offset + page.hosts.length;
        setText(find('hosts-range'), page.matched ? `${count(this.offset + 1)} to ${count(last)} of ${count(page.matched)}` : 'none');
        find('hosts-before').disabled = this.offset === 0;
        find('hosts-after').disabled = last >= page.matched;
    }

    showSummary({ hosts }) {
        const parts = ['running', 'down', 'waiting', 'stopped', 'ended'].filter((state) => hosts[state]).map((state) => `${count(hosts[state])} ${state}`);
        setText(find('hosts-summary'), parts.join(', '));
    }
}
