// A balance over time as a step line in inline SVG. Amounts are BigInt of 1/10000; only the places of
// pixels are floating point.

import { svgElement } from './element.js';
import { amountFormat } from './money.js';

const HEIGHT = 230;
const TOP = 12;
const BOTTOM = 28;
const LETTER = 7;
const SECOND = 1000;
const DAY = 86400 * SECOND;
const INTERVALS = [1, 2, 5, 15, 30, 60, 120, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200]
    .map((seconds) => seconds * SECOND)
    .concat([1, 2, 7, 14, 30, 91, 182, 365, 730, 1825].map((days) => days * DAY));

function smaller(a, b) { return a < b ? a : b; }
function larger(a, b) { return a > b ? a : b; }

// 1, 2 or 5 times a power of ten, so that about count of them make the span.
function amountStep(span, count) {
    const least = larger(span / BigInt(count), 1n);
    let power = 1n;
    while (power * 10n <= least) power *= 10n;
    return [1n, 2n, 5n, 10n].map((factor) => factor * power).find((step) => step >= least);
}

function floorTo(value, step) {
    const rest = value % step;
    return value - (rest < 0n ? rest + step : rest);
}

// From 0, unless the balance stays far away from it.
function amountTicks(points) {
    const balances = points.map((point) => point.balance);
    let low = balances.reduce(smaller);
    let high = balances.reduce(larger);
    if (low > 0n && low * 2n <= high) low = 0n;
    if (low < 0n && high < 0n && high * 2n >= low) high = 0n;
    if (low === high) { low = smaller(low, 0n); high = larger(high, 0n); }
    if (low === high) high = low + 10000n;
    const step = amountStep(high - low, 4);
    const ticks = [];
    for (let tick = floorTo(low, step); ; tick += step) {
        ticks.push(tick);
        if (tick >= high) return ticks;
    }
}

function amountLabels(ticks) {
    const labels = ticks.map(amountFormat);
    return labels.every((label) => label.endsWith('.00')) ? labels.map((label) => label.slice(0, -3)) : labels;
}

function timeFormatter(interval) {
    const parts = interval < 60 * SECOND ? { hour: '2-digit', minute: '2-digit', second: '2-digit' }
        : interval < DAY ? { hour: '2-digit', minute: '2-digit' }
        : interval < 182 * DAY ? { day: 'numeric', month: 'short' }
        : { month: 'short', year: 'numeric' };
    return new Intl.DateTimeFormat('en-GB', parts);
}

function timeTicks(start, end, count) {
    const interval = INTERVALS.find((length) => (end - start) / length <= count) ?? INTERVALS.at(-1);
    const format = timeFormatter(interval);
    const zone = new Date(end).getTimezoneOffset() * 60 * SECOND;
    const ticks = [];
    for (let time = Math.ceil((start - zone) / interval) * interval + zone; time <= end; time += interval) {
        ticks.push({ time, label: format.format(time) });
    }
    return ticks;
}

// More points than pixels: of each column of pixels the first, the lowest, the highest and the last.
function visible(points, x) {
    const kept = [];
    let column = [];
    const flush = () => {
        const order = [...column].sort((a, b) => (a.balance < b.balance ? -1 : a.balance > b.balance ? 1 : 0));
        const wanted = new Set([column[0], order[0], order.at(-1), column.at(-1)]);
        kept.push(...column.filter((point) => wanted.has(point)));
    };
    for (const point of points) {
        if (column.length > 0 && Math.floor(x(point.time)) !== Math.floor(x(column[0].time))) {
            flush();
            column = [];
        }
        column.push(point);
    }
    flush();
    return kept;
}

function summary(points, currency) {
    const balances = points.map((point) => point.balance);
    const say = (balance) => `${amountFormat(balance)} ${currency}`;
    return `From ${say(balances[0])} to ${say(balances.at(-1))} in ${points.length} steps; `
        + `lowest ${say(balances.reduce(smaller))}, highest ${say(balances.reduce(larger))}.`;
}

function axes(place, amounts, times, width) {
    const labels = amountLabels(amounts);
    const lines = amounts.map((amount, n) => svgElement('g', { class: amount === 0n ? 'grid is-zero' : 'grid' },
        svgElement('line', { x1: place.left, x2: width, y1: place.y(amount), y2: place.y(amount) }),
        svgElement('text', { x: place.left - 10, y: place.y(amount) + 4, 'text-anchor': 'end' }, labels[n])));
    const marks = times
        .filter(({ time, label }) => place.x(time) + label.length * LETTER / 2 <= width)
        .map(({ time, label }) => svgElement('text',
            { class: 'tick', x: place.x(time), y: HEIGHT - 6, 'text-anchor': 'middle' }, label));
    return [...lines, ...marks];
}

// Draws into the box. points: { time, balance, type }, oldest first, at least one; the last balance
// holds until end. onPoint(point or null) hears which one the pointer is on.
export function chartDraw(box, points, { end, currency, onPoint }) {
    const width = Math.max(box.clientWidth, 240);
    const start = points[0].time;
    const last = Math.max(end, start + SECOND);
    const amounts = amountTicks(points);
    const left = Math.max(...amountLabels(amounts).map((label) => label.length)) * LETTER + 14;
    const low = amounts[0];
    const span = Number(amounts.at(-1) - low);
    const place = {
        left,
        x: (time) => left + (time - start) / (last - start) * (width - left - 8),
        y: (balance) => TOP + (1 - Number(balance - low) / span) * (HEIGHT - TOP - BOTTOM),
    };
    const number = (value) => value.toFixed(1);
    const corners = points.length > width ? visible(points, place.x) : points;
    const steps = corners.map((point) => `H${number(place.x(point.time))}V${number(place.y(point.balance))}`).join('');
    const line = `M${number(left)},${number(place.y(corners[0].balance))}${steps}H${number(place.x(last))}`;
    const floor = number(place.y(low <= 0n ? 0n : low));
    const newest = points.at(-1);
    const cursor = svgElement('line', { class: 'cursor', y1: TOP, y2: HEIGHT - BOTTOM, visibility: 'hidden' });
    const dot = svgElement('circle', { class: 'dot', r: 4.5, cx: place.x(last), cy: place.y(newest.balance) });
    const svg = svgElement('svg', {
        role: 'img', 'aria-labelledby': 'chart-title chart-text', width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`,
    },
    svgElement('title', { id: 'chart-title' }, `Balance over time in ${currency}`),
    svgElement('desc', { id: 'chart-text' }, summary(points, currency)),
    ...axes(place, amounts, timeTicks(start, last, Math.max(2, Math.floor((width - left) / 85))), width),
    svgElement('path', { class: 'under', d: `${line}V${floor}H${number(left)}Z` }),
    svgElement('path', { class: 'line', d: line }), cursor, dot);

    const show = (point) => {
        const x = point ? place.x(point.time) : place.x(last);
        cursor.setAttribute('visibility', point ? 'visible' : 'hidden');
        cursor.setAttribute('x1', x);
        cursor.setAttribute('x2', x);
        dot.setAttribute('cx', x);
        dot.setAttribute('cy', place.y((point ?? newest).balance));
        onPoint(point);
    };
    svg.addEventListener('pointermove', (event) => {
        const at = event.clientX - svg.getBoundingClientRect().left;
        show(points.findLast((point) => place.x(point.time) <= at) ?? points[0]);
    });
    svg.addEventListener('pointerleave', () => show(null));
    box.replaceChildren(svg);
}
