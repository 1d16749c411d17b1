/// Started by scripts/soak tls: sslyze and testssl.sh judge a broker whose certificate is of a test authority, with each kind
/// of key. Ends with 1 unless Mozilla's intermediate profile is kept, and the grade is A- or better.
///   SSLYZE, TESTSSL   the programs
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Broker, temporaryDirectory } from './support/broker.mjs';
import { kLocal, pairVariables, testAuthority, writePair } from './support/tls.mjs';

const { SSLYZE, TESTSSL } = process.env;
const kGrades = /^A[+-]?$/;
/// Of testssl.sh before 3.2, which gives no grade: what takes one away, unless it is due to the authority or about web pages.
const kSevere = ['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'];
const kBeside = /^(cert_revocation|security_headers|HSTS|DNS_CAArecord)/;

let failed = false;
function report(what, isGood, why = '') {
  console.log(`${what}: ${isGood ? 'good' : 'NOT GOOD'}${why && ` (${why})`}`);
  failed ||= !isGood;
}

const run = (program, args) => spawnSync(program, args, { encoding: 'utf8', timeout: 1_800_000 });

for (const key of ['ec', 'rsa']) {
  const pair = testAuthority().intermediate().issue(kLocal, { key, days: 90, subject: '/CN=localhost' });
  const broker = await Broker.start(pairVariables(writePair(pair)));
  const server = `localhost:${broker.port}`;

  const sslyze = run(SSLYZE, ['--mozilla_config=intermediate', `--certinfo_ca_file=${testAuthority().file}`, server]);
  const verdict = sslyze.stdout.slice(sslyze.stdout.indexOf('COMPLIANCE'));
  report(`sslyze, ${key}`, sslyze.status === 0, verdict.replace(/\s+/g, ' ').slice(0, 600));

  const file = path.join(temporaryDirectory(), 'findings.json');
  const testssl = run(TESTSSL, ['--quiet', '--color', '0', '--warnings', 'off', '--add-ca', testAuthority().file, '--jsonfile', file, server]);
  const findings = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : [];
  const grade = findings.find(({ id }) => id === 'overall_grade')?.finding;
  const severe = findings.filter(({ id, severity }) => kSevere.includes(severity) && !kBeside.test(id));
  const why = `${grade ?? 'no grade'}; ${severe.map(({ id, finding }) => `${id}: ${finding}`).join('; ') || 'nothing severe'}`;
  report(`testssl.sh, ${key}`, findings.length > 0 && (grade ? kGrades.test(grade) : severe.length === 0), why);
  if (findings.length === 0) console.log(testssl.stdout, testssl.stderr);
  await broker.stop();
}
process.exit(failed ? 1 : 0);
