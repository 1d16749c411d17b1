// What is shipped: how the built files want to be loaded, and the systemd unit that runs them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  binary,
  isPeer,
  oursOnly,
  plugin,
  repository,
  runBroker,
  temporaryDirectory,
} from './support/broker.mjs';
import { readElf } from './support/elf.mjs';

const kPlugins = [
  'redis-registry',
  'webhook-auth',
  'webhook-rtc',
  'webhook-authorize',
  'webhook-validity',
  'webhook-message',
  'turn-credentials',
  'jwt-auth',
];
const kFiles = { 'the broker': binary };
for (const name of kPlugins) kFiles[name] = plugin(name);

// The C library checks these if it is asked to. Not vsnprintf: std::to_string takes its address.
const kChecked = ['snprintf', 'sprintf', 'vsprintf', 'printf', 'fprintf', 'vfprintf'];

for (const [name, file] of Object.entries(isPeer ? {} : kFiles)) {
  describe(`${name} is built`, () => {
    const elf = readElf(file);
    const isSanitized = elf.needed.some((library) => /^lib[at]san\./.test(library));

    test('to be loaded at any address', () => {
      assert.ok(elf.isPositionIndependent);
      assert.equal(elf.isPie, file === binary);
      assert.ok(!elf.writesCode, 'its code is not written to');
    });

    test('to have its tables filled at the start, and read-only from then on', () => {
      assert.ok(elf.hasRelro);
      assert.ok(elf.bindsNow);
    });

    test('without an executable stack', () => assert.ok(!elf.hasExecutableStack));

    test('with guarded frames', () => assert.ok(elf.imports.has('__stack_chk_fail')));

    test(
      'with the checks of the C library',
      { skip: isSanitized && 'a sanitizer checks more' },
      () => {
        assert.deepEqual(
          kChecked.filter((each) => elf.imports.has(each)),
          [],
        );
        if (file === binary) assert.ok(elf.imports.has('__snprintf_chk'));
      },
    );
  });
}

describe('the systemd unit', oursOnly('has none'), () => {
  const folder = path.join(repository, 'packaging/systemd');
  const unit = fs.readFileSync(path.join(folder, 'crolang-broker.service'), 'utf8');

  test('writes no core, and has a limit of memory', () => {
    assert.match(unit, /^LimitCORE=0$/m);
    assert.match(unit, /^MemoryMax=\d+[%KMG]$/m);
  });

  const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;
  test('is understood by systemd', { skip: !hasAnalyze && 'there is no systemd here' }, () => {
    const copy = path.join(temporaryDirectory(), 'crolang-broker.service');
    fs.writeFileSync(copy, unit.replace(/^ExecStart=.*$/m, `ExecStart=${binary}`));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', copy], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout + stderr, '');
  });

  test('comes with variables that are valid, and known where they are commented out', async () => {
    const text = fs.readFileSync(path.join(folder, 'crolang-broker.env'), 'utf8');
    const set = [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
    const { code, output } = await runBroker(['--check-config'], Object.fromEntries(set));
    assert.equal(code, 0, output);
    const help = await runBroker(['--help']);
    const names = [...text.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name);
    assert.deepEqual(
      names.filter((name) => !help.output.includes(name)),
      [],
    );
  });
});
