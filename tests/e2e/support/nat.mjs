/// Two private networks behind a symmetric NAT each, and an internet between them: network namespaces and nftables, as root.
///
///   192.168.1.2 (one) - NAT 198.51.100.10 - 198.51.100.1, .2 (internet) - 198.51.100.20 NAT - 192.168.2.2 (other)
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

const kRules = `
table ip nat {
  chain postrouting {
    type nat hook postrouting priority 100
    oifname "wan0" masquerade random,fully-random
  }
}
`;

const run = (command, args, input) => execFileSync(command, args, { input, stdio: ['pipe', 'pipe', 'pipe'] });

/// Why there can be none here, or false. In CI that is a failure.
export function missingNat() {
  try {
    run('unshare', ['--net', 'nft', 'list', 'tables']);
    run('ip', ['netns', 'list']);
    return false;
  } catch (error) {
    if (process.env.CI) assert.fail(`no network namespaces: ${error.message}`);
    return 'there are no network namespaces or no nft here';
  }
}

const made = new Set();
process.once('exit', () => {
  for (const name of made) remove(name);
});
function remove(name) {
  made.delete(name);
  try {
    run('ip', ['netns', 'del', name]);
  } catch {
    // It could not be made.
  }
}

export class Nats {
  /// Addresses of the internet, for servers.
  addresses = ['198.51.100.1', '198.51.100.2'];

  constructor() {
    const prefix = `crolang-${process.pid}`;
    this.internet = `${prefix}-wan`;
    this.one = `${prefix}-one`;
    this.other = `${prefix}-other`;
    this.#addNamespace(this.internet);
    this.#ip(this.internet, 'link add br0 type bridge');
    for (const address of this.addresses) this.#ip(this.internet, `addr add ${address}/24 dev br0`);
    this.#ip(this.internet, 'link set br0 up');
    this.#addNetwork(this.one, 1);
    this.#addNetwork(this.other, 2);
  }

  /// A command that runs another one there: for spawn.
  inside = (name) => ['ip', 'netns', 'exec', name];

  stop() {
    for (const name of [...made]) remove(name);
  }

  #addNamespace(name) {
    made.add(name);
    run('ip', ['netns', 'add', name]);
    this.#ip(name, 'link set lo up');
  }

  #addNetwork(name, number) {
    const nat = `${name}-nat`;
    this.#addNamespace(nat);
    this.#addNamespace(name);
    this.#ip(this.internet, `link add port${number} type veth peer name wan0 netns ${nat}`);
    this.#ip(this.internet, `link set port${number} master br0 up`);
    this.#ip(nat, `addr add 198.51.100.${number}0/24 dev wan0`);
    this.#ip(nat, 'link set wan0 up');
    this.#ip(nat, `link add lan0 type veth peer name eth0 netns ${name}`);
    this.#ip(nat, `addr add 192.168.${number}.1/24 dev lan0`);
    this.#ip(nat, 'link set lan0 up');
    this.#ip(name, `addr add 192.168.${number}.2/24 dev eth0`);
    this.#ip(name, 'link set eth0 up');
    this.#ip(name, `route add default via 192.168.${number}.1`);
    run('ip', ['netns', 'exec', nat, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    run('ip', ['netns', 'exec', nat, 'nft', '-f', '-'], kRules);
  }

  #ip(name, line) {
    run('ip', ['-n', name, ...line.split(' ')]);
  }
}
