// npm's socket.io-client as applications use it, driven by clients.mjs: `client.mjs socket.io-client` or `client.mjs
// socket.io-client-3`. A line of JSON in is an order, a line out is what the client reported. The end of the input is the end
// of the program.
import readline from 'node:readline';

const { io } = await import(process.argv[2]);
const nodes = new Map();

const report = (node, is, text) => process.stdout.write(`${JSON.stringify({ node, is, text })}\n`);

function connect(node, { url, query }) {
  const socket = io(url, { transports: ['websocket'], forceNew: true, query });
  socket.on('connect', () => report(node, 'connected', ''));
  socket.on('connect_error', (error) => report(node, 'failed', error.message));
  socket.on('disconnect', (reason) => report(node, 'disconnected', reason));
  socket.on('AUTHENTICATED', (text) => report(node, 'authenticated', text));
  socket.on('SOCKET_MSG_EXCHANGE', (text) => report(node, 'received', text));
  nodes.set(node, socket);
}

const kOrders = {
  connect: ({ node, ...order }) => connect(node, order),
  send: ({ node, type, text }) =>
    nodes.get(node).emit(type, text, (ack) => report(node, 'ack', ack)),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  kOrders[order.do](order);
}
process.exit(0);
