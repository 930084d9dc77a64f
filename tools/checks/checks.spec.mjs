import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeComplaint } from '../node-version.mjs';
import { sentenceFor, SetupFailure } from '../setup-failure.mjs';
import { countLine, countTests } from './outcome.mjs';
import { findTestFiles } from './test-files.mjs';

const test = (status, fullName = 'a test') => ({ status, fullName });

describe('counting tests', () => {
  it('counts what passed and failed', () => {
    const counts = countTests({
      numPassedTests: 2,
      numFailedTests: 1,
      testResults: [{ name: 'a.spec.ts', assertionResults: [test('passed'), test('passed'), test('failed')] }],
    });
    expect(countLine(counts)).toBe('2 passed, 1 failed');
  });

  it('counts skipped tests, todos and files that did not run as failed', () => {
    const counts = countTests({
      numPassedTests: 1,
      numFailedTests: 0,
      testResults: [
        { name: 'a.spec.ts', assertionResults: [test('passed'), test('pending', 'later'), test('todo', 'some day')] },
        { name: 'b.spec.ts', assertionResults: [] },
      ],
    });
    expect(countLine(counts)).toBe('1 passed, 3 failed');
    expect(counts.skipped).toEqual(['a.spec.ts: later', 'a.spec.ts: some day']);
    expect(counts.broken).toEqual(['b.spec.ts']);
  });

  it('counts nothing when Jest wrote nothing', () => {
    expect(countLine(countTests(undefined))).toBe('0 passed, 0 failed');
  });
});

describe('the machine', () => {
  it.each([
    ['18.19.0', true],
    ['20.18.3', true],
    ['20.19.0', false],
    ['24.0.0', false],
  ])('with Node %s is complained about: %s', (version, complains) => {
    expect(nodeComplaint(version) !== undefined).toBe(complains);
  });

  it('that is full is one sentence, wherever the error was wrapped; a bug keeps its stack', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(sentenceFor(new Error('initdb failed', { cause: full }), '/p')).toMatch(/^the disk is full: .*\/p/);
    expect(sentenceFor(new SetupFailure('do this'), '/p')).toBe('do this');
    expect(sentenceFor(new TypeError('bug'), '/p')).toBeUndefined();
  });
});

describe('test files', () => {
  it('are found whatever their suffix, but not in what is installed or built', () => {
    const root = mkdtempSync(join(tmpdir(), 'parley-tests-'));
    for (const folder of ['a', 'node_modules', 'dist']) mkdirSync(join(root, folder));
    for (const file of ['a/x.spec.ts', 'a/y.test.tsx', 'a/z.ts', 'node_modules/n.spec.js', 'dist/d.spec.js']) {
      writeFileSync(join(root, file), '');
    }
    expect(findTestFiles(root).sort()).toEqual(['a/x.spec.ts', 'a/y.test.tsx']);
    rmSync(root, { recursive: true });
  });
});
