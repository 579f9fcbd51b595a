// Prometheus queries of what a chart shows.

import { isGrowing } from './live.js';

const OVER = '[5m]';
const SELECTOR = /\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\}/;

/**
 * The query of a chart's line. The API's own is of what a metric is mostly asked for, which for a histogram is a quantile; the
 * chart shows how many observations come.
 */
export function chartQuery({ metric, type, query }) {
    if (!isGrowing(type) || type === 'counter') return query;
    const selector = SELECTOR.exec(query)?.[0] ?? '';
    const over = type === 'native_histogram'
        ? `histogram_count(rate(${metric}${selector}${OVER}))`
        : `rate(${metric}_count${selector}${OVER})`;
    const whole = /^(avg|sum|min|max)\(/.exec(query);
    return whole ? `${whole[1]}(${over})` : over;
}
