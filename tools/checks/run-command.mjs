import { spawn } from 'node:child_process';

/**
 * Runs a program to its end.
 * @param {{cwd: string, show?: boolean, signal?: AbortSignal}} options `show` lets it write to our terminal
 * @returns {Promise<{code: number, output: string}>} `output` is empty when shown
 */
export function runCommand(args, { cwd, show = false, signal }) {
  const stdio = show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, args, { cwd, stdio, signal, killSignal: 'SIGINT' });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => {
    child.once('error', (error) => (output += error.message));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
