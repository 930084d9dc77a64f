/** The image's health check: exits 0 when the service in this container answers that it is ready, 1 otherwise. */
const port = process.env.PORT ?? '8080';

try {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(3_000) });
  process.exit(answer.ok ? 0 : 1);
} catch {
  process.exit(1);
}
