export { freePort } from '@parley/tools/provision';
export { eventually } from './eventually';
export { startPostgres, type TestPostgres } from './postgres';
export { startReceiver, type Answer, type AnswerOrFunction, type ReceivedRequest, type Receiver } from './receiver';
export { startRedis, startRedisCluster, type TestRedis, type TestRedisCluster } from './redis';
export { selfSigned, type Certificate } from './self-signed';
export { ScriptedSignalingClient, type Envelope, type Matcher, type Recipient } from './signaling-client';
export { type ConnectOptions, type TransportName } from './signaling-transport';
export { forgetProcess, registerProcess, temporaryFolder } from './test-processes';
