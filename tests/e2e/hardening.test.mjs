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
import { hasSanitizer } from './support/sanitizer.mjs';

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
    const isSanitized = hasSanitizer(file);

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

    test('with stack protection', () => assert.ok(elf.imports.has('__stack_chk_fail')));

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

  test('writes no core dump, and has a memory limit', () => {
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

  test('is understood with what the guide adds for port 443', { skip: !hasAnalyze && 'there is no systemd here' }, () => {
    const guide = fs.readFileSync(path.join(repository, 'docs/in-production.md'), 'utf8');
    const [, added] = /^### Port 443\n.*?^```ini\n(.*?)^```$/ms.exec(guide);
    const copy = path.join(temporaryDirectory(), 'crolang-broker.service');
    fs.writeFileSync(copy, unit.replace(/^ExecStart=.*$/m, `ExecStart=${binary}`));
    fs.mkdirSync(`${copy}.d`);
    fs.writeFileSync(path.join(`${copy}.d`, 'override.conf'), added);
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stdout + stderr, '');
  });

  describe('has its variables checked as the guide says', () => {
    const guide = fs.readFileSync(path.join(repository, 'packaging/README.md'), 'utf8');
    const [, command] = /```sh\n(systemd-run .*?)\n```/s.exec(guide);
    /// In namespaces of its own, and as a manager of a user, who has no dynamic ones.
    const script = `
      mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system /run/user/0 || exit
      export XDG_RUNTIME_DIR=/run/user/0 HOME=/run
      timeout 60 /lib/systemd/systemd --user --unit=basic.target >/run/log 2>&1 &
      until systemctl --user is-system-running >/dev/null 2>&1; do kill -0 $! || exit; done
      eval "$COMMAND"`;
    function underSystemd(line) {
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        ['--mount', '--pid', '--fork', '--mount-proc', '/bin/sh', '-c', script],
        { encoding: 'utf8', env: { PATH: process.env.PATH, COMMAND: line } },
      );
      return { status, output: stdout + stderr };
    }
    function check(file) {
      const line = command
        .replace('systemd-run ', 'systemd-run --user ')
        .replace('-p DynamicUser=yes ', '')
        .replace(/WorkingDirectory=\S+/, `WorkingDirectory=${path.dirname(file)}`)
        .replace(/EnvironmentFile=\S+/, `EnvironmentFile=${file}`)
        .replace('/usr/local/bin/crolang-broker', binary);
      return underSystemd(line);
    }
    const variables = (text) => {
      const file = path.join(temporaryDirectory(), 'crolang-broker.env');
      fs.writeFileSync(file, text);
      return file;
    };
    const isThere = hasAnalyze && underSystemd('true').status === 0;
    const options = { skip: !isThere && 'no systemd can be started here' };

    test('which are valid as they are shipped', options, () => {
      const { status, output } = check(path.join(folder, 'crolang-broker.env'));
      assert.equal(status, 0, output);
      assert.match(output, /the configuration is valid/);
    });

    test('which systemd reads otherwise than a shell', options, () => {
      const { status, output } = check(variables('PORT=9000 # the port\n'));
      assert.equal(status, 2, output);
      assert.match(output, /PORT: "9000 # the port" from environment is not/);
      const good = check(
        variables("; comment\nPLUGINS_DIR=$HOME and it's \\\n  there\nPORT=9000\n"),
      );
      assert.equal(good.status, 0, good.output);
    });
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
