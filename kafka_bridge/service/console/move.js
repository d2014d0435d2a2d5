// The form that moves money: fund, transfer, withdraw, hold.

import { get } from './api.js';
import { byId, setText } from './element.js';
import { amountProblem, amountShow } from './money.js';
import { fieldCheck, submissionRecall, submissionSend } from './submission.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

// What each operation is called, says of itself, and says when it is done.
const OPERATIONS = {
    fund: { path: 'fund', button: 'Fund', done: 'Funded', hint: 'Money from outside into this wallet.' },
    transfer: { path: 'transfer', button: 'Transfer', done: 'Transferred', hint: 'To another wallet of the same currency.' },
    withdraw: { path: 'withdraw', button: 'Withdraw', done: 'Withdrawn', hint: 'Money out of this wallet, to the outside.' },
    hold: { path: 'holds', button: 'Hold', done: 'Held', hint: 'Reserves money: still in the balance, no longer available.' },
};

let shown = null;
let onWallet = () => {};

export function isWalletId(text) {
    return UUID.test(text);
}

function operationChosen() {
    return byId('move-form').elements.operation.value;
}

function pathOf(operation) {
    return `/wallets/${shown.id}/${OPERATIONS[operation].path}`;
}

function typed(name) {
    return byId('move-form').elements[name].value.trim();
}

function operationShow() {
    const operation = operationChosen();
    for (const field of byId('move-form').querySelectorAll('[data-for]')) field.hidden = field.dataset.for !== operation;
    setText('move-hint', OPERATIONS[operation].hint);
    setText('move-submit', OPERATIONS[operation].button);
    setText('move-done', '');
    fieldCheck('move-amount', '');
    fieldCheck('move-to', '');
    if (shown) submissionRecall('move', pathOf(operation));
}

function payeeProblem(id) {
    if (id === '') return 'The other wallet\u2019s id is needed.';
    if (!isWalletId(id)) return 'A wallet id looks like 0190b0f6-9c5a-7c31-8e2d-5f2f0c3b9a11.';
    return id.toLowerCase() === shown.id ? 'That is this wallet.' : '';
}

// Whose wallet it is, before money goes there. While it is typed and not when the field is left: what
// moves the button between press and release loses the click.
async function payeeShow() {
    const mine = shown;
    const id = typed('to');
    setText('move-to-hint', '');
    fieldCheck('move-to', '');
    if (!isWalletId(id) || !fieldCheck('move-to', payeeProblem(id))) return;
    try {
        const wallet = await get(`/wallets/${id}`);
        if (mine === shown && id === typed('to')) setText('move-to-hint', `${wallet.user_id} \u00b7 ${wallet.currency}`);
    } catch (error) {
        if (mine === shown && error.status === 404) fieldCheck('move-to', 'No wallet has this id.');
    }
}

function checkFields(operation) {
    const amountIsFine = fieldCheck('move-amount', amountProblem(typed('amount')));
    const payeeIsFine = operation !== 'transfer' || fieldCheck('move-to', payeeProblem(typed('to')));
    if (!payeeIsFine) byId('move-to').focus();
    else if (!amountIsFine) byId('move-amount').focus();
    return amountIsFine && payeeIsFine;
}

function bodyOf(operation) {
    return {
        amount: typed('amount'),
        ...(operation === 'transfer' && { to_wallet_id: typed('to') }),
        ...(operation === 'hold' && { expires_in: typed('expires') }),
        ...(typed('note') && { metadata: { note: typed('note') } }),
    };
}

function done(operation, amount, answer, replayed) {
    const what = `${OPERATIONS[operation].done} ${amountShow(amount)} ${shown.currency}.`;
    setText('move-done', replayed ? `${what} It had been done the first time; nothing was done twice.` : what);
    byId('move-amount').value = '';
    byId('move-note').value = '';
    onWallet(answer.wallet);
}

function submit(event) {
    event.preventDefault();
    const mine = shown;
    const operation = operationChosen();
    // A new line for a screen reader, also where the same thing is done again.
    if (byId('move-submit').disabled) return;
    setText('move-done', '');
    if (!checkFields(operation)) return;
    const body = bodyOf(operation);
    submissionSend('move', {
        path: pathOf(operation),
        body,
        currency: shown.currency,
        isStillShown: () => mine === shown && operation === operationChosen(),
        onDone: (answer, replayed) => done(operation, body.amount, answer, replayed),
    });
}

export function moveShow(wallet) {
    shown = { id: wallet.id, currency: wallet.currency };
    byId('move-form').reset();
    setText('move-currency', wallet.currency);
    setText('move-to-hint', '');
    operationShow();
}

// wallet(wallet) hears of the wallet after an operation.
export function moveStart(wallet) {
    onWallet = wallet;
    byId('move-form').addEventListener('submit', submit);
    byId('move-to').addEventListener('input', payeeShow);
    for (const radio of byId('move-form').elements.operation) radio.addEventListener('change', operationShow);
}
