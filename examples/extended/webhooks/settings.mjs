// What the environment says. NAME may also be given as NAME_FILE, the name of a file that holds the value.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Its message names everything that is wrong, a line each. */
export class SettingsError extends Error {}

export function readSettings(env) {
  const faults = [];

  const text = (name, fallback) => {
    const file = env[`${name}_FILE`];
    if (!file) return env[name] || fallback;
    if (env[name]) faults.push(`${name} and ${name}_FILE are both set`);
    try {
      const value = readFileSync(file, 'utf8').trimEnd();
      if (!value) faults.push(`${name}_FILE: ${file} is empty`);
      return value;
    } catch (error) {
      faults.push(`${name}_FILE: ${file} cannot be read (${error.code})`);
      return undefined;
    }
  };
  const required = (name) => {
    const value = text(name);
    if (!value && !env[`${name}_FILE`]) faults.push(`${name} is required`);
    return value;
  };
  const number = (name, fallback, least, most) => {
    const value = env[name] || String(fallback);
    if (/^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    faults.push(`${name}: '${value}' is not a number from ${least} to ${most}`);
    return undefined;
  };
  const urls = (name, value, scheme) => {
    const list = (value ?? '').split(/[\s,]+/).filter(Boolean);
    for (const url of list) {
      if (!new RegExp(`^${scheme}s?:.`).test(url))
        faults.push(`${name}: '${url}' is neither ${scheme}: nor ${scheme}s:`);
    }
    return list;
  };
  const address = (name, fallback) => {
    const value = env[name] || fallback;
    if (!isIP(value)) faults.push(`${name}: '${value}' is not an address in digits`);
    return value;
  };
  const json = (name, fallback) => {
    const file = env[name] || fallback;
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      faults.push(`${name}: ${file} cannot be read as JSON (${error.code ?? error.message})`);
      return undefined;
    }
  };

  const settings = {
    port: number('PORT', 3000, 0, 65_535),
    address: address('BIND_ADDRESS', '127.0.0.1'),
    demoToken: required('DEMO_TOKEN'),
    adminToken: text('ADMIN_TOKEN'),
    signingSecret: text('WEBHOOK_SIGNING_SECRET'),
    rules: json('RULES_FILE', fileURLToPath(new URL('rules.json', import.meta.url))),
    turn: {
      stunUrls: urls('STUN_URLS', env.STUN_URLS, 'stun'),
      turnUrls: urls('TURN_URLS', required('TURN_URLS'), 'turn'),
      secret: required('TURN_SHARED_SECRET'),
      lifetimeS: number('TURN_CREDENTIAL_TTL_S', 14_400, 1, 2_592_000),
    },
  };
  if (settings.signingSecret && !/^whsec_[A-Za-z0-9+/]{32,}={0,2}$/.test(settings.signingSecret)) {
    faults.push('WEBHOOK_SIGNING_SECRET is not whsec_ and the Base64 of 24 bytes or more');
  }
  if (faults.length) throw new SettingsError(faults.join('\n'));
  return settings;
}
