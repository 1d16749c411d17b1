/// Certification authorities of a test, with openssl(1): roots, intermediate ones, and certificates of servers and clients.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from './files.mjs';

const kKeys = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
};

/// RFC 5280 4.2.1.
const kExtensions = {
  authority: ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign, cRLSign'],
  server: ['basicConstraints = critical, CA:FALSE', 'keyUsage = critical, digitalSignature', 'extendedKeyUsage = serverAuth'],
  client: ['basicConstraints = critical, CA:FALSE', 'keyUsage = critical, digitalSignature', 'extendedKeyUsage = clientAuth'],
};

const read = (file) => fs.readFileSync(file, 'utf8');

class Authority {
  #issued = 0;

  /// `above`: who has issued it; undefined: it is a root.
  constructor(name, above) {
    this.directory = temporaryDirectory();
    this.above = above;
    const { cert, key } = (above ?? this).#make('ca', { subject: `/CN=${name}`, use: 'authority' }, above, this.directory);
    /// Its certificate, and the key of that.
    this.file = cert;
    this.keyFile = key;
  }

  get certificate() {
    return read(this.file);
  }

  /// What a server sends behind its own certificate: everybody up to the root, without that.
  get chain() {
    return this.above ? this.certificate + this.above.chain : '';
  }

  /// `names`: such as 'DNS:localhost,IP:127.0.0.1'; `days` until it expires. As PEM: `cert`, with the chain, and `key`.
  issue(names, { key = 'ec', use = 'server', subject = `/CN=${use}`, days } = {}) {
    const made = this.#make(`${use}-${++this.#issued}`, { names, key, use, subject, days }, this, this.directory);
    return { cert: read(made.cert) + this.chain, key: read(made.key) };
  }

  intermediate(name = 'Test intermediate CA') {
    return new Authority(name, this);
  }

  #make(name, { names, key = 'ec', use, subject, days = use === 'authority' ? 365 : 30 }, issuer, directory) {
    const at = (ending) => path.join(directory, `${name}.${ending}`);
    const extensions = [...kExtensions[use], 'subjectKeyIdentifier = hash'];
    if (names) extensions.push(`subjectAltName = ${names}`);
    if (issuer) extensions.push('authorityKeyIdentifier = keyid');
    const config = ['[req]', 'distinguished_name = subject', 'x509_extensions = extensions', '[subject]', '[extensions]'];
    fs.writeFileSync(at('cnf'), [...config, ...extensions, ''].join('\n'));
    const args = ['req', '-x509', '-config', at('cnf'), ...kKeys[key], '-nodes', '-utf8', '-subj', subject];
    if (issuer) args.push('-CA', issuer.file, '-CAkey', issuer.keyFile);
    args.push('-days', String(days), '-keyout', at('key'), '-out', at('pem'));
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    return { cert: at('pem'), key: at('key') };
  }
}

/// A root: { file, certificate, issue(names, …), intermediate() }.
export const makeAuthority = (name = 'Test CA') => new Authority(name);
