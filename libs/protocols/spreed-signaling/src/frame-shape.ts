/**
 * The shapes that every frame, and the frames of a conversation, must have. Read by hand and not by a schema: each message
 * of each client passes here, and a schema's copy of it costs as much as everything else about it.
 */

export type JsonRecord = Readonly<Record<string, unknown>>;

/** `null` counts as absent, as in the usual server (Go decodes it so). */
type Text = string | null | undefined;

/** Outer shape of every frame; members beside these are kept. */
export type Envelope = JsonRecord & { readonly id?: Text; readonly type?: Text };

export interface RecipientShape {
  readonly type?: Text;
  readonly sessionid?: Text;
  readonly userid?: Text;
}

/** Sections "Sending messages between clients" and "Control messages". */
export interface MessageShape {
  readonly recipient?: RecipientShape | null | undefined;
  readonly data?: unknown;
}

/** Undefined: it has another shape. */
export function readEnvelope(value: unknown): Envelope | undefined {
  return isRecord(value) && isText(value.id) && isText(value.type) ? value : undefined;
}

/** Undefined: it has another shape. */
export function readMessage(value: unknown): MessageShape | undefined {
  if (!isRecord(value)) return undefined;
  const { recipient } = value;
  if (recipient === undefined || recipient === null) return { data: value.data };
  return isRecipient(recipient) ? { recipient, data: value.data } : undefined;
}

function isRecipient(value: unknown): value is RecipientShape {
  return isRecord(value) && isText(value.type) && isText(value.sessionid) && isText(value.userid);
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is Text {
  return typeof value === 'string' || value === undefined || value === null;
}
