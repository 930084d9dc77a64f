import { WebSocket } from 'ws';
import { memberOf, textOf } from './browser-value';

/** How a page is told to reach its signaling server, and what it may say there. */
export interface SignalingSettings {
  readonly server: string | readonly string[];
  /** The OCS URL of the Nextcloud's signaling controller. */
  readonly backendUrl: string;
  readonly helloAuthParams: {
    readonly '1.0'?: { readonly userid?: string; readonly ticket: string };
    readonly '2.0'?: { readonly token: string };
    /** Of recorders: a browser that is an internal client. */
    readonly internal?: { readonly random: string; readonly token: string; readonly backend: string };
  };
}

export interface TalkSocketOptions {
  /** Fetches the settings anew: tokens do not last. */
  readonly settings: () => Promise<SignalingSettings>;
  /** What newer clients announce. */
  readonly features: readonly string[];
  /** How many times faster than in real life pauses pass. */
  readonly speed: number;
}

export interface TalkSocketEvents {
  /** Said hello with success. */
  connected(resumed: boolean): void;
  /** The connection is lost and another one will be made. */
  reconnecting(): void;
  /** Every frame, answers included. */
  received(frame: unknown): void;
}

type Answered = (answer: unknown) => void;

/** Where what is sent goes through; `ws://host/spreed`. */
export function socketUrlOf(server: SignalingSettings['server']): string {
  const servers = typeof server === 'string' ? [server] : server;
  const one = servers[Math.floor(Math.random() * servers.length)] ?? '';
  return `${one.replace(/^http/, 'ws').replace(/\/$/, '')}/spreed`;
}

const REQUIRED = ['audio-video-permissions', 'incall-all', 'switchto', 'federation'];
const WELCOME_WAIT_MS = 3_000;
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 16_000;
const FAILURES_BEFORE_WARNING = 5;

/** The web client's connection: hello, resume, and one connection after the other until the page is left (brief 7.1). */
export class TalkSocket {
  sessionId: string | undefined;
  /** Hellos that were accepted: `resumed`, or the version of new ones. */
  readonly hellos: string[] = [];
  /** Codes of errors, codes of closed connections, and what a user would be shown, in order. */
  readonly troubles: string[] = [];
  /** What the real client could not have lived with. */
  readonly failures: Error[] = [];
  private resumeId: string | undefined;
  private settings: SignalingSettings | undefined;
  private renewal: Promise<void> | undefined;
  private features = new Set<unknown>();
  private socket: WebSocket | undefined;
  private callbacks = new Map<string, Answered>();
  private lastId = 0;
  private waiting: (() => void)[] = [];
  private connected = false;
  private pauseMs = FIRST_PAUSE_MS;
  private failedHellos = 0;
  private timer: NodeJS.Timeout | undefined;
  private welcomeTimer: NodeJS.Timeout | undefined;
  private left = false;
  private asleep = false;

  constructor(
    private readonly options: TalkSocketOptions,
    private readonly events: TalkSocketEvents,
  ) {}

  /** It has a session. */
  get isConnected(): boolean {
    return this.connected;
  }

  async open(): Promise<void> {
    this.settings = await this.options.settings();
    this.connect();
  }

  /** Sends `{type, [type]: body}`, later if there is no session yet. */
  send(type: string, body: object, answered?: Answered): void {
    if (this.connected) return this.put(type, body, answered);
    this.waiting.push(() => this.put(type, body, answered));
  }

  /** The laptop sleeps: the connection breaks, and nothing happens until it wakes up. */
  sleep(): void {
    this.asleep = true;
    this.socket?.terminate();
  }

  wake(): void {
    this.asleep = false;
    this.reconnect();
  }

  /** The user goes: bye, and the connection is closed. */
  leave(): void {
    this.left = true;
    if (this.connected) this.put('bye', {});
    this.resumeId = undefined;
    this.stop();
    this.socket?.close();
  }

  /** For the end of a test. */
  drop(): void {
    this.left = true;
    this.stop();
    this.socket?.terminate();
  }

  private stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.welcomeTimer);
    this.timer = undefined;
  }

  private connect(): void {
    const { settings } = this;
    if (settings === undefined) throw new Error('the page was not opened');
    this.callbacks = new Map();
    this.lastId = 0;
    this.waiting = [];
    this.connected = false;
    const socket = new WebSocket(socketUrlOf(settings.server));
    this.socket = socket;
    socket.on('open', () => {
      if (settings.helloAuthParams['2.0'] === undefined) return this.sayHello();
      this.welcomeTimer = setTimeout(() => this.sayHello(), WELCOME_WAIT_MS);
    });
    socket.on('message', (data: Buffer) => this.guard(() => this.received(JSON.parse(data.toString('utf8')))));
    // A close always follows.
    socket.on('error', () => undefined);
    socket.on('close', (code) => this.closed(socket, code));
  }

  private received(frame: unknown): void {
    const type = memberOf(frame, 'type');
    if (type === 'welcome') return this.welcomed(memberOf(frame, 'welcome', 'features'));
    const id = memberOf(frame, 'id');
    const answered = typeof id === 'string' ? this.callbacks.get(id) : undefined;
    if (typeof id === 'string') this.callbacks.delete(id);
    if (type === 'error') this.refused(textOf(frame, 'error', 'code'));
    answered?.(frame);
    // A bye is not looked at: the close follows.
    if (type !== 'bye' && type !== 'hello') this.events.received(frame);
  }

  private welcomed(features: unknown): void {
    this.features = new Set(features as unknown[]);
    if (this.welcomeTimer === undefined) return;
    clearTimeout(this.welcomeTimer);
    this.sayHello();
  }

  private sayHello(): void {
    this.welcomeTimer = undefined;
    this.put('hello', this.hello(), (answer) => this.helloAnswered(answer));
  }

  private hello(): object {
    // Also for sessions that began with 2.0.
    if (this.resumeId !== undefined) return { version: '1.0', resumeid: this.resumeId };
    const { backendUrl: url, helloAuthParams } = this.settings as SignalingSettings;
    const { internal } = helloAuthParams;
    const features = this.options.features.length > 0 ? { features: this.options.features } : {};
    if (internal !== undefined) return { version: '1.0', ...features, auth: { type: 'internal', params: internal } };
    const version = helloAuthParams['2.0'] && this.features.has('hello-v2') ? '2.0' : '1.0';
    return { version, ...features, auth: { url, params: helloAuthParams[version] } };
  }

  private helloAnswered(answer: unknown): void {
    if (memberOf(answer, 'type') !== 'hello') return this.helloRefused();
    const resumed = this.resumeId !== undefined;
    this.failedHellos = 0;
    this.pauseMs = FIRST_PAUSE_MS;
    this.sessionId = textOf(answer, 'hello', 'sessionid');
    this.resumeId = textOf(answer, 'hello', 'resumeid');
    // What the welcome said does not count any more.
    this.features = new Set(memberOf(answer, 'hello', 'server', 'features') as unknown[]);
    const isInternal = this.settings?.helloAuthParams.internal !== undefined;
    const missing = isInternal ? [] : REQUIRED.filter((feature) => !this.features.has(feature));
    if (missing.length > 0) throw new TypeError(`the server needs to be updated, it has no ${missing.join(', ')}`);
    this.connected = true;
    this.hellos.push(resumed ? 'resumed' : textOf(answer, 'hello', 'version'));
    for (const send of this.waiting.splice(0)) send();
    this.events.connected(resumed);
  }

  /** On the same connection when it was a resume, on another one later when not. */
  private helloRefused(): void {
    if (this.resumeId !== undefined) {
      this.resumeId = undefined;
      return this.sayHello();
    }
    this.failedHellos += 1;
    if (this.failedHellos === FAILURES_BEFORE_WARNING) this.troubles.push('warning: no hello succeeds');
    const { socket } = this;
    this.socket = undefined;
    socket?.close();
    this.reconnect();
  }

  private refused(code: string): void {
    this.troubles.push(code);
    if (code !== 'token_expired') return;
    this.renewal = this.options.settings().then((settings) => void (this.settings = settings));
  }

  private closed(socket: WebSocket, code: number): void {
    if (socket !== this.socket || this.left) return;
    this.connected = false;
    this.troubles.push(`closed ${code}`);
    if (code === 1_001) return void this.failures.push(new Error('closed with 1001: it never comes back'));
    this.reconnect();
  }

  private reconnect(): void {
    if (this.left || this.asleep || this.timer !== undefined) return;
    this.connected = false;
    this.events.reconnecting();
    const pauseMs = (this.pauseMs * (0.5 + Math.random())) / this.options.speed;
    this.pauseMs = Math.min(this.pauseMs * 2, LAST_PAUSE_MS);
    const renewed = this.renewal ?? Promise.resolve();
    this.renewal = undefined;
    this.timer = setTimeout(() => {
      void renewed.then(() => {
        this.timer = undefined;
        if (!this.left && !this.asleep) this.connect();
      });
    }, pauseMs);
  }

  private put(type: string, body: object, answered?: Answered): void {
    this.lastId += 1;
    const id = String(this.lastId);
    if (answered) this.callbacks.set(id, answered);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ id, type, [type]: body }));
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.failures.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
