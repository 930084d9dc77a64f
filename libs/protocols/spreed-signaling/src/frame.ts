/** First byte of a WebSocket message of one text frame (RFC 6455, 5.2). */
const WHOLE_TEXT = 0x81;

/**
 * One frame ready to be sent. Its bytes are made once and shared by every socket that gets the same frame.
 */
export class Frame {
  private encoded: Buffer | undefined;
  private payloadAt = 0;

  constructor(readonly text: string) {}

  /** The frame as UTF-8. */
  get bytes(): Buffer {
    return this.message.subarray(this.payloadAt);
  }

  /** The frame as a WebSocket message from a server: not masked, so the same bytes for everybody. */
  get message(): Buffer {
    return (this.encoded ??= this.encode());
  }

  /** The same frame with one more top-level member. */
  withMember(name: string, value: string): Frame {
    return new Frame(`${this.text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`);
  }

  private encode(): Buffer {
    const length = Buffer.byteLength(this.text);
    this.payloadAt = length < 126 ? 2 : length < 65_536 ? 4 : 10;
    const message = Buffer.allocUnsafe(this.payloadAt + length);
    message[0] = WHOLE_TEXT;
    if (length < 126) message[1] = length;
    else if (length < 65_536) {
      message[1] = 126;
      message.writeUInt16BE(length, 2);
    } else {
      message[1] = 127;
      message.writeUIntBE(0, 2, 2);
      message.writeUIntBE(length, 4, 6);
    }
    message.write(this.text, this.payloadAt);
    return message;
  }
}

/** A frame of a plain object. Members that are undefined are left out. */
export function frameOf(message: object): Frame {
  return new Frame(JSON.stringify(message));
}
