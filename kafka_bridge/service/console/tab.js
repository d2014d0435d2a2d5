// What is kept for this tab, also over a reload; in memory alone where the browser keeps nothing.

const memory = new Map();

function storage() {
    try {
        return window.sessionStorage;
    } catch {
        return null;
    }
}

export function tabGet(name) {
    return memory.get(name) ?? storage()?.getItem(name) ?? null;
}

export function tabSet(name, value) {
    memory.set(name, value);
    storage()?.setItem(name, value);
}

export function tabRemove(name) {
    memory.delete(name);
    storage()?.removeItem(name);
}
