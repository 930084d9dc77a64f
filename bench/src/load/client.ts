import { WebSocket } from 'ws';

const MARK = Buffer.from('"n":"');

/** One client of the standalone signaling protocol, as cheap as it can be: the load must not be what is measured. */
export class LoadClient {
  sessionId = '';
  /** Called with the number of every bench message that arrives. */
  heard: (message: number) => void = () => undefined;
  private answers: { type: string; resolve(text: string): void; reject(error: Error): void } | undefined;

  private constructor(
    private readonly socket: WebSocket,
    readonly name: string,
  ) {
    socket.on('message', (data: Buffer) => this.receive(data));
    socket.on('close', (code) => this.answers?.reject(new Error(`${name} was closed with ${code}`)));
    socket.on('error', () => undefined); // the close that follows says it
  }

  /** Connects and says hello 1.0. */
  static async connect(url: string, backendUrl: string, name: string): Promise<LoadClient> {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    const client = new LoadClient(socket, name);
    const welcome = client.expect('welcome');
    await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
    await welcome;
    // The older server posts to exactly this URL, newer ones cut it.
    const auth = { url: `${backendUrl}ocs/v2.php/apps/spreed/api/v1/signaling/backend`, params: { userid: name } };
    const answer = await client.ask('hello', {
      version: '1.0',
      auth: { ...auth, params: { ticket: 'good', userid: name } },
    });
    const { hello } = JSON.parse(answer) as { hello: { sessionid: string } };
    client.sessionId = hello.sessionid;
    return client;
  }

  async join(roomid: string): Promise<void> {
    await this.ask('room', { roomid, sessionid: `nc-${this.name}` });
  }

  send(text: string): void {
    this.socket.send(text);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.send('{"type":"bye","bye":{}}');
    setTimeout(() => this.socket.terminate(), 2_000).unref();
    await closed;
  }

  private ask(type: string, content: object): Promise<string> {
    const answer = this.expect(type);
    this.socket.send(JSON.stringify({ id: '1', type, [type]: content }));
    return answer;
  }

  private expect(type: string): Promise<string> {
    return new Promise((resolve, reject) => (this.answers = { type, resolve, reject }));
  }

  private receive(data: Buffer): void {
    const at = data.indexOf(MARK);
    if (at >= 0) return this.heard(numberAt(data, at + MARK.length));
    const { answers } = this;
    if (answers === undefined) return;
    const text = data.toString('utf8');
    const { type, id } = JSON.parse(text) as { type: string; id?: string };
    if (type === 'error') answers.reject(new Error(`${this.name}: ${text}`));
    else if (type !== answers.type || (type === 'room' && id !== '1')) return;
    else answers.resolve(text);
    this.answers = undefined;
  }
}

/** Digits up to the next quote. */
function numberAt(data: Buffer, start: number): number {
  let value = 0;
  for (let at = start; ; at += 1) {
    const digit = (data[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return value;
    value = value * 10 + digit;
  }
}
