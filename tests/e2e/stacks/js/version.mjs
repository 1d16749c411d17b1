/// The version of a package that a package.json pins, here or in the folder of the tests.
import { readFileSync } from 'node:fs';

export function versionOf(name) {
  for (const file of ['package.json', '../../package.json']) {
    const { devDependencies } = JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
    if (name in devDependencies) return devDependencies[name];
  }
  throw new Error(`${name} stands in no package.json`);
}
