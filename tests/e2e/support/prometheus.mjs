/// Debian's Prometheus, which scrapes brokers as an operator's does, with the rules of packaging/ in fast motion.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { accepts, freePort, repository, temporaryDirectory } from './broker.mjs';
import { eventually, scaled } from './time.mjs';
import { watch } from './watchdog.mjs';

const kFolders = [path.join(repository, 'build/monitoring/usr/bin'), ...process.env.PATH.split(':')];
const find = (name) => kFolders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
const program = find('prometheus');
export const promtool = find('promtool');

/// Why tests with a Prometheus cannot run here; false: they can. In CI it has to be there.
export const cannotMonitor = !program && !process.env.CI && 'needs Prometheus: scripts/setup test';

export const kRules = fs.readFileSync(path.join(repository, 'packaging/prometheus/crolang-broker.rules.yml'), 'utf8');
export const kAlerts = [...kRules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);

const kUnits = { m: 60_000, h: 3_600_000 };
const kDuration = /(?<=\[|for: |offset )(\d+)([mh])(?=\]|\s|\))/g;

/// The same rules, with every `for`, every window and every offset divided by `factor`. Thresholds stay, since they are rates
/// and shares.
export function inFastMotion(rules, factor) {
  const fast = rules.replace(kDuration, (_, count, unit) => `${Math.round((count * kUnits[unit]) / factor)}ms`);
  assert.doesNotMatch(fast, /\d[mh](?=\]|\s|\))/, 'every duration was divided');
  return fast;
}

export class Prometheus {
  output = '';

  /// `targets`: broker's name → port; the name becomes the label `instance`. They need not listen yet.
  static async start(targets, { rules, interval }) {
    const prometheus = new Prometheus();
    const directory = temporaryDirectory();
    fs.writeFileSync(path.join(directory, 'rules.yml'), rules);
    const configuration = {
      global: { scrape_interval: `${interval}ms`, scrape_timeout: `${interval}ms`, evaluation_interval: `${interval}ms` },
      rule_files: ['rules.yml'],
      scrape_configs: [
        {
          job_name: 'crolang-broker',
          static_configs: Object.entries(targets).map(([instance, port]) => ({
            targets: [`127.0.0.1:${port}`],
            labels: { instance },
          })),
        },
      ],
    };
    // JSON is YAML.
    fs.writeFileSync(path.join(directory, 'prometheus.yml'), JSON.stringify(configuration));
    prometheus.port = await freePort();
    const child = spawn(
      program,
      [
        `--config.file=${directory}/prometheus.yml`,
        `--storage.tsdb.path=${directory}/data`,
        `--web.listen-address=127.0.0.1:${prometheus.port}`,
        '--log.level=warn',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } },
    );
    prometheus.child = child;
    prometheus.pid = child.pid;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        prometheus.output += text;
      });
    }
    prometheus.exited = new Promise((resolve) => {
      child.once('exit', () => {
        prometheus.hasExited = true;
        resolve();
      });
    });
    process.once('exit', () => child.kill('SIGKILL'));
    watch(prometheus);
    await eventually(
      'Prometheus listens',
      () => {
        assert.ok(!prometheus.hasExited, prometheus.output);
        return accepts(prometheus.port);
      },
      scaled(20_000),
    );
    return prometheus;
  }

  /// The result of an instant query: labels and value each.
  async query(expression) {
    const url = `http://127.0.0.1:${this.port}/api/v1/query?${new URLSearchParams({ query: expression })}`;
    const answer = await (await fetch(url)).json();
    assert.equal(answer.status, 'success', `${expression}: ${answer.error}`);
    return answer.data.result.map(({ metric, value }) => ({ ...metric, value: Number(value[1]) }));
  }

  /// The alerts that have fired since the start, with their labels.
  fired() {
    return this.query('max_over_time(ALERTS{alertstate="firing"}[1h])');
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
