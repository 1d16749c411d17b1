/// The programs of docs/clients.md, as somebody who reads it would run them.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { cleanEnvironment, repository, temporaryDirectory } from './broker.mjs';
import { isMissing } from './clients.mjs';
import { eventually, scaled } from './time.mjs';

const kClients = path.join(repository, 'tests/e2e/clients');
const kBuilt = path.join(repository, 'build/clients');
const kText = fs.readFileSync(path.join(repository, 'docs/clients.md'), 'utf8');

/// Each with its language and the heading that it stands under.
export const kSnippets = [...kText.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((found) => ({
  language: found[1],
  code: found[2],
  heading: [...kText.slice(0, found.index).matchAll(/^## (.*)$/gm)].at(-1)[1],
}));

/// What the client of the same language is built from, under another name.
function copyManifest(language, names, directory) {
  for (const name of names) {
    const text = fs.readFileSync(path.join(kClients, language, name), 'utf8');
    fs.writeFileSync(path.join(directory, name), text.replaceAll('crolang-broker-test-client', 'hello'));
  }
}

/// The file that a program is written to, what has to be beside it, and how it is started.
const kLanguages = {
  js: {
    file: 'hello.mjs',
    prepare: (directory) =>
      fs.symlinkSync(path.join(kClients, 'npm/node_modules'), path.join(directory, 'node_modules')),
    command: [process.execPath, 'hello.mjs'],
  },
  python: {
    tool: 'python3',
    file: 'hello.py',
    command: [path.join(kBuilt, 'python/bin/python'), '-u', 'hello.py'],
  },
  java: {
    tool: 'mvn',
    file: 'Hello.java',
    command: ['java', '-cp', `${kBuilt}/java/lib/*`, 'Hello.java'],
  },
  rust: {
    tool: 'cargo',
    file: 'src/main.rs',
    prepare: (directory) => copyManifest('rust', ['Cargo.toml', 'Cargo.lock'], directory),
    command: ['cargo', 'run', '--quiet', '--locked', '--offline'],
    env: {
      // Where clients/prepare has built the crates.
      CARGO_TARGET_DIR: path.join(process.env.XDG_CACHE_HOME || `${process.env.HOME}/.cache`, 'crolang-broker/cargo'),
    },
  },
  go: {
    tool: 'go',
    file: 'main.go',
    prepare: (directory) => copyManifest('go', ['go.mod', 'go.sum'], directory),
    command: ['go', 'run', '.'],
  },
};

/// Why a program cannot be run here, or false.
export const cannotRun = (language) =>
  language in kLanguages ? isMissing(kLanguages[language]) : 'no registry has its client';

/// What docs/in-production.md has readers make under "A private CA", for this machine: the authority as PEM, and the
/// variables of a broker.
export function ownAuthority() {
  const guide = fs.readFileSync(path.join(repository, 'docs/in-production.md'), 'utf8');
  const [, script] = /^### A private CA\n.*?^```sh\n(.*?)^```$/ms.exec(guide);
  const cwd = temporaryDirectory();
  const here = script.replaceAll('192.0.2.10', '127.0.0.1');
  execFileSync('/bin/sh', ['-ec', here], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  const at = (name) => path.join(cwd, name);
  return {
    ca: fs.readFileSync(at('ca.pem')),
    variables: { TLS_CERT_FILE: at('fullchain.pem'), TLS_KEY_FILE: at('privkey.pem') },
  };
}

/// It connects by TLS, and trusts the authority in ca.pem.
export const needsTls = ({ code }) => code.includes('ca.pem');

/// Runs it against this broker until it has printed its message and its acknowledgement, each in whatever words its language
/// has for a string. `ca`: the authority of the broker's certificate, as PEM, if it needs TLS.
export async function runSnippet(t, { language, code }, port, ca) {
  const { file, prepare, command, env = {} } = kLanguages[language];
  // Always the same: compilers know it again.
  const directory = path.join(kBuilt, 'snippets', `${language}-${kSnippets.findIndex((other) => other.code === code)}`);
  fs.rmSync(directory, { recursive: true, force: true });
  fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
  prepare?.(directory);
  fs.writeFileSync(path.join(directory, file), code.replace(/127\.0\.0\.1:8(080|443)/g, `127.0.0.1:${port}`));
  if (ca) fs.writeFileSync(path.join(directory, 'ca.pem'), ca);
  const child = spawn(command[0], command.slice(1), {
    cwd: directory,
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    // `cargo run` and `go run` start another program: they end together.
    detached: true,
  });
  t.after(() => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  let output = '';
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      output += text;
    });
  }
  child.once('error', (error) => {
    output += error.message;
  });
  child.once('close', () => {
    hasEnded = true;
  });
  // Python's threads mix what they print at once.
  const said = [/\breceived:/, /\back:/, /"to\W+alice\b/, /"content\W+hello\b/, /\bOK\b/];
  const isDone = () => said.every((part) => part.test(output));
  await eventually('its end', () => hasEnded || isDone(), scaled(120_000)).catch(() => {});
  assert.ok(isDone(), output);
}
