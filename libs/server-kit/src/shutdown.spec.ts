import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { UnknownErrorReporter, createLogger } from './index';

const root = join(__dirname, '../../..');

/** Runs a real process with the sources compiled on the fly; `act` hears each line it prints. */
async function run(
  script: string,
  act: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
) {
  const boot = `
    const swc = require('@swc/core'); const fs = require('fs');
    require.extensions['.ts'] = (module, file) => module._compile(swc.transformSync(fs.readFileSync(file, 'utf8'),
      { filename: file, swcrc: false, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } }).code, file);
    const { watchProcess } = require(${JSON.stringify(join(__dirname, 'shutdown.ts'))});
    const say = (text) => process.stdout.write(text + '\\n');
    const logger = { info() {}, error: (fields, text) => say(text) };
    const errors = { report: (error) => (say('reported ' + error.message), 'err_1') };
    const exit = (code) => process.exit(code);
    setInterval(() => {}, 1000);
    ${script}`;
  const child = spawn(process.execPath, ['-e', boot], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) {
      lines.push(line);
      act(line, (signal) => child.kill(signal));
    }
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines };
}

const watch = (close: string, deadlineMs = 5000) =>
  `watchProcess({ logger, errors, exit, deadlineMs: ${deadlineMs}, close: ${close} });`;

describe('watchProcess', () => {
  it('closes on SIGTERM and exits with 0', async () => {
    const script = `${watch(`async () => say('closed')`)} say('up');`;
    const { code, lines } = await run(script, (line, kill) => line === 'up' && kill('SIGTERM'));
    expect({ code, lines }).toEqual({ code: 0, lines: ['up', 'closed'] });
  });

  it('gives up after the deadline', async () => {
    const script = `${watch(`() => new Promise(() => {})`, 50)} say('up');`;
    const { code, lines } = await run(script, (line, kill) => line === 'up' && kill('SIGINT'));
    expect({ code, lines }).toEqual({ code: 1, lines: ['up', 'shutdown takes too long; giving up'] });
  });

  it('survives a rejection nobody handled, ends after an uncaught exception', async () => {
    const script = `${watch(`async () => say('closed')`)}
      Promise.reject(new Error('one'));
      setTimeout(() => { say('alive'); setTimeout(() => { throw new Error('two'); }, 1); }, 20);`;
    const { code, lines } = await run(script);
    expect({ code, lines }).toEqual({ code: 1, lines: ['reported one', 'alive', 'reported two', 'closed'] });
  });
});

describe('UnknownErrorReporter', () => {
  it('logs an error once and keeps its id', () => {
    const lines: string[] = [];
    const logger = createLogger({
      service: 'x',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    });
    const errors = new UnknownErrorReporter(logger);
    const error = new Error('secret detail');
    const id = errors.report(error, { where: 'a' });
    expect(errors.report(error)).toBe(id);
    expect(errors.report('text')).not.toBe(id);
    expect(id).toMatch(/^err_[0-9a-f]{32}$/);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(id);
  });
});
