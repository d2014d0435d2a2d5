// Building and filling elements. Text goes in as text: what a user id or metadata holds is never HTML.

const SVG = 'http://www.w3.org/2000/svg';

export function byId(id) {
    return document.getElementById(id);
}

function fill(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
}

export function element(name, attributes = {}, ...children) {
    return fill(document.createElement(name), attributes, children);
}

export function svgElement(name, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
}

// A live region speaks when its text changes, so an equal text is not set again.
export function setText(id, text) {
    const target = byId(id);
    if (target.textContent !== text) target.textContent = text;
}

// kind: good, warn, bad or an empty string.
export function setBadge(id, text, kind) {
    setText(id, text);
    byId(id).dataset.kind = kind;
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

// A time of the service, in the reader's zone; the exact one is its title.
export function timeElement(text) {
    const time = new Date(text);
    const clock = CLOCK.format(time);
    const day = DAY.format(time);
    return element('time', { datetime: text, title: text },
        day === DAY.format(new Date()) ? clock : `${day}, ${clock}`);
}

export function setTime(id, text) {
    byId(id).replaceChildren(text ? timeElement(text) : '\u2013');
}
