// Single-key shortcuts outside text fields, and the dialog that lists them.

import { find, make, openDialog } from './elements.js';

const OFF = 'promemu-keys-off';

const read = () => {
    try {
        return localStorage.getItem(OFF) === null;
    } catch {
        return true;
    }
};
let isOn = read();

function setOn(value) {
    isOn = value;
    try {
        if (value) localStorage.removeItem(OFF);
        else localStorage.setItem(OFF, 'yes');
    } catch {
        // Without storage the choice lasts as long as the page.
    }
}

const press = (id) => () => find(id).click();
const focus = (id) => () => { find(id).focus(); find(id).scrollIntoView({ block: 'nearest' }); };

const KEYS = [
    ['p', 'pause or resume the charts', press('pause')],
    ['r', 'reset the zoom', press('reset-zoom')],
    ['a', 'add a chart', press('add-chart')],
    ['/', 'search hosts', focus('host-search')],
    ['e', 'go to the event buttons', () => (find('fire').querySelector('button') ?? find('fire')).focus()],
    ['f', 'filter the event log', focus('event-filter')],
    ['c', 'open the config', press('open-config')],
    ['t', 'theme: light, dark, or the system’s', press('theme')],
    ['?', 'this list', () => openKeys()],
];

const ON_CHARTS = [
    ['← →', 'move the cursor a second; with Shift, ten'],
    ['+ −', 'zoom in and out'],
    ['0', 'reset the zoom'],
    ['drag', 'zoom in; a double click resets it'],
];

export function openKeys() {
    const rows = (list) => list.map(([key, text]) => make('tr', {}, make('th', { scope: 'row' }, make('kbd', {}, key)), make('td', {}, text)));
    const box = make('input', { type: 'checkbox', onchange: (event) => setOn(event.target.checked) });
    box.checked = isOn;
    openDialog('Keys', 'small',
        make('table', { class: 'keys' },
            make('tbody', {}, rows(KEYS)),
            make('tbody', {}, make('tr', {}, make('th', { colspan: '2' }, 'on a chart')), rows(ON_CHARTS)),
            make('tbody', {}, rows([['Esc', 'close what is open']]))),
        make('p', {}, make('label', { class: 'inline' }, box, ' single keys work')),
        make('p', { class: 'hint' }, make('a', { href: 'docs' }, 'the API'), ' · ', make('a', { href: 'metrics' }, 'promemu’s own metrics')));
}

export function listen() {
    find('open-keys').addEventListener('click', openKeys);
    document.addEventListener('keydown', (event) => {
        const isTyping = event.target.closest('input, textarea, select, [contenteditable]');
        if (!isOn || isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
        const found = KEYS.find(([key]) => key === event.key);
        if (!found) return;
        event.preventDefault();
        found[2]();
    });
}
