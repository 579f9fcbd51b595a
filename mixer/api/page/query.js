// PromQL queries of charts.

import { isGrowing } from './live.js';

const OVER = '[5m]';
const SELECTOR = /\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}/;

/**
 * The query of a chart's line. The API's query of a histogram is a quantile, but the chart shows the rate of its observations.
 */
export function chartQuery({ metric, type, query }) {
    if (!isGrowing(type) || type === 'counter') return query;
    const selector = SELECTOR.exec(query)?.[0] ?? '';
    const over = type === 'native_histogram'
        ? `histogram_count(rate(${metric}${selector}${OVER}))`
        : `rate(${metric}_count${selector}${OVER})`;
    const aggregate = /^(avg|sum|min|max)\(/.exec(query);
    return aggregate ? `${aggregate[1]}(${over})` : over;
}
