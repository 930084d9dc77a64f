import type { LoggerService } from '@nestjs/common';
import type { Logger } from './logging';

/**
 * What Nest itself says, in the service's own log. nestjs-pino's logger would not do: its root is the one of the first
 * application of the process, under whose name all others would then speak.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...more: unknown[]): void {
    this.write('info', message, more);
  }

  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, more);
  }

  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, more);
  }

  debug(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, more);
  }

  verbose(message: unknown, ...more: unknown[]): void {
    this.write('trace', message, more);
  }

  fatal(message: unknown, ...more: unknown[]): void {
    this.write('fatal', message, more);
  }

  /** Nest puts the name of the speaking class last and, for errors, a stack before it. */
  private write(
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    more: unknown[],
  ): void {
    const context = more.at(-1);
    const fields = typeof context === 'string' ? { context } : {};
    if (message instanceof Error) this.logger[level]({ ...fields, err: message }, 'nest');
    else if (typeof message === 'string') this.logger[level]({ ...fields, ...stackOf(more) }, message);
    else this.logger[level]({ ...fields, said: message }, 'nest');
  }
}

function stackOf(more: unknown[]): { stack?: string } {
  const stack = more.length > 1 ? more.at(-2) : undefined;
  return typeof stack === 'string' ? { stack } : {};
}
