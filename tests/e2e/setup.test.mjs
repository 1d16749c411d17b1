// scripts/setup on releases of Debian that name packages otherwise: apt itself, over archives and states of our own.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { repository, temporaryDirectory } from './support/broker.mjs';

const kCommon = [
  'g++',
  'cmake',
  'ninja-build',
  'ccache',
  'pkg-config',
  'git',
  'ca-certificates',
  'libspdlog-dev',
  'libcli11-dev',
  'prometheus-cpp-dev',
  'nlohmann-json3-dev',
  'libssl-dev',
  'libhiredis-dev',
  'libcpp-httplib-dev',
];
const common = Object.fromEntries(kCommon.map((name) => [name, '1.0']));

const paragraphs = (packages, more) =>
  Object.entries(packages)
    .map(([name, version]) =>
      [
        `Package: ${name}`,
        ...more(name),
        'Priority: optional',
        'Section: misc',
        'Maintainer: nobody <nobody@example.org>',
        `Version: ${version}`,
        'Architecture: all',
        'Description: a package',
        '',
        '',
      ].join('\n'),
    )
    .join('');

const inArchive = (name) => [`Filename: ./${name}.deb`, 'Size: 1', `SHA256: ${'0'.repeat(64)}`];

/// Runs it where `available` are in the archive and `installed` are there; nothing is really installed.
function setUp(available, installed = {}) {
  const root = temporaryDirectory();
  const at = (name) => path.join(root, name);
  for (const folder of [
    'archive',
    'lists/partial',
    'cache/archives/partial',
    'dpkg/info',
    'dpkg/updates',
    'etc',
  ])
    fs.mkdirSync(at(folder), { recursive: true });
  fs.writeFileSync(at('archive/Packages'), paragraphs(available, inArchive));
  fs.writeFileSync(
    at('dpkg/status'),
    paragraphs(installed, () => ['Status: install ok installed']),
  );
  fs.writeFileSync(at('etc/sources.list'), `deb [trusted=yes] file:${at('archive')} ./\n`);
  fs.writeFileSync(
    at('apt.conf'),
    Object.entries({
      'Dir::State::status': at('dpkg/status'),
      'Dir::State::lists': at('lists'),
      'Dir::Cache': at('cache'),
      'Dir::Etc::sourcelist': at('etc/sources.list'),
      'Dir::Etc::sourceparts': '-',
      'APT::Get::Simulate': 'true',
      'APT::Sandbox::User': 'root',
    })
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  const { status, stdout, stderr } = spawnSync(path.join(repository, 'scripts/setup'), ['build'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, APT_CONFIG: at('apt.conf'), DPKG_ADMINDIR: at('dpkg') },
  });
  return { status, output: stdout + stderr };
}

const hasApt = spawnSync('apt-get', ['--version']).status === 0;
const options = {
  skip: (!hasApt || process.getuid() !== 0) && 'needs apt, and to be root',
};

describe('scripts/setup', options, () => {
  test('takes the Boost that Debian 12 has beside its older one', () => {
    const { status, output } = setUp({
      ...common,
      'libboost1.81-dev': '1.81.0-5',
      'libboost-dev': '1.74.0.3',
    });
    assert.equal(status, 0, output);
    assert.match(output, /installing: .*\blibboost1\.81-dev\b/);
    assert.doesNotMatch(output, /\blibboost-dev\b/);
  });

  test('takes the Boost of Debian 13', () => {
    const { status, output } = setUp({ ...common, 'libboost-dev': '1.83.0.2+b2' });
    assert.equal(status, 0, output);
    assert.match(output, /installing: .*\blibboost-dev\b/);
  });

  test('installs nothing where all of it is there', () => {
    for (const boost of [{ 'libboost1.81-dev': '1.81.0-5' }, { 'libboost-dev': '1.83.0.2' }]) {
      const { status, output } = setUp({}, { ...common, ...boost });
      assert.equal(status, 0, output);
      assert.equal(output, '');
    }
  });

  test('installs only what is missing, a Boost that is too old too', () => {
    const { status, output } = setUp(
      { 'libboost1.81-dev': '1.81.0-5', 'libboost-dev': '1.74.0.3', cmake: '3.25' },
      { ...common, 'libboost-dev': '1.74.0.3' },
    );
    assert.equal(status, 0, output);
    assert.match(output, /^installing: libboost1\.81-dev$/m);
  });

  test('names each package that this release does not have, and installs nothing', () => {
    const { status, output } = setUp({ ...common, 'libboost-dev': '1.74.0.3' }, {});
    assert.equal(status, 1, output);
    assert.match(output, /apt has no libboost1\.81-dev or libboost-dev>=1\.81$/m);
    assert.match(output, /Debian 12 and 13 have it/);
    assert.doesNotMatch(output, /installing:/);
  });
});
