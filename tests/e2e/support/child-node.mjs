// A node in a process of its own, to be stopped in mid-air: node child-node.mjs PORT ID
import { io } from 'socket.io-client';

const [port, id] = process.argv.slice(2);
const socket = io(`http://127.0.0.1:${port}`, {
  transports: ['websocket'],
  reconnectionDelay: 100,
  query: { id, version: '1.0.0', runtime: 'js' },
});
for (const event of ['connect', 'disconnect', 'connect_error'])
  socket.on(event, (detail) => process.send([event, detail?.message ?? detail]));
