// The levers of the run: their values, and what moves them now. Without levers there is no list.

import { get } from './api.js';
import { fail, find, isolated, make, setText } from './elements.js';
import { count, number } from './format.js';

/** More levers are counted, not listed. */
const SHOWN_MAX = 50;

const valueText = ({ value, by_hosts: byHosts }) => [
    number(value),
    ...byHosts.map((group) => {
        const more = group.count - group.hosts.length;
        return `${number(group.value)} on ${group.hosts.map(isolated).join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`;
    }),
].join('; ');

const movedBy = ({ faults, overrides }) => [
    ...faults.map(isolated),
    ...overrides.map(({ value, hosts }) => `set to ${number(value)} on ${isolated(hosts)}`),
].join(', ') || '–';

function row(lever) {
    const isMoved = lever.value !== lever.default || lever.by_hosts.length > 0;
    return make('tr', { title: `default ${number(lever.default)}` },
        make('th', { scope: 'row' }, lever.name),
        make('td', { class: isMoved ? 'number moved' : 'number' }, valueText(lever)),
        make('td', {}, movedBy(lever)));
}

export class Levers {
    constructor() {
        this.shown = null;
    }

    async refresh() {
        let levers;
        try {
            ({ levers } = await get('/levers'));
        } catch (error) {
            if (error.status) fail(error);
            return;
        }
        const text = JSON.stringify(levers);
        if (text === this.shown) return;
        this.shown = text;
        find('levers-panel').hidden = !levers.length;
        find('levers').replaceChildren(...levers.slice(0, SHOWN_MAX).map(row));
        const more = levers.length - SHOWN_MAX;
        setText(find('levers-summary'), more > 0 ? `${count(SHOWN_MAX)} of ${count(levers.length)}` : '');
    }
}
