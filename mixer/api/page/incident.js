// The button that causes an incident: a fault of the config begins, or a host is down for a while.

import { get, post, put } from './api.js';
import { fail, find, isolated, toast } from './elements.js';

/** How long a host is down, of its own time. */
const DOWN_FOR = '30s';

/** Begins the first fault that is not on; `false` if there is none. */
async function beginFault() {
    const { faults } = await get('/timeline');
    const fault = faults.find(({ is_on: isOn }) => !isOn);
    if (!fault) return false;
    await put(`/faults/${encodeURIComponent(fault.id)}`, {});
    toast(`${isolated(fault.id)} has begun: ${fault.kind.replaceAll('_', ' ')} on ${isolated(fault.target)}`);
    return true;
}

/** Takes down the last running host of those listed first; other ones are more often the centre of a config. */
async function takeDown() {
    const { hosts } = await get('/hosts', { state: 'running', limit: 10 });
    const host = hosts.at(-1);
    if (!host) throw new Error('no host is running; start one');
    // A pattern has characters that stand for others.
    const hostPattern = host.name.replace(/[*?[\]]/g, '[$&]');
    await post('/actions', { action: 'down', hosts: hostPattern, for: DOWN_FOR });
    toast(`${isolated(host.name)} is down for ${DOWN_FOR}`);
}

const button = find('incident');
button.addEventListener('click', async () => {
    button.disabled = true;
    try {
        if (!await beginFault()) await takeDown();
    } catch (error) {
        fail(error);
    }
    button.disabled = false;
});

/** Shows the button while the run goes on. */
export function offerIncident(isRunning) {
    button.hidden = !isRunning;
}
