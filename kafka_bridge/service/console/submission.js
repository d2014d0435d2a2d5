// Sending a form once: one request at a time, under a key that is kept until its outcome is known.

import { Problem, post, tokenForgetRefusal } from './api.js';
import { byId, setText } from './element.js';
import { outcomeIsKnown, pendingExists, pendingForget, pendingKey } from './pending.js';
import { problemSentence } from './problem.js';

const UNKNOWN = 'Whether it was done is not known yet. Send it again: it happens once.';
const EARLIER = 'An earlier request from here had no answer. Send it again: it happens once.';

// Marks what is wrong with a field; returns whether nothing is.
export function fieldCheck(id, problem) {
    setText(`${id}-problem`, problem);
    if (problem) byId(id).setAttribute('aria-invalid', 'true');
    else byId(id).removeAttribute('aria-invalid');
    return problem === '';
}

// Shows whether an earlier request to the path is still open.
export function submissionRecall(form, path) {
    setText(`${form}-problem`, pendingExists(path) ? EARLIER : '');
}

// Without a press of the button in between, the focus must not be lost with it.
function enable(button, isEnabled) {
    const hadFocus = document.activeElement === button;
    button.disabled = !isEnabled;
    button.setAttribute('aria-busy', String(!isEnabled));
    if (!isEnabled) button.dataset.hadFocus = String(hadFocus);
    else if (button.dataset.hadFocus === 'true' && document.activeElement === document.body) button.focus();
}

// form: the prefix of the ids of its button and messages. onDone(answer, replayed), where it was done.
// isStillShown: whether the form still shows what it showed at the press.
export async function submissionSend(form, { path, body, currency, isStillShown, onDone }) {
    const button = byId(`${form}-submit`);
    if (button.disabled) return;
    enable(button, false);
    setText(`${form}-problem`, '');
    tokenForgetRefusal();
    try {
        const { answer, replayed } = await post(path, body, pendingKey(path));
        pendingForget(path);
        if (isStillShown()) onDone(answer, replayed);
    } catch (error) {
        const isKnown = error instanceof Problem && outcomeIsKnown(error.status);
        if (isKnown) pendingForget(path);
        const isRefused = isKnown || (error instanceof Problem && error.status === 401);
        const sentence = problemSentence(error, currency);
        if (isStillShown()) setText(`${form}-problem`, isRefused ? sentence : `${sentence} ${UNKNOWN}`);
    } finally {
        enable(button, true);
    }
}
