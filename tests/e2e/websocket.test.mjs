// RFC 6455 as the broker keeps it, frame by frame.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Broker } from './support/broker.mjs';
import { freshId } from './support/node.mjs';
import { Pair } from './support/pair.mjs';
import { closePayload, frame, joinRaw, Opcode, openTransport } from './support/raw.mjs';
import { scaled } from './support/time.mjs';
import { plainOnly } from './support/tls.mjs';

let broker;
let pair;
let unanswered;
before(async () => {
  broker = await Broker.start();
  pair = await Pair.join(broker.port);
  // Its last test waits for the server's patience to end; the others run meanwhile.
  unanswered = await joinRaw(broker.port, freshId());
  unanswered.sendText('4');
  const { opcode, payload } = await unanswered.frame();
  assert.deepEqual([opcode, payload.length], [Opcode.close, 0]);
  unanswered.since = performance.now();
});
after(() => broker.stop());

const join = () => joinRaw(broker.port, freshId());
const presence = '["ARE_NODES_CONNECTED_TO_BROKER","{\\"ids\\":[\\"ü€😀\\"]}"]';
const presenceAnswer = '["{\\"results\\":[{\\"id\\":\\"ü€😀\\",\\"connected\\":false}]}"]';

describe('a message arrives whole', () => {
  const bytes = Buffer.from(`420${presence}`);
  const cases = {
    'in one frame': [frame(bytes)],
    'in three fragments': [
      frame(bytes.subarray(0, 5), { fin: false }),
      frame(bytes.subarray(5, 20), { opcode: Opcode.continuation, fin: false }),
      frame(bytes.subarray(20), { opcode: Opcode.continuation }),
    ],
    'with characters split between fragments': [...bytes].map((byte, i) =>
      frame(Buffer.of(byte), {
        opcode: i === 0 ? Opcode.text : Opcode.continuation,
        fin: i === bytes.length - 1,
      }),
    ),
    'with empty fragments': [
      frame('', { fin: false }),
      frame(bytes, { opcode: Opcode.continuation, fin: false }),
      frame('', { opcode: Opcode.continuation, fin: false }),
      frame('', { opcode: Opcode.continuation }),
    ],
    'with a 16-bit length for a short payload': [frame(bytes, { lengthBytes: 2 })],
    'with a 64-bit length for a short payload': [frame(bytes, { lengthBytes: 8 })],
    'with a mask of zeros': [frame(bytes, { mask: Buffer.alloc(4) })],
  };
  for (const [name, frames] of Object.entries(cases)) {
    test(name, async () => {
      const node = await join();
      node.send(Buffer.concat(frames));
      assert.equal(await node.packet(), `430${presenceAnswer}`);
    });
  }

  test('byte by byte', async () => {
    const node = await join();
    await node.sendByteWise(frame(bytes));
    assert.equal(await node.packet(), `430${presenceAnswer}`);
  });

  test('with control frames between its fragments', async () => {
    const node = await join();
    node.send(
      Buffer.concat([
        frame(bytes.subarray(0, 5), { fin: false }),
        frame('between', { opcode: Opcode.ping }),
        frame('unasked', { opcode: Opcode.pong }),
        frame(bytes.subarray(5), { opcode: Opcode.continuation }),
      ]),
    );
    const pong = await node.frame();
    assert.deepEqual([pong.opcode, pong.payload.toString()], [Opcode.pong, 'between']);
    assert.equal(await node.packet(), `430${presenceAnswer}`);
  });

  test('when many come in one segment', async () => {
    const node = await join();
    node.sendEach(Array.from({ length: 500 }, (_, i) => `42${i}${presence}`));
    assert.deepEqual(
      await node.packets(500),
      Array.from({ length: 500 }, (_, i) => `43${i}${presenceAnswer}`),
    );
  });
});

test('a ping of 0 to 125 bytes is answered with the same bytes', async () => {
  const node = await join();
  for (const length of [0, 1, 2, 64, 124, 125]) {
    const payload = Buffer.alloc(length, length);
    node.sendText(payload, { opcode: Opcode.ping });
    const pong = await node.frame();
    assert.equal(pong.opcode, Opcode.pong);
    assert.deepEqual(pong.payload, payload);
  }
});

test('an unasked pong is ignored', async () => {
  const node = await join();
  node.sendText('', { opcode: Opcode.pong });
  node.sendText('x'.repeat(125), { opcode: Opcode.pong });
  assert.deepEqual(await node.settled(), []);
});

describe('a close is echoed, TCP ends and the id is free', () => {
  for (const [name, payload] of Object.entries({
    'without a code': Buffer.alloc(0),
    'with 1000': closePayload(1000),
    'with 1001 and a reason': closePayload(1001, 'going away, wörld'),
    'with 4000': closePayload(4000),
    'with 125 bytes': closePayload(3000, 'r'.repeat(123)),
  })) {
    test(name, async () => {
      const node = await join();
      node.sendText(payload, { opcode: Opcode.close });
      const echo = await node.frame();
      assert.equal(echo.opcode, Opcode.close);
      assert.deepEqual(echo.payload, payload);
      await node.expectEnd();
      node.end();
      await pair.seesLeave(node.id);
      await joinRaw(broker.port, node.id);
    });
  }
});

const invalidUtf8 = {
  'FF FE': [0xff, 0xfe],
  'an overlong slash': [0xc0, 0xaf],
  'an overlong NUL of three bytes': [0xe0, 0x80, 0x80],
  'a coded surrogate': [0xed, 0xa0, 0x80],
  'a code point over 10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'a stray continuation byte': [0x80],
  'a character cut off by the end': [0xe2, 0x82],
};

describe('a broken frame is closed with 1002', () => {
  const ping126 = frame(Buffer.alloc(126), { opcode: Opcode.ping });
  const cases = {
    'an unmasked frame': frame('3', { mask: null }),
    RSV1: frame('3', { rsv: 4 }),
    RSV2: frame('3', { rsv: 2 }),
    RSV3: frame('3', { rsv: 1 }),
    'opcode 3': frame('3', { opcode: 3 }),
    'opcode 11': frame('', { opcode: 11 }),
    'a continuation without a start': frame('3', { opcode: Opcode.continuation }),
    'a text inside a fragmented message': Buffer.concat([frame('3', { fin: false }), frame('3')]),
    'a ping over 125 bytes': ping126,
    'a fragmented ping': frame('x', { opcode: Opcode.ping, fin: false }),
    'a close of one byte': frame(Buffer.of(3), { opcode: Opcode.close }),
    'close code 999': frame(closePayload(999), { opcode: Opcode.close }),
    'close code 1005': frame(closePayload(1005), { opcode: Opcode.close }),
    'close code 1006': frame(closePayload(1006), { opcode: Opcode.close }),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    test(name, async () => {
      const node = await join();
      node.send(bytes);
      await node.expectClose(1002);
      await pair.seesLeave(node.id);
    });
  }
});

describe('text that is not UTF-8 is closed with 1007', () => {
  for (const [name, bytes] of Object.entries(invalidUtf8)) {
    test(name, async () => {
      const node = await join();
      node.send(frame(Buffer.from([0x34, 0x32, ...bytes])));
      await node.expectClose(1007);
    });
  }

  test('split between fragments', async () => {
    const node = await join();
    node.send(
      Buffer.concat([
        frame(Buffer.from([0x34, 0xe2]), { fin: false }),
        frame(Buffer.from([0x34, 0x32]), { opcode: Opcode.continuation }),
      ]),
    );
    await node.expectClose(1007);
  });

  test('in the reason of a close', async () => {
    const node = await join();
    node.sendText(Buffer.concat([closePayload(1000), Buffer.from([0xff, 0xfe])]), {
      opcode: Opcode.close,
    });
    await node.expectClose(1007);
  });
});

describe('a message over 1,000,000 bytes is closed with 1009', () => {
  const cases = {
    'in one text frame': [frame(Buffer.alloc(1_000_001, 'x'))],
    'in one binary frame': [frame(Buffer.alloc(1_000_001), { opcode: Opcode.binary })],
    'in fragments together': [
      frame(Buffer.alloc(600_000, 'x'), { fin: false }),
      frame(Buffer.alloc(400_001, 'x'), { opcode: Opcode.continuation }),
    ],
    'by its header alone': [frame('', { length: 1_000_001 }).subarray(0, 14)],
    'by the header of a fragment alone': [
      frame(Buffer.alloc(999_999, 'x'), { fin: false }),
      frame('', { opcode: Opcode.continuation, length: 2 }).subarray(0, 6),
    ],
    'by the largest length there is': [
      Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ],
  };
  for (const [name, frames] of Object.entries(cases)) {
    test(name, async () => {
      const node = await join();
      node.send(Buffer.concat(frames));
      await node.expectClose(1009);
    });
  }

  test('also before CONNECT', async () => {
    const transport = await openTransport(broker.port);
    transport.send(frame('', { length: 1_000_001 }).subarray(0, 14));
    await transport.expectClose(1009);
  });
});

test('the pair still exchanges messages', () => pair.stillTalks());

test('TCP ends 30 s after a close frame that is not answered', plainOnly('takes 30 s, whatever the transport'), async () => {
  await unanswered.expectEnd(scaled(45_000));
  const waited = performance.now() - unanswered.since;
  assert.ok(waited > 29_000, `ended after ${waited} ms`);
});
