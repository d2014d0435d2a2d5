// The two dialogs: a new wallet, and the bearer token.

import { byId, setText } from './element.js';
import { fieldCheck, submissionRecall, submissionSend } from './submission.js';

const CREATE_PATH = '/wallets';

export function createOpen(userId = '') {
    byId('create-form').reset();
    byId('create-user').value = userId;
    fieldCheck('create-user', '');
    fieldCheck('create-currency', '');
    submissionRecall('create', CREATE_PATH);
    byId('create').showModal();
    byId(userId ? 'create-currency' : 'create-user').focus();
}

function createSubmit(event, onCreated) {
    event.preventDefault();
    const userId = byId('create-user').value.trim();
    const currency = byId('create-currency').value.trim().toUpperCase();
    const userIsFine = fieldCheck('create-user', userId ? '' : 'A user id is needed.');
    const currencyIsFine = fieldCheck('create-currency', /^[A-Z][A-Z0-9]{2,9}$/.test(currency) ? ''
        : 'A currency has 3 to 10 letters or digits, a letter first, such as USD.');
    if (!userIsFine || !currencyIsFine) {
        byId(userIsFine ? 'create-currency' : 'create-user').focus();
        return;
    }
    submissionSend('create', {
        path: CREATE_PATH,
        body: { user_id: userId, currency },
        currency,
        isStillShown: () => true,
        onDone: (wallet) => {
            byId('create').close();
            onCreated(wallet);
        },
    });
}

// onCreated(wallet): the wallet that was made.
export function createStart(onCreated) {
    byId('create-form').addEventListener('submit', (event) => createSubmit(event, onCreated));
    byId('create-cancel').addEventListener('click', () => byId('create').close());
}

// Resolves to the token typed, or null.
export function tokenAsk(isRefused) {
    const dialog = byId('token');
    const input = byId('token-text');
    setText('token-problem', isRefused ? 'The service did not accept this token.' : '');
    input.value = '';
    dialog.returnValue = '';
    dialog.showModal();
    input.focus();
    return new Promise((resolve) => {
        dialog.addEventListener('close', () => {
            const text = input.value.trim();
            input.value = '';
            resolve(dialog.returnValue === 'use' ? text : null);
        }, { once: true });
    });
}

// What a header can carry: visible ASCII.
export function tokenStart() {
    byId('token-form').addEventListener('submit', (event) => {
        event.preventDefault();
        const text = byId('token-text').value.trim();
        if (/^[\x21-\x7e]+$/.test(text)) byId('token').close('use');
        else setText('token-problem', text ? 'A token has no spaces and no letters beyond ASCII.' : 'A token is needed.');
    });
    byId('token-cancel').addEventListener('click', () => byId('token').close());
}
