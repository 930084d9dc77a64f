export {
  type AuthAccount,
  type AuthRefusal,
  type Credentials,
  legacyKey,
  NONCE_LIMIT,
  NONCE_TTL_MS,
  type RawRequest,
  readCredentials,
  requestSignature,
  verifyCredentials,
} from './auth';
export {
  decodeEnvelope,
  decodeRequest,
  errorEnvelope,
  MAX_BODY_BYTES,
  MAX_DEPTH,
  successEnvelope,
  type WireError,
} from './codec';
export type { RoomRef, XroomCommand } from './command';
export { answerAuthRefusal, answerDomainError, answerHttpStatus, answerWireError, type HttpAnswer } from './errors';
export { encodeBooking, encodeRoom, encodeRoomList, encodeValidationRequest, encodeWebhook } from './from-domain';
export { type JsonFailure, readJson } from './read-json';
export { peerTypeCode } from './room-types';
export { type CallTarget, classify, isCollection, mergeLists } from './route';
export { toDomain } from './to-domain';
export {
  type Call,
  type Collection,
  COLLECTIONS,
  type Envelope,
  envelopeSchema,
  REQUEST_SCHEMAS,
  type XroomRequest,
} from './wire.schema';
export {
  encodeWebhookEvent,
  eventHeaders,
  type RoomSecrets,
  type StoredEvent,
  type Telling,
  WEBHOOK_EVENT_NAMES,
  type WebhookEventName,
} from './webhook-events';
