// What is said of a broker that cannot be reached, by what a probe has found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { troubleInWords } from '../public/words.mjs';

const PAGE = 'http://localhost:8000';
const nothing = { isBroker: false, isAnswering: false, otherIsAnswering: false };
const answering = { ...nothing, isAnswering: true };

for (const [name, broker, found, words, isFinal = false] of [
  ['nothing, by http', 'http://h:8080', nothing, /^Nothing answers over http at http:\/\/h:8080\..*begins with https/],
  ['nothing, by https', 'https://h:8443', nothing, /^Nothing answers over https at https:\/\/h:8443\..*certificate/],
  ['http in place of https', 'https://h:8080', { ...nothing, otherIsAnswering: true }, /address is http:\/\/h:8080\.$/, true],
  ['https in place of http', 'http://h:8443', { ...nothing, otherIsAnswering: true }, /address is https:\/\/h:8443\.$/, true],
  ['https at its own port in place of http', 'http://h', { ...nothing, otherIsAnswering: true }, /address is https:\/\/h\.$/, true],
  ['a broker', 'http://h:8080', { ...answering, isBroker: true }, /^The broker at http:\/\/h:8080 answers, but takes no nodes now \(503\)/],
  ['something else', 'http://h:8080', answering, /^Something answers at http:\/\/h:8080, but not as a broker/],
  ['a TLS port in place of http', 'http://h:8443', { ...answering, otherIsAnswering: true }, /address is https:\/\/h:8443\.$/, true],
  ['something else, and http', 'https://h:8443', { ...answering, otherIsAnswering: true }, /this page's origin\.$/],
  ['something else, and https', 'http://h', { ...answering, otherIsAnswering: true }, /https:\/\/h answers too: is that the broker\?$/],
  ['the page itself', PAGE, answering, /^http:\/\/localhost:8000 is where this page comes from/, true],
]) {
  test(`${name} answers`, () => {
    const trouble = troubleInWords(broker, found, PAGE);
    assert.match(trouble.words, words);
    assert.equal(Boolean(trouble.isFinal), isFinal);
  });
}
