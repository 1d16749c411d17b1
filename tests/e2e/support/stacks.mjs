/// WebRTC stacks of other languages and makers, as nodes: a program of stacks/ has the peer connections, this side has the node's
/// connection to the broker and says what nodes say to each other (docs/messages.md).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Assembler, toParts } from '../../../examples/browser-node/public/messages.mjs';
import { cleanEnvironment, repository } from './broker.mjs';
import { freshId, joinNode, send } from './node.mjs';
import { eventually, scaled, within } from './time.mjs';
import { watch } from './watchdog.mjs';
import { kToInitiator, kToResponder } from './webrtc.mjs';

const kFolder = fileURLToPath(new URL('../stacks', import.meta.url));
const kBuilt = path.join(repository, 'build/stacks');

const js = (stack) => [process.execPath, path.join(kFolder, 'js/main.mjs'), stack];
const built = (stack) => [path.join(kBuilt, stack, 'stack')];

/// How each is started, once `stacks/prepare` has built it.
export const kPrograms = {
  roamhq: js('roamhq'),
  'node-datachannel': js('node-datachannel'),
  'node-datachannel-polyfill': js('node-datachannel-polyfill'),
  werift: js('werift'),
  chromium: js('chromium'),
  aiortc: [path.join(kBuilt, 'aiortc/venv/bin/python'), path.join(kFolder, 'aiortc/main.py')],
  pion: built('pion'),
  'webrtc-rs': built('webrtc-rs'),
  str0m: built('str0m'),
  'webrtc-java': [path.join(kBuilt, 'webrtc-java/stack')],
};

export const hasStack = (name) => kPrograms[name].every((file) => !file.startsWith('/') || fs.existsSync(file));

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/// One stack's program: any number of peers.
export class Stack {
  #peers = new Map();
  #counter = 0;

  /// `inside`: a command that runs it.
  static async start(name, inside = []) {
    const stack = new Stack();
    const [command, ...args] = [...inside, ...kPrograms[name]];
    stack.child = spawn(command, args, { env: cleanEnvironment({}), stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(stack.child);
    Object.assign(stack, { output: '', pid: stack.child.pid });
    stack.child.stderr.setEncoding('utf8').on('data', (text) => {
      stack.output += text;
    });
    stack.exited = new Promise((resolve) => {
      stack.child.once('close', (code, signal) => {
        running.delete(stack.child);
        stack.hasExited = true;
        resolve(code ?? signal);
      });
      stack.child.once('error', resolve);
    });
    watch(stack);
    const ready = new Promise((resolve) => {
      createInterface({ input: stack.child.stdout }).on('line', (text) => {
        // Some libraries say something of their own.
        if (!text.startsWith('{')) return (stack.output += `${text}\n`);
        const { peer, ...event } = JSON.parse(text);
        if (event.event === 'ready') resolve(event.name);
        else stack.#peers.get(peer)?.emit(event.event, event);
      });
    });
    const early = stack.exited.then((code) => {
      throw new Error(`${name} ended with ${code}:\n${stack.output}`);
    });
    early.catch(() => {});
    stack.name = await within(scaled(60_000), `${name} is ready`, Promise.race([ready, early]));
    return stack;
  }

  /// A peer: emits what the program says of it, carries out what it is told.
  open(role, configuration) {
    const name = `peer-${++this.#counter}`;
    const peer = new EventEmitter();
    this.#peers.set(name, peer);
    peer.tell = (action, line = {}) => this.child.stdin.write(`${JSON.stringify({ peer: name, do: action, ...line })}\n`);
    peer.tell('open', { role, configuration });
    return peer;
  }

  async stop() {
    this.child.stdin.end();
    const code = await within(scaled(20_000), `${this.name} ends`, this.exited).catch((error) => {
      this.child.kill('SIGKILL');
      throw error;
    });
    assert.equal(code, 0, `${this.name} ended with ${code}:\n${this.output}`);
  }
}

/// A candidate as docs/wire.md has it, of a description that is known.
function expectCandidate({ sdp, sdpMid, sdpMLineIndex, ...others }, description) {
  assert.match(sdp, /^candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ (host|srflx|prflx|relay)( .*)?$/i);
  assert.ok(sdpMid !== undefined || sdpMLineIndex !== undefined, 'it belongs nowhere');
  if (sdpMid !== undefined) assert.ok(description.split(/\r?\n/).includes(`a=mid:${sdpMid}`), `no section '${sdpMid}'`);
  if (sdpMLineIndex !== undefined) assert.ok(Number.isInteger(sdpMLineIndex), sdpMLineIndex);
  assert.deepEqual(others, {});
}

/// One end of a session: a node at the broker, and its stack.
export class StackNode {
  #held = [];
  #mayTrickle = false;
  #assembler = new Assembler();
  /// What went wrong at this end, in words.
  faults = [];
  /// Its candidates are not sent.
  isMuted = false;

  static async join(stack, port) {
    const node = new StackNode();
    node.stack = stack;
    node.id = freshId(stack.name.split(' ')[0].replace(/\W/g, '-'));
    node.socket = await joinNode(port, node.id);
    node.configuration = await node.socket.authenticated;
    return node;
  }

  /// Resolves once the data channel is open.
  async connect(to) {
    const opened = this.#open('initiator', to, freshId('session'));
    this.#onMessage('CONNECTION_ACCEPTANCE', ({ sessionDescription: { type, sdp } }) => {
      assert.equal(type, 'answer');
      this.peer.tell('description', { type, sdp });
      this.#trickle();
    });
    await opened;
  }

  /// `decision`: called when there is an attempt, and waited for.
  async accept(decision = () => {}) {
    const [text] = await once(this.socket, 'CONNECTION_ATTEMPT');
    await decision();
    const { from, sessionId, sessionDescription: { type, sdp } } = JSON.parse(text);
    assert.equal(type, 'offer');
    const opened = this.#open('responder', from, sessionId);
    this.peer.tell('description', { type, sdp });
    await opened;
  }

  async send(text) {
    for (const part of toParts(text, { msgId: 0, channel: 'chat' })) {
      this.peer.tell('send', { data: Buffer.from(part).toString('base64') });
    }
  }

  /// The text of the next message over the data channel.
  async heard() {
    for await (const [{ data }] of on(this.peer, 'message', { signal: AbortSignal.timeout(scaled(20_000)) })) {
      const message = this.#assembler.add(Buffer.from(data, 'base64'));
      if (message) return message.text;
    }
  }

  /// The kinds of candidate in use. Statistics lag behind what they describe.
  async path() {
    let ends;
    await eventually('the path is known', async () => {
      const said = once(this.peer, 'path');
      this.peer.tell('path');
      [ends] = await said;
      return ends.local && ends.remote;
    });
    return { local: ends.local, remote: ends.remote };
  }

  close() {
    this.peer?.tell('close');
    this.socket.disconnect();
  }

  #open(role, to, sessionId) {
    const isInitiator = role === 'initiator';
    Object.assign(this, { to, sessionId, candidateType: isInitiator ? kToResponder : kToInitiator });
    this.peer = this.stack.open(role, this.configuration);
    this.peer.on('description', async ({ type, sdp }) => {
      this.description = sdp;
      await this.#say(isInitiator ? 'CONNECTION_ATTEMPT' : 'CONNECTION_ACCEPTANCE', { sessionDescription: { type, sdp } });
      if (!isInitiator) this.#trickle();
    });
    this.peer.on('candidate', ({ candidate }) => {
      if (this.#mayTrickle) this.#sayCandidate(candidate);
      else this.#held.push(candidate);
    });
    this.#onMessage(isInitiator ? kToInitiator : kToResponder, ({ candidate }) => this.peer.tell('candidate', { candidate }));
    return new Promise((resolve, reject) => {
      this.reject = (sentence) => {
        this.faults.push(`${this.stack.name}, ${role}: ${sentence}`);
        reject(new Error(this.faults[0]));
      };
      this.peer.once('open', resolve);
      this.peer.on('fault', ({ words }) => this.reject(words));
    });
  }

  #trickle() {
    this.#mayTrickle = true;
    for (const candidate of this.#held.splice(0)) this.#sayCandidate(candidate);
  }

  #sayCandidate(candidate) {
    if (this.isMuted) return;
    try {
      expectCandidate(candidate, this.description);
    } catch (error) {
      this.reject(`${JSON.stringify(candidate)}: ${error.message}`);
    }
    this.#say(this.candidateType, { candidate });
  }

  async #say(type, more) {
    const message = { platformFrom: 'JS', versionFrom: '1.0.0', from: this.id, to: this.to, sessionId: this.sessionId, ...more };
    try {
      const answer = await send(this.socket, type, message);
      if (answer !== 'OK') this.reject(`${type}: ${answer}`);
    } catch (error) {
      // The last candidates may still be on their way when all is over.
      if (this.socket.connected) this.reject(`${type}: ${error.message}`);
    }
  }

  #onMessage(type, handle) {
    this.socket.on(type, (text) => {
      const message = JSON.parse(text);
      if (message.from === this.to && message.sessionId === this.sessionId) handle(message);
    });
  }
}

/// Stacks that under the policy `relay` name relays only, yet take a direct path where one end's relay reaches them.
export const kOwnWay = new Set(['node-datachannel', 'node-datachannel-polyfill']);

/// Why this pair cannot connect that way, as the table in docs/wire.md has it; undefined if it can.
export function obstacle(way, offering, answering) {
  const has = (name) => offering === name || answering === name;
  if (has('str0m') && way !== 'direct') return 'it knows no TURN';
  if (has('node-datachannel-polyfill') && way === 'relay') return 'it cuts a username at its colon';
  return undefined;
}

const kLong = 'ü'.repeat(15_000);

/// Two nodes connect and talk both ways. Resolves with the id of each, and the path that it sees.
export async function converse(port, offering, answering, milliseconds = scaled(30_000)) {
  const [a, b] = await Promise.all([StackNode.join(offering, port), StackNode.join(answering, port)]);
  try {
    await within(milliseconds, 'the data channel opens', Promise.all([a.connect(b.id), b.accept()]));
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      for (const text of ['hello ü€😀', kLong]) {
        const heard = to.heard();
        await from.send(text);
        assert.equal(await heard, text);
      }
    }
    const seen = await Promise.all([a, b].map(async (node) => ({ id: node.id, path: await node.path() })));
    assert.deepEqual([...a.faults, ...b.faults], []);
    return seen;
  } finally {
    a.close();
    b.close();
  }
}
