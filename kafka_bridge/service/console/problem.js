// What the service refused, in words for the person at the form.

import { amountShow } from './money.js';
import { Unreachable } from './api.js';

function withCurrency(amount, currency) {
    return `${amountShow(amount)} ${currency}`.trim();
}

// By code; each gets the problem's members and the currency of the wallet that is shown.
const SENTENCES = {
    WL001: () => 'No wallet has this id.',
    WL002: ({ available, requested }, currency) =>
        `Insufficient funds: ${withCurrency(available, currency)} available, ${amountShow(requested)} requested.`,
    WL003: ({ value }) => `${value ?? 'This'} is not an amount: above 0, with at most 4 decimals.`,
    WL005: ({ field, transaction_id: id }) =>
        `An earlier request without an answer had gone through after all (transaction ${id}; its ${field} is another). `
        + 'Nothing was done now. Look at the history before you send again.',
    WL006: ({ expected, actual }) => `That wallet holds ${actual}, this one ${expected}.`,
    WL007: () => 'Money can\u2019t be moved from a wallet to itself.',
    WL008: () => 'The wallet is frozen: nothing moves until it is unfrozen.',
    WL009: () => 'The wallet is closed.',
    WL010: () => 'The balance would go above the wallet\u2019s max balance.',
    42501: () => 'The service\u2019s database role may not do this.',
};

export function problemSentence(error, currency = '') {
    if (error instanceof Unreachable) return error.message;
    const sentence = SENTENCES[error.code];
    if (sentence) return `${sentence(error.members, currency)} (${error.code})`;
    if (error.status === 401) return 'The service asks for a bearer token.';
    if (error.status === 503) return `The service is busy or has lost its database: ${error.message}`;
    return error.code ? `${error.message} (${error.code})` : error.message;
}
