/// Folders that a test file writes to, and that are gone when it has ended.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const directories = [];
process.once('exit', () => {
  for (const directory of directories) fs.rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'crolang-e2e-'));
  directories.push(directory);
  return directory;
}
