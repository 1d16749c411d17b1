// Starts the webhook server. See README.md for the variables.
import { createServer } from 'node:http';
import { createApp } from './app.mjs';
import { Rules } from './rules.mjs';
import { readSettings, SettingsError } from './settings.mjs';

const STOP_WITHIN_MS = 5000;

function prepare() {
  try {
    const settings = readSettings(process.env);
    return { ...settings, rules: new Rules(settings.demoToken, settings.rules) };
  } catch (error) {
    console.error(error instanceof SettingsError ? error.message : `RULES_FILE: ${error.message}`);
    process.exit(2);
  }
}

const settings = prepare();
const server = createServer({ requestTimeout: 10_000, headersTimeout: 5000 }, createApp(settings));

server.on('error', (error) => {
  console.error(`cannot listen on ${settings.address}, port ${settings.port} (PORT): ${error.code}`);
  process.exit(1);
});
server.listen(settings.port, settings.address, () => {
  const { address, port } = server.address();
  console.log(`listening on ${address}, port ${port}`);
  if (!settings.signingSecret) console.log('requests are not verified: WEBHOOK_SIGNING_SECRET is not set');
  if (!settings.adminToken) console.log('bans cannot be changed: ADMIN_TOKEN is not set');
});

function stop() {
  server.close();
  // Whoever is being answered gets the answer; connections that are merely kept would hold up the end.
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS).unref();
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
