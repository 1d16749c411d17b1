/// Everything of real Redis that tests start: see the files for what each is.
export { freeze, thaw } from './freeze.mjs';
export { RedisClient } from './redis-client.mjs';
export { Cluster } from './redis-cluster.mjs';
export { exceptFor, kRedisMode, startRedis } from './redis-modes.mjs';
export { Sentinels } from './redis-sentinel.mjs';
export { RedisServer } from './redis-server.mjs';
export { Wire, Wires } from './redis-wire.mjs';
