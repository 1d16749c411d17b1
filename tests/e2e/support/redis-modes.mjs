/// What stands behind REDIS_URL in the tests of several brokers: CROLANG_TEST_REDIS says it.
import { Cluster } from './redis-cluster.mjs';
import { SingleServer } from './redis-deployment.mjs';
import { Sentinels } from './redis-sentinel.mjs';

export const kRedisMode = process.env.CROLANG_TEST_REDIS || 'standalone';
const kModes = {
  standalone: (options) => SingleServer.start(options),
  tls: (options) => SingleServer.start({ ...options, tls: true }),
  sentinel: (options) => Sentinels.start(options),
  cluster: (options) => Cluster.start(options),
};
if (!(kRedisMode in kModes)) throw new Error(`CROLANG_TEST_REDIS=${kRedisMode} is none of ${Object.keys(kModes)}`);

/// Options are those of RedisServer.start. Resolves with a Deployment that answers.
export const startRedis = (options, mode = kRedisMode) => kModes[mode](options);

/// Options of a test that would say nothing in these modes.
export const exceptFor = (modes, why) => ({ skip: modes.includes(kRedisMode) && `${kRedisMode}: ${why}` });
