// PromQL queries of charts.

import { isAggregate } from './view.js';

/** A text in quotes; in a replacement, a dollar stands for itself. */
const quoted = (text) => JSON.stringify(text.replaceAll('$', '$$$$'));

/**
 * The query of a chart: all its lines. An aggregate has no labels, so where there are several they get one: `or` would keep only the
 * first of them.
 */
export function chartQuery(lines) {
    const aggregates = lines.filter(({ line }) => isAggregate(line)).length;
    const named = ({ line, query }) => (aggregates > 1 && isAggregate(line) ? `label_replace(${query}, "line", ${quoted(line)}, "", "")` : query);
    return lines.map(named).join(' or ');
}
