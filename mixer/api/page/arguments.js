// The arguments of a config as a form.

import { make } from './elements.js';

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A text as the API takes it: whole numbers, numbers and truth values are such; an argument that takes text keeps all. */
function valueOf(text, takes) {
    if (takes.startsWith('text')) return text;
    if (text === 'true' || text === 'false') return text === 'true';
    return NUMBER.test(text) ? Number(text) : text;
}

/** Fields for arguments. `given` has values that differ from the defaults. */
export class ArgumentFields {
    constructor(list, given = {}) {
        this.fields = list.map((argument) => {
            const value = String(given[argument.name] ?? argument.default);
            const options = argument.choices.length ? argument.choices.map((choice) => make('option', { value: choice }, choice)) : null;
            const input = options ? make('select', {}, options) : make('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' });
            input.value = value;
            input.title = `${argument.takes}; ${argument.default} by default`;
            return { argument, input };
        });
        this.elements = this.fields.map(({ argument, input }) => make('label', { title: argument.help }, argument.name.replaceAll('_', ' '), input, make('small', { class: 'hint' }, argument.help)));
    }

    /** Those that differ from the defaults. */
    get values() {
        const changed = this.fields.filter(({ argument, input }) => input.value.trim() !== argument.default);
        return Object.fromEntries(changed.map(({ argument, input }) => [argument.name, valueOf(input.value.trim(), argument.takes)]));
    }

    has(name) {
        return this.fields.some(({ argument }) => argument.name === name);
    }
}
