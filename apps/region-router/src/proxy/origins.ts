/** The parts of a base URL that a request needs. */
export interface Origin {
  readonly secure: boolean;
  /** Without brackets. */
  readonly hostname: string;
  /** Empty for the scheme's own. */
  readonly port: string;
  /** As in the `Host` header. */
  readonly host: string;
}

/** Takes a base URL of ours apart. */
export function originOf(base: string): Origin {
  const { protocol, hostname, port, host } = new URL(base);
  return { secure: protocol === 'https:', hostname: hostname.replace(/^\[|\]$/g, ''), port, host };
}
