// The five questions of the broker, and the bans of an administrator, as routes.
import express from 'express';
import { isSameSecret } from './same-secret.mjs';
import { isSigned } from './signature.mjs';
import { rtcConfiguration } from './turn-credentials.mjs';

// The longest question names NODES_VALIDITY_CHECK_MAX_IDS nodes: room for 16,000 ids of full length. Beyond, express answers 413,
// and the broker asks for half as many at a time.
const MAX_BODY = '4mb';
const MAX_ID_LENGTH = 256;

const isText = (value) => typeof value === 'string';
const isListOfTexts = (value) => Array.isArray(value) && value.every(isText);
// Ids are quoted in the log, so that none can pretend to be a line of its own.
const quoted = JSON.stringify;

/** `log` gets a line for each decision. None says what nodes send to each other or authenticate with. */
export function createApp({ rules, turn, signingSecret, adminToken, log = console.log }) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  let messages = 0;

  app.get('/healthz', (_, response) => response.json({ status: 'ok', bans: rules.bans.length, messages }));

  function onlySigned({ headers, body }, response, next) {
    if (!signingSecret || isSigned(signingSecret, headers, body ?? Buffer.alloc(0))) return next();
    const why = headers['webhook-signature']
      ? 'not signed with this WEBHOOK_SIGNING_SECRET, or too old'
      : 'not signed: WEBHOOK_SIGNING_SECRET is not set at the broker, or somebody else asks';
    log(`refused a request that is ${why}`);
    // Not 401 or 403: the broker would take them for a no to the node.
    return response.status(400).json({ error: `the request is ${why}` });
  }

  function asObject(request, response, next) {
    try {
      request.body = JSON.parse(request.body);
    } catch {
      request.body = null;
    }
    if (request.body !== null && typeof request.body === 'object') return next();
    return response.status(400).json({ error: 'the body is not a JSON object' });
  }

  /** `expected`: which members the question has to have. To the broker, a 400 means that it could not ask. */
  function question(path, expected, answer) {
    // A signature is over the bytes as they came, so nothing may parse them before.
    const bytes = express.raw({ type: () => true, limit: MAX_BODY, inflate: false });
    app.post(path, bytes, onlySigned, asObject, ({ body }, response) => {
      const odd = Object.keys(expected).find((name) => !expected[name](body[name]));
      if (odd) return response.status(400).json({ error: `${odd} is missing or of the wrong type` });
      return response.json(answer(body));
    });
  }

  question('/authentication', { nodeId: isText }, ({ nodeId, data }) => {
    const refusal = rules.refusal(nodeId, data);
    log(`authentication: ${quoted(nodeId)} ${refusal ? `refused, ${refusal}` : 'may connect'}`);
    return { authenticated: !refusal };
  });

  question('/rtc-configuration', { nodeId: isText }, ({ nodeId }) => rtcConfiguration(nodeId, turn));

  question('/authorization', { from: isText, to: isText }, ({ from, to }) => {
    const authorized = rules.mayTalk(from, to);
    if (!authorized) log(`authorization: ${quoted(from)} may not talk to ${quoted(to)}`);
    return { authorized };
  });

  question('/validity', { connectedNodesIds: isListOfTexts }, ({ connectedNodesIds }) => {
    const invalidNodesIds = rules.invalid(connectedNodesIds);
    for (const id of invalidNodesIds) log(`validity: ${quoted(id)} has to go`);
    return { invalidNodesIds };
  });

  const told = { senderId: isText, receiverId: isText };
  question('/message', told, ({ senderId, receiverId, isReceiverConnected }) => {
    messages += 1;
    const missed = isReceiverConnected === true ? '' : ', who is not connected';
    log(`message ${messages}: from ${quoted(senderId)} to ${quoted(receiverId)}${missed}`);
    return {};
  });

  if (adminToken) {
    const bans = express.Router();
    bans.use(({ headers }, response, next) => {
      const [, given] = /^Bearer (.+)$/.exec(headers.authorization ?? '') ?? [];
      if (isSameSecret(given, adminToken)) return next();
      return response.status(401).set('WWW-Authenticate', 'Bearer').json({ error: 'this needs the ADMIN_TOKEN' });
    });
    bans.param('id', (_, response, next, id) => {
      if (id.length <= MAX_ID_LENGTH) return next();
      return response.status(400).json({ error: `an id has at most ${MAX_ID_LENGTH} characters` });
    });
    bans.get('/', (_, response) => response.json({ bans: rules.bans }));
    bans.put('/:id', ({ params: { id } }, response) => {
      if (!rules.ban(id)) return response.status(409).json({ error: 'there are too many bans already' });
      log(`bans: ${quoted(id)} is banned`);
      return response.status(204).end();
    });
    bans.delete('/:id', ({ params: { id } }, response) => {
      if (!rules.lift(id)) return response.status(404).json({ error: `${id} is not banned` });
      log(`bans: ${quoted(id)} is not banned any more`);
      return response.status(204).end();
    });
    app.use('/bans', bans);
  }

  app.use(({ method, path }, response) => response.status(404).json({ error: `there is no ${method} ${path} here` }));

  // Express knows an error handler by its four parameters. Its own would answer with the stack.
  app.use((error, request, response, next) => {
    const status = error.status >= 400 && error.status < 500 ? error.status : 500;
    if (status === 500) log(`${request.method} ${request.path}: ${error.stack}`);
    response.status(status).json({ error: status === 500 ? 'internal error' : error.message });
  });
  return app;
}
