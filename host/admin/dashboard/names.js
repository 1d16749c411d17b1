// The API's words in the page's.

/// "rtcConfiguration" and "rtc-configuration": "rtc configuration".
const spaced = (word) => word.replaceAll(/[-_]/g, ' ').replaceAll(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

const kReceipts = { ok: 'OK', unauthorized: 'not authorized', notConnected: 'not connected', error: 'error', disabled: 'switched off' };
/// Of an acknowledgement, too: "NOT_CONNECTED".
export const receiptName = (key) => kReceipts[key] ?? kReceipts[key.toLowerCase().replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase())] ?? spaced(key);

const kOutcomes = { attempting: 'attempting', answered: 'answered', refused: 'refused', notAllowed: 'not allowed', unanswered: 'unanswered', notConnected: 'not connected', unauthorized: 'not authorized', failed: 'failed' };
export const outcomeName = (key) => kOutcomes[key] ?? spaced(key);

export const kindName = (kind) => spaced(kind);

const kSteps = { attempt: 'attempt', acceptance: 'acceptance', refusal: 'refusal', notAllowed: 'incoming connections not allowed', candidates: 'candidates' };
export const stepName = (what) => kSteps[what] ?? spaced(what);
