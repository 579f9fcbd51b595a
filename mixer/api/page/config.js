// The config of the run that is shown, in the editor.

import { get } from './api.js';
import { openEditor } from './editor.js';
import { fail, make, openDialog } from './elements.js';

/** Opens the config of a run. `running` has the run's charts and its seed; calls `started` with the id of a run of an edited text. */
export async function openConfig(run, running, started) {
    const path = `/runs/${encodeURIComponent(run)}`;
    try {
        const config = await get(`${path}/config`);
        const { class: name, args } = await get(path);
        if (config.text === null) {
            return openDialog(`Config ${config.name}`, 'small', make('p', {}, 'This config is made by a plugin: it has no text.'));
        }
        openEditor({ name: config.name, path: config.path, text: config.text, problems: config.problems ?? [], given: { class: name, args }, classes: config.classes, running, started });
    } catch (error) {
        fail(error);
    }
}
