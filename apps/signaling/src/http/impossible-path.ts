import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * Answers to paths that never reach a hook, because they cannot be decoded or are too long: in plain text, and with the
 * headers that Talk expects on every answer.
 */
export function answerImpossiblePath(headers: OutgoingHttpHeaders) {
  return (
    { statusCode }: { readonly statusCode?: number },
    _request: unknown,
    reply: { hijack(): unknown; readonly raw: ServerResponse },
  ): void => {
    reply.hijack();
    const text = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
    // Whatever body was sent is left unread.
    reply.raw.writeHead(statusCode ?? 400, { ...headers, ...text, connection: 'close' }).end('Bad request\n');
  };
}
