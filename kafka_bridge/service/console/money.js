// Amounts: decimal strings outside, BigInt of 1/10000 inside. No number of JavaScript holds one.

const UNIT = 10000n;
const AMOUNT = /^(-?)(\d{1,15})(?:\.(\d{1,4}))?$/;

// The 1/10000s of a decimal string, or null where it is none.
export function amountParse(text) {
    const match = AMOUNT.exec(text);
    if (!match) return null;
    const value = BigInt(match[2]) * UNIT + BigInt((match[3] ?? '').padEnd(4, '0'));
    return match[1] ? -value : value;
}

// 1,234.50: groups of three, at least two decimals, no zeros behind them.
export function amountFormat(value) {
    const size = value < 0n ? -value : value;
    const whole = String(size / UNIT).replace(/\B(?=(\d{3})+$)/g, ',');
    const decimals = String(size % UNIT).padStart(4, '0').replace(/0{1,2}$/, '');
    return `${value < 0n ? '\u2212' : ''}${whole}.${decimals}`;
}

// An amount of the service as it is shown; what is none is shown as it came.
export function amountShow(text) {
    const value = amountParse(String(text));
    return value === null ? String(text) : amountFormat(value);
}

// What is wrong with what was typed, or an empty string.
export function amountProblem(text) {
    if (text === '') return 'An amount is needed, such as 25.00.';
    if (text.includes(',')) return 'Use a dot before the decimals and nothing between the digits: 1234.50.';
    if (/^\d+\.\d{5,}$/.test(text)) return 'An amount has at most 4 decimals.';
    if (/^\d{16,}(\.\d*)?$/.test(text)) return 'An amount has at most 15 digits before the dot.';
    const value = /^\d/.test(text) ? amountParse(text) : null;
    if (value === null) return 'An amount is a decimal number, such as 25.00.';
    return value === 0n ? 'An amount is above 0.' : '';
}
