// How an entry reads: its type in words, and which way the money went.

const DIRECTION = {
    FUND: '+', TRANSFER_IN: '+', CAPTURE_IN: '+', REVERSAL_IN: '+',
    WITHDRAW: '\u2212', TRANSFER_OUT: '\u2212', CAPTURE_OUT: '\u2212', REVERSAL_OUT: '\u2212',
};
const WITHOUT_AMOUNT = new Set(['CREATED', 'STATUS', 'LIMITS']);

// TRANSFER_OUT: Transfer out.
export function typeShow(type) {
    const words = type.toLowerCase().replaceAll('_', ' ');
    return words.charAt(0).toUpperCase() + words.slice(1);
}

// '+' into the wallet, '-' out of it, '' where its balance stays.
export function typeSign(type) {
    return DIRECTION[type] ?? '';
}

export function typeHasAmount(type) {
    return !WITHOUT_AMOUNT.has(type);
}

// in, out or none: for the style sheet.
export function typeClass(type) {
    const sign = typeSign(type);
    return sign === '' ? 'is-none' : sign === '+' ? 'is-in' : 'is-out';
}
