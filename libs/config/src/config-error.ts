/** sysexits.h EX_CONFIG: the operator has to change something; restarting does not help. */
export const EXIT_CONFIG = 78;

/** The environment is not fit to start with. One line per problem; no values of secrets. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration has ${problems.length} problem(s):\n${problems.map((line) => `  - ${line}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** What {@link runOrExit} does to the world; replaced in tests. */
export interface ExitPort {
  write(text: string): void;
  exit(code: number): void;
}

/** Runs a service's start. A {@link ConfigError} ends the process with 78 and its list, anything else with 1. */
export async function runOrExit(start: () => Promise<unknown>, port: ExitPort = processPort): Promise<void> {
  try {
    await start();
  } catch (error) {
    if (error instanceof ConfigError) {
      port.write(`${error.message}\n`);
      return port.exit(EXIT_CONFIG);
    }
    port.write(
      `The service could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    port.exit(1);
  }
}

const processPort: ExitPort = {
  write: (text) => void process.stderr.write(text),
  exit: (code) => process.exit(code),
};
