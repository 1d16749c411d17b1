/// Processes that are stopped in mid-air.
import fs from 'node:fs';
import { eventually } from './time.mjs';

/// Stops it; resolves once it stands still.
export async function freeze(pid) {
  process.kill(pid, 'SIGSTOP');
  await eventually(`process ${pid} is stopped`, () =>
    / T /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1')),
  );
}

export const thaw = (pid) => process.kill(pid, 'SIGCONT');
