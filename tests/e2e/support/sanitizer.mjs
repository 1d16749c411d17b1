/// Sanitizers: which the broker under test was built with, and what they report.
import fs from 'node:fs';
import { readElf } from './elf.mjs';

const kReport = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;
const kShown = 8000;

/// Whether this ELF file was built with a sanitizer that has to be loaded before all others.
export const hasSanitizer = (file) => readElf(file).needed.some((each) => /^lib[at]san\./.test(each));

/// Whether this ELF file was built with UndefinedBehaviorSanitizer.
export const hasUndefinedBehaviorSanitizer = (file) =>
  readElf(file).needed.some((each) => /^libubsan\./.test(each));

/// LeakSanitizer itself has failed, after the process had done its work: it cannot stop a thread that ends at that moment.
/// That is no report, but it takes the process's exit code.
export const leakCheckFailed = (output) => output.includes('LeakSanitizer has encountered a fatal error');

let report;

/// Looks at all that a process has printed by its end. Whatever ended it, a report fails the file.
export function inspect(pid, output) {
  const found = kReport.exec(output);
  if (!found || report) return;
  report = `process ${pid}:\n${output.slice(found.index, found.index + kShown)}`;
}

/// What waits for something does not wait on after a report: the process that would have caused it may have ended.
export function expectNoReport() {
  if (report) throw new Error(`a sanitizer's report of ${report}`);
}

process.once('exit', () => {
  if (!report) return;
  const text = `${process.argv.slice(1).join(' ')}: a sanitizer's report of ${report}\n`;
  process.stderr.write(text);
  if (process.env.CROLANG_TEST_HUNG) fs.appendFileSync(process.env.CROLANG_TEST_HUNG, text);
  process.exitCode = 1;
});
