import { randomBytes } from 'node:crypto';
import {
  FEDERATION,
  federationFrames,
  MESSAGE_SEQ,
  readRemoteFrame,
  remoteError,
  wireError,
  withoutSeq,
  type RemoteFrame,
  type WireError,
} from '@parley/protocol-spreed-signaling';
import type { WebSocket } from 'ws';
import type { ReachRules } from '../spreed/backend-agent';
import { openGuardedSocket } from './guarded-socket';

/** A session at another cluster, and what resumes it. */
export interface RemoteSession {
  readonly sessionId: string;
  readonly resumeId: string;
}

/** What becomes of a connection; called in order, `closed` last and once. */
export interface RemoteEvents {
  /** The hello was accepted. */
  ready(session: RemoteSession): void;
  frame(text: string, frame: RemoteFrame): void;
  /** @param failure why it never became ready; undefined when it was */
  closed(failure: WireError | undefined): void;
}

export type RemoteHello =
  /** `lastSeq`: of the last frame that came, if the other cluster counts them. */
  | { readonly resumeId: string; readonly lastSeq: string | undefined }
  | { readonly url: string; readonly token: string };

export interface RemoteOptions {
  readonly url: string;
  readonly rules: ReachRules;
  readonly headers: Readonly<Record<string, string>>;
  /** For reaching it, and for the answer to the hello. */
  readonly timeoutMs: number;
  readonly hello: RemoteHello;
  readonly features: readonly string[];
}

/** Without a sign of life for this long the other side is gone, in milliseconds; asked for at half of it. */
const DEAD_AFTER_MS = 60_000;
const FEATURES_HEADER = 'x-spreed-signaling-features';

/** One WebSocket to another cluster's gateway, through welcome and hello; then it only carries frames. */
export class RemoteConnection {
  private socket: WebSocket | undefined;
  private readonly helloId = randomBytes(12).toString('hex');
  private announced = false;
  private ready = false;
  private over = false;
  private failure: WireError | undefined;
  private readonly deadline: NodeJS.Timeout;
  private dead: NodeJS.Timeout | undefined;
  private ping: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: RemoteOptions,
    private readonly events: RemoteEvents,
  ) {
    this.deadline = setTimeout(() => this.fail(networkError()), options.timeoutMs);
    try {
      const socket = openGuardedSocket(options.url, options.rules, options);
      this.socket = socket;
      this.listen(socket);
    } catch {
      // It must not be dialled at all. Whoever made this object is to hold it first.
      setImmediate(() => this.fail(networkError()));
    }
  }

  /** False: the connection is broken, and nothing goes there. */
  send(text: string): boolean {
    const { socket } = this;
    if (socket === undefined || socket.readyState !== socket.OPEN) return false;
    socket.send(text);
    return true;
  }

  /** Stops and goes on reading. */
  pause(): void {
    clearTimeout(this.dead);
    this.socket?.pause();
  }

  resume(): void {
    if (this.over || this.socket === undefined || !this.socket.isPaused) return;
    this.socket.resume();
    this.watch();
  }

  /** Ends the session there; nothing is told any more. */
  bye(): void {
    if (this.ready) this.send(federationFrames.bye());
    const { socket } = this;
    this.silence();
    if (socket === undefined) return;
    socket.resume();
    socket.close(1_000);
    setTimeout(() => socket.terminate(), 1_000).unref();
  }

  /** Cuts the connection without a word, so that the session there may be resumed; nothing is told any more. */
  drop(): void {
    if (this.over) return;
    const { socket } = this;
    this.silence();
    socket?.terminate();
  }

  private listen(socket: WebSocket): void {
    socket.on('upgrade', ({ headers }) => {
      const offered = String(headers[FEATURES_HEADER] ?? '').split(',');
      this.announced = offered.some((feature) => feature.trim() === FEDERATION);
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.watch();
      if (!isBinary && !this.over) this.received(data.toString('utf8'));
    });
    socket.on('ping', () => this.watch());
    socket.on('pong', () => this.watch());
    socket.on('error', (error) => (this.failure ??= isCertificateError(error) ? certificateError() : networkError()));
    socket.once('close', () => this.close());
    socket.once('open', () => {
      this.watch();
      this.ping = setInterval(() => socket.readyState === socket.OPEN && socket.ping(), DEAD_AFTER_MS / 2);
    });
  }

  private watch(): void {
    clearTimeout(this.dead);
    if (!this.over) this.dead = setTimeout(() => this.socket?.terminate(), DEAD_AFTER_MS);
  }

  private received(given: string): void {
    // Frames to clients are extended at their end.
    const text = given.trim();
    const frame = readRemoteFrame(text);
    if (frame === undefined) return;
    if (this.ready) return this.events.frame(withoutSeq(text, frame.seq), frame);
    if (frame.type === 'welcome') return this.welcomed(frame);
    if (frame.id !== this.helloId) return;
    if (frame.type === 'error') return this.fail(remoteError(frame));
    if (frame.hello === undefined) return;
    clearTimeout(this.deadline);
    this.ready = true;
    this.events.ready({ sessionId: frame.hello.sessionid, resumeId: frame.hello.resumeid });
  }

  private welcomed({ welcome }: RemoteFrame): void {
    if (!this.announced && !welcome?.features.includes(FEDERATION))
      return this.fail(wireError('federation_unsupported'));
    const { hello, features } = this.options;
    const counts = welcome?.features.includes(MESSAGE_SEQ) === true;
    this.send(
      'resumeId' in hello
        ? federationFrames.resume(this.helloId, hello.resumeId, hello.lastSeq)
        : federationFrames.hello(this.helloId, hello, features, counts),
    );
  }

  private fail(failure: WireError): void {
    if (this.over || this.ready) return;
    this.failure = failure;
    const { socket } = this;
    this.close();
    socket?.terminate();
  }

  private close(): void {
    if (this.over) return;
    this.silence();
    this.events.closed(this.ready ? undefined : (this.failure ?? networkError()));
  }

  private silence(): void {
    this.over = true;
    clearTimeout(this.deadline);
    clearTimeout(this.dead);
    clearInterval(this.ping);
  }
}

/** Node's and OpenSSL's words for certificates that do not hold. */
const CERTIFICATE_CODES =
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;

function isCertificateError(error: Error & { code?: unknown }): boolean {
  return typeof error.code === 'string' && CERTIFICATE_CODES.test(error.code);
}

function certificateError(): WireError {
  const message = 'The certificate of the other server could not be verified.';
  return wireError('federation_error', { code: 'certificate_verification_error', message });
}

export function networkError(): WireError {
  const message = 'The connection to the other server could not be established.';
  return wireError('federation_error', { code: 'network_error', message });
}
