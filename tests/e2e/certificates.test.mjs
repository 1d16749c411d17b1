// What an operator sees of certificates: the log, the metrics, SIGHUP, and healthcheck.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Broker, freePort, oursOnly, runBroker, temporaryDirectory } from './support/broker.mjs';
import { eventually, scaled } from './support/time.mjs';

const ours = oursOnly('speaks no TLS');
/// How long the broker takes to notice that its files have changed.
const kNotice = 7000;

/// Certificate and key in a folder, for the broker's own machine.
class Pair {
  directory = temporaryDirectory();

  constructor(name) {
    this.replace(name);
  }

  at(name) {
    return path.join(this.directory, name);
  }

  get variables() {
    return { TLS_CERT_FILE: this.at('cert.pem'), TLS_KEY_FILE: this.at('key.pem') };
  }

  /// By a certificate with another name and another key.
  replace(name, { days = 90, withKey = true } = {}) {
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        .concat(['-keyout', this.at('new.key'), '-out', this.at('new.pem'), '-days', String(days)])
        .concat(['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'])
        .concat(['-addext', 'extendedKeyUsage=serverAuth']),
      { stdio: 'ignore' },
    );
    fs.renameSync(this.at('new.pem'), this.at('cert.pem'));
    if (withKey) fs.renameSync(this.at('new.key'), this.at('key.pem'));
  }
}

async function start(t, env) {
  const plainPort = await freePort();
  const broker = await Broker.start({
    ...env,
    PLAIN_PORT: String(plainPort),
    METRICS_ENABLED: 'true',
  });
  t.after(() => broker.hasExited || broker.stop());
  broker.plain = `http://127.0.0.1:${plainPort}`;
  return broker;
}

const logs = (broker, line, milliseconds = scaled(5000)) =>
  eventually(`a line ${line}`, () => line.test(broker.output), milliseconds);

/// The value of a metric; undefined: it is not there.
async function metric(broker, name) {
  const page = await fetch(`${broker.plain}/metrics`).then((response) => response.text());
  const line = page.split('\n').find((each) => each.startsWith(`crolang_broker_${name} `));
  return line && Number(line.split(' ')[1]);
}

const kRenewed = 'certificate_renewals_total{status="ok"}';
const kNotRenewed = 'certificate_renewals_total{status="failed"}';
const kExpiry = 'certificate_expiry_time_seconds';

describe('a certificate', { ...ours, concurrency: true }, () => {
  test('is named at the start, with its end of validity, also as a metric', async (t) => {
    const broker = await start(t, new Pair('first').variables);
    await logs(broker, / info certificates in use subjects="CN=first" valid_until="20\d\d-.* UTC"\n/);
    await logs(broker, new RegExp(` info listening port=${broker.port} tls=on plain_port=\\d+ `));
    const days = ((await metric(broker, kExpiry)) - Date.now() / 1000) / 86400;
    assert.ok(days > 89 && days <= 90, `${days} days`);
    assert.equal(await metric(broker, kRenewed), 0);
  });

  test('is renewed on SIGHUP, at once', async (t) => {
    const pair = new Pair('first');
    const broker = await start(t, pair.variables);
    await logs(broker, /listening/);
    const before = await metric(broker, kExpiry);
    pair.replace('second', { days: 30 });
    broker.child.kill('SIGHUP');
    await logs(broker, / info certificate files reloaded subjects="CN=second" valid_until="/);
    await logs(broker, /SIGHUP: configuration reloaded changed=nothing/);
    assert.equal(await metric(broker, kRenewed), 1);
    assert.ok((await metric(broker, kExpiry)) < before);
  });

  test('is renewed without SIGHUP, soon', async (t) => {
    const pair = new Pair('first');
    const broker = await start(t, pair.variables);
    pair.replace('second');
    await logs(broker, /reloaded subjects="CN=second"/, kNotice + scaled(5000));
    assert.equal(await metric(broker, kRenewed), 1);
  });

  test('stays in use if the new one has another key, which is said once', async (t) => {
    const pair = new Pair('first');
    const broker = await start(t, pair.variables);
    pair.replace('second', { withKey: false });
    const said = / error the certificate files cannot be used, the previous ones stay in use faults=1\n/g;
    await logs(broker, new RegExp(said.source), kNotice + scaled(5000));
    await broker.says(/ error TLS_KEY_FILE '.*' is not the key of TLS_CERT_FILE/);
    broker.child.kill('SIGHUP');
    await logs(broker, /SIGHUP: the configuration is invalid, the previous values stay in use faults=1/);
    assert.equal(await metric(broker, kNotRenewed), 2);
    pair.replace('third');
    await logs(broker, /reloaded subjects="CN=third"/, kNotice + scaled(5000));
    assert.equal(broker.output.match(said).length, 1);
    assert.equal(await metric(broker, kRenewed), 1);
  });

  test('that soon expires is warned of at the start and when it is read', async (t) => {
    const pair = new Pair('first');
    pair.replace('soon', { days: 3 });
    const broker = await start(t, pair.variables);
    const warning = / warning TLS_CERT_FILE '.*' expires on .* in [23] days: renew it\n/g;
    await logs(broker, /listening/);
    assert.equal(broker.output.match(warning).length, 1);
    await broker.says(/^crolang-broker: warning: TLS_CERT_FILE '.*' expires on /m);
    broker.child.kill('SIGHUP');
    await logs(broker, /reloaded subjects="CN=soon"/);
    await eventually('it is warned of again', () => broker.output.match(warning).length === 2);
  });

  test('of another file needs a restart', async (t) => {
    const pair = new Pair('first');
    const cwd = temporaryDirectory();
    const write = (variables) =>
      fs.writeFileSync(
        path.join(cwd, '.env'),
        Object.entries(variables)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
    write(pair.variables);
    const broker = await Broker.start({}, { cwd });
    t.after(() => broker.stop());
    await logs(broker, /listening .* tls=on/);
    write(new Pair('second').variables);
    broker.child.kill('SIGHUP');
    await logs(broker, /need a restart variables="TLS_CERT_FILE, TLS_KEY_FILE"/);
    await broker.says(/reloaded subjects="CN=first"/);
  });
});

describe('without a certificate', ours, () => {
  test('there is a plain port all the same, and no metric of TLS', async (t) => {
    const broker = await start(t, {});
    await logs(broker, new RegExp(` info listening port=${broker.port} tls=off plain_port=\\d+ `));
    assert.equal(await metric(broker, kExpiry), undefined);
    assert.equal(await metric(broker, 'nodes'), 0);
  });
});

describe('healthcheck', ours, () => {
  test('needs no access to the files', async () => {
    const { code, output } = await runBroker(['healthcheck'], {
      PORT: String(await freePort()),
      TLS_CERT_FILE: '/no/such/cert.pem',
      TLS_KEY_FILE: '/no/such/key.pem',
    });
    assert.equal(code, 1);
    assert.match(output, /no answer from 127\.0\.0\.1:\d+: Connection refused/);
  });

  test('says that it needs PLAIN_PORT where each client needs a certificate', async () => {
    const { code, output } = await runBroker(['healthcheck'], {
      PORT: String(await freePort()),
      ...new Pair('first').variables,
      TLS_CLIENT_CA_FILE: '/no/such/ca.pem',
    });
    assert.equal(code, 1);
    assert.match(output, /TLS_CLIENT_CA_FILE .*: set PLAIN_PORT/);
  });
});
