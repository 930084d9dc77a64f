/** What clients are told as the version of the server; the same as the package's. */
export const VERSION = '0.1.0';
