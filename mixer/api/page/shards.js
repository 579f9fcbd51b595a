// The shards of a run: which of them answer, and what this page shows of the others.

import { find, make } from './elements.js';

/** The number of this page's shard; null in a run of one process. */
let own = null;
/** The pages of the other shards, by their numbers. */
let pages = new Map();
let shown = null;

const pageOf = (shard) => {
    const page = pages.get(shard);
    return page ? make('a', { href: `${page}/` }, `shard ${shard}`) : `shard ${shard}`;
};

const listed = (parts) => parts.flatMap((part, at) => (at === 0 ? [part] : [at === parts.length - 1 ? ' and ' : ', ', part]));

/** Says what the page shows, and which shards are missing. */
export function showShards(shards = []) {
    own = shards.find(({ state }) => state === 'here')?.shard ?? null;
    const others = shards.filter(({ state }) => state === 'answers');
    const missing = shards.filter(({ state }) => state === 'missing');
    pages = new Map(others.map(({ shard, page }) => [shard, page]));
    const place = find('shards');
    place.hidden = own === null;
    // A link that is replaced while it is pressed would do nothing.
    const text = JSON.stringify(shards);
    if (own === null || text === shown) return;
    shown = text;
    place.classList.toggle('failed', missing.length > 0);
    const gone = missing.length ? [`No answer from ${missing.length === 1 ? 'shard' : 'shards'} ${missing.map(({ shard }) => shard).join(', ')}: nothing here counts ${missing.length === 1 ? 'its' : 'their'} hosts. `] : [];
    const elsewhere = others.length ? [` Those of the others are on the ${others.length === 1 ? 'page' : 'pages'} of `, ...listed(others.map(({ shard }) => pageOf(shard))), '.'] : [];
    place.replaceChildren(...gone, `Totals, hosts and ribbon are of the whole run; charts and the event log are of shard ${own} alone.`, ...elsewhere);
}

/** True for a host whose charts another shard has. */
export const isElsewhere = (host) => own !== null && host?.shard !== undefined && host.shard !== own;

/** The sentence about a host of another shard. */
export const elsewhere = ({ shard }) => ['Its charts are on the page of ', pageOf(shard), '.'];
