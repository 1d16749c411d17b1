/// Loaded by `run` into every test file: one that does not end says what it holds on to, and ends, so that a hang is
/// a failure that can be read.
import fs from 'node:fs';
import { scaled } from './time.mjs';

const kLimit = scaled(300_000);
const kTail = 4000;

/// Processes whose `output` is shown.
const processes = new Set();
export const watch = (running) => processes.add(running);

function describe(handle) {
  const name = handle.constructor?.name ?? typeof handle;
  if (handle.spawnargs) return `${name} ${handle.pid}: ${handle.spawnargs.join(' ')}`;
  if (handle.remotePort) return `${name} ${handle.localPort} -> ${handle.remotePort}`;
  return name;
}

function giveUp() {
  const lines = [
    `this file has not ended within ${kLimit} ms`,
    `arguments: ${process.argv.slice(1).join(' ')}`,
    `resources: ${process.getActiveResourcesInfo().join(' ')}`,
    ...(process._getActiveHandles?.() ?? []).map((handle) => `handle: ${describe(handle)}`),
  ];
  for (const { pid, hasExited, output } of processes) {
    if (!hasExited) lines.push(`process ${pid} is running; its last words:`, output.slice(-kTail));
  }
  console.error(lines.join('\n'));
  const report = process.env.CROLANG_TEST_HUNG;
  if (report) fs.appendFileSync(report, `${lines.join('\n')}\n`);
  process.exit(1);
}

// Only in the process of a file. Whoever has nothing left to wait for ends before the time is over.
if (process.env.NODE_TEST_CONTEXT) setTimeout(giveUp, kLimit).unref();
