// The address of a broker, as a person writes it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerAt } from '../public/address.mjs';

const HTTP = { protocol: 'http:' };
const HTTPS = { protocol: 'https:' };

for (const [text, page, origin] of [
  ['http://broker.example:8080', HTTP, 'http://broker.example:8080'],
  ['http://broker.example:8080/', HTTP, 'http://broker.example:8080'],
  ['HTTPS://Broker.Example', HTTP, 'https://broker.example'],
  ['ws://broker.example:8080', HTTP, 'http://broker.example:8080'],
  ['wss://broker.example', HTTPS, 'https://broker.example'],
  ['broker.example:8080', HTTP, 'http://broker.example:8080'],
  ['broker.example', HTTPS, 'https://broker.example'],
  ['[::1]:8080', HTTP, 'http://[::1]:8080'],
  ['http://localhost:8080', HTTPS, 'http://localhost:8080'],
  ['http://127.0.0.1:8080', HTTPS, 'http://127.0.0.1:8080'],
  ['http://[::1]:8080', HTTPS, 'http://[::1]:8080'],
]) {
  test(`${text} is a broker's address, for a page by ${page.protocol}`, () => assert.deepEqual(brokerAt(text, page), { origin }));
}

for (const text of ['', 'http://', 'ftp://broker.example', 'http://broker.example/path', 'broker.example?x', 'http://a@broker.example', 'http://h:99999']) {
  test(`'${text}' is none`, () => assert.match(brokerAt(text, HTTP).words, /^Write it as http:\/\/host:port/));
}

for (const text of ['http://broker.example:8080', 'ws://broker.example', 'http://localhost.example']) {
  test(`${text} cannot be reached from a page by https`, () => assert.match(brokerAt(text, HTTPS).words, /Give an https:\/\/ address/));
}
