export { ParleyClient, type ParleyOptions } from './parley-client';
export { ParleyError, type ErrorFacts } from './parley-error';
export { Session } from './session';
export { type Recipient, type SessionHandlers, type SessionState, type SessionTimes } from './session-parts';
export { chooseRegion, CHOICE, type Chosen } from './region-choice';
export { type Socket, type SocketClass } from './line';
