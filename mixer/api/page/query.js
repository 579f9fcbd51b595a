// Prometheus queries of what a chart shows.

import { isGrowing } from './live.js';

const RATE = '[1m]';

/** The query of a chart's line: for a type that only grows its rate, as the chart has it. */
export function rateQuery(query, type) {
    if (!isGrowing(type) || query.includes('rate(')) return query;
    const whole = /^(avg|sum|min|max)\((.*)\)$/s.exec(query);
    const inner = whole ? whole[2] : query;
    const rate = `rate(${inner}${RATE})`;
    return whole ? `${whole[1]}(${rate})` : rate;
}
