/// What the ports of brokers speak. CROLANG_TEST_TRANSPORT=tls1.3 or tls1.2 has brokers speak TLS whose tests say nothing
/// about it, and RawSocket and the nodes of node.mjs that version of it; the default is plain. They find out by the port.
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { makeAuthority } from './authority.mjs';
import { temporaryDirectory } from './files.mjs';

export const kTransport = process.env.CROLANG_TEST_TRANSPORT || 'plain';
const kVersions = {
  plain: {},
  'tls1.2': { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' },
  'tls1.3': { minVersion: 'TLSv1.3' },
};
if (!(kTransport in kVersions)) throw new Error(`CROLANG_TEST_TRANSPORT=${kTransport} is none of ${Object.keys(kVersions)}`);

export const isPlain = kTransport === 'plain';
/// Options of a test whose subject is the same over TLS.
export const plainOnly = (why) => ({ skip: !isPlain && why });

/// Names of this machine.
export const kLocal = 'IP:127.0.0.1,IP:::1,DNS:localhost';

let shared;
/// The authority of all tests of a file.
export const testAuthority = () => (shared ??= makeAuthority());

const secure = new Map();

/// From now on clients speak TLS to this port, with these options of tls.connect.
export function speakTls(port, options) {
  secure.set(port, { options, agent: new https.Agent(options) });
}
/// Not any more: another broker has the port.
export const speakPlain = (port) => secure.delete(port);
/// Those of tls.connect; undefined: the port is plain.
export const tlsOptions = (port) => secure.get(port)?.options;
/// Of a node: where it connects to, and how.
export const nodeOptions = (port) =>
  secure.has(port)
    ? { origin: `https://127.0.0.1:${port}`, agent: secure.get(port).agent }
    : { origin: `http://127.0.0.1:${port}` };

/// Writes a pair to a folder and returns the names of its files.
export function writePair({ cert, key }, directory = temporaryDirectory(), name = 'server') {
  const [certFile, keyFile] = ['pem', 'key'].map((ending) => path.join(directory, `${name}.${ending}`));
  fs.writeFileSync(certFile, cert);
  fs.writeFileSync(keyFile, key, { mode: 0o600 });
  return { certFile, keyFile };
}

/// Variables of a broker with this pair or these pairs of files.
export function pairVariables(...pairs) {
  return {
    TLS_CERT_FILE: pairs.map(({ certFile }) => certFile).join(','),
    TLS_KEY_FILE: pairs.map(({ keyFile }) => keyFile).join(','),
  };
}

let usual;
/// A pair of the authority of all tests, for this machine.
export const localPair = () => (usual ??= writePair(testAuthority().issue(kLocal)));

/// The environment that a broker is started with which has to speak what CROLANG_TEST_TRANSPORT says.
export const withTransport = (env) =>
  isPlain || 'TLS_CERT_FILE' in env ? env : { ...env, ...pairVariables(localPair()) };

/// Options of tls.connect for a broker with such a pair.
export const clientOptions = () => ({ ca: testAuthority().certificate, ...kVersions[kTransport] });
